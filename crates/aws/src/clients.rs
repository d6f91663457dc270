//! The table of clients in DynamoDB.
//!
//! One item per client:
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `client_id` | S | the partition key |
//! | `client_id_issued_at` | N | epoch seconds |
//! | `secrets` | L of M | newest first, at most two; each has `sha256` (B, 32 bytes) and `expires_at` (N, epoch seconds, 0 = never) |
//! | `registration_access_token` | B | its SHA-256, 32 bytes |
//! | `disabled` | BOOL | whether an operator has disabled the client; absent: false |
//! | `token_endpoint_auth_method` | S | the registered name |
//! | `method_not_named` | BOOL | whether the registration omitted the method, so that the default applies (A3); absent: false |
//! | `grant_types`, `response_types` | L of S | as registered |
//! | `scope` | S | space-separated; absent: none |
//! | `scope_ceiling` | S | the widest scope that the client may register; absent: it registered openly |
//! | `metadata` | M | the other registered members, as sent |
//! | `federated_credentials` | L of M | the subjects of trusted issuers that are the client (F2); absent: none |
//! | `token_policy` | M | what the client may get, as its operator decided (P6); absent: what the deployment allows |
//! | `expires_at` | N | epoch seconds; the table's TTL attribute; absent: the client does not expire |
//! | `managed_by` | M | the list of clients that manages it: its `owner` (S), the client's `name` (S) in it, and `unlisted` (BOOL) once it is no longer there; absent: none |
//! | `last_change` | M | who did what to it last: `what` (S) and `by` (S), for the audit log; absent: nobody since there is one |
//!
//! Beside them, one item per subject that clients trust: `client_id` (S) is its key, `federated#…`, which no client's
//! identifier begins with, and `clients` (SS) are the clients. It is written with the client, and only a hint: it finds the
//! client of an assertion without `client_id`, and the client's own `federated_credentials` decide.
//!
//! | component | operations | DynamoDB calls |
//! |---|---|---|
//! | registration | create | one conditional `PutItem`, in a transaction if an initial access token is used or there are federated credentials |
//! | client configuration | read, update | `GetItem`; one conditional `UpdateItem` |
//! | | delete | one conditional `UpdateItem`, one conditional `DeleteItem`, in a transaction if there are federated credentials |
//! | the token endpoint | find by subject | one `GetItem` |
//! | | read; clear `expires_at` once | one `GetItem`; one conditional `UpdateItem` |

mod change;
mod federation;
mod item;
pub mod known;
mod limits;
mod operator;
mod records;

use std::sync::Weak;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, ReturnValue};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::secret::SecretHash;

use crate::Unavailable;
use change::LastChange;
pub use change::{ATTRIBUTES, Audited, Author, Change};
use item::ClientItem;
pub use item::NewClient;
use known::{Forget, Kept, KnownClients};
pub use limits::{ItemError, MAX_DEPTH, MAX_DIGITS, MAX_ITEM_BYTES};
pub use operator::{ClientPage, Cursor};
pub use records::{Record, RecordPage};

/// The name of the partition key.
pub const KEY: &str = "client_id";

/// The name of the TTL attribute.
pub const TTL: &str = "expires_at";

/// The condition of an insert. The second half accepts an SDK retry whose first attempt was stored but whose
/// response was lost: an equal token hash shows that it is the same registration.
const NEW: &str = "attribute_not_exists(client_id) OR registration_access_token = :token";

/// The condition of a removal by the client itself, once it is checked.
const UNCHANGED: &str = "attribute_not_exists(client_id) OR registration_access_token = :token";

/// The table of clients.
#[derive(Clone, Debug)]
pub struct ClientsTable {
    dynamodb: DynamoDb,
    name: String,
    kept: Weak<Kept>,
}

/// The consistency of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Eventually consistent: half the price, but may miss the latest writes.
    Eventual,
    /// Strongly consistent: sees every completed write.
    Strong,
}

/// Why a client was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The condition of the write failed: the client already exists, or it was changed or removed since it was read.
    #[error("the client already exists, or was changed or removed meanwhile")]
    Condition,
    /// The table cannot be written.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The client exceeds a limit of DynamoDB items.
    #[error(transparent)]
    Item(#[from] ItemError),
}

/// Why a client was not read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FindError {
    /// The table cannot be read.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The stored item is not a valid client.
    #[error("the stored client {0} is invalid: {1}")]
    Damaged(ClientId, String),
}

impl ClientsTable {
    /// Creates a handle to the table with this name.
    pub const fn new(dynamodb: DynamoDb, name: String) -> Self {
        Self { dynamodb, name, kept: Weak::new() }
    }

