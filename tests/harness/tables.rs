//! The tables of a deployment.

use std::sync::atomic::{AtomicU64, Ordering};

use tokenmint_aws::provision;
use tokenmint_aws::{Sdk, clients, registrations, tokens};

/// The names of the tables. Another DynamoDB than the embedded one is shared by every world, so each has its own.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) clients: String,
    pub(crate) registrations: String,
    pub(crate) tokens: String,
    pub(crate) keys: String,
}

impl Tables {
    pub(crate) fn new() -> Self {
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        let world = format!("{}-{}", std::process::id(), WORLDS.fetch_add(1, Ordering::SeqCst));
        let name = |table: &str| format!("{table}-{world}");
        Self {
            clients: name("clients"),
            registrations: name("registrations"),
            tokens: name("tokens"),
            keys: name("keys"),
        }
    }

    /// Creates all but the table of keys.
    pub(crate) async fn create(&self, sdk: &Sdk) {
        let dynamodb = sdk.dynamodb();
        provision::table(&dynamodb, &self.clients, clients::KEY).await.expect("a table");
        provision::table(&dynamodb, &self.registrations, registrations::KEY).await.expect("a table");
        provision::table(&dynamodb, &self.tokens, tokens::KEY).await.expect("a table");
    }
}
