//! DPoP at the token endpoint: RFC 9449 §5 and §8 (J5).

use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use tokenmint_function::{Failure, OrRefuse, random};
use tokenmint_oauth::dpop::{self, Expected, NonceKey, Proof, ProofError};

use crate::Token;
use crate::incoming::Incoming;

/// The header of a DPoP proof.
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// The header of a nonce from this server (RFC 9449 §8).
pub(crate) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Seconds after which an instance reads the nonce key again.
const NONCE_KEY_TTL: u64 = 60;

/// Verifies the proof in the request, if present. [`consume`] records its use after all other checks.
pub(crate) async fn check(state: &Token, incoming: &Incoming) -> Result<Option<Proof>, Failure> {
    let headers: Vec<&[u8]> = incoming.head.headers.get_all(DPOP).iter().map(HeaderValue::as_bytes).collect();
    if headers.is_empty() {
        return Ok(None);
    }
    let key = nonce_key(state).await?;
    let urls: Vec<_> = state.urls.iter().map(String::as_str).collect();
    let now = state.clock.now();
    let nonce = key.as_deref().map(|key| (key, state.config.dpop_nonce_ttl));
    let profile = state.config.security_profile;
    let proof = dpop::verify(&headers, Expected { method: "POST", urls: &urls, now, nonce, profile });
    proof.map_err(|error| match (error, &key) {
        (ProofError::Nonce, Some(key)) => Failure::refused(error).with_header(DPOP_NONCE, fresh(key, now)),
        _ => Failure::refused(error),
    })
}

/// Records the use of a proof with one conditional `PutItem`. It uses the time at which the proof was verified, so a
/// proof that has expired since is still accepted only once.
pub(crate) async fn consume(state: &Token, proof: &Proof, attempt: &str) -> Result<(), Failure> {
    let id = format!("proof#{}#{}", proof.jkt, proof.id);
    let is_new = state.tokens.use_once(id, attempt, proof.expires_at, proof.checked_at).await?;
    is_new.then_some(()).ok_or(ProofError::Replayed).or_refuse()
}

/// The nonce for the client's next proof, if nonces are required.
pub(crate) async fn next_nonce(state: &Token) -> Result<Option<HeaderValue>, Failure> {
    Ok(nonce_key(state).await?.map(|key| fresh(&key, state.clock.now())))
}

/// The nonce key, if nonces are required. It is read again after [`NONCE_KEY_TTL`]: if two regions made one each at the
/// same time, one of the two keys is lost in the replication, and instances must not stay with it (G5). If it cannot be
/// read again, the known key is used.
async fn nonce_key(state: &Token) -> Result<Option<Arc<NonceKey>>, Failure> {
    if state.config.dpop_nonce_ttl == 0 {
        return Ok(None);
    }
    let now = state.clock.now();
    let mut known = state.nonce_key.lock().await;
    if let Some((key, read_at)) = &*known
        && now.abs_diff(*read_at) < NONCE_KEY_TTL
    {
        return Ok(Some(key.clone()));
    }
    let mut fresh = [0; 32];
    random(&mut fresh);
    match (state.tokens.nonce_key(fresh).await, &*known) {
        (Ok(key), _) => {
            let key = Arc::new(NonceKey::new(&key));
            *known = Some((key.clone(), now));
            Ok(Some(key))
        }
        (Err(_), Some((key, _))) => Ok(Some(key.clone())),
        (Err(error), None) => Err(error.into()),
    }
}

fn fresh(key: &NonceKey, now: u64) -> HeaderValue {
    HeaderValue::try_from(key.make(now)).expect("base64url is a header's value")
}
