//! The FAPI 2.0 Security Profile (Final), as far as it concerns a server without an authorization endpoint: §5.3.2.1 and
//! §5.4.1 (S1 to S7).

use crate::jose::{ALGORITHMS, Algorithm};
use crate::jwk::SigningAlgorithm;
use crate::method::{CertificateMethod, Method};

/// The algorithms of FAPI 2.0 (§5.4.1), by their names. A note there allows the fully specified name of Ed25519 as soon
/// as it is registered, which RFC 9864 did.
const FAPI2_ALGORITHMS: &[(&str, Algorithm)] = &[
    ("PS256", Algorithm::PS256),
    ("ES256", Algorithm::ES256),
    ("EdDSA", Algorithm::EdDSA),
    ("Ed25519", Algorithm::EdDSA),
];

/// What a deployment requires beyond the RFCs. The default requires nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecurityProfile {
    /// Nothing.
    #[default]
    None,
    /// The FAPI 2.0 Security Profile.
    Fapi2,
}

impl SecurityProfile {
    /// The algorithms of tokens of others: client assertions, proofs and software statements.
    pub const fn algorithms(self) -> &'static [(&'static str, Algorithm)] {
        match self {
            Self::None => ALGORITHMS,
            Self::Fapi2 => FAPI2_ALGORITHMS,
        }
    }

    /// Whether tokens of others may have this algorithm.
    pub fn allows(self, algorithm: Algorithm) -> bool {
        self.algorithms().iter().any(|(_, allowed)| *allowed == algorithm)
    }

    /// Whether this server may sign with this algorithm.
    pub const fn allows_to_sign(self, algorithm: SigningAlgorithm) -> bool {
        match self {
            Self::None => true,
            Self::Fapi2 => match algorithm {
                SigningAlgorithm::Ps256
                | SigningAlgorithm::Es256
                | SigningAlgorithm::EdDsa
                | SigningAlgorithm::Ed25519 => true,
                SigningAlgorithm::Rs256 | SigningAlgorithm::Es384 => false,
            },
        }
    }

    /// The methods that a deployment offers: of those with certificates, at most one.
    pub fn methods(self, certificates: Option<CertificateMethod>) -> impl Iterator<Item = Method> {
        Method::offered(certificates).filter(move |method| self.allows_method(*method))
    }

    /// Whether clients may authenticate by this method (§5.3.2.1 item 6).
    pub const fn allows_method(self, method: Method) -> bool {
        match self {
            Self::None => true,
            Self::Fapi2 => !method.has_secret(),
        }
    }

    /// Whether clients may authenticate with assertions of other issuers. With FAPI 2.0 they may not: `private_key_jwt` is
    /// that of OpenID Connect Core 1.0 §9, where the client has registered the key and is the issuer (§5.3.2.1 item 6).
    pub const fn allows_federation(self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether every token is bound to a key or a certificate (§5.3.2.1 items 4 and 5).
    pub const fn requires_bound_tokens(self) -> bool {
        matches!(self, Self::Fapi2)
    }

    /// Whether `aud` of a client assertion must be a string (§5.3.2.1 item 8).
    pub const fn requires_audience_as_string(self) -> bool {
        matches!(self, Self::Fapi2)
    }

    /// Whether the keys of certificates must have the lengths of §5.4.1 items 2 and 3.
    pub const fn requires_long_certificate_keys(self) -> bool {
        matches!(self, Self::Fapi2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose;

    /// S3: what FAPI 2.0 allows is a part of what this server knows, in the same order and by the same names.
    #[test]
    fn s3_algorithms_of_the_profile() {
        let known: Vec<_> =
            ALGORITHMS.iter().filter(|(name, _)| ["PS256", "ES256", "EdDSA", "Ed25519"].contains(name)).collect();
        assert_eq!(known, SecurityProfile::Fapi2.algorithms().iter().collect::<Vec<_>>());
        for (name, algorithm) in ALGORITHMS {
            assert!(SecurityProfile::None.allows(*algorithm), "{name}");
            let allowed = SecurityProfile::Fapi2.allows(*algorithm);
            assert_eq!(allowed, known.iter().any(|(known, _)| known == name), "{name}");
        }
        for signing in SigningAlgorithm::ALL {
            let as_of_others = jose::algorithm(signing.as_str()).expect("known");
            assert!(SecurityProfile::None.allows_to_sign(*signing));
            assert_eq!(
                SecurityProfile::Fapi2.allows_to_sign(*signing),
                SecurityProfile::Fapi2.allows(as_of_others),
                "{signing}"
            );
        }
    }

    /// S2: FAPI 2.0 leaves the methods that need no secret; without a profile all stay.
    #[test]
    fn s2_methods_of_the_profile() {
        let allowed = |profile: SecurityProfile| {
            Method::ALL.iter().filter(|method| profile.allows_method(**method)).map(|method| method.as_str()).collect()
        };
        let fapi2: Vec<_> = allowed(SecurityProfile::Fapi2);
        assert_eq!(fapi2, ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]);
        assert_eq!(allowed(SecurityProfile::None).len(), Method::ALL.len());
    }

    /// S2, A7: of the methods that a deployment offers, the profile leaves those that it allows.
    #[test]
    fn s2_a7_methods_that_are_offered() {
        let offered = |profile: SecurityProfile, certificates| {
            profile.methods(certificates).map(Method::as_str).collect::<Vec<_>>().join(" ")
        };
        let secrets = "client_secret_basic client_secret_post private_key_jwt";
        assert_eq!(offered(SecurityProfile::None, None), secrets);
        assert_eq!(offered(SecurityProfile::Fapi2, None), "private_key_jwt");
        for method in CertificateMethod::ALL {
            let name = method.method().as_str();
            assert_eq!(offered(SecurityProfile::None, Some(method)), format!("{secrets} {name}"));
            assert_eq!(offered(SecurityProfile::Fapi2, Some(method)), format!("private_key_jwt {name}"));
        }
    }

    /// S2 to S5: what FAPI 2.0 requires beside methods and algorithms; without a profile nothing of it.
    #[test]
    fn s2_s3_s4_s5_what_the_profile_requires() {
        for (profile, is_fapi2) in [(SecurityProfile::None, false), (SecurityProfile::Fapi2, true)] {
            assert_eq!(profile.allows_federation(), !is_fapi2, "assertions of other issuers");
            assert_eq!(profile.requires_long_certificate_keys(), is_fapi2, "keys of certificates");
            assert_eq!(profile.requires_bound_tokens(), is_fapi2, "bound tokens");
            assert_eq!(profile.requires_audience_as_string(), is_fapi2, "the audience of assertions");
        }
    }
}
