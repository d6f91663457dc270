//! What registration keeps beside the clients, in a table of its own: initial access tokens, and how many
//! clients registered in a minute.
//!
//! The partition key is `id` (S), the TTL attribute `expires_at` (N, epoch seconds). Three kinds of items:
//!
//! | `id` | attributes |
//! |---|---|
//! | `token#<base64url of the token's SHA-256>` | `name` (S), `issued_at` (N), `expires_at` (N), `uses_left` (N), `scope` (S) |
//! | `minute#<minutes since 1970>` | `registrations` (N), from all addresses; `expires_at` (N) |
//! | `minute#<minutes since 1970>#<address>` | the same for one address, or one /64 of IPv6 |

mod limit;
mod tokens;

use aws_sdk_dynamodb::Client as DynamoDb;

pub use limit::{Limits, Throttled};
pub use tokens::{TokenPage, UseError};

/// The name of the partition key.
pub const KEY: &str = "id";

/// The table.
#[derive(Clone, Debug)]
pub struct RegistrationsTable {
    dynamodb: DynamoDb,
    name: String,
}

impl RegistrationsTable {
    /// The table with this name.
    pub const fn new(dynamodb: DynamoDb, name: String) -> Self {
        Self { dynamodb, name }
    }
}
