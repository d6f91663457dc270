//! The settings that contradict `SECURITY_PROFILE` (S1). What is left can be run within the profile.

use tokenmint_oauth::authorization_endpoint::AuthorizationEndpoint;
use tokenmint_oauth::federation::TrustedIssuers;
use tokenmint_oauth::grant_type::JwtBearerGrant;
use tokenmint_oauth::jwk::SigningAlgorithm;
use tokenmint_oauth::security_profile::SecurityProfile;
use tokenmint_oauth::software_statement::TrustedIssuer;

use super::environment::Reader;
use super::{AssertionAudience, Sealed, Signing};

/// The settings of the token function that a profile restricts; `None` if absent or invalid.
pub(super) struct Restricted<'s> {
    pub(super) signing: Option<&'s Signing>,
    pub(super) assertion_audience: Option<AssertionAudience>,
    pub(super) trusted_issuers: Option<&'s TrustedIssuers>,
    pub(super) authorization_endpoint: Option<&'s AuthorizationEndpoint>,
    pub(super) jwt_bearer_grant: Option<JwtBearerGrant>,
}

impl Restricted<'_> {
    /// Notes every setting that contradicts the profile.
    pub(super) fn check(&self, profile: Option<SecurityProfile>, reader: &mut Reader<'_>) {
        if profile != Some(SecurityProfile::Fapi2) {
            return;
        }
        match self.signing {
            Some(Signing::Kms(keys)) => {
                let named = keys.iter().filter_map(|key| Some((&key.id, key.algorithm?)));
                for (id, algorithm) in named.filter(|(_, algorithm)| !SecurityProfile::Fapi2.allows_to_sign(*algorithm))
                {
                    reader.refuse("SIGNING_KEYS", kms_key(id, algorithm));
                }
            }
            Some(Signing::Sealed(Sealed { spec, ed25519_alg, .. })) => {
                let algorithm = spec.algorithm(*ed25519_alg);
                if !SecurityProfile::Fapi2.allows_to_sign(algorithm) {
                    let (spec, allowed) = (spec.as_str(), "ECC_NIST_P256 or ECC_NIST_EDWARDS25519");
                    reader.refuse(
                        "SIGNING_KEY_SPEC",
                        format!("{spec} signs {algorithm}; with SECURITY_PROFILE=fapi2 it must be {allowed}"),
                    );
                }
            }
            None => {}
        }
        if self.assertion_audience == Some(AssertionAudience::IssuerOrTokenEndpoint) {
            reader.refuse("ASSERTION_AUDIENCE", "must be issuer with SECURITY_PROFILE=fapi2".to_owned());
        }
        if self.trusted_issuers.is_some_and(|issuers| !issuers.is_empty()) {
            let reason =
                "must not name an issuer with SECURITY_PROFILE=fapi2: clients authenticate with keys of their own";
            reader.refuse("TRUSTED_ISSUERS", reason.to_owned());
        }
        if self.authorization_endpoint.is_some() {
            let reason =
                "must not be set with SECURITY_PROFILE=fapi2: no flow with an authorization endpoint is supported";
            reader.refuse("AUTHORIZATION_ENDPOINT", reason.to_owned());
        }
        if self.jwt_bearer_grant == Some(JwtBearerGrant::On) {
            let reason = "must be off with SECURITY_PROFILE=fapi2: the grant needs no client authentication";
            reader.refuse("JWT_BEARER_GRANT", reason.to_owned());
        }
    }
}

/// What is wrong with a key in `SIGNING_KEYS` that signs with an algorithm which the profile does not allow.
pub(crate) fn kms_key(id: &str, algorithm: SigningAlgorithm) -> String {
    format!("{id} signs {algorithm}; with SECURITY_PROFILE=fapi2 every key must sign PS256 or ES256")
}

/// Checks that each issuer of software statements has a key for an algorithm that the profile allows.
pub(super) fn statement_issuers(profile: Option<SecurityProfile>, issuers: &[TrustedIssuer]) -> Result<(), String> {
    let Some(profile) = profile else { return Ok(()) };
    let can_sign =
        |issuer: &&TrustedIssuer| profile.algorithms().iter().any(|(_, algorithm)| issuer.keys.can_verify(*algorithm));
    match issuers.iter().find(|issuer| !can_sign(issuer)) {
        Some(TrustedIssuer { issuer, .. }) => {
            let names: Vec<_> = profile.algorithms().iter().map(|(name, _)| *name).collect();
            Err(format!("the jwks of {issuer:?} holds no key for {}", names.join(", ")))
        }
        None => Ok(()),
    }
}
