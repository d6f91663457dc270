//! Demonstrating proof of possession: RFC 9449 §4.3, §5, §8.
//!
//! A client that sends a proof, signed with a key of its own, gets a token that is bound to that key.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;

use crate::EpochSeconds;
use crate::error::{ErrorCode, OAuthError};
use crate::jose::{KeysError, MAX_SKEW, NotATime, PublicKeys, TokenError, UnverifiedToken};
use crate::security_profile::SecurityProfile;

/// `typ` of a proof (§4.2).
const TYPE: &str = "dpop+jwt";

/// How old a proof may be, in seconds: network and queues (§11.1).
pub const MAX_AGE: EpochSeconds = 300;

/// The longest proof, in bytes: a key of RSA 4096 and its signature fit.
pub const MAX_BYTES: usize = 4096;

/// What a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The URLs that the request may have been sent to, without query and fragment.
    pub urls: &'a [&'a str],
    /// The time.
    pub now: EpochSeconds,
    /// The key of this server's nonces and their lifetime in seconds, if proofs need one (§8).
    pub nonce: Option<(&'a NonceKey, u32)>,
    /// What this server requires of proofs beyond RFC 9449.
    pub profile: SecurityProfile,
}

/// A proof that is good, if it was not used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of the key (RFC 7638), to which the token is bound.
    pub jkt: String,
    /// What the proof is remembered by: base64url of the SHA-256 of its `jti`.
    pub id: String,
    /// The access token that it is for, as base64url of its SHA-256 (§4.2): for resource servers.
    pub ath: Option<String>,
    /// The first second at which its age alone makes it invalid.
    pub expires_at: EpochSeconds,
    /// When it was checked.
    pub checked_at: EpochSeconds,
}

/// Why a proof is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// More than one proof, or one that is too long.
    #[error("not exactly one DPoP header of at most 4096 bytes")]
    Header,
    /// The proof is not a JWT that its own key signed.
    #[error("the proof cannot be verified: {0}")]
    Token(#[from] TokenError),
    /// `typ` is not `dpop+jwt`.
    #[error("typ of the proof is not dpop+jwt")]
    Type,
    /// The key in the header is missing, private, or of a kind that is not known.
    #[error("jwk of the proof {0}")]
    Key(KeysError),
    /// A claim is missing or of a wrong type.
    #[error("{0} of the proof is missing or of a wrong type")]
    Missing(&'static str),
    /// The proof is for another method or URL.
    #[error("the proof is for another request")]
    OtherRequest,
    /// The proof is too old, expired, or from the future.
    #[error("the proof is too old, expired, or not yet valid: check its iat, exp and nbf")]
    Time,
    /// The proof was used before.
    #[error("the proof was used before")]
    Replayed,
    /// The proof has no nonce of this server, or one that has ended (§8).
    #[error("the proof needs a nonce of this server")]
    Nonce,
    /// The client registered to have bound tokens only, and sent no proof (§5.2).
    #[error("this client needs a DPoP proof")]
    NeedsProof,
    /// Every token of this server is bound, and the request has neither a proof nor a certificate.
    #[error(
        "every token of this server is bound to a key: send a DPoP proof, or a client certificate to the mutual TLS address"
    )]
    NeedsBinding,
}

impl From<ProofError> for OAuthError {
    fn from(error: ProofError) -> Self {
        let code = match error {
            ProofError::Nonce => ErrorCode::UseDpopNonce,
            ProofError::NeedsProof | ProofError::NeedsBinding => ErrorCode::InvalidRequest,
            _ => ErrorCode::InvalidDpopProof,
        };
        Self::new(code, error.to_string())
    }
}

