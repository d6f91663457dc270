//! Client authentication: RFC 6749 §2.3.

use tokenmint_aws::clients::{Consistency, FindError};
use tokenmint_http::{Failure, Record};
use tokenmint_oauth::client_auth::{AuthenticatedClient, Credentials, ProveError};

use crate::Token;

/// Proves who the client is: one read. Only a client that cannot be proven is read once more, and then
/// with every write visible: it may have registered a moment ago (O2).
pub(crate) async fn authenticate(
    state: &Token,
    credentials: &Credentials,
    record: &mut Record,
) -> Result<AuthenticatedClient, Failure> {
    record.client_id = Some(credentials.client_id().clone());
    if let Ok(client) = prove(state, credentials, Consistency::Eventual, record).await? {
        return Ok(client);
    }
    prove(state, credentials, Consistency::Strong, record).await?.map_err(Failure::refused)
}

/// Reads the client and holds the credentials against it.
async fn prove(
    state: &Token,
    credentials: &Credentials,
    consistency: Consistency,
    record: &mut Record,
) -> Result<Result<AuthenticatedClient, ProveError>, Failure> {
    let found = record.dynamodb(state.clients.find(credentials.client_id(), consistency)).await;
    let client = found.map_err(not_read)?;
    let now = state.clock.now();
    Ok(credentials.prove(client.filter(|client| client.is_there_at(now)), now))
}

/// A read that did not happen.
pub(crate) fn not_read(error: FindError) -> Failure {
    match error {
        FindError::Unavailable(error) => Failure::unavailable(error),
        FindError::Damaged(..) => Failure::broken(error),
    }
}
