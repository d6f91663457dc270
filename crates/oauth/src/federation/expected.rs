//! The rules for an assertion of a trusted issuer: RFC 7523 §3, RFC 8725 §3.11, JWT-SVID §3 and §4.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::credential::FederatedCredentials;
use super::error::FederationError;
use super::issuer::{Reuse, TrustedIssuer};
use super::spiffe;
use crate::EpochSeconds;
use crate::jose::{Claims, MAX_SKEW, NotATime, UnverifiedToken};

/// A rule that an assertion must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `iss` is a trusted issuer; of a JWT-SVID, the trust domain of `sub`.
    Issuer,
    /// `typ` is absent, `JWT` or `JOSE`.
    Type,
    /// The issuer may use the algorithm.
    Algorithm,
    /// `aud` is this server alone.
    Audience,
    /// It has not expired, and is valid already.
    Time,
    /// It is not valid for longer than the issuer's `max_lifetime`.
    Lifetime,
    /// It has a `jti`, where the issuer's `reuse` is `once`.
    Jti,
    /// One of the client's federated credentials has its `iss`, `sub` and claims.
    Credential,
    /// One of the issuer's keys has signed it.
    Signature,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer => "issuer",
            Self::Type => "typ",
            Self::Algorithm => "algorithm",
            Self::Audience => "audience",
            Self::Time => "time",
            Self::Lifetime => "lifetime",
            Self::Jti => "jti",
            Self::Credential => "credential",
            Self::Signature => "signature",
        })
    }
}

/// What is expected of an assertion.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'e> {
    /// The issuer that it names.
    pub issuer: &'e TrustedIssuer,
    /// The federated credentials of the client.
    pub credentials: &'e FederatedCredentials,
    /// The time.
    pub now: EpochSeconds,
}

/// An assertion that satisfies the rules that need no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The first second at which it is expired, the allowed difference between clocks included.
    pub expires_at: EpochSeconds,
    /// What its only use is remembered by. `None` if it may be used until it expires.
    pub once: Option<String>,
}

impl Expected<'_> {
    /// Checks the header.
    ///
    /// # Errors
    /// [`FederationError`] for the first rule that is violated.
    pub fn check_header(&self, token: &UnverifiedToken<'_>) -> Result<(), FederationError> {
        self.header_rules(token).into_iter().try_for_each(|(_, outcome)| outcome)
    }

    /// Checks the claims.
    ///
    /// # Errors
    /// [`FederationError`] for the first rule that is violated.
    pub fn check_claims<S>(&self, claims: &Claims<S>) -> Result<Accepted, FederationError> {
        self.claims_rules(claims).into_iter().try_for_each(|(_, outcome)| outcome)?;
        Ok(Accepted { expires_at: end(claims)?.saturating_add(MAX_SKEW), once: self.once(claims)? })
    }

    /// The rules of the header, each with its outcome.
    pub fn header_rules(&self, token: &UnverifiedToken<'_>) -> [(Rule, Result<(), FederationError>); 2] {
        let is_jwt = token.header_value("typ").is_none_or(|value| {
            let is = |name: &str| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(name));
            is("JWT") || is("JOSE")
        });
        let is_allowed = self.issuer.algorithms.contains(&token.algorithm());
        [
            (Rule::Type, is_jwt.then_some(()).ok_or(FederationError::Type)),
            (Rule::Algorithm, is_allowed.then_some(()).ok_or(FederationError::Algorithm)),
        ]
    }

    /// The rules of the claims, each with its outcome.
    pub fn claims_rules<S>(&self, claims: &Claims<S>) -> [(Rule, Result<(), FederationError>); 6] {
        let (issuer, sub) = (self.issuer.issuer.as_str(), claims.text("sub"));
        // The trust domain of a JWT-SVID is in its subject, and `iss` says nothing (JWT-SVID §3).
        let named = if self.issuer.is_trust_domain() { sub.and_then(spiffe::trust_domain) } else { claims.text("iss") };
        let is_for_us = claims.is_for(&[&self.issuer.audience]);
        [
            (Rule::Issuer, (named == Some(issuer)).then_some(()).ok_or(FederationError::Issuer)),
            (Rule::Audience, is_for_us.then_some(()).ok_or(FederationError::Audience)),
            (Rule::Time, self.time(claims)),
            (Rule::Lifetime, self.lifetime(claims)),
            (Rule::Jti, self.once(claims).map(drop)),
            (Rule::Credential, self.credentials.check(issuer, sub, claims)),
        ]
    }

    fn time<S>(&self, claims: &Claims<S>) -> Result<(), FederationError> {
        if self.now >= end(claims)?.saturating_add(MAX_SKEW) {
            return Err(FederationError::Expired);
        }
        for name in ["nbf", "iat"] {
            if time(claims, name)?.is_some_and(|start| start > self.now.saturating_add(MAX_SKEW)) {
                return Err(FederationError::NotYet);
            }
        }
        Ok(())
    }

    /// The lifetime that the issuer gave it; that from now on, if it does not say when it was issued.
    fn lifetime<S>(&self, claims: &Claims<S>) -> Result<(), FederationError> {
        let start = time(claims, "iat")?.unwrap_or_else(|| self.now.saturating_add(MAX_SKEW));
        let longest = EpochSeconds::from(self.issuer.max_lifetime);
        if end(claims)?.saturating_sub(start) > longest { Err(FederationError::TooLong) } else { Ok(()) }
    }

    /// The record of the only use, different for each issuer and each `jti`.
    fn once<S>(&self, claims: &Claims<S>) -> Result<Option<String>, FederationError> {
        if self.issuer.reuse == Reuse::UntilExp {
            return Ok(None);
        }
        let jti = claims.get("jti").and_then(Value::as_str).filter(|jti| !jti.is_empty());
        let jti = jti.ok_or(FederationError::Claim("jti"))?;
        let mut hash = Context::new(&SHA256);
        for text in [&self.issuer.issuer, jti] {
            hash.update(&(text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        Ok(Some(format!("federated#{}", URL_SAFE_NO_PAD.encode(hash.finish()))))
    }
}

fn end<S>(claims: &Claims<S>) -> Result<EpochSeconds, FederationError> {
    time(claims, "exp")?.ok_or(FederationError::Claim("exp"))
}

fn time<S>(claims: &Claims<S>, name: &'static str) -> Result<Option<EpochSeconds>, FederationError> {
    claims.time(name).map_err(|NotATime| FederationError::Claim(name))
}

#[cfg(test)]
mod tests;
