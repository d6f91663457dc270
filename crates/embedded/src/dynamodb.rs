//! DynamoDB's operations as function calls: the crate `dynoxide` without its HTTP server.

use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Answer;

/// The part of `x-amz-target` before the operation.
pub(crate) const TARGET_PREFIX: &str = "DynamoDB_20120810.";

/// Runs an operation as `dynoxide`'s HTTP server does. `None` leaves the request to that server, and nothing has been
/// done: the operation is another one, or the body is not a request of this operation, and the server knows DynamoDB's
/// exact error. Transactions are left to it too, because it checks their values by other rules than a call does.
pub(crate) fn call(database: &Database, operation: &str, body: &[u8]) -> Option<Answer> {
    match operation {
        "GetItem" => answer(body, |request| database.get_item(request)),
        "PutItem" => answer(body, |request| database.put_item(request)),
        "UpdateItem" => answer(body, |request| database.update_item(request)),
        "DeleteItem" => answer(body, |request| database.delete_item(request)),
        "Query" => answer(body, |request| database.query(request)),
        _ => None,
    }
}

fn answer<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    operation: impl FnOnce(I) -> Result<O, DynoxideError>,
) -> Option<Answer> {
    let request = serde_json::from_slice(body).ok()?;
    let output = operation(request).and_then(|output| {
        serde_json::to_string(&output).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    });
    Some(match output {
        Ok(output) => (200, output),
        Err(error) => (error.status_code(), error.to_json()),
    })
}
