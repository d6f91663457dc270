//! The access token that a request presents: RFC 6750 §2.1, RFC 9449 §7.1.

use std::fmt;

use tokenmint_oauth::jose::UnverifiedToken;

use crate::refusal::{Refusal, TokenRefusal};
use crate::request::Request;
use crate::scheme::Scheme;

/// The longest access token, in bytes. API Gateway accepts headers of less than 10,240 bytes in total.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// A token that was presented; nothing of it is proven.
pub struct Presented<'a> {
    /// How it was sent.
    pub(crate) scheme: Scheme,
    /// The token as it was sent.
    pub(crate) text: &'a str,
    pub(crate) token: UnverifiedToken<'a>,
    pub(crate) request: Request<'a>,
}

impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

impl<'a> Presented<'a> {
    /// Reads the token of a request.
    ///
    /// # Errors
    /// [`Refusal`] where there is not exactly one token, or one that is malformed.
    pub(crate) fn read(request: Request<'a>) -> Result<Self, Refusal> {
        let header = match request.authorization {
            [] => return Err(Refusal::NoToken),
            // API Gateway joins several headers into one. No token has a comma.
            [one] if one.contains(&b',') => return Err(Refusal::Repeated),
            [one] => one.trim_ascii(),
            _ => return Err(Refusal::Repeated),
        };
        let at = header.iter().position(|byte| *byte == b' ').unwrap_or(header.len());
        let (scheme, text) = header.split_at(at);
        let scheme = match scheme {
            _ if scheme.eq_ignore_ascii_case(b"Bearer") => Scheme::Bearer,
            _ if scheme.eq_ignore_ascii_case(b"DPoP") => Scheme::Dpop,
            _ => return Err(Refusal::NoToken),
        };
        let refused = |refusal| Refusal::Token(scheme, refusal);
        let text = str::from_utf8(text.trim_ascii()).map_err(|_| refused(TokenRefusal::Malformed))?;
        if text.len() > MAX_TOKEN_BYTES {
            return Err(refused(TokenRefusal::Malformed));
        }
        let token = UnverifiedToken::parse(text).map_err(|error| refused(error.into()))?;
        Ok(Self { scheme, text, token, request })
    }

    /// The refusal of this token.
    pub(crate) const fn refused(&self, refusal: TokenRefusal) -> Refusal {
        Refusal::Token(self.scheme, refusal)
    }
}
