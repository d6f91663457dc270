//! The errors a client sees: RFC 6749 §5.2, RFC 7591 §3.2.2, RFC 8707 §2.
//!
//! Two layers. Small enums beside each parser say *what went wrong*; their `From` into [`OAuthError`]
//! picks the code. [`ErrorCode`] is the one table from code to text and HTTP status.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal;)*) => {
        /// A registered error code. The table of codes, their wire form and their HTTP status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $variant,)* }

        impl ErrorCode {
            /// Every code this server can answer with.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code as it stands in the `error` member.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status that goes with the code.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

error_codes! {
    /// Malformed, repeated or missing parameters (RFC 6749 §5.2).
    InvalidRequest = "invalid_request", 400;
    /// Client authentication failed, whatever the reason (RFC 6749 §5.2).
    InvalidClient = "invalid_client", 401;
    /// The assertion that is the grant is invalid, whatever the reason, or another client's (RFC 7521 §4.1.1).
    InvalidGrant = "invalid_grant", 400;
    /// The client may not use this grant (RFC 6749 §5.2).
    UnauthorizedClient = "unauthorized_client", 400;
    /// The server does not run this grant (RFC 6749 §5.2).
    UnsupportedGrantType = "unsupported_grant_type", 400;
    /// The scope is malformed or more than the client registered (RFC 6749 §5.2).
    InvalidScope = "invalid_scope", 400;
    /// The resource is unknown or malformed (RFC 8707 §2).
    InvalidTarget = "invalid_target", 400;
    /// The `DPoP` proof is not good (RFC 9449 §5).
    InvalidDpopProof = "invalid_dpop_proof", 400;
    /// The `DPoP` proof needs a nonce of this server (RFC 9449 §8).
    UseDpopNonce = "use_dpop_nonce", 400;
    /// A metadata member is malformed or not acceptable (RFC 7591 §3.2.2).
    InvalidClientMetadata = "invalid_client_metadata", 400;
    /// A redirect URI is not acceptable (RFC 7591 §3.2.2).
    InvalidRedirectUri = "invalid_redirect_uri", 400;
    /// A software statement is malformed, expired or not signed by its issuer (RFC 7591 §3.2.2).
    InvalidSoftwareStatement = "invalid_software_statement", 400;
    /// A software statement of an issuer that is not trusted (RFC 7591 §3.2.2).
    UnapprovedSoftwareStatement = "unapproved_software_statement", 400;
    /// The bearer token is not good (RFC 6750 §3.1).
    InvalidToken = "invalid_token", 401;
    /// No bearer token; has no code of its own on the wire (RFC 6750 §3.1).
    MissingToken = "", 401;
    /// Two requests changed the same thing at once, and this one lost.
    Conflict = "invalid_request", 409;
    /// Too many requests (RFC 6585 §4).
    TooManyRequests = "temporarily_unavailable", 429;
    /// Something broke that a retry will not mend (RFC 6749 §4.1.2.1).
    ServerError = "server_error", 500;
    /// Something is overloaded or out of reach; a retry may succeed (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable = "temporarily_unavailable", 503;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An `error_description`: only %x20-21 / %x23-5B / %x5D-7E, whatever it was made from (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description(Cow<'static, str>);

impl Description {
    /// The longest description, in bytes. What a request holds may be named in one, but not at length.
    pub const MAX_BYTES: usize = 256;

    /// Takes a text; every character the RFC forbids becomes `?`, and [`Self::MAX_BYTES`] is where it ends.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        if text.len() <= Self::MAX_BYTES && text.bytes().all(is_description_byte) {
            return Self(text);
        }
        let clean = |c| u8::try_from(c).ok().filter(|b| is_description_byte(*b)).map_or('?', char::from);
        Self(Cow::Owned(text.chars().take(Self::MAX_BYTES).map(clean).collect()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const fn is_description_byte(byte: u8) -> bool {
    matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

/// What the client is told: a code and a text for its developer. Serialises as the RFC's JSON object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {}", .description.as_str())]
pub struct OAuthError {
    /// The registered code.
    pub code: ErrorCode,
    /// The text for a person.
    pub description: Description,
}

impl OAuthError {
    /// An error with a description.
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        Self { code, description: Description::new(description) }
    }
}

impl Serialize for OAuthError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.code == ErrorCode::MissingToken {
            return serializer.serialize_struct("OAuthError", 0)?.end();
        }
        let mut object = serializer.serialize_struct("OAuthError", 2)?;
        object.serialize_field("error", self.code.as_str())?;
        object.serialize_field("error_description", self.description.as_str())?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T6: the characters of RFC 6749 §5.2, and nothing else, reach a description.
    #[test]
    fn t6_description_keeps_only_the_allowed_characters() {
        assert_eq!(Description::new("plain text, [x]!").as_str(), "plain text, [x]!");
        for (bytes, kept) in [(256, 256), (257, 256), (9999, 256)] {
            assert_eq!(Description::new("x".repeat(bytes)).as_str(), "x".repeat(kept));
        }
        assert_eq!(Description::new("a\"b\\c\nd\u{7f}é").as_str(), "a?b?c?d??");
    }

    #[test]
    fn serialises_as_the_rfc_example() {
        let error = OAuthError::new(ErrorCode::InvalidRequest, "why");
        let json = serde_json::to_string(&error).expect("serialises");
        assert_eq!(json, r#"{"error":"invalid_request","error_description":"why"}"#);
        assert_eq!(error.to_string(), "invalid_request: why");
        // RFC 6750 §3.1: a request without credentials is told no error.
        let error = OAuthError::new(ErrorCode::MissingToken, "why");
        assert_eq!(serde_json::to_string(&error).expect("serialises"), "{}");
    }
}
