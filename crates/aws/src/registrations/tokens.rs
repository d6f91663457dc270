//! Initial access tokens (R15, R16).

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_oauth::token_policy::TokenPolicy;

use super::{KEY, RegistrationsTable};
use crate::Unavailable;
use crate::clients::{ClientsTable, ItemError, NewClient, WriteError};

const PREFIX: &str = "token#";

/// The maximum number of attempts of a transaction that conflicts with another one on the same token.
const CONFLICTS: u32 = 20;

/// Why a client was not registered with an initial access token.
#[derive(Debug, thiserror::Error)]
pub enum UseError {
    /// The token is spent, expired or revoked, possibly because a concurrent registration consumed the last use.
    #[error("the initial access token is spent, expired or revoked")]
    Spent,
    /// The client was not stored.
    #[error(transparent)]
    Client(#[from] WriteError),
}

/// One page of the initial access tokens.
#[derive(Debug)]
pub struct TokenPage {
    /// The tokens, in no particular order.
    pub tokens: Vec<InitialAccessToken>,
    /// The start of the next page; `None` on the last page.
    pub next: Option<String>,
}

impl RegistrationsTable {
    /// The identifier of a token for operators: its partition key without the prefix.
    pub fn token_id(hash: &SecretHash) -> String {
        URL_SAFE_NO_PAD.encode(hash.as_bytes())
    }

    /// The hash of the token with this identifier, if the identifier is valid.
    pub fn token_hash(id: &str) -> Option<SecretHash> {
        let hash = URL_SAFE_NO_PAD.decode(id).ok()?;
        hash.try_into().ok().map(SecretHash::from_bytes)
    }

    /// Reads a token with exactly one consistent `GetItem`.
    ///
    /// # Errors
    /// [`Unavailable`], also if the stored item is invalid.
    pub async fn find_token(&self, hash: &SecretHash) -> Result<Option<InitialAccessToken>, Unavailable> {
        let get = self.dynamodb.get_item().table_name(&self.name).key(KEY, key(hash)).consistent_read(true);
        let found = Box::pin(get.send()).await.map_err(|error| Unavailable::new("dynamodb:GetItem", error))?;
        found.item.map(read).transpose()
    }

    /// Stores a client and consumes one use of the token in one `TransactWriteItems`: both or neither.
    ///
    /// # Errors
    /// [`UseError`].
    pub async fn register_with_token(
        &self,
        token: &SecretHash,
        clients: &ClientsTable,
        client: NewClient,
        now: EpochSeconds,
    ) -> Result<(), UseError> {
        let take = Update::builder()
            .table_name(&self.name)
            .key(KEY, key(token))
            .update_expression("SET uses_left = uses_left - :one")
            .condition_expression("uses_left >= :one AND expires_at > :now")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now))
            .build()
            .map_err(|error| {
                WriteError::from(Unavailable::with_cause("dynamodb:TransactWriteItems", error.to_string()))
            })?;
        let take = TransactWriteItem::builder().update(take).build();
        let client_id = client.client_id().clone();
        let inserts = clients.inserts(client);
        for attempt in 0..CONFLICTS {
            let transaction = self
                .dynamodb
                .transact_write_items()
                // Identifies this registration in every retry.
                .client_request_token(client_id.as_str())
                .set_transact_items(Some([vec![take.clone()], inserts.clone()].concat()));
            match outcome(Box::pin(transaction.send()).await) {
                Outcome::Done => return Ok(()),
                Outcome::Spent => return Err(UseError::Spent),
                Outcome::Failed(error) => return Err(error.into()),
                // Other registrations use the same token; each round lets one of them succeed.
                Outcome::Conflict => tokio::time::sleep(Duration::from_millis(u64::from(5 + 7 * attempt))).await,
            }
        }
        Err(WriteError::from(Unavailable::with_cause("dynamodb:TransactWriteItems", "too many conflicts".to_owned()))
            .into())
    }

    /// Stores a new token with exactly one `PutItem`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn insert_token(&self, token: &InitialAccessToken) -> Result<(), WriteError> {
        let item = serde_dynamo::to_item(TokenItem::from(token)).map_err(ItemError::Form)?;
        let put = self.dynamodb.put_item().table_name(&self.name).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(id) OR issued_at = :now");
        let put = put.expression_attribute_values(":now", number(token.issued_at));
        Box::pin(put.send()).await.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => WriteError::Condition,
            _ => Unavailable::new("dynamodb:PutItem", error).into(),
        })
    }

    /// Reads a page of tokens, expired ones included, with exactly one `Scan`.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn token_page(&self, after: Option<String>, limit: i32) -> Result<TokenPage, Unavailable> {
        let start = after.map(|id| [(KEY.to_owned(), AttributeValue::S(id))].into());
        let scan = self.dynamodb.scan().table_name(&self.name).limit(limit).set_exclusive_start_key(start);
        let scan = scan.filter_expression("begins_with(id, :prefix)");
        let scan = scan.expression_attribute_values(":prefix", AttributeValue::S(PREFIX.to_owned()));
        let page = Box::pin(scan.send()).await.map_err(|error| Unavailable::new("dynamodb:Scan", error))?;
        let tokens = page.items.unwrap_or_default().into_iter().map(read).collect::<Result<_, _>>()?;
        let next = page.last_evaluated_key.and_then(|mut last| match last.remove(KEY) {
            Some(AttributeValue::S(id)) => Some(id),
            _ => None,
        });
        Ok(TokenPage { tokens, next })
    }

    /// Removes a token with exactly one `DeleteItem`. Returns `false` if it did not exist.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn remove_token(&self, hash: &SecretHash) -> Result<bool, Unavailable> {
        let delete = self.dynamodb.delete_item().table_name(&self.name).key(KEY, key(hash));
        let delete = delete.return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld);
        let deleted = Box::pin(delete.send()).await.map_err(|error| Unavailable::new("dynamodb:DeleteItem", error))?;
        Ok(deleted.attributes.is_some_and(|attributes| !attributes.is_empty()))
    }
}

