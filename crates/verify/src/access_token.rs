//! The claims of an access token: RFC 9068 §2.2 and §4.

use std::fmt;

use serde_json::{Map, Value};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::jose::{Claims, Verified};
use tokenmint_oauth::scope::Scope;

use crate::refusal::{Refusal, TokenRefusal};
use crate::scheme::Scheme;
use crate::settings::Settings;

/// A valid access token.
#[derive(Clone, PartialEq)]
pub struct AccessToken {
    /// The client that it was issued to (`client_id`).
    pub client_id: String,
    /// Whom it speaks for (`sub`): the client itself where it acts for nobody else.
    pub subject: String,
    /// Its identifier (`jti`).
    pub jti: String,
    /// What it allows.
    pub scope: Scope,
    /// The first second at which it is expired.
    pub expires_at: EpochSeconds,
    /// How it was sent.
    pub scheme: Scheme,
    claims: Map<String, Value>,
}

impl AccessToken {
    /// Reads the claims after their signature and values were checked.
    pub(crate) fn of(claims: Claims<Verified>, scheme: Scheme) -> Result<Self, TokenRefusal> {
        let text = |name: &'static str| claims.text(name).map(str::to_owned).ok_or(TokenRefusal::Claim(name));
        let (client_id, subject, jti) = (text("client_id")?, text("sub")?, text("jti")?);
        let expires_at = claims.time("exp").ok().flatten().ok_or(TokenRefusal::Claim("exp"))?;
        let scope = match claims.get("scope") {
            None => Scope::default(),
            Some(scope) => {
                let scope = scope.as_str().and_then(|text| Scope::parse(text).ok());
                scope.ok_or(TokenRefusal::Claim("scope"))?
            }
        };
        Ok(Self { client_id, subject, jti, scope, expires_at, scheme, claims: claims.into_members() })
    }

    /// Any claim of the token.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }

    /// Requires a scope (RFC 6750 §3.1).
    ///
    /// # Errors
    /// [`Refusal::Scope`] if the token lacks a part of it.
    pub fn require(&self, scope: &Scope) -> Result<(), Refusal> {
        if scope.is_subset_of(&self.scope) { Ok(()) } else { Err(Refusal::Scope(self.scheme, scope.clone())) }
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, jti, .. } = self;
        f.debug_struct("AccessToken").field("client_id", client_id).field("jti", jti).finish_non_exhaustive()
    }
}

/// Checks what a token says of its issuer, its audience and its lifetime (RFC 9068 §4).
pub(crate) fn check<S>(claims: &Claims<S>, settings: &Settings, now: EpochSeconds) -> Result<(), TokenRefusal> {
    if claims.text("iss") != Some(settings.issuer.as_str()) {
        return Err(TokenRefusal::Issuer);
    }
    if !is_for(claims.get("aud"), &settings.audiences) {
        return Err(TokenRefusal::Audience);
    }
    let leeway = EpochSeconds::from(settings.leeway);
    let time = |name: &'static str| claims.time(name).map_err(|_| TokenRefusal::Claim(name));
    let required = |name: &'static str| time(name)?.ok_or(TokenRefusal::Claim(name));
    if required("exp")?.saturating_add(leeway) <= now {
        return Err(TokenRefusal::Expired);
    }
    let latest = now.saturating_add(leeway);
    if required("iat")? > latest || time("nbf")?.is_some_and(|nbf| nbf > latest) {
        return Err(TokenRefusal::NotYet);
    }
    Ok(())
}

/// Whether `aud` contains one of these audiences. Unlike an assertion, an access token may be for several servers
/// (RFC 9068 §4).
fn is_for(aud: Option<&Value>, audiences: &[String]) -> bool {
    let is_ours = |value: &Value| value.as_str().is_some_and(|text| audiences.iter().any(|own| own == text));
    match aud {
        Some(Value::Array(several)) => several.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    }
}
