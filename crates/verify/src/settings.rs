//! What a resource server accepts.

use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jose::Algorithm;
use tokenmint_oauth::security_profile::SecurityProfile;
use tokenmint_oauth::{dpop, jose};
use url::Url;

/// The most seconds by which clocks may differ.
pub const MAX_LEEWAY: u32 = 60;

/// What a resource server accepts. [`Settings::new`] has the defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The authorization server; `iss` must be the same byte for byte.
    pub issuer: Issuer,
    /// The resource indicators of this server, of which `aud` must contain one (RFC 9068 §4), byte for byte.
    pub audiences: Vec<String>,
    /// The algorithms that tokens may be signed with. The key must be for the same one.
    pub algorithms: Vec<Algorithm>,
    /// By how many seconds the clock of the issuer may differ: at most [`MAX_LEEWAY`].
    pub leeway: u32,
    /// How long ago `iat` of a `DPoP` proof may be, in seconds: 1 to 300 ([`dpop::MAX_AGE`]). It may also be
    /// [`MAX_SKEW`](tokenmint_oauth::jose::MAX_SKEW) ahead, so a proof is valid for the sum of both.
    pub proof_max_age: u32,
    /// Whether a token must be bound to a key or a certificate.
    pub require_bound: bool,
    /// What this server requires beyond the RFCs. With FAPI 2.0, tokens and `DPoP` proofs are signed with PS256, ES256 or
    /// Ed25519 (§5.4.1 item 1), of [`Self::algorithms`] those that are left, and every token is bound (§5.3.4 item 5).
    pub security_profile: SecurityProfile,
    /// The URL of this server's metadata (RFC 9728), for challenges.
    pub resource_metadata: Option<String>,
}

/// Why no server can work with these settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No audience, or an empty one.
    #[error("at least one audience is required, and none may be empty")]
    Audiences,
    /// No algorithm that the security profile allows, or one that this library does not know.
    #[error("at least one algorithm that the profile allows is required, all of RSA, P-256, P-384 or Ed25519")]
    Algorithms,
    /// More than [`MAX_LEEWAY`].
    #[error("the leeway must be at most {MAX_LEEWAY} seconds")]
    Leeway,
    /// 0, or more than [`dpop::MAX_AGE`].
    #[error("the age of a proof must be 1 to {} seconds", dpop::MAX_AGE)]
    ProofAge,
    /// Not an http or https URL.
    #[error("the resource metadata must be an http or https URL")]
    ResourceMetadata,
}

impl Settings {
    /// The defaults: every algorithm that Tokenmint signs with, a leeway of 10 seconds, proofs that are at most 60 seconds
    /// old, tokens that may be unbound, and no security profile.
    pub fn new(issuer: Issuer, audience: impl Into<String>) -> Self {
        let algorithms = [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];
        Self {
            issuer,
            audiences: vec![audience.into()],
            algorithms: algorithms.into(),
            leeway: 10,
            proof_max_age: 60,
            require_bound: false,
            security_profile: SecurityProfile::None,
            resource_metadata: None,
        }
    }

    /// Whether tokens may be signed with this algorithm.
    pub(crate) fn allows(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm) && self.security_profile.allows(algorithm)
    }

    /// Whether a token must be bound, by either setting.
    pub(crate) const fn requires_bound(&self) -> bool {
        self.require_bound || self.security_profile.requires_bound_tokens()
    }

    /// Checks the settings.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(SettingsError::Audiences);
        }
        let is_known = |algorithm: &Algorithm| jose::ALGORITHMS.iter().any(|(_, known)| known == algorithm);
        if !self.algorithms.iter().all(is_known) || !self.algorithms.iter().any(|algorithm| self.allows(*algorithm)) {
            return Err(SettingsError::Algorithms);
        }
        if self.leeway > MAX_LEEWAY {
            return Err(SettingsError::Leeway);
        }
        if !(1..=dpop::MAX_AGE).contains(&self.proof_max_age.into()) {
            return Err(SettingsError::ProofAge);
        }
        // It becomes a quoted string of a header (RFC 9110 §5.6.4).
        let is_quotable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
        let is_url = |text: &str| Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        match &self.resource_metadata {
            Some(url) if !is_quotable(url) || !is_url(url) => Err(SettingsError::ResourceMetadata),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V1: settings that accept nothing, or too much, are refused by name.
    #[test]
    fn v1_settings_have_bounds() {
        let good = Settings::new(Issuer::parse("https://as.example").expect("an issuer"), "https://api.example");
        assert_eq!(good.check(), Ok(()));
        let with = |change: &dyn Fn(&mut Settings)| {
            let mut settings = good.clone();
            change(&mut settings);
            settings.check()
        };
        assert_eq!(with(&|settings| settings.audiences.clear()), Err(SettingsError::Audiences));
        assert_eq!(with(&|settings| settings.audiences.push(String::new())), Err(SettingsError::Audiences));
        assert_eq!(with(&|settings| settings.algorithms.clear()), Err(SettingsError::Algorithms));
        assert_eq!(with(&|settings| settings.algorithms.push(Algorithm::HS256)), Err(SettingsError::Algorithms));
        let fapi2 = |algorithms: &[Algorithm]| {
            with(&|settings| {
                settings.security_profile = SecurityProfile::Fapi2;
                settings.algorithms = algorithms.into();
            })
        };
        assert_eq!(fapi2(&good.algorithms), Ok(()));
        assert_eq!(fapi2(&[Algorithm::RS256, Algorithm::ES384]), Err(SettingsError::Algorithms));
        assert_eq!(fapi2(&[Algorithm::ES256, Algorithm::HS256]), Err(SettingsError::Algorithms));
        assert_eq!(with(&|settings| settings.leeway = 60), Ok(()));
        assert_eq!(with(&|settings| settings.leeway = 61), Err(SettingsError::Leeway));
        for (age, checked) in [(0, Err(SettingsError::ProofAge)), (1, Ok(())), (300, Ok(()))] {
            assert_eq!(with(&|settings| settings.proof_max_age = age), checked, "{age}");
        }
        assert_eq!(with(&|settings| settings.proof_max_age = 301), Err(SettingsError::ProofAge));
        for (url, is_good) in [
            ("https://api.example/.well-known/oauth-protected-resource", true),
            ("http://localhost:9100/", true),
            ("urn:x", false),
            ("x", false),
            ("https://api.example/\"x", false),
            ("https://api.example/\r\nx: y", false),
        ] {
            assert_eq!(with(&|settings| settings.resource_metadata = Some(url.to_owned())).is_ok(), is_good, "{url}");
        }
    }
}
