//! The issuer identifier and the URLs below it: RFC 8414 §2.

use std::fmt;

use url::{Host, Url};

/// The paths of the endpoints. They stand below the issuer, which has no path of its own.
pub mod path {
    /// Registration (RFC 7591 §3).
    pub const REGISTER: &str = "/register";
    /// Tokens (RFC 6749 §3.2).
    pub const TOKEN: &str = "/token";
    /// Authorization (RFC 6749 §3.1), which this server only refuses.
    pub const AUTHORIZE: &str = "/authorize";
    /// Introspection (RFC 7662 §2).
    pub const INTROSPECT: &str = "/introspect";
    /// Revocation (RFC 7009 §2).
    pub const REVOKE: &str = "/revoke";
    /// The public keys (RFC 7517 §5).
    pub const JWKS: &str = "/.well-known/jwks.json";
    /// The server's metadata (RFC 8414 §3).
    pub const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
    /// The same document, for verifiers that know only this name (RFC 8414 §5).
    pub const OPENID_CONFIGURATION: &str = "/.well-known/openid-configuration";
}

/// An issuer identifier: an https origin without a trailing slash, kept byte for byte as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

/// Why a text is not an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerError {
    /// Not an absolute URL.
    #[error("is not an absolute URL")]
    NotAUrl,
    /// Neither https, nor http on a loopback address.
    #[error("must be https (http only on a loopback address)")]
    NotHttps,
    /// More than a scheme, a host and a port, or not in its normal form.
    #[error("must be an origin: scheme, host and port, without path, trailing slash, query or fragment")]
    NotAnOrigin,
}

impl Issuer {
    /// Parses an issuer identifier.
    ///
    /// # Errors
    /// [`IssuerError`] when the text is not an https origin (RFC 8414 §2).
    pub fn parse(text: &str) -> Result<Self, IssuerError> {
        let url = Url::parse(text).map_err(|_| IssuerError::NotAUrl)?;
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(IssuerError::NotHttps);
        }
        // A URL's origin in ASCII is its normal form: anything more or different shows.
        if url.origin().ascii_serialization() != text {
            return Err(IssuerError::NotAnOrigin);
        }
        Ok(Self(text.to_owned()))
    }

    /// The identifier, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, without a port.
    pub fn host(&self) -> &str {
        let authority = self.0.split_once("://").map_or("", |(_, authority)| authority);
        match authority.rsplit_once(':') {
            // A colon inside brackets is part of an IPv6 address.
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }

    /// The URL of an endpoint.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether this server runs on the developer's own machine: plain http on loopback.
    pub fn is_local(&self) -> bool {
        self.0.starts_with("http:")
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the URL's host is `localhost` or a loopback address (RFC 8252 §7.3, §8.3).
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// D1: the issuer stays byte for byte what was configured, so only its normal form is taken.
    #[test]
    fn d1_issuer_is_an_origin() {
        for good in ["https://as.example", "https://as.example:8443", "http://127.0.0.1:9000", "http://localhost:1"] {
            assert_eq!(Issuer::parse(good).expect(good).as_str(), good);
        }
        for (bad, why) in [
            ("", IssuerError::NotAUrl),
            ("as.example", IssuerError::NotAUrl),
            ("http://as.example", IssuerError::NotHttps),
            ("ftp://127.0.0.1", IssuerError::NotHttps),
            ("https://as.example/", IssuerError::NotAnOrigin),
            ("https://as.example/tenant", IssuerError::NotAnOrigin),
            ("https://as.example?x", IssuerError::NotAnOrigin),
            ("https://as.example#x", IssuerError::NotAnOrigin),
            ("https://user@as.example", IssuerError::NotAnOrigin),
            ("https://AS.example", IssuerError::NotAnOrigin),
            ("https://as.example:443", IssuerError::NotAnOrigin),
        ] {
            assert_eq!(Issuer::parse(bad), Err(why), "{bad:?}");
        }
    }

    /// D1: what is derived of an issuer. Its host has no port; plain http is a developer's own machine.
    #[test]
    fn d1_parts_of_an_issuer() {
        for (text, host, is_local) in [
            ("https://as.example", "as.example", false),
            ("https://as.example:8443", "as.example", false),
            ("https://localhost", "localhost", false),
            ("https://[2001:db8::1]", "[2001:db8::1]", false),
            ("https://[2001:db8::1]:8443", "[2001:db8::1]", false),
            ("http://127.0.0.1:9000", "127.0.0.1", true),
            ("http://127.255.0.1", "127.255.0.1", true),
            ("http://[::1]:9000", "[::1]", true),
            ("http://localhost", "localhost", true),
        ] {
            let issuer = Issuer::parse(text).expect(text);
            assert_eq!((issuer.host(), issuer.is_local()), (host, is_local), "{text}");
            assert_eq!((issuer.url("/token"), issuer.to_string()), (format!("{text}/token"), text.to_owned()));
        }
        for far in ["http://128.0.0.1", "http://[::2]", "http://localhost.example", "http://[::ffff:127.0.0.1]"] {
            assert_eq!(Issuer::parse(far), Err(IssuerError::NotHttps), "{far}");
        }
    }
}
