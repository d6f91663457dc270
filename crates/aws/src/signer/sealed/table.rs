//! The table of sealed keys. Each item is one key, written once when the key is made and never changed.
//!
//! | attribute | type | what |
//! |---|---|---|
//! | `issuer` | S, partition key | the issuer that owns the key |
//! | `generation` | N, sort key | the number of the key: the previous number plus one |
//! | `spec` | S | KMS's name of the key spec |
//! | `public_key` | B | DER `SubjectPublicKeyInfo` |
//! | `sealed_private_key` | B | the private key, encrypted with the sealing key |
//! | `created_at`, `signs_from` | N | epoch seconds |
//! | `max_age`, `token_ttl` | N | seconds: `JWKS_MAX_AGE` and `ACCESS_TOKEN_TTL` when the key was made |
//! | `expires_at` | N | epoch seconds, the TTL attribute |
//! | `version` | N | 2: the private key is bound to all of the above; absent: to the issuer only |
//!
//! The content of an item is not trusted by itself. KMS decrypts the private key only with the original encryption
//! context, which contains every other attribute except the public key. The public key must match the private key.
//! So an item that [`super::vault::Vault::open`] accepts is authentic as a whole.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::key_schedule::KeyDates;

use super::stored_key::{Binding, SealedPair, StoredKey};
use crate::Unavailable;
use crate::config::SigningKeySpec;
use crate::signer::error::LoadError;
use crate::unavailable::{DYNAMODB_MISTAKES, definite_error};

/// The name of the partition key.
pub const KEY: &str = "issuer";

/// The name of the sort key, a number.
pub const SORT_KEY: &str = "generation";

/// The table of one deployment.
#[derive(Debug)]
pub(super) struct KeysTable {
    dynamodb: DynamoDb,
    name: String,
    issuer: String,
}

/// The `version` of an item with [`Binding::Item`].
const VERSION: u8 = 2;

/// All items of the issuer.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// The keys, oldest first.
    pub(super) keys: Vec<StoredKey>,
    /// The highest generation, even if that item is invalid.
    pub(super) last_generation: u64,
}

#[derive(Serialize, Deserialize)]
struct Item {
    issuer: String,
    generation: u64,
    spec: String,
    public_key: ByteBuf,
    sealed_private_key: ByteBuf,
    created_at: EpochSeconds,
    signs_from: EpochSeconds,
    max_age: u32,
    token_ttl: u32,
    expires_at: EpochSeconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
}

impl KeysTable {
    pub(super) fn new(dynamodb: DynamoDb, name: String, issuer: &Issuer) -> Self {
        Self { dynamodb, name, issuer: issuer.as_str().to_owned() }
    }

    /// Reads every key with consistent reads: one `Query` per MiB. An invalid item is logged and skipped, so it does
    /// not affect other keys.
    pub(super) async fn read(&self) -> Result<Stored, LoadError> {
        let mut stored = Stored::default();
        let mut from = None;
        loop {
            let query = self.dynamodb.query().table_name(&self.name).consistent_read(true);
            let query = query.key_condition_expression("issuer = :issuer").set_exclusive_start_key(from);
            let query = query.expression_attribute_values(":issuer", AttributeValue::S(self.issuer.clone()));
            let page = Box::pin(query.send()).await.map_err(|error| unavailable("dynamodb:Query", error))?;
            for item in page.items.unwrap_or_default() {
                stored.add(item);
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(stored);
            }
        }
    }

    /// Stores a new key with exactly one conditional `PutItem`. Returns `false` if the generation already exists.
    pub(super) async fn add(&self, key: &StoredKey) -> Result<bool, LoadError> {
        let item = Item {
            issuer: self.issuer.clone(),
            generation: key.dates.generation,
            spec: key.spec.as_str().to_owned(),
            public_key: ByteBuf::from(key.pair.public.clone()),
            sealed_private_key: ByteBuf::from(key.pair.private.clone()),
            created_at: key.dates.created_at,
            signs_from: key.dates.signs_from,
            max_age: key.dates.max_age,
            token_ttl: key.dates.token_ttl,
            expires_at: key.dates.expires_at,
            version: (key.binding == Binding::Item).then_some(VERSION),
        };
        let item = serde_dynamo::to_item(item).expect("texts, numbers and bytes always serialise");
        let put = self.dynamodb.put_item().table_name(&self.name).set_item(Some(item));
        match Box::pin(put.condition_expression("attribute_not_exists(issuer)").send()).await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(unavailable("dynamodb:PutItem", error)),
            },
        }
    }
}

impl Stored {
    /// Adds an item; DynamoDB returns items ordered by generation.
    fn add(&mut self, item: HashMap<String, AttributeValue>) {
        let generation = item.get(SORT_KEY).and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok());
        let Some(generation) = generation else { return };
        self.last_generation = generation;
        let key = serde_dynamo::from_item::<_, Item>(item).map_err(|error| error.to_string());
        match key.and_then(StoredKey::try_from) {
            Ok(key) => self.keys.push(key),
            Err(cause) => tracing::error!(key.generation = generation, cause, "the stored signing key is invalid"),
        }
    }
}

impl TryFrom<Item> for StoredKey {
    type Error = String;

    fn try_from(item: Item) -> Result<Self, String> {
        let Item { generation, created_at, signs_from, expires_at, max_age, token_ttl, .. } = item;
        let spec = SigningKeySpec::from_name(&item.spec).ok_or_else(|| format!("unknown spec {:?}", item.spec))?;
        let dates = KeyDates { generation, created_at, signs_from, expires_at, max_age, token_ttl };
        let binding = match item.version {
            None => Binding::Issuer,
            Some(VERSION) => Binding::Item,
            Some(other) => return Err(format!("unknown version {other}")),
        };
        let pair = SealedPair { public: item.public_key.into_vec(), private: item.sealed_private_key.into_vec() };
        Ok(Self { binding, dates, spec, pair })
    }
}

/// A missing table, or one with another primary key, is a configuration error, not an outage. A missing permission
/// may still arrive, as with KMS.
fn unavailable<E>(call: &'static str, error: SdkError<E>) -> LoadError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match definite_error(&error, DYNAMODB_MISTAKES) {
        Some(why) => LoadError::Mistake("KEYS_TABLE", format!("cannot be used: {call}: {why}")),
        None => Unavailable::new(call, error).into(),
    }
}
