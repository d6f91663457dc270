//! Whether the sender holds the key or the certificate that a token is bound to: RFC 9449 §4.3 and §7, RFC 8705 §3.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::certificate::Certificate;
use tokenmint_oauth::dpop::{self, Expected, Proof};

use crate::presented::Presented;
use crate::refusal::{ProofRefusal, Refusal, TokenRefusal};
use crate::replays::ProofHash;
use crate::scheme::Scheme;
use crate::settings::Settings;

/// A proof that is valid if it was not used before.
pub(crate) struct Unused {
    /// Its key and its identifier.
    pub(crate) hash: ProofHash,
    /// The first second at which it is too old.
    pub(crate) expires_at: EpochSeconds,
}

/// Checks that the sender holds all that the token is bound to, given its claim `cnf`.
///
/// # Errors
/// [`Refusal::Token`] or [`Refusal::Proof`].
pub(crate) fn check(
    presented: &Presented<'_>,
    cnf: Option<&Value>,
    settings: &Settings,
    now: EpochSeconds,
) -> Result<Option<Unused>, Refusal> {
    let refused = |refusal| presented.refused(refusal);
    let bound = Bound::read(cnf).map_err(refused)?;
    if let Some(expected) = bound.certificate {
        let pem = presented.request.certificate.ok_or(refused(TokenRefusal::NoCertificate))?;
        let shown = Certificate::parse(pem).map_err(|_| refused(TokenRefusal::OtherCertificate))?;
        if shown.thumbprint() != expected {
            return Err(refused(TokenRefusal::OtherCertificate));
        }
    }
    match (presented.scheme, bound.key) {
        (Scheme::Bearer, Some(_)) => Err(refused(TokenRefusal::Downgraded)),
        (Scheme::Dpop, None) => Err(refused(TokenRefusal::NotBoundToKey)),
        (Scheme::Bearer, None) if bound.certificate.is_none() && settings.requires_bound() => {
            Err(refused(TokenRefusal::Unbound))
        }
        (Scheme::Bearer, None) => Ok(None),
        (Scheme::Dpop, Some(key)) => {
            let proof = proof(presented, settings, now).map_err(Refusal::Proof)?;
            if proof.jkt != key {
                return Err(refused(TokenRefusal::OtherKey));
            }
            let expires_at = expires_at(&proof, settings);
            Ok(Some(Unused { hash: ProofHash::new(&proof.jkt, &proof.id), expires_at }))
        }
    }
}

/// What a token is bound to (RFC 7800 §3.1).
struct Bound<'a> {
    /// The thumbprint of a `DPoP` key.
    key: Option<&'a str>,
    /// The SHA-256 of a certificate.
    certificate: Option<&'a str>,
}

impl<'a> Bound<'a> {
    /// Reads `cnf`. Members that are not known are ignored, but one must be known: what cannot be confirmed is not
    /// accepted.
    fn read(cnf: Option<&'a Value>) -> Result<Self, TokenRefusal> {
        let Some(cnf) = cnf else { return Ok(Self { key: None, certificate: None }) };
        let cnf = cnf.as_object().ok_or(TokenRefusal::Confirmation)?;
        let text = |name: &str| match cnf.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(TokenRefusal::Confirmation),
        };
        let bound = Self { key: text("jkt")?, certificate: text("x5t#S256")? };
        if bound.key.is_none() && bound.certificate.is_none() { Err(TokenRefusal::Confirmation) } else { Ok(bound) }
    }
}

/// Checks the proof in all that needs no memory.
fn proof(presented: &Presented<'_>, settings: &Settings, now: EpochSeconds) -> Result<Proof, ProofRefusal> {
    let request = &presented.request;
    let profile = settings.security_profile;
    let expected = Expected { method: request.method, urls: request.urls, now, nonce: None, profile };
    let proof = dpop::verify(request.dpop, expected).map_err(ProofRefusal::Invalid)?.ok_or(ProofRefusal::Missing)?;
    if now >= expires_at(&proof, settings) {
        return Err(ProofRefusal::Old);
    }
    if proof.ath.as_deref() != Some(&hash(presented.text)) {
        return Err(ProofRefusal::OtherToken);
    }
    Ok(proof)
}

/// The first second at which a proof is too old for this server, which may allow less than [`dpop::MAX_AGE`].
fn expires_at(proof: &Proof, settings: &Settings) -> EpochSeconds {
    proof.expires_at.saturating_sub(dpop::MAX_AGE - EpochSeconds::from(settings.proof_max_age).min(dpop::MAX_AGE))
}

/// The value of `ath` for a token (RFC 9449 §4.2).
fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V4: the hash of the token in the example of RFC 9449 §7.1.
    #[test]
    fn v4_rfc9449_hash_of_a_token() {
        assert_eq!(hash("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"), "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo");
    }
}
