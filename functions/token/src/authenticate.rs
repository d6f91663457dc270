//! Client authentication: RFC 6749 §2.3.

use tokenmint_aws::clients::{Consistency, FindError};
use tokenmint_aws::config::AssertionAudience;
use tokenmint_http::{Failure, Record, random};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::Client;
use tokenmint_oauth::client_auth::{AuthenticatedClient, Circumstances, Credentials, FirstUse, Proof, ProveError};
use tokenmint_oauth::issuer::path;
use tokenmint_oauth::jose::PublicKeys;

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

/// Reads the client, fetches its keys where they are elsewhere, and holds the credentials against them.
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
    let offered = state.config.mutual_tls.method();
    let keys_at = client.as_ref().and_then(|client| credentials.keys_at(client, offered)).map(str::to_owned);
    let Some(url) = keys_at else { return Ok(hold(state, credentials, client, None, now)) };

    let keys = match state.client_keys.keys(&url, now).await {
        Ok(keys) => keys,
        Err(error) => return Ok(Err(ProveError::Keys(format!("jwks_uri {error}")))),
    };
    let outcome = hold(state, credentials, client.clone(), Some(&keys), now);
    if !outcome.as_ref().is_err_and(ProveError::is_about_the_key) {
        return Ok(outcome);
    }
    // The client may have a new key since its keys were fetched.
    let newer = state.client_keys.newer(&url, now).await;
    Ok(newer.map_or(outcome, |keys| hold(state, credentials, client, Some(&keys), now)))
}

/// Holds the credentials against the client and its keys.
fn hold(
    state: &Token,
    credentials: &Credentials,
    client: Option<Client>,
    fetched: Option<&PublicKeys>,
    now: EpochSeconds,
) -> Result<Proof, ProveError> {
    let config = &state.config;
    let token_endpoints = config.mutual_tls.urls(&config.issuer, path::TOKEN);
    let mut audiences = vec![config.issuer.as_str()];
    if config.assertion_audience == AssertionAudience::IssuerOrTokenEndpoint {
        audiences.extend(token_endpoints.iter().map(String::as_str));
    }
    let certificate_method = config.mutual_tls.method();
    credentials.prove(client, &Circumstances { now, audiences: &audiences, certificate_method, fetched })
}

/// Remembers that the assertion was used: one conditional `PutItem`. Of two uses at the same moment one is the
/// first.
async fn use_up(state: &Token, assertion: FirstUse, record: &mut Record) -> Result<AuthenticatedClient, Failure> {
    let mut attempt = [0; 16];
    random(&mut attempt);
    let attempt = uuid::Builder::from_random_bytes(attempt).into_uuid().to_string();
    let (id, end) = (assertion.id().to_owned(), assertion.expires_at());
    let used = state.tokens.use_once(id, &attempt, end, state.clock.now());
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
