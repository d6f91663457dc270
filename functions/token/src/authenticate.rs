//! Client authentication: RFC 6749 §2.3.

use std::sync::Arc;

use tokenmint_aws::clients::Consistency;
use tokenmint_function::{Failure, OrRefuse, RequestLog, random_id};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client_auth::{
    AuthenticatedClient, Credentials, FirstUse, NeedsKeys, Progress, Proof, ProofContext, ProveError,
};

use crate::Token;

/// Authenticates the client with one read, and one write for an assertion after all other checks. If authentication
/// fails, it repeats with a consistent read, because the client may have registered a moment ago (O2).
pub(crate) async fn authenticate(
    state: &Token,
    credentials: &Credentials,
    log: &RequestLog,
) -> Result<AuthenticatedClient, Failure> {
    log.client_id(credentials.client_id());
    let proof = match prove(state, credentials, Consistency::Eventual).await? {
        Ok(proof) => proof,
        Err(_) => prove(state, credentials, Consistency::Strong).await?.or_refuse()?,
    };
    match proof {
        Proof::Complete(client) => Ok(client),
        Proof::FirstUse(assertion) => consume(state, assertion).await,
    }
}

/// Reads the client and verifies the credentials. Keys are fetched from `jwks_uri` only after all other checks have
/// passed.
async fn prove(
    state: &Token,
    credentials: &Credentials,
    consistency: Consistency,
) -> Result<Result<Proof, ProveError>, Failure> {
    let found = state.clients.find(credentials.client_id(), consistency).await?;
    let now = state.clock.now();
    let client = found.filter(|client| client.is_live_at(now)).map(Arc::new);
    let at = ProofContext {
        now,
        audiences: &state.assertion_audiences,
        assertion_max_lifetime: state.config.assertion_max_lifetime,
        certificate_method: state.config.mutual_tls.method(),
    };
    match credentials.prove(client, &at) {
        Ok(Progress::Proven(proof)) => Ok(Ok(proof)),
        Ok(Progress::NeedsKeys(credentials)) => Ok(prove_with_fetched(state, &credentials, now).await),
        Err(error) => Ok(Err(error)),
    }
}

/// Verifies the credentials with the keys from the client's `jwks_uri`.
async fn prove_with_fetched(
    state: &Token,
    credentials: &NeedsKeys<'_>,
    now: EpochSeconds,
) -> Result<Proof, ProveError> {
    let url = credentials.url();
    let keys = state.client_keys.keys(url, now).await;
    let keys = keys.map_err(|error| ProveError::Keys(format!("jwks_uri {error}")))?;
    let outcome = credentials.prove(&keys);
    if !outcome.as_ref().is_err_and(ProveError::is_about_the_key) {
        return outcome;
    }
    // The client may have added a key since its keys were fetched.
    match state.client_keys.newer(url, &keys, now).await {
        Some(keys) => credentials.prove(&keys),
        None => outcome,
    }
}

/// Records the use of an assertion with one conditional `PutItem`. Of two concurrent uses, exactly one succeeds.
async fn consume(state: &Token, assertion: FirstUse) -> Result<AuthenticatedClient, Failure> {
    let (id, expires_at) = (assertion.id().to_owned(), assertion.expires_at());
    let is_first = state.tokens.use_once(id, &random_id(), expires_at, assertion.checked_at()).await?;
    assertion.complete(is_first).or_refuse()
}
