//! The clients, in DynamoDB.
//!
//! One item per client:
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `client_id` | S | the partition key |
//! | `client_id_issued_at` | N | epoch seconds |
//! | `secrets` | L of M | the newest first, at most two; each `sha256` (B, 32 bytes) and `expires_at` (N, epoch seconds, 0 = never) |
//! | `disabled` | BOOL | an operator has disabled the client; absent: no |
//! | `token_endpoint_auth_method` | S | the registered name |
//! | `grant_types`, `response_types` | L of S | as registered |
//! | `scope` | S | space-separated; absent: none |
//! | `metadata` | M | the other registered members, as sent |
//! | `expires_at` | N | epoch seconds; the table's TTL attribute; absent: the client stays |
//!
//! Registration writes with one conditional `PutItem`; the token endpoint reads with one `GetItem`.

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use serde_json::{Map, Value};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId, StoredSecret};
use tokenmint_oauth::client_auth::Method;
use tokenmint_oauth::metadata::ClientMetadata;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;

use crate::Unavailable;

/// The name of the partition key.
pub const KEY: &str = "client_id";

/// The name of the TTL attribute.
pub const TTL: &str = "expires_at";

/// The table of clients.
#[derive(Clone, Debug)]
pub struct ClientsTable {
    dynamodb: DynamoDb,
    name: String,
}

/// Whether a read must see every write that came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Half the price; a write of the last moment may be missing.
    Eventual,
    /// Sees every write.
    Strong,
}

/// Why a client was not stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertError {
    /// There is another client under this identifier.
    #[error("the client_id is taken")]
    Taken,
    /// The table cannot be written.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The client does not fit an item.
    #[error("the client cannot be stored: {0}")]
    Form(#[source] serde_dynamo::Error),
}

/// Why a client was not read.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The table cannot be read.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What is stored is not a client.
    #[error("the stored client {0} is damaged: {1}")]
    Damaged(ClientId, String),
}

impl ClientsTable {
    /// The table with this name.
    pub const fn new(dynamodb: DynamoDb, name: String) -> Self {
        Self { dynamodb, name }
    }

    /// Stores a new client: exactly one `PutItem`, which does nothing where there is a client already.
    ///
    /// # Errors
    /// [`InsertError`]; nothing is stored then, unless the write happened and its answer was lost.
    pub async fn insert(&self, client: &Client) -> Result<(), InsertError> {
        let item = serde_dynamo::to_item(ClientItem::from(client)).map_err(InsertError::Form)?;
        let put = self.dynamodb.put_item().table_name(&self.name).set_item(Some(item));
        // The second half lets an attempt pass whose predecessor was stored but not answered: the SDK
        // retries it, and the secrets tell that it is the same registration.
        let put = put.condition_expression("attribute_not_exists(client_id) OR secrets = :secrets");
        let secrets = serde_dynamo::to_attribute_value(secrets(client)).map_err(InsertError::Form)?;
        let put = put.expression_attribute_values(":secrets", secrets);
        let outcome = Box::pin(put.send()).await;
        outcome.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => InsertError::Taken,
            _ => Unavailable::new("dynamodb:PutItem", error).into(),
        })
    }

    /// Reads a client: exactly one `GetItem`.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn find(&self, id: &ClientId, consistency: Consistency) -> Result<Option<Client>, FindError> {
        let get = self.dynamodb.get_item().table_name(&self.name);
        let get = get.key(KEY, AttributeValue::S(id.as_str().to_owned()));
        let get = get.consistent_read(consistency == Consistency::Strong);
        let outcome = Box::pin(get.send()).await;
        let Some(item) = outcome.map_err(|error| Unavailable::new("dynamodb:GetItem", error))?.item else {
            return Ok(None);
        };
        let damaged = |error: String| FindError::Damaged(id.clone(), error);
        let item: ClientItem = serde_dynamo::from_item(item).map_err(|error| damaged(error.to_string()))?;
        item.into_client().map(Some).map_err(|error| damaged(error.to_owned()))
    }

    /// Disables or enables a client: exactly one `UpdateItem`. `false` if there is no such client.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn set_disabled(&self, id: &ClientId, disabled: bool) -> Result<bool, Unavailable> {
        let update = self.dynamodb.update_item().table_name(&self.name);
        let update = update.key(KEY, AttributeValue::S(id.as_str().to_owned()));
        let update = update.update_expression("SET disabled = :disabled");
        let update = update.expression_attribute_values(":disabled", AttributeValue::Bool(disabled));
        let outcome = Box::pin(update.condition_expression("attribute_exists(client_id)").send()).await;
        match outcome {
            Ok(_) => Ok(true),
            Err(error) if is_condition_failed(error.as_service_error()) => Ok(false),
            Err(error) => Err(Unavailable::new("dynamodb:UpdateItem", error)),
        }
    }
}

fn is_condition_failed(error: Option<&UpdateItemError>) -> bool {
    matches!(error, Some(UpdateItemError::ConditionalCheckFailedException(_)))
}

/// A client as it lies in the table.
#[derive(Serialize, Deserialize)]
struct ClientItem {
    client_id: String,
    client_id_issued_at: EpochSeconds,
    secrets: Vec<SecretItem>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    token_endpoint_auth_method: Method,
    grant_types: Vec<String>,
    response_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    scope: Scope,
    metadata: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct SecretItem {
    sha256: ByteArray<32>,
    expires_at: EpochSeconds,
}

fn secrets(client: &Client) -> Vec<SecretItem> {
    let item = |secret: &StoredSecret| SecretItem {
        sha256: ByteArray::new(*secret.sha256.as_bytes()),
        expires_at: secret.expires_at,
    };
    client.client_secrets.iter().map(item).collect()
}

impl From<&Client> for ClientItem {
    fn from(client: &Client) -> Self {
        let metadata = client.metadata.clone();
        Self {
            client_id: client.client_id.as_str().to_owned(),
            client_id_issued_at: client.client_id_issued_at,
            secrets: secrets(client),
            disabled: client.disabled,
            token_endpoint_auth_method: metadata.token_endpoint_auth_method,
            grant_types: metadata.grant_types,
            response_types: metadata.response_types,
            scope: metadata.scope,
            metadata: metadata.others,
        }
    }
}

impl ClientItem {
    fn into_client(self) -> Result<Client, &'static str> {
        let secret = |item: SecretItem| StoredSecret {
            sha256: SecretHash::from_bytes(item.sha256.into_array()),
            expires_at: item.expires_at,
        };
        Ok(Client {
            client_id: ClientId::parse(&self.client_id).map_err(|_| "client_id")?,
            client_id_issued_at: self.client_id_issued_at,
            client_secrets: self.secrets.into_iter().map(secret).collect(),
            disabled: self.disabled,
            metadata: ClientMetadata {
                token_endpoint_auth_method: self.token_endpoint_auth_method,
                grant_types: self.grant_types,
                response_types: self.response_types,
                scope: self.scope,
                others: self.metadata,
            },
        })
    }
}