/// Checks a proof in all that needs no memory (§4.3). `headers` are the values of all `DPoP` headers.
///
/// # Errors
/// [`ProofError`]; `Ok(None)` where there is no proof.
pub fn verify(headers: &[&[u8]], expected: Expected<'_>) -> Result<Option<Proof>, ProofError> {
    let proof = match headers {
        [] => return Ok(None),
        [one] if one.len() <= MAX_BYTES => str::from_utf8(one).map_err(|_| TokenError::Malformed)?,
        _ => return Err(ProofError::Header),
    };
    let token = UnverifiedToken::parse(proof)?;
    if !expected.profile.allows(token.algorithm()) {
        return Err(TokenError::Algorithm.into());
    }
    if token.header("typ") != Some(TYPE) {
        return Err(ProofError::Type);
    }
    let jwk = token.header_value("jwk").ok_or(ProofError::Key(KeysError::NoUsableKey))?;
    // The key in the header is the one that must have signed, whatever `kid` says.
    let keys = PublicKeys::parse(&json!({"keys": [jwk]})).map_err(ProofError::Key)?;
    let claims = token.verify_with_any(&keys)?;
    let text = |name| claims.text(name).ok_or(ProofError::Missing(name));
    let (jti, method, url) = (text("jti")?, text("htm")?, text("htu")?);
    let issued_at = claims.get("iat").and_then(Value::as_u64).ok_or(ProofError::Missing("iat"))?;
    if method != expected.method || !expected.urls.iter().any(|expected| is_same_url(url, expected)) {
        return Err(ProofError::OtherRequest);
    }
    // A proof needs neither `exp` nor `nbf`, but means what it says with them (RFC 7519 §4.1.4 and §4.1.5).
    let time = |name| claims.time(name).map_err(|NotATime| ProofError::Missing(name));
    let expires_at = issued_at.saturating_add(MAX_AGE).saturating_add(1);
    let has_ended = time("exp")?.is_some_and(|end| expected.now >= end.saturating_add(MAX_SKEW));
    let starts_at = time("nbf")?.map_or(issued_at, |start| start.max(issued_at));
    if has_ended || expected.now >= expires_at || starts_at > expected.now + MAX_SKEW {
        return Err(ProofError::Time);
    }
    if let Some((key, ttl)) = expected.nonce {
        let nonce = claims.text("nonce").ok_or(ProofError::Nonce)?;
        key.check(nonce, expected.now, ttl).map_err(|()| ProofError::Nonce)?;
    }
    let id = URL_SAFE_NO_PAD.encode(digest(&SHA256, jti.as_bytes()));
    let jkt = keys.thumbprint().ok_or(ProofError::Key(KeysError::NoUsableKey))?;
    let ath = claims.text("ath").map(str::to_owned);
    Ok(Some(Proof { jkt, id, ath, expires_at, checked_at: expected.now }))
}

/// Compares URLs after normalising them (RFC 3986 §6.2.2, §6.2.3), without query and fragment.
fn is_same_url(claimed: &str, expected: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(claimed).is_some_and(|claimed| Some(claimed) == normal(expected))
}

/// The key of this server's nonces. They are made from it and the time, so nothing is stored of them, and any
/// instance knows those of another.
pub struct NonceKey(Key);

impl NonceKey {
    /// The key from random bytes of cryptographic quality.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(Key::new(HMAC_SHA256, bytes))
    }

    /// A nonce that is good from now on.
    pub fn make(&self, now: EpochSeconds) -> String {
        let mut nonce = [0; 24];
        nonce[..8].copy_from_slice(&now.to_be_bytes());
        nonce[8..].copy_from_slice(&sign(&self.0, &now.to_be_bytes()).as_ref()[..16]);
        URL_SAFE_NO_PAD.encode(nonce)
    }

    /// Checks that a nonce is one of this key, and not older than `ttl` seconds.
    fn check(&self, nonce: &str, now: EpochSeconds, ttl: u32) -> Result<(), ()> {
        let nonce = URL_SAFE_NO_PAD.decode(nonce).map_err(|_| ())?;
        let (time, mac) = nonce.split_at_checked(8).ok_or(())?;
        verify_slices_are_equal(mac, &sign(&self.0, time).as_ref()[..16]).map_err(|_| ())?;
        let made = EpochSeconds::from_be_bytes(time.try_into().map_err(|_| ())?);
        // Another instance's clock may go ahead of this one.
        let good = made <= now + MAX_SKEW && now < made.saturating_add(ttl.into());
        good.then_some(()).ok_or(())
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NonceKey(redacted)")
    }
}

#[cfg(test)]
mod tests;