enum Outcome {
    Done,
    Spent,
    Conflict,
    Failed(WriteError),
}

/// The result of the transaction. The cancellation reasons have the order of its writes.
fn outcome(result: Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>>) -> Outcome {
    let Err(error) = result else { return Outcome::Done };
    let reasons: Vec<_> = match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            canceled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or_default()).collect()
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => return Outcome::Conflict,
        _ => Vec::new(),
    };
    match reasons[..] {
        ["ConditionalCheckFailed", ..] => Outcome::Spent,
        [_, "ConditionalCheckFailed", ..] => Outcome::Failed(WriteError::Condition),
        _ if reasons.contains(&"TransactionConflict") => Outcome::Conflict,
        _ => Outcome::Failed(Unavailable::new("dynamodb:TransactWriteItems", error).into()),
    }
}

fn key(hash: &SecretHash) -> AttributeValue {
    AttributeValue::S(format!("{PREFIX}{}", RegistrationsTable::token_id(hash)))
}

fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// The DynamoDB item of a token.
#[derive(Serialize, Deserialize)]
struct TokenItem {
    id: String,
    name: String,
    issued_at: EpochSeconds,
    expires_at: EpochSeconds,
    uses_left: u32,
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    scope: Scope,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    allows_federation: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_policy: Option<Value>,
}

impl From<&InitialAccessToken> for TokenItem {
    fn from(token: &InitialAccessToken) -> Self {
        Self {
            id: format!("{PREFIX}{}", RegistrationsTable::token_id(&token.hash)),
            name: token.name.clone(),
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            uses_left: token.uses_left,
            scope: token.scope.clone(),
            allows_federation: token.allows_federation,
            token_policy: token.token_policy.as_deref().map(TokenPolicy::to_json),
        }
    }
}

fn read(item: HashMap<String, AttributeValue>) -> Result<InitialAccessToken, Unavailable> {
    let damaged =
        |what: String| Unavailable::with_cause("dynamodb:GetItem", format!("invalid initial access token: {what}"));
    let item: TokenItem = serde_dynamo::from_item(item).map_err(|error| damaged(error.to_string()))?;
    let policy = item.token_policy.as_ref().map(TokenPolicy::parse).transpose();
    let policy = policy.map_err(|error| damaged(format!("token_policy {error}")))?;
    let hash = item.id.strip_prefix(PREFIX).and_then(RegistrationsTable::token_hash);
    Ok(InitialAccessToken {
        hash: hash.ok_or_else(|| damaged("id".to_owned()))?,
        name: item.name,
        issued_at: item.issued_at,
        expires_at: item.expires_at,
        uses_left: item.uses_left,
        scope: item.scope,
        allows_federation: item.allows_federation,
        token_policy: policy.filter(|policy| !policy.is_empty()).map(Box::new),
    })
}
