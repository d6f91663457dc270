//! DynamoDB's time to live: expired items are deleted at some later time.

use std::pin::pin;
use std::time::Duration;

use dynoxide::Database;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How often. Used proofs and assertions, counters and revoked tokens expire after minutes or hours, so that without it
/// the tables of a long-running server would only grow.
pub(crate) const INTERVAL: Duration = Duration::from_mins(1);

/// Deletes expired items every [`INTERVAL`] until `stopped` completes. The work is done on a blocking thread, a page of
/// a table at a time: a request waits for one page, not for the whole sweep.
pub(crate) async fn periodically(database: Database, stopped: impl Future<Output = ()>) {
    let mut stopped = pin!(stopped);
    while timeout(INTERVAL, &mut stopped).await.is_err() {
        let database = database.clone();
        // After a failure the items stay until the next time. They are expired, and nobody reads them.
        let _ = spawn_blocking(move || database.sweep_ttl()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use serde_json::{Value, json};
    use tokio::time::{Instant, pause, sleep};

    use super::*;
    use crate::{Embedded, InProcess};

    const TABLE: &str = "proofs";

    async fn call(services: &InProcess, operation: &str, input: Value) -> Value {
        let target = format!("DynamoDB_20120810.{operation}");
        let (status, output) = services.call(&target, input.to_string().as_bytes()).await.expect("answered in process");
        assert_eq!(status, 200, "{output}");
        serde_json::from_str(&output).expect("JSON")
    }

    /// Creates a table whose items expire at `expires_at`.
    fn create_table(database: &Database) {
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        });
        database.create_table(serde_json::from_value(table).expect("a request")).expect("a table");
        let specification = json!({ "AttributeName": "expires_at", "Enabled": true });
        let ttl = json!({ "TableName": TABLE, "TimeToLiveSpecification": specification });
        database.update_time_to_live(serde_json::from_value(ttl).expect("a request")).expect("a time to live");
    }

    async fn put(services: &InProcess, id: &str, expires_at: u64) {
        let item = json!({ "id": { "S": id }, "expires_at": { "N": expires_at.to_string() } });
        call(services, "PutItem", json!({ "TableName": TABLE, "Item": item })).await;
    }

    async fn has(services: &InProcess, id: &str) -> bool {
        let get = json!({ "TableName": TABLE, "Key": { "id": { "S": id } } });
        call(services, "GetItem", get).await.get("Item").is_some()
    }

    /// The clock of the test stands still until all tasks wait for it, so that it needs no time.
    #[tokio::test]
    async fn a_running_server_deletes_what_expires_until_it_stops() {
        let embedded = Embedded::in_memory().await.expect("starts");
        let services = embedded.in_process();
        create_table(&services.database);
        pause();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        for round in ["first", "second"] {
            put(&services, round, now - 60).await;
            put(&services, "live", now + 3600).await;
            assert!(has(&services, round).await, "nothing is deleted before its time");
            // The second wait ends after the sweep that the first one started.
            sleep(INTERVAL).await;
            sleep(INTERVAL).await;
            assert!(!has(&services, round).await && has(&services, "live").await, "{round}");
        }

        let stopping = Instant::now();
        embedded.stop().await;
        assert!(stopping.elapsed() < crate::STOP_TIMEOUT, "a task did not stop by itself");
        put(&services, "after", now - 60).await;
        sleep(2 * INTERVAL).await;
        assert!(has(&services, "after").await, "deleted after the stop");
    }
}
