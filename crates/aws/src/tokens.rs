//! The table of tokens. It stores no issued tokens, only the identifiers of revoked tokens and of used assertions
//! and proofs, and counters. Each item expires when the token, assertion or proof expires; a counter after its hour.
//!
//! The partition key is `id` (S), the TTL attribute `expires_at` (N, epoch seconds):
//!
//! | `id` | what |
//! |---|---|
//! | `revoked#<jti>` | a revoked access token of this server (D4); `jti` (S) and, for the audit log, `client_id` (S), whose token it was and who revoked it |
//! | `assertion#<client_id>#<hash>` | a used client assertion; the hash is base64url of the SHA-256 of its `jti` (A6) |
//! | `federated#<hash>` | a used assertion of a trusted issuer whose assertions count once (F1) |
//! | `proof#<thumbprint>#<hash>` | a used DPoP proof (J5) |
//! | `issued#<client_id>#<region>#<hours since 1970>` | `issued` (N): the tokens that a client, which may get so many an hour, got in this region (P5) |
//! | `nonce-key` | `key` (B, 32 bytes), from which DPoP nonces are made; does not expire |

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::ClientId;

use crate::{Sdk, Unavailable};

/// The name of the partition key.
pub const KEY: &str = "id";

/// The item with the nonce key.
const NONCE_KEY: &str = "nonce-key";

/// Why a token was not counted.
#[derive(Debug, thiserror::Error)]
pub enum Uncounted {
    /// The client has had as many tokens as it may get in this hour.
    #[error("too many tokens of this client in this hour")]
    Exceeded {
        /// Seconds until the next hour begins.
        retry_after: u64,
    },
    /// The table cannot be written.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The table of tokens.
#[derive(Clone, Debug)]
pub struct TokensTable {
    dynamodb: DynamoDb,
    name: String,
    /// The counters are those of this region. Two regions that wrote one item would lose each other's counts.
    region: String,
}

impl TokensTable {
    /// Creates a handle to the table with this name.
    pub fn new(sdk: &Sdk, name: String) -> Self {
        Self { dynamodb: sdk.dynamodb(), name, region: sdk.region().unwrap_or_default().to_owned() }
    }

    /// Records the use of an identifier until it expires, with exactly one conditional `PutItem`. Returns `false` if
    /// it was used before.
    ///
    /// `attempt` is a random value of the request. With it, the condition accepts an SDK retry whose first attempt
    /// was stored but whose response was lost.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn use_once(
        &self,
        id: String,
        attempt: &str,
        expires_at: EpochSeconds,
        now: EpochSeconds,
    ) -> Result<bool, Unavailable> {
        let number = |seconds: EpochSeconds| AttributeValue::N(seconds.to_string());
        let put = self.dynamodb.put_item().table_name(&self.name);
        let put = put
            .item(KEY, AttributeValue::S(id))
            .item("attempt", AttributeValue::S(attempt.to_owned()))
            .item("expires_at", number(expires_at))
            // DynamoDB may delete expired items late, so the condition ignores them.
            .condition_expression("attribute_not_exists(id) OR expires_at <= :now OR attempt = :attempt")
            .expression_attribute_values(":now", number(now))
            .expression_attribute_values(":attempt", AttributeValue::S(attempt.to_owned()));
        match Box::pin(put.send()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(Unavailable::new("dynamodb:PutItem", error)),
            },
        }
    }

    /// Records that a client revoked one of its tokens, until the token expires, with exactly one `PutItem`.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn revoke(&self, jti: &str, expires_at: EpochSeconds, client: &ClientId) -> Result<(), Unavailable> {
        let put = self.dynamodb.put_item().table_name(&self.name).item(KEY, revoked(jti));
        let put = put
            .item("jti", AttributeValue::S(jti.to_owned()))
            .item("client_id", AttributeValue::S(client.as_str().to_owned()))
            .item("expires_at", AttributeValue::N(expires_at.to_string()));
        let put = Box::pin(put.send()).await;
        put.map(drop).map_err(|error| Unavailable::new("dynamodb:PutItem", error))
    }

    /// Counts a token of a client that may get at most so many an hour, with exactly one conditional `UpdateItem` (P5). Hours
    /// begin at full hours of UTC. Each is a separate item of less than 1 KB, so a token costs one write unit. An SDK retry
    /// whose first attempt was stored but whose response was lost counts twice.
    ///
    /// # Errors
    /// [`Uncounted`].
    pub async fn count(&self, client: &ClientId, limit: u32, now: EpochSeconds) -> Result<(), Uncounted> {
        const HOUR: EpochSeconds = 3600;
        let (hour, number) = (now / HOUR, |number: u64| AttributeValue::N(number.to_string()));
        let counter = AttributeValue::S(format!("issued#{}#{}#{hour}", client.as_str(), self.region));
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, counter);
        let update = update
            .update_expression("ADD issued :one SET expires_at = :end")
            .condition_expression("attribute_not_exists(issued) OR issued < :limit")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":limit", number(limit.into()))
            .expression_attribute_values(":end", number((hour + 2) * HOUR));
        match Box::pin(update.send()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => {
                    Uncounted::Exceeded { retry_after: HOUR - now % HOUR }
                }
                _ => Unavailable::new("dynamodb:UpdateItem", error).into(),
            }),
        }
    }

    /// Whether a token was revoked, with exactly one consistent `GetItem`.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn is_revoked(&self, jti: &str) -> Result<bool, Unavailable> {
        let get = self.dynamodb.get_item().table_name(&self.name).key(KEY, revoked(jti)).consistent_read(true);
        let found = Box::pin(get.send()).await.map_err(|error| Unavailable::new("dynamodb:GetItem", error))?;
        Ok(found.item.is_some())
    }

    /// The key of `DPoP` nonces, shared by all instances, with one `GetItem`. If there is none, one conditional
    /// `PutItem` stores `fresh`, unless another instance stored one first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn nonce_key(&self, fresh: [u8; 32]) -> Result<[u8; 32], Unavailable> {
        if let Some(key) = self.read_nonce_key().await? {
            return Ok(key);
        }
        let put = self.dynamodb.put_item().table_name(&self.name).item(KEY, AttributeValue::S(NONCE_KEY.to_owned()));
        let put = put.item("key", AttributeValue::B(Blob::new(fresh))).condition_expression("attribute_not_exists(id)");
        match Box::pin(put.send()).await {
            Ok(_) => return Ok(fresh),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => {}
                _ => return Err(Unavailable::new("dynamodb:PutItem", error)),
            },
        }
        let key = self.read_nonce_key().await?;
        key.ok_or_else(|| {
            Unavailable::with_cause("dynamodb:GetItem", "the nonce key was deleted after it was stored".to_owned())
        })
    }

    async fn read_nonce_key(&self) -> Result<Option<[u8; 32]>, Unavailable> {
        let get = self.dynamodb.get_item().table_name(&self.name).consistent_read(true);
        let get = get.key(KEY, AttributeValue::S(NONCE_KEY.to_owned()));
        let found = Box::pin(get.send()).await.map_err(|error| Unavailable::new("dynamodb:GetItem", error))?;
        let key = found.item.and_then(|mut item| item.remove("key"));
        let damaged = || Unavailable::with_cause("dynamodb:GetItem", "the nonce key is invalid".to_owned());
        key.map(|key| key.as_b().ok().and_then(|key| key.as_ref().try_into().ok()).ok_or_else(damaged)).transpose()
    }
}

fn revoked(jti: &str) -> AttributeValue {
    AttributeValue::S(format!("revoked#{jti}"))
}
