//! Client authentication: RFC 6749 §2.3.

use tokenmint_aws::clients::{Consistency, FindError};
use tokenmint_aws::config::AssertionAudience;
use tokenmint_http::{Failure, Record, random};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client_auth::{
    AuthenticatedClient, Circumstances, Credentials, FirstUse, NeedsKeys, Progress, Proof, ProveError,
};
use tokenmint_oauth::issuer::path;

use crate::Token;

/// Proves who the client is: one read, and for an assertion one write once all else is good. Only a client
/// that cannot be proven is read once more, and then with every write visible: it may have registered a
/// moment ago (O2).
pub(crate) async fn authenticate(
    state: &Token,
    credentials: &Credentials,
    record: &mut Record,
) -> Result<AuthenticatedClient, Failure> {
    record.client_id = Some(credentials.client_id().clone());
    let proof = match prove(state, credentials, Consistency::Eventual, record).await? {
        Ok(proof) => proof,
        Err(_) => prove(state, credentials, Consistency::Strong, record).await?.map_err(Failure::refused)?,
    };
    match proof {
        Proof::Complete(client) => Ok(client),
        Proof::FirstUse(assertion) => use_up(state, assertion, record).await,
    }
}

/// Reads the client and holds the credentials against it, with keys from elsewhere only where nothing else is
/// left to check.
async fn prove(
    state: &Token,
    credentials: &Credentials,
    consistency: Consistency,
    record: &mut Record,
) -> Result<Result<Proof, ProveError>, Failure> {
    let found = record.dynamodb(state.clients.find(credentials.client_id(), consistency)).await;
    let client = found.map_err(not_read)?;
    let now = state.clock.now();
    let client = client.filter(|client| client.is_there_at(now));

    let config = &state.config;
    let token_endpoints = config.mutual_tls.urls(&config.issuer, path::TOKEN);
    let mut audiences = vec![config.issuer.as_str()];
    if config.assertion_audience == AssertionAudience::IssuerOrTokenEndpoint {
        audiences.extend(token_endpoints.iter().map(String::as_str));
    }
    let at = Circumstances {
        now,
        audiences: &audiences,
        assertion_max_lifetime: config.assertion_max_lifetime,
        certificate_method: config.mutual_tls.method(),
    };
    match credentials.prove(client, &at) {
        Ok(Progress::Proven(proof)) => Ok(Ok(proof)),
        Ok(Progress::NeedsKeys(credentials)) => Ok(prove_with_fetched(state, &credentials, now).await),
        Err(error) => Ok(Err(error)),
    }
}

/// Holds the credentials against the keys at the client's `jwks_uri`.
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
    // The client may have a new key since its keys were fetched.
    match state.client_keys.newer(url, &keys, now).await {
        Some(keys) => credentials.prove(&keys),
        None => outcome,
    }
}

/// Remembers that the assertion was used: one conditional `PutItem`. Of two uses at the same moment one is the
/// first.
async fn use_up(state: &Token, assertion: FirstUse, record: &mut Record) -> Result<AuthenticatedClient, Failure> {
    let mut attempt = [0; 16];
    random(&mut attempt);
    let attempt = uuid::Builder::from_random_bytes(attempt).into_uuid().to_string();
    let (id, end) = (assertion.id().to_owned(), assertion.expires_at());
    let used = state.tokens.use_once(id, &attempt, end, assertion.checked_at());
    let is_first = record.dynamodb(used).await.map_err(Failure::unavailable)?;
    assertion.complete(is_first).map_err(Failure::refused)
}

/// A read that did not happen.
pub(crate) fn not_read(error: FindError) -> Failure {
    match error {
        FindError::Unavailable(error) => Failure::unavailable(error),
        FindError::Damaged(..) => Failure::broken(error),
    }
}
