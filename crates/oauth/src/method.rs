//! The methods of client authentication, by their registered names: RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2.

use serde::{Deserialize, Serialize};

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A method of client authentication, by its registered name (RFC 7591 §2). The one list:
        /// registration, the token endpoint and the metadata document all read it.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Method { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl Method {
            /// All methods this server supports.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The registered name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

methods! {
    /// Identifier and secret as HTTP Basic credentials (RFC 6749 §2.3.1).
    #[default]
    ClientSecretBasic = "client_secret_basic";
    /// Identifier and secret as parameters of the body (RFC 6749 §2.3.1).
    ClientSecretPost = "client_secret_post";
    /// A JWT that one of the client's keys signed (RFC 7523 §2.2).
    PrivateKeyJwt = "private_key_jwt";
    /// A certificate of an authority that is trusted, with the registered name (RFC 8705 §2.1).
    TlsClientAuth = "tls_client_auth";
    /// A certificate with one of the client's keys (RFC 8705 §2.2).
    SelfSignedTlsClientAuth = "self_signed_tls_client_auth";
}

/// Whether a client named its method when it registered (A3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MethodChoice {
    /// It did, and is bound to that method.
    #[default]
    Named,
    /// It named none, and has the default, `client_secret_basic`. Since RFC 6749 §2.3.1 has both ways for a
    /// secret, and clients in use choose one by themselves, it may use either secret method.
    Defaulted,
}

/// The method by which clients authenticate with certificates (RFC 8705 §2).
///
/// A deployment offers one of the two, because both would share the trust store of its domain. The certificates
/// of `self_signed_tls_client_auth` clients are themselves in that store. A certificate that may sign others is an
/// authority there: its holder could sign one with the subject of any `tls_client_auth` client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateMethod {
    /// `tls_client_auth`: a trusted authority signed the certificate, with the registered subject (§2.1).
    #[default]
    TlsClientAuth,
    /// `self_signed_tls_client_auth`: the certificate has one of the client's keys (§2.2).
    SelfSignedTlsClientAuth,
}

impl CertificateMethod {
    /// Both methods.
    pub const ALL: [Self; 2] = [Self::TlsClientAuth, Self::SelfSignedTlsClientAuth];

    /// The method among all methods of client authentication.
    pub const fn method(self) -> Method {
        match self {
            Self::TlsClientAuth => Method::TlsClientAuth,
            Self::SelfSignedTlsClientAuth => Method::SelfSignedTlsClientAuth,
        }
    }
}

impl Method {
    /// The methods that a deployment offers: of those with certificates, at most one.
    pub fn offered(certificates: Option<CertificateMethod>) -> impl Iterator<Item = Self> {
        let certificates = certificates.map(CertificateMethod::method);
        Self::ALL.iter().copied().filter(move |method| !method.has_certificate() || certificates == Some(*method))
    }

    /// The method with this name, if it is supported.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|method| method.as_str() == name)
    }

    /// Whether registration makes a secret for it (R11).
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }

    /// Whether it needs a certificate, and so mutual TLS.
    pub const fn has_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }

    /// Whether it needs registered keys, in `jwks` or at `jwks_uri` (R8).
    pub const fn has_keys(self) -> bool {
        matches!(self, Self::PrivateKeyJwt | Self::SelfSignedTlsClientAuth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R8, R11, A7: what each method needs, by its registered name.
    #[test]
    fn r8_r11_a7_what_a_method_needs() {
        for (name, secret, certificate, keys) in [
            ("client_secret_basic", true, false, false),
            ("client_secret_post", true, false, false),
            ("private_key_jwt", false, false, true),
            ("tls_client_auth", false, true, false),
            ("self_signed_tls_client_auth", false, true, true),
        ] {
            let method = Method::from_name(name).expect(name);
            assert_eq!(method.as_str(), name);
            assert_eq!(serde_json::to_value(method).expect("serialises"), name);
            let needs = (method.has_secret(), method.has_certificate(), method.has_keys());
            assert_eq!(needs, (secret, certificate, keys), "{name}");
        }
        for unknown in ["", "none", "Client_Secret_Basic", "client_secret_jwt"] {
            assert_eq!(Method::from_name(unknown), None, "{unknown}");
        }
    }

    /// A7, D1: a deployment offers at most one of the methods with certificates.
    #[test]
    fn a7_d1_methods_that_are_offered() {
        let without = [Method::ClientSecretBasic, Method::ClientSecretPost, Method::PrivateKeyJwt];
        assert_eq!(Method::offered(None).collect::<Vec<_>>(), without);
        for (certificates, method) in [
            (CertificateMethod::TlsClientAuth, Method::TlsClientAuth),
            (CertificateMethod::SelfSignedTlsClientAuth, Method::SelfSignedTlsClientAuth),
        ] {
            assert_eq!(certificates.method(), method);
            let expected = [&without[..], &[method]].concat();
            assert_eq!(Method::offered(Some(certificates)).collect::<Vec<_>>(), expected);
        }
    }
}
