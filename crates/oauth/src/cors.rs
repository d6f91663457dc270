//! Which pages of other origins may read which responses: the CORS protocol of the Fetch standard (§3.2), and RFC 9700
//! §2.6.

use crate::issuer::{Issuer, path};

/// Whose pages may read the responses of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody's: the document is public.
    Everyone,
    /// Those of the configured [`Origins`].
    Named,
    /// Nobody's: browsers go to the authorization endpoint, and no page fetches it (RFC 9700 §2.6).
    Nobody,
}

impl Sharing {
    /// That of the endpoint with this path; of an unknown path, what an endpoint would have.
    pub fn of(path: &str) -> Self {
        match path {
            path::JWKS | path::AUTHORIZATION_SERVER | path::OPENID_CONFIGURATION => Self::Everyone,
            path::AUTHORIZE => Self::Nobody,
            _ => Self::Named,
        }
    }
}

/// The origins whose pages may use the endpoints that are not public.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<Issuer>);

impl Origins {
    /// Reads origins separated by single spaces, in the form in which browsers send them (RFC 6454 §6.2): https, or http
    /// on loopback, never `*` or `null`.
    ///
    /// # Errors
    /// A text that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let origins = text.split(' ').map(|origin| match Issuer::parse(origin) {
            // A URL may have one in its host, where it would seem to stand for any name.
            _ if origin.contains('*') => Err(format!("{origin:?} has a *; name each origin")),
            Ok(origin) => Ok(origin),
            Err(error) => Err(format!("{origin:?} {error}")),
        });
        origins.collect::<Result<_, _>>().map(Self)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this value of `Origin` is one of them, byte for byte (RFC 6454 §7).
    pub fn contains(&self, origin: &[u8]) -> bool {
        self.0.iter().any(|own| own.as_str().as_bytes() == origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// O5: exact origins, and nothing that stands for several.
    #[test]
    fn o5_origins() {
        let origins = Origins::parse("https://app.example https://b.example:8443 http://localhost:3000 http://[::1]:1");
        let origins = origins.expect("origins");
        assert!(!origins.is_empty() && Origins::default().is_empty());
        for good in ["https://app.example", "https://b.example:8443", "http://localhost:3000", "http://[::1]:1"] {
            assert!(origins.contains(good.as_bytes()), "{good}");
        }
        for other in [
            "",
            "null",
            "*",
            "https://app.example/",
            "https://app.example:443",
            "https://APP.example",
            "http://app.example",
            "https://b.example",
            "https://evil.example",
            "https://app.example.evil.example",
            "https://sub.app.example",
            "https://app.example https://b.example:8443",
            "https://app.example\0",
        ] {
            assert!(!origins.contains(other.as_bytes()), "{other}");
        }
        let none = Origins::parse("").expect("none");
        assert!(none.is_empty() && !none.contains(b"") && !none.contains(b"null"));
        for bad in [
            " ",
            "*",
            "null",
            "https://*.example",
            "https://*",
            "https://app.example/",
            "https://app.example/x",
            "https://app.example https://b.example/",
            "https://app.example  https://b.example",
            "https://app.example,https://b.example",
            "https://user@app.example",
            "https://APP.example",
            "http://app.example",
            "chrome-extension://abc",
            "file://",
            "app.example",
        ] {
            Origins::parse(bad).expect_err(bad);
        }
    }

    /// D2: public documents are everybody's, and the authorization endpoint nobody's.
    #[test]
    fn d2_sharing() {
        for public in [path::JWKS, path::AUTHORIZATION_SERVER, path::OPENID_CONFIGURATION] {
            assert_eq!(Sharing::of(public), Sharing::Everyone);
        }
        assert_eq!(Sharing::of(path::AUTHORIZE), Sharing::Nobody);
        for named in [path::TOKEN, path::REGISTER, path::INTROSPECT, path::REVOKE, "/register/{client_id}", ""] {
            assert_eq!(Sharing::of(named), Sharing::Named, "{named}");
        }
    }
}
