//! The access token request: RFC 6749 §4.4.2, RFC 7523 §2.1, RFC 8707 §2.

use std::fmt;

use crate::error::{ErrorCode, OAuthError};
use crate::form::Form;
use crate::grant::Asked;
use crate::grant_type::{GrantType, JwtBearerGrant};
use crate::scope::{Scope, ScopeError};

/// The largest token request, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// A well-formed token request, without the credentials that come with it.
#[derive(Debug)]
pub struct TokenRequest<'a> {
    /// The grant that it presents.
    pub grant: PresentedGrant<'a>,
    scope: Option<Scope>,
    resources: Vec<&'a str>,
}

/// A grant, with what it consists of beside the client's credentials.
#[derive(Clone, Copy)]
pub enum PresentedGrant<'a> {
    /// [`GrantType::ClientCredentials`].
    ClientCredentials,
    /// [`GrantType::JwtBearer`], with its `assertion`.
    JwtBearer(&'a str),
}

impl PresentedGrant<'_> {
    /// The grant type.
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::ClientCredentials => GrantType::ClientCredentials,
            Self::JwtBearer(_) => GrantType::JwtBearer,
        }
    }
}

impl fmt::Debug for PresentedGrant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.grant_type().fmt(f)
    }
}

/// Why a request is not a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRequestError {
    /// No `grant_type` (RFC 6749 §4.4.2).
    #[error("grant_type is missing")]
    MissingGrantType,
    /// A grant that this server does not run.
    #[error("this server does not support this grant_type; its metadata lists those that it supports")]
    UnsupportedGrantType,
    /// No `assertion` (RFC 7523 §2.1).
    #[error("assertion is missing")]
    MissingAssertion,
    /// The scope is malformed (RFC 6749 §3.3).
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

impl From<TokenRequestError> for OAuthError {
    fn from(error: TokenRequestError) -> Self {
        let code = match error {
            TokenRequestError::MissingGrantType | TokenRequestError::MissingAssertion => ErrorCode::InvalidRequest,
            TokenRequestError::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            TokenRequestError::Scope(_) => ErrorCode::InvalidScope,
        };
        Self::new(code, error.to_string())
    }
}

impl<'a> TokenRequest<'a> {
    /// Reads a request for a deployment that runs the JWT bearer grant, or does not.
    ///
    /// # Errors
    /// [`TokenRequestError`] for the first thing that is wrong.
    pub fn parse(form: &'a Form<'_>, jwt_bearer: JwtBearerGrant) -> Result<Self, TokenRequestError> {
        let grant_type = form.value("grant_type").ok_or(TokenRequestError::MissingGrantType)?;
        let grant = match GrantType::from_name(grant_type, jwt_bearer) {
            Some(GrantType::ClientCredentials) => PresentedGrant::ClientCredentials,
            Some(GrantType::JwtBearer) => {
                PresentedGrant::JwtBearer(form.value("assertion").ok_or(TokenRequestError::MissingAssertion)?)
            }
            None => return Err(TokenRequestError::UnsupportedGrantType),
        };
        let scope = form.value("scope").map(Scope::parse).transpose()?;
        let resources = form.values("resource").collect();
        Ok(Self { grant, scope, resources })
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
        let request = TokenRequest::parse(&form, JwtBearerGrant::Off).expect("a request");
        assert_eq!(request.grant.grant_type(), GrantType::ClientCredentials);
        assert_eq!(request.asked().scope.map(Scope::as_str), Some("b a"));
        assert_eq!(request.asked().resources, ["x", "y"]);
        let form = Form::parse(b"grant_type=client_credentials").expect("a form");
        let request = TokenRequest::parse(&form, JwtBearerGrant::Off).expect("a request");
        assert_eq!((request.asked().scope, request.asked().resources), (None, [].as_slice()));
        for (body, code) in [
            ("", ErrorCode::InvalidRequest),
            ("grant_type=", ErrorCode::InvalidRequest),
            ("grant_type=password", ErrorCode::UnsupportedGrantType),
            ("grant_type=client_credentials&scope=%22", ErrorCode::InvalidScope),
        ] {
            let form = Form::parse(body.as_bytes()).expect("a form");
            let parsed = TokenRequest::parse(&form, JwtBearerGrant::On);
            assert_eq!(parsed.map_err(|error| OAuthError::from(error).code).expect_err(body), code);
        }
    }

    /// F5: the grant is read only where the deployment runs it, and needs its assertion.
    #[test]
    fn f5_jwt_bearer_requests() {
        const GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
        let parse = |more: &str, jwt_bearer| {
            let body = format!("{GRANT}{more}");
            let form = Form::parse(body.as_bytes()).expect("a form");
            TokenRequest::parse(&form, jwt_bearer).map(|request| format!("{:?}", request.grant))
        };
        let unsupported = Err(TokenRequestError::UnsupportedGrantType);
        assert_eq!(parse("&assertion=s3cr3t", JwtBearerGrant::On), Ok("JwtBearer".to_owned()));
        assert_eq!(parse("&assertion=s3cr3t", JwtBearerGrant::Off), unsupported);
        assert_eq!(parse("", JwtBearerGrant::Off), unsupported);
        for none in ["", "&assertion="] {
            assert_eq!(parse(none, JwtBearerGrant::On), Err(TokenRequestError::MissingAssertion));
        }
    }
}
