//! The table of registrations: initial access tokens, and the number of registrations per minute.
//!
//! The partition key is `id` (S), the TTL attribute `expires_at` (N, epoch seconds). There are three kinds of items:
//!
//! | `id` | attributes |
//! |---|---|
//! | `token#<base64url of the token's SHA-256>` | `name` (S), `issued_at` (N), `expires_at` (N), `uses_left` (N), `scope` (S), `allows_federation` (BOOL), `token_policy` (M, as in the table of clients) |
//! | `minute#<region>#<minutes since 1970>` | `registrations` (N) in this region, from all addresses; `expires_at` (N) |
//! | `minute#<region>#<minutes since 1970>#<address>` | the same for one address, or one IPv6 /64 |

mod limit;
mod tokens;

use aws_sdk_dynamodb::Client as DynamoDb;

use crate::Sdk;

pub use limit::{Limits, Throttled};
pub use tokens::{TokenPage, UseError};

/// The name of the partition key.
pub const KEY: &str = "id";

/// The table of registrations.
#[derive(Clone, Debug)]
pub struct RegistrationsTable {
    dynamodb: DynamoDb,
    name: String,
    /// The counters are those of this region. Two regions that wrote one item would lose each other's counts.
    region: String,
}

impl RegistrationsTable {
    /// Creates a handle to the table with this name.
    pub fn new(sdk: &Sdk, name: String) -> Self {
        Self { dynamodb: sdk.dynamodb(), name, region: sdk.region().unwrap_or_default().to_owned() }
    }
}
