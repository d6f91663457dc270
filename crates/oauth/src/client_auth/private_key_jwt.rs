//! `private_key_jwt`: RFC 7523 §2.2 and §3, over RFC 7521 §4.2.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::context::ProofContext;
use super::error::{AssertionError, PresentError};
use super::jti::Jti;
use crate::EpochSeconds;
use crate::client::ClientId;
use crate::jose::{
    Algorithm, Claims, MAX_SKEW, NotATime, PublicKeys, TokenError, Unverified, UnverifiedToken, Verified,
};

/// `client_assertion_type` of a JWT (RFC 7523 §2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An assertion and the client that it claims to be of.
pub struct Assertion {
    pub(super) client_id: ClientId,
    token: String,
    claims: Claims<Unverified>,
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assertion").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl Assertion {
    /// An assertion of the client that `sub` names.
    pub(super) fn present(token: &str, claims: Claims<Unverified>) -> Result<Self, PresentError> {
        let subject = claims.text("sub").ok_or(PresentError::AssertionWithoutSubject)?;
        let client_id = ClientId::parse(subject).map_err(|_| PresentError::MalformedClientId)?;
        Ok(Self { client_id, token: token.to_owned(), claims })
    }

    /// Whether it claims to be by the client itself, as RFC 7523 §3 has it.
    pub(super) fn is_by_the_client(&self) -> bool {
        self.claims.text("iss") == Some(self.client_id.as_str())
    }
}

/// An assertion that is valid if one of the client's keys has signed it.
pub(super) struct PlausibleAssertion<'a> {
    assertion: &'a Assertion,
    token: UnverifiedToken<'a>,
}

impl Assertion {
    /// Checks all that can be checked without the client's keys. `registered` is the one algorithm that the client
    /// uses, if it registered one. What the claims say is only compared here:
    /// [`PlausibleAssertion::prove`] takes it from the verified token.
    pub(super) fn check(
        &self,
        registered: Option<Algorithm>,
        at: &ProofContext<'_>,
    ) -> Result<PlausibleAssertion<'_>, AssertionError> {
        let token = UnverifiedToken::parse(&self.token)?;
        if registered.is_some_and(|registered| token.algorithm() != registered) {
            return Err(AssertionError::Algorithm);
        }
        if !at.profile.allows(token.algorithm()) {
            return Err(TokenError::Algorithm.into());
        }
        self.read(&self.claims, at)?;
        Ok(PlausibleAssertion { assertion: self, token })
    }

    fn read<S>(&self, claims: &Claims<S>, at: &ProofContext<'_>) -> Result<Jti<S>, AssertionError> {
        let client_id = self.client_id.as_str();
        if ["iss", "sub"].iter().any(|name| claims.text(name) != Some(client_id)) {
            return Err(AssertionError::Issuer);
        }
        if !claims.is_for(at.audiences) {
            return Err(AssertionError::Audience);
        }
        if at.profile.requires_audience_as_string() && claims.text("aud").is_none() {
            return Err(AssertionError::AudienceList);
        }
        let end = time(claims, "exp")?.ok_or(AssertionError::Claim("exp"))?;
        let expires_at = end.saturating_add(MAX_SKEW);
        if at.now >= expires_at {
            return Err(AssertionError::Expired);
        }
        let latest = at.now.saturating_add(MAX_SKEW);
        if end > latest.saturating_add(at.assertion_max_lifetime.into()) {
            return Err(AssertionError::TooLong);
        }
        for name in ["nbf", "iat"] {
            if time(claims, name)?.is_some_and(|start| start > latest) {
                return Err(AssertionError::NotYet);
            }
        }
        let jti = claims.text("jti").filter(|jti| !jti.is_empty());
        let jti = digest(&SHA256, jti.ok_or(AssertionError::Claim("jti"))?.as_bytes());
        let id = format!("assertion#{client_id}#{}", URL_SAFE_NO_PAD.encode(jti));
        Ok(Jti::new(id, expires_at, claims))
    }
}

impl PlausibleAssertion<'_> {
    /// Verifies the signature; all that counts afterwards comes from the verified claims.
    pub(super) fn prove(&self, keys: &PublicKeys, at: &ProofContext<'_>) -> Result<Jti<Verified>, AssertionError> {
        self.assertion.read(&self.token.verify(keys)?, at)
    }
}

