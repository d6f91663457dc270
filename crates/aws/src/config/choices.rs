//! Settings whose value is one of a few names. Each list of names is defined once, here.

use tokenmint_oauth::grant::GrantPolicy;
use tokenmint_oauth::grant_type::JwtBearerGrant;
use tokenmint_oauth::method::CertificateMethod;
use tokenmint_oauth::security_profile::SecurityProfile;

macro_rules! choices {
    ($($(#[$doc:meta])* $setting:ident { $($(#[$value_doc:meta])* $variant:ident = $name:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $setting { $($(#[$value_doc])* $variant,)* }

        impl $setting {
            /// The names of all values.
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            /// The name of the value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The value with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    )*};
}

choices! {
    /// `REGISTRATION`: who may register (R15).
    Registration {
        /// Anyone.
        Open = "open",
        /// Any client with an initial access token.
        Protected = "protected",
        /// Registration is disabled.
        Disabled = "disabled",
    }

    /// `REGISTRATION_STATUS`: the status of a successful registration (R12).
    RegistrationStatus {
        /// 201, as RFC 7591 §3.2.1 requires.
        Created = "201",
        /// 200, for clients that require it.
        Ok = "200",
    }

    /// `SIGNING_MODE`: where tokens are signed.
    SigningMode {
        /// KMS signs every token (K1).
        Kms = "kms",
        /// The function signs, with keys that KMS generated and encrypted (K2).
        Sealed = "sealed",
    }

    /// `SIGNING_KEY_SPEC`: the spec of a sealed key pair, by its KMS name.
    SigningKeySpec {
        /// RSA with 2048 bits: RS256.
        Rsa2048 = "RSA_2048",
        /// P-256: ES256.
        EccNistP256 = "ECC_NIST_P256",
        /// P-384: ES384.
        EccNistP384 = "ECC_NIST_P384",
        /// Ed25519: the algorithm that `ED25519_ALG` names.
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
    }

    /// `ED25519_ALG`: the name of Ed25519 in the header of a token and in the key set.
    Ed25519Alg {
        /// RFC 8037's, which most verifiers know.
        EdDsa = "EdDSA",
        /// RFC 9864's.
        Ed25519 = "Ed25519",
    }

    /// `KEY_ROTATION`: whether this deployment makes sealed keys (G2).
    KeyRotation {
        /// It makes the keys. Of the regions that share a table of keys, one does.
        On = "on",
        /// It uses the keys that another region makes.
        Off = "off",
    }

    /// `ASSERTION_AUDIENCE`: the accepted values of `aud` in a client assertion (A6).
    AssertionAudience {
        /// The issuer only.
        Issuer = "issuer",
        /// The issuer or the token endpoint's URL.
        IssuerOrTokenEndpoint = "token-endpoint",
    }
}

/// The names of `GRANT_POLICY`.
pub(super) const GRANT_POLICIES: &[&str] = &["server", "registered"];

pub(super) fn grant_policy(name: &str) -> Option<GrantPolicy> {
    match name {
        "server" => Some(GrantPolicy::Server),
        "registered" => Some(GrantPolicy::Registered),
        _ => None,
    }
}

/// The names of `JWT_BEARER_GRANT`.
pub(super) const JWT_BEARER_GRANTS: &[&str] = &["off", "on"];

pub(super) fn jwt_bearer_grant(name: &str) -> Option<JwtBearerGrant> {
    match name {
        "off" => Some(JwtBearerGrant::Off),
        "on" => Some(JwtBearerGrant::On),
        _ => None,
    }
}

/// The names of `SECURITY_PROFILE`.
pub(super) const SECURITY_PROFILES: &[&str] = &["none", "fapi2"];

pub(super) fn security_profile(name: &str) -> Option<SecurityProfile> {
    match name {
        "none" => Some(SecurityProfile::None),
        "fapi2" => Some(SecurityProfile::Fapi2),
        _ => None,
    }
}

/// The names of `MUTUAL_TLS_METHOD`.
pub(super) const CERTIFICATE_METHODS: &[&str] =
    &[CertificateMethod::TlsClientAuth.method().as_str(), CertificateMethod::SelfSignedTlsClientAuth.method().as_str()];

pub(super) fn certificate_method(name: &str) -> Option<CertificateMethod> {
    CertificateMethod::ALL.into_iter().find(|method| method.method().as_str() == name)
}
