//! The access token request: RFC 6749 §4.4.2, RFC 8707 §2.

use crate::error::{ErrorCode, OAuthError};
use crate::form::Form;
use crate::grant::Asked;
use crate::grant_type::GrantType;
use crate::scope::{Scope, ScopeError};

/// The largest token request, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// A well-formed token request, without the credentials that come with it.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// The grant type.
    pub grant_type: GrantType,
    scope: Option<Scope>,
    resources: Vec<&'a str>,
}

/// Why a request is not a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRequestError {
    /// No `grant_type` (RFC 6749 §4.4.2).
    #[error("grant_type is missing")]
    MissingGrantType,
    /// A grant that this server does not run.
    #[error("this server issues tokens for grant_type=client_credentials only")]
    UnsupportedGrantType,
    /// The scope is malformed (RFC 6749 §3.3).
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

impl From<TokenRequestError> for OAuthError {
    fn from(error: TokenRequestError) -> Self {
        let code = match error {
            TokenRequestError::MissingGrantType => ErrorCode::InvalidRequest,
            TokenRequestError::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            TokenRequestError::Scope(_) => ErrorCode::InvalidScope,
        };
        Self::new(code, error.to_string())
    }
}

impl<'a> TokenRequest<'a> {
    /// Reads a request.
    ///
    /// # Errors
    /// [`TokenRequestError`] for the first thing that is wrong.
    pub fn parse(form: &'a Form<'_>) -> Result<Self, TokenRequestError> {
        let grant_type = form.value("grant_type").ok_or(TokenRequestError::MissingGrantType)?;
        let grant_type = GrantType::from_name(grant_type).ok_or(TokenRequestError::UnsupportedGrantType)?;
        let scope = form.value("scope").map(Scope::parse).transpose()?;
        let resources = form.values("resource").collect();
        Ok(Self { grant_type, scope, resources })
    }

    /// What the client asks for.
    pub fn asked(&self) -> Asked<'_> {
        Asked { scope: self.scope.as_ref(), resources: &self.resources }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T2, T3, T4: what a request asks for, and the first thing that is wrong with it.
    #[test]
    fn t2_t3_t4_request() {
        let form = Form::parse(b"grant_type=client_credentials&scope=b+a&resource=x&resource=y").expect("a form");
        let request = TokenRequest::parse(&form).expect("a request");
        assert_eq!(request.grant_type, GrantType::ClientCredentials);
        assert_eq!(request.asked().scope.map(Scope::as_str), Some("b a"));
        assert_eq!(request.asked().resources, ["x", "y"]);
        let form = Form::parse(b"grant_type=client_credentials").expect("a form");
        let request = TokenRequest::parse(&form).expect("a request");
        assert_eq!((request.asked().scope, request.asked().resources), (None, [].as_slice()));
        for (body, code) in [
            ("", ErrorCode::InvalidRequest),
            ("grant_type=", ErrorCode::InvalidRequest),
            ("grant_type=password", ErrorCode::UnsupportedGrantType),
            ("grant_type=client_credentials&scope=%22", ErrorCode::InvalidScope),
        ] {
            let form = Form::parse(body.as_bytes()).expect("a form");
            assert_eq!(TokenRequest::parse(&form).map_err(|error| OAuthError::from(error).code).expect_err(body), code);
        }
    }
}
