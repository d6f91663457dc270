//! Client authentication: RFC 6749 §2.3.

use std::sync::Arc;

use tokenmint_aws::clients::Consistency;
use tokenmint_function::{Failure, OrRefuse, RequestLog, random_id};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::Client;
use tokenmint_oauth::client_auth::{
    AuthenticatedClient, Credentials, FirstUse, NeedsKeys, Progress, Proof, ProofContext, ProveError,
};

use crate::Token;

/// Authenticates the caller of introspection or revocation with one read, and one write for an assertion after all
/// other checks. If authentication fails, it repeats with a consistent read, because the client may have registered a
/// moment ago (O2). It reads the table each time, so that a disabled client is refused at once, or nearly so.
pub(crate) async fn authenticate(
    state: &Token,
    credentials: &Credentials,
    log: &RequestLog,
) -> Result<AuthenticatedClient, Failure> {
    log.client_id(credentials.client_id());
    let read = |consistency| state.clients.find(credentials.client_id(), consistency);
    let found = read(Consistency::Eventual).await?.map(Arc::new);
    let proof = match prove(state, credentials, found).await {
        Ok(proof) => proof,
        Err(_) => prove(state, credentials, read(Consistency::Strong).await?.map(Arc::new)).await.or_refuse()?,
    };
    UseOfAssertion::default().complete(state, proof).await
}

/// Verifies the credentials against the client that was found. Keys are fetched from `jwks_uri` only after all other
/// checks have passed.
pub(crate) async fn prove(
    state: &Token,
    credentials: &Credentials,
    found: Option<Arc<Client>>,
) -> Result<Proof, ProveError> {
    let now = state.clock.now();
    let client = found.filter(|client| client.is_live_at(now));
    let at = ProofContext {
        now,
        audiences: &state.assertion_audiences,
        assertion_max_lifetime: state.config.assertion_max_lifetime,
        certificate_method: state.config.mutual_tls.method(),
    };
    match credentials.prove(client, &at)? {
        Progress::Proven(proof) => Ok(proof),
        Progress::NeedsKeys(credentials) => prove_with_fetched(state, &credentials, now).await,
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

/// The use of the assertion that a request carries. It is recorded once, also if the client is authenticated again
/// with newer data.
#[derive(Debug, Default)]
pub(crate) struct UseOfAssertion {
    is_first: Option<bool>,
}

impl UseOfAssertion {
    /// Records the use of an assertion with one conditional `PutItem`. Of two concurrent uses, exactly one succeeds.
    pub(crate) async fn complete(&mut self, state: &Token, proof: Proof) -> Result<AuthenticatedClient, Failure> {
        let assertion = match proof {
            Proof::Complete(client) => return Ok(client),
            Proof::FirstUse(assertion) => assertion,
        };
        let is_first = match self.is_first {
            Some(is_first) => is_first,
            None => record(state, &assertion).await?,
        };
        self.is_first = Some(is_first);
        assertion.complete(is_first).or_refuse()
    }
}

async fn record(state: &Token, assertion: &FirstUse) -> Result<bool, Failure> {
    let (id, expires_at) = (assertion.id().to_owned(), assertion.expires_at());
    Ok(state.tokens.use_once(id, &random_id(), expires_at, assertion.checked_at()).await?)
}
