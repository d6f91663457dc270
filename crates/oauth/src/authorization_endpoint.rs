//! What the metadata says of an authorization endpoint: RFC 6749 §3.1, RFC 8414 §2.
//!
//! No grant of this server needs one, and RFC 8414 §2 then allows to leave it out. Some clients refuse a metadata
//! document without it all the same.

use url::Url;

use crate::issuer::{Issuer, is_loopback, path};

/// The authorization endpoint that the metadata names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AuthorizationEndpoint {
    /// None.
    #[default]
    None,
    /// This server's own, which refuses every response type.
    Compat,
    /// That of another server.
    Other(String),
}

/// Why a text is not an authorization endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be compat, or an https URL (http only on a loopback address) without fragment")]
pub struct AuthorizationEndpointError;

impl AuthorizationEndpoint {
    /// Reads `compat`, or the URL of another server's endpoint. It must not have a fragment (RFC 6749 §3.1).
    ///
    /// # Errors
    /// [`AuthorizationEndpointError`].
    pub fn parse(text: &str) -> Result<Self, AuthorizationEndpointError> {
        if text == "compat" {
            return Ok(Self::Compat);
        }
        let url = Url::parse(text).map_err(|_| AuthorizationEndpointError)?;
        let is_secure = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && url.fragment().is_none();
        let has_user = !url.username().is_empty() || url.password().is_some();
        let is_good = is_secure && is_plain && !has_user;
        is_good.then(|| Self::Other(text.to_owned())).ok_or(AuthorizationEndpointError)
    }

    /// Whether this server has the endpoint.
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Compat)
    }

    /// The URL for the metadata.
    pub(crate) fn url(&self, issuer: &Issuer) -> Option<String> {
        match self {
            Self::None => None,
            Self::Compat => Some(issuer.url(path::AUTHORIZE)),
            Self::Other(url) => Some(url.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D1: what may be configured, byte for byte.
    #[test]
    fn d1_authorization_endpoint() {
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        let url = |text: &str| AuthorizationEndpoint::parse(text).map(|endpoint| endpoint.url(&issuer));
        assert_eq!(AuthorizationEndpoint::default().url(&issuer), None);
        assert_eq!(url("compat"), Ok(Some("https://as.example/authorize".to_owned())));
        for good in [
            "https://login.example/authorize",
            "https://login.example/oauth2/authorize?tenant=1",
            "https://login.example",
            "http://127.0.0.1:8080/authorize",
            "http://localhost/a",
        ] {
            assert_eq!(url(good), Ok(Some(good.to_owned())));
        }
        for bad in [
            "",
            "Compat",
            "/authorize",
            "login.example/authorize",
            "http://login.example/authorize",
            "https://login.example/authorize#",
            "https://login.example/authorize#x",
            "https://user@login.example/",
            "https://:secret@login.example/",
            " https://login.example/",
            "https://login.example/a b",
            "javascript:alert(1)",
        ] {
            assert_eq!(url(bad), Err(AuthorizationEndpointError), "{bad:?}");
        }
    }

    /// D1: only `compat` makes it an endpoint of this server.
    #[test]
    fn d1_own_authorization_endpoint() {
        assert!(AuthorizationEndpoint::Compat.is_own());
        assert!(!AuthorizationEndpoint::None.is_own());
        assert!(!AuthorizationEndpoint::Other("https://login.example/".to_owned()).is_own());
    }
}