    /// The same table. A client that is changed or removed through this handle is forgotten by `known`, so that one
    /// process that does both sees its own changes at once.
    #[must_use]
    pub fn seen_by(self, known: &KnownClients) -> Self {
        Self { kept: known.kept(), ..self }
    }

    /// Opens the connection to DynamoDB, so that no request waits for the TLS handshake. Makes one `GetItem` of a client
    /// that does not exist. A failure is logged: the first request then opens the connection.
    pub async fn connect(&self) {
        let no_client = AttributeValue::S("-".to_owned());
        let get = self.dynamodb.get_item().table_name(&self.name).key(KEY, no_client);
        if let Err(error) = Box::pin(get.send()).await {
            let error = Unavailable::new("dynamodb:GetItem", error);
            tracing::warn!(cause = %error, "the connection to DynamoDB is not open yet");
        }
    }

    /// Stores a new client with exactly one `PutItem`, or one `TransactWriteItems` if it has federated credentials. Fails if
    /// the client already exists.
    ///
    /// # Errors
    /// [`WriteError`]. The client is then not stored, unless the write succeeded and its response was lost.
    pub async fn insert(&self, client: NewClient) -> Result<(), WriteError> {
        if !client.links.is_empty() {
            return self.transact(self.inserts(client)).await;
        }
        let put = self.dynamodb.put_item().table_name(&self.name).set_item(Some(client.item));
        let put = put.condition_expression(NEW).expression_attribute_values(":token", client.token);
        Box::pin(put.send()).await.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => WriteError::Condition,
            _ => Unavailable::new("dynamodb:PutItem", error).into(),
        })
    }

    /// The client itself, as part of a transaction.
    fn put(&self, client: NewClient) -> Put {
        let put = Put::builder().table_name(&self.name).set_item(Some(client.item));
        let put = put.condition_expression(NEW).expression_attribute_values(":token", client.token);
        put.build().expect("a table and an item are given")
    }

    /// Reads a client with exactly one `GetItem`.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn find(&self, id: &ClientId, consistency: Consistency) -> Result<Option<Client>, FindError> {
        let get = self.dynamodb.get_item().table_name(&self.name).key(KEY, key(id));
        let get = get.consistent_read(consistency == Consistency::Strong);
        let found = Box::pin(get.send()).await.map_err(|error| Unavailable::new("dynamodb:GetItem", error))?;
        found.item.map(|item| item::read(item).map_err(|error| FindError::Damaged(id.clone(), error))).transpose()
    }

    /// Replaces the metadata, secrets and registration access token of a client with exactly one `UpdateItem`, for the
    /// client itself. It changes no other attribute, because an operator may disable the client at the same time, or change
    /// whom it trusts.
    ///
    /// `before` is the client as it was read. The write succeeds only if the stored registration access token and
    /// secrets still equal those of `before` (M7), and so do the federated credentials, with which the rest must fit (F4),
    /// and the scope and its ceiling, which limit the new scope (R10). What else an operator sets is not written here.
    ///
    /// # Errors
    /// [`WriteError`]. [`WriteError::Item`] is returned before DynamoDB is called.
    pub async fn update(&self, before: &Client, after: &Client) -> Result<(), WriteError> {
        let has_new_secret = after.client_secrets.first().is_some_and(|secret| {
            before.client_secrets.first().is_none_or(|previous| previous.sha256 != secret.sha256)
        });
        let what = if has_new_secret { Change::SecretRotated } else { Change::Changed };
        let change = LastChange::new(what, &Author::client());
        item::write(after, &change)?;
        let _forget = Forget::afterwards(&self.kept, &after.client_id);
        let (old, new) = (ClientItem::from(before), ClientItem::from(after));
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, key(&after.client_id));
        let update = update.update_expression(
            "SET secrets = :secrets, registration_access_token = :token, token_endpoint_auth_method = :method, \
             method_not_named = :not_named, grant_types = :grants, response_types = :responses, #scope = :scope, metadata = :metadata, \
             last_change = :change",
        );
        // An empty scope may be absent.
        let same_scope = if before.metadata.scope.is_empty() { "attribute_not_exists(#scope) OR " } else { "" };
        let ceiling = before.scope_ceiling.as_ref();
        let same_ceiling =
            if ceiling.is_some() { "scope_ceiling = :ceiling" } else { "attribute_not_exists(scope_ceiling)" };
        // The last half accepts an SDK retry whose first attempt was stored but whose response was lost.
        let update = update.condition_expression(format!(
            "attribute_exists(client_id) AND {same_ceiling} AND {} AND \
                 ((registration_access_token = :old_token AND secrets = :old_secrets AND \
                   ({same_scope}#scope = :old_scope)) OR \
                 (registration_access_token = :token AND secrets = :secrets))",
            federation::same(before),
        ));
        let mut values = federation::values(before)?.unwrap_or_default();
        if let Some(ceiling) = ceiling {
            values.insert(":ceiling".to_owned(), attribute(ceiling)?);
        }
        let update = update
            .set_expression_attribute_values(Some(values))
            .expression_attribute_names("#scope", "scope")
            .expression_attribute_values(":secrets", attribute(&new.secrets)?)
            .expression_attribute_values(":token", token_of(after))
            .expression_attribute_values(":method", attribute(new.token_endpoint_auth_method)?)
            .expression_attribute_values(":not_named", AttributeValue::Bool(new.method_not_named))
            .expression_attribute_values(":grants", attribute(&new.grant_types)?)
            .expression_attribute_values(":responses", attribute(&new.response_types)?)
            .expression_attribute_values(":scope", attribute(&new.scope)?)
            .expression_attribute_values(":metadata", attribute(&new.metadata)?)
            .expression_attribute_values(":change", change.attribute())
            .expression_attribute_values(":old_token", token_of(before))
            .expression_attribute_values(":old_secrets", attribute(&old.secrets)?)
            .expression_attribute_values(":old_scope", attribute(&old.scope)?);
        Box::pin(update.send()).await.map(drop).map_err(update_error)
    }

    /// Removes a client for itself, if this is its registration access token and it is neither disabled nor expired. First
    /// one `UpdateItem` checks this and states who removes it, which a `DeleteItem` cannot; then one `DeleteItem` removes it,
    /// if the token is still this one, together with its links, if it has federated credentials. Between the two the client is
    /// as before.
    ///
    /// # Errors
    /// [`WriteError`]; [`WriteError::Condition`] also if the client does not exist.
    pub async fn delete(&self, id: &ClientId, token: &SecretHash, now: EpochSeconds) -> Result<(), WriteError> {
        let _forget = Forget::afterwards(&self.kept, id);
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, key(id));
        let update = update
            .update_expression("SET last_change = :change")
            .condition_expression(
                "registration_access_token = :token AND (attribute_not_exists(disabled) OR disabled = :no) AND \
                 (attribute_not_exists(expires_at) OR expires_at > :now)",
            )
            .expression_attribute_values(":change", LastChange::new(Change::Deleted, &Author::client()).attribute())
            .expression_attribute_values(":token", hash(token))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":now", AttributeValue::N(now.to_string()));
        let update = update.return_values(ReturnValue::AllNew);
        let marked = Box::pin(update.send()).await.map_err(update_error)?;
        let links = federation::links(marked.attributes);
        if !links.is_empty() {
            let delete = Delete::builder().table_name(&self.name).key(KEY, key(id)).condition_expression(UNCHANGED);
            let delete = delete.expression_attribute_values(":token", hash(token));
            return self.transact(self.deletes(id, delete, &links)).await;
        }
        let delete = self.dynamodb.delete_item().table_name(&self.name).key(KEY, key(id));
        let delete = delete.condition_expression(UNCHANGED).expression_attribute_values(":token", hash(token));
        Box::pin(delete.send()).await.map(drop).map_err(|error| match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => WriteError::Condition,
            _ => Unavailable::new("dynamodb:DeleteItem", error).into(),
        })
    }

    /// Clears the expiry of an unused client when it receives its first token (R20), with exactly one `UpdateItem`.
    ///
    /// # Errors
    /// [`WriteError`]; [`WriteError::Condition`] if the client no longer exists.
    pub async fn clear_expiry(&self, id: &ClientId) -> Result<(), WriteError> {
        let _forget = Forget::afterwards(&self.kept, id);
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, key(id));
        let update = update.update_expression("REMOVE expires_at").condition_expression("attribute_exists(client_id)");
        Box::pin(update.send()).await.map(drop).map_err(update_error)
    }
}

fn key(id: &ClientId) -> AttributeValue {
    AttributeValue::S(id.as_str().to_owned())
}

fn hash(hash: &SecretHash) -> AttributeValue {
    AttributeValue::B(Blob::new(hash.as_bytes()))
}

/// The stored hash, or a value that equals no stored hash.
fn token_of(client: &Client) -> AttributeValue {
    client.registration_access_token.as_ref().map_or(AttributeValue::Null(true), hash)
}

fn update_error(error: aws_sdk_dynamodb::error::SdkError<UpdateItemError>) -> WriteError {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(_)) => WriteError::Condition,
        _ => Unavailable::new("dynamodb:UpdateItem", error).into(),
    }
}

fn attribute(value: impl serde::Serialize) -> Result<AttributeValue, WriteError> {
    Ok(serde_dynamo::to_attribute_value(value).map_err(ItemError::Form)?)
}