fn time<S>(claims: &Claims<S>, name: &'static str) -> Result<Option<EpochSeconds>, AssertionError> {
    claims.time(name).map_err(|NotATime| AssertionError::Claim(name))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::security_profile::SecurityProfile;

    const NOW: EpochSeconds = 1_700_000_000;

    fn check(change: impl FnOnce(&mut Map<String, Value>)) -> Result<(String, EpochSeconds), AssertionError> {
        check_within(SecurityProfile::None, change)
    }

    fn check_within(
        profile: SecurityProfile,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Result<(String, EpochSeconds), AssertionError> {
        let claims = json!({
            "iss": "s6BhdRkqt3", "sub": "s6BhdRkqt3", "aud": "https://as.example", "jti": "1", "exp": NOW + 60,
        });
        let mut claims = claims.as_object().expect("an object").clone();
        change(&mut claims);
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let token = format!("{}.{}.AA", part(&json!({"alg": "ES256"})), part(&claims.into()));
        let claims = UnverifiedToken::parse(&token)?.unverified_claims()?;
        let client_id = ClientId::parse("s6BhdRkqt3").expect("an identifier");
        let assertion = Assertion { client_id, token: token.clone(), claims };
        let audiences = &["https://as.example".to_owned(), "https://as.example/token".to_owned()];
        let at = ProofContext { now: NOW, audiences, assertion_max_lifetime: 600, certificate_method: None, profile };
        assertion.read(&assertion.claims, &at).map(|jti| (jti.id, jti.expires_at))
    }

    fn with(name: &str, value: Value) -> Result<(String, EpochSeconds), AssertionError> {
        check(|claims| drop(claims.insert(name.to_owned(), value)))
    }

    /// A6: every time at its exact edge, with and without a fraction.
    #[test]
    fn a6_time() {
        for (name, value, expected) in [
            ("exp", json!(NOW - 60), Err(AssertionError::Expired)),
            ("exp", json!(NOW - 59), Ok(NOW + 1)),
            ("exp", json!(1_699_999_940.5), Ok(NOW + 1)),
            ("exp", json!(NOW + 660), Ok(NOW + 720)),
            ("exp", json!(NOW + 661), Err(AssertionError::TooLong)),
            ("exp", json!(1_700_000_660.1), Err(AssertionError::TooLong)),
            ("exp", json!(1e300), Err(AssertionError::TooLong)),
            ("exp", json!(u64::MAX), Err(AssertionError::TooLong)),
            ("exp", json!(-1), Err(AssertionError::Expired)),
            ("exp", json!("1700000060"), Err(AssertionError::Claim("exp"))),
            ("exp", json!(null), Err(AssertionError::Claim("exp"))),
            ("nbf", json!(NOW + 60), Ok(NOW + 120)),
            ("nbf", json!(NOW + 61), Err(AssertionError::NotYet)),
            ("nbf", json!(1_700_000_060.1), Err(AssertionError::NotYet)),
            ("iat", json!(NOW + 60), Ok(NOW + 120)),
            ("iat", json!(NOW + 61), Err(AssertionError::NotYet)),
            ("iat", json!(0), Ok(NOW + 120)),
            ("iat", json!({}), Err(AssertionError::Claim("iat"))),
        ] {
            assert_eq!(with(name, value.clone()).map(|(_, end)| end), expected, "{name}: {value}");
        }
        assert_eq!(check(|claims| drop(claims.remove("exp"))), Err(AssertionError::Claim("exp")));
    }

    /// A6: this server and nobody else.
    #[test]
    fn a6_audience() {
        let ours = ["https://as.example", "https://as.example/token"];
        for good in [json!(ours[0]), json!(ours[1]), json!([ours[0]]), json!(ours)] {
            with("aud", good.clone()).unwrap_or_else(|error| panic!("{good}: {error}"));
        }
        for bad in [
            json!(null),
            json!([]),
            json!(1),
            json!("https://as.example/"),
            json!("https://other.example"),
            json!([ours[0], "https://other.example"]),
            json!([[ours[0]]]),
        ] {
            assert_eq!(with("aud", bad.clone()), Err(AssertionError::Audience), "{bad}");
        }
    }

    /// S5: with FAPI 2.0 the audience is a string; what is not this server is refused for that, in whatever form.
    #[test]
    fn s5_audience_is_a_string() {
        let with = |aud: Value| {
            check_within(SecurityProfile::Fapi2, |claims| drop(claims.insert("aud".to_owned(), aud))).map(drop)
        };
        let ours = "https://as.example";
        assert_eq!(with(json!(ours)), Ok(()));
        for list in [json!([ours]), json!([ours, ours])] {
            assert_eq!(with(list.clone()), Err(AssertionError::AudienceList), "{list}");
        }
        for bad in [json!([ours, "https://other.example"]), json!([]), json!(null), json!({"x": ours})] {
            assert_eq!(with(bad.clone()), Err(AssertionError::Audience), "{bad}");
        }
    }

    /// A6: the client speaks for itself, and says each thing once.
    #[test]
    fn a6_issuer_and_jti() {
        for name in ["iss", "sub"] {
            assert_eq!(with(name, json!("other")), Err(AssertionError::Issuer));
            assert_eq!(check(|claims| drop(claims.remove(name))), Err(AssertionError::Issuer));
        }
        for bad in [json!(null), json!(""), json!(1)] {
            assert_eq!(with("jti", bad), Err(AssertionError::Claim("jti")));
        }
        // base64url of the SHA-256 of "1".
        let id = "assertion#s6BhdRkqt3#a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s";
        assert_eq!(check(|_| ()), Ok((id.to_owned(), NOW + 120)));
    }
}
