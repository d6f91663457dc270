//! Bearer tokens that protect registration: RFC 6750 §2.1 and §3.
//!
//! Two kinds are ours: the initial access token (RFC 7591 §3) and the registration access token
//! (RFC 7592 §3). Both are [secrets](crate::secret) of this server's making, so their hash is all that
//! is kept of what a request presents.

use std::fmt;

use crate::error::{ErrorCode, OAuthError};
use crate::secret::SecretHash;

/// A bearer token that was presented.
/// Its `Debug` shows nothing of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BearerToken<'a> {
    token: &'a str,
    hash: SecretHash,
}

/// Why a request is not authorized by a bearer token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// No bearer token: the challenge has no error code (RFC 6750 §3.1).
    #[error("no bearer token")]
    Missing,
    /// More than one `Authorization` header, also joined into one with a comma.
    #[error("more than one Authorization header")]
    Repeated,
    /// The token is malformed, unknown, spent, expired, or not good for this.
    #[error("{0}")]
    Invalid(&'static str),
}

impl From<BearerError> for OAuthError {
    fn from(error: BearerError) -> Self {
        match error {
            BearerError::Missing => Self::new(ErrorCode::MissingToken, "a bearer token is needed"),
            BearerError::Repeated => Self::new(ErrorCode::InvalidRequest, error.to_string()),
            // What exactly is wrong with it is the log's to know.
            BearerError::Invalid(_) => Self::new(ErrorCode::InvalidToken, "the bearer token is not good"),
        }
    }
}

impl<'a> BearerToken<'a> {
    /// Reads the token from the values of all `Authorization` headers.
    ///
    /// # Errors
    /// [`BearerError`] where there is not exactly one, well-formed (`b64token`, RFC 6750 §2.1).
    pub fn present(authorization: &[&'a [u8]]) -> Result<Self, BearerError> {
        let header = match authorization {
            [] => return Err(BearerError::Missing),
            [one] if one.contains(&b',') => return Err(BearerError::Repeated),
            [one] => *one,
            _ => return Err(BearerError::Repeated),
        };
        let at = header.iter().position(|byte| *byte == b' ').unwrap_or(header.len());
        let (scheme, token) = header.split_at(at);
        if !scheme.eq_ignore_ascii_case(b"bearer") {
            return Err(BearerError::Missing);
        }
        let token = str::from_utf8(token.trim_ascii()).map_err(|_| BearerError::Invalid("malformed bearer token"))?;
        let is_b64token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if token.is_empty() || !token.bytes().all(is_b64token) {
            return Err(BearerError::Invalid("malformed bearer token"));
        }
        Ok(Self { token, hash: SecretHash::of(token) })
    }

    /// The hash under which the token is known.
    pub const fn hash(&self) -> &SecretHash {
        &self.hash
    }

    /// The token in clear, for the answer that repeats it (RFC 7592 §3).
    pub const fn reveal(&self) -> &'a str {
        self.token
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// M3, R15: exactly one token, in its form.
    #[test]
    fn m3_present() {
        assert_eq!(
            BearerToken::present(&[b"bEARER abc"]),
            Ok(BearerToken { token: "abc", hash: SecretHash::of("abc") })
        );
        assert_eq!(BearerToken::present(&[b"Bearer abc"]).map(|token| token.reveal().to_owned()), Ok("abc".to_owned()));
        assert_eq!(BearerToken::present(&[]), Err(BearerError::Missing));
        assert_eq!(BearerToken::present(&[b"Basic abc"]), Err(BearerError::Missing));
        assert_eq!(BearerToken::present(&[b"Bearer a", b"Bearer a"]), Err(BearerError::Repeated));
        assert_eq!(BearerToken::present(&[b"Bearer a, Bearer a"]), Err(BearerError::Repeated));
        for bad in [&b"Bearer"[..], b"Bearer ", b"Bearer a b", b"Bearer \xff", b"Bearer a\"b"] {
            assert!(matches!(BearerToken::present(&[bad]), Err(BearerError::Invalid(_))), "{bad:?}");
        }
    }

    proptest! {
        /// Any header: no panic, a registered error code.
        #[test]
        fn any_header(header: Vec<u8>) {
            if let Err(error) = BearerToken::present(&[&header]) {
                let code = OAuthError::from(error).code;
                let expected = [ErrorCode::MissingToken, ErrorCode::InvalidToken, ErrorCode::InvalidRequest];
                prop_assert!(expected.contains(&code));
            }
        }
    }
}
