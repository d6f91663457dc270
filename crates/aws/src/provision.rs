//! Creates the tables and KMS keys for the embedded services. In a deployment, CloudFormation creates them. Existing
//! resources are not changed.

use std::error::Error as StdError;
use std::time::Duration;

use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::operation::describe_key::DescribeKeyError;
pub use aws_sdk_kms::types::KeySpec;
use aws_sdk_kms::types::{KeyMetadata, KeyState, KeyUsageType};
use tokio::time::sleep;

use crate::signer::sealed;

/// The TTL attribute, in epoch seconds.
const EXPIRY: &str = "expires_at";

/// The interval and number of status checks of a new table: 10 seconds in total.
const POLL: (Duration, usize) = (Duration::from_millis(100), 100);

/// The time limit for creating a key.
const KEY_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a table or key is not available.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call failed.
    #[error("{operation} failed: {}", causes(.source.as_ref()))]
    Call {
        /// The IAM action, as in `dynamodb:CreateTable`.
        operation: &'static str,
        /// The SDK's error.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// The table exists, with a different schema.
    #[error("the table {table} {reason}")]
    Table {
        /// The table's name.
        table: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// The alias exists, but its key is not usable.
    #[error("the key of {alias} {reason}")]
    Key {
        /// The alias.
        alias: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Creates a table if it does not exist, with one partition key of type string, waits until it is active, and
/// enables TTL. The modules that own the tables name the keys: [`crate::clients::KEY`],
/// [`crate::registrations::KEY`].
///
/// # Errors
/// A call fails, the table is not active after 10 seconds, or the existing table has a different primary key.
pub async fn table(dynamodb: &aws_sdk_dynamodb::Client, table: &str, key: &str) -> Result<(), Error> {
    table_with(dynamodb, table, &[(key, ScalarAttributeType::S, KeyType::Hash)]).await
}

/// Creates the table of sealed keys if it does not exist, as [`table`] does. Its primary key has two attributes,
/// [`sealed::KEY`] and [`sealed::SORT_KEY`].
///
/// # Errors
/// As [`table`].
pub async fn keys_table(dynamodb: &aws_sdk_dynamodb::Client, table: &str) -> Result<(), Error> {
    let key = [
        (sealed::KEY, ScalarAttributeType::S, KeyType::Hash),
        (sealed::SORT_KEY, ScalarAttributeType::N, KeyType::Range),
    ];
    table_with(dynamodb, table, &key).await
}

/// The name, the type and the role of a key attribute.
type KeyPart<'a> = (&'a str, ScalarAttributeType, KeyType);

async fn table_with(dynamodb: &aws_sdk_dynamodb::Client, table: &str, key: &[KeyPart<'_>]) -> Result<(), Error> {
    let wrong = |reason| Error::Table { table: table.to_owned(), reason };
    if describe_table(dynamodb, table).await?.is_none() {
        create_table(dynamodb, table, key).await?;
    }
    let description = ready(dynamodb, table).await?.ok_or_else(|| wrong("is not ready after 10 seconds"))?;
    let own = description.key_schema().iter().map(|part| (part.attribute_name(), part.key_type()));
    if !own.eq(key.iter().map(|(name, _, role)| (*name, role))) {
        return Err(wrong("has another primary key than expected"));
    }
    delete_expired(dynamodb, table).await
}

/// Finds the signing key by its alias (`alias/...`), or creates both. Returns the key's ARN.
///
/// # Errors
/// A call fails, or the existing key is disabled, pending deletion, not a signing key, or of another spec.
pub async fn signing_key(kms: &aws_sdk_kms::Client, alias: &str, spec: KeySpec) -> Result<String, Error> {
    key(kms, alias, spec, KeyUsageType::SignVerify).await
}

/// Finds the symmetric key that encrypts private keys by its alias, or creates both. Returns the key's ARN.
///
/// # Errors
/// As [`signing_key`].
pub async fn sealing_key(kms: &aws_sdk_kms::Client, alias: &str) -> Result<String, Error> {
    key(kms, alias, KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt).await
}

async fn key(kms: &aws_sdk_kms::Client, alias: &str, spec: KeySpec, usage: KeyUsageType) -> Result<String, Error> {
    let key = match kms.describe_key().key_id(alias).send().await {
        Ok(found) => found.key_metadata,
        Err(error) if matches!(error.as_service_error(), Some(DescribeKeyError::NotFoundException(_))) => {
            create_key(kms, alias, &spec, &usage).await?
        }
        Err(error) => return Err(failed("kms:DescribeKey")(error)),
    };
    let wrong = |reason: &str| Error::Key { alias: alias.to_owned(), reason: reason.to_owned() };
    let key = key.ok_or_else(|| wrong("is not described"))?;
    check_key(&key, &spec, &usage).map_err(|reason| wrong(&reason))?;
    key.arn.ok_or_else(|| wrong("has no ARN"))
}

async fn describe_table(dynamodb: &aws_sdk_dynamodb::Client, table: &str) -> Result<Option<TableDescription>, Error> {
    match dynamodb.describe_table().table_name(table).send().await {
        Ok(found) => Ok(found.table),
        Err(error) if matches!(error.as_service_error(), Some(DescribeTableError::ResourceNotFoundException(_))) => {
            Ok(None)
        }
        Err(error) => Err(failed("dynamodb:DescribeTable")(error)),
    }
}

async fn create_table(dynamodb: &aws_sdk_dynamodb::Client, table: &str, key: &[KeyPart<'_>]) -> Result<(), Error> {
    let attributes = key.iter().map(|(name, kind, _)| {
        let attribute = AttributeDefinition::builder().attribute_name(*name).attribute_type(kind.clone());
        attribute.build().expect("name and type are set")
    });
    let schema = key.iter().map(|(name, _, role)| {
        let part = KeySchemaElement::builder().attribute_name(*name).key_type(role.clone());
        part.build().expect("name and type are set")
    });
    let created = dynamodb
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.collect()))
        .set_key_schema(Some(schema.collect()))
        .send()
        .await;
    match created {
        Ok(_) => Ok(()),
        // Another process created it meanwhile.
        Err(error) if matches!(error.as_service_error(), Some(CreateTableError::ResourceInUseException(_))) => Ok(()),
        Err(error) => Err(failed("dynamodb:CreateTable")(error)),
    }
}

/// Waits until the table is active. The SDK's waiter polls only every 20 seconds.
async fn ready(dynamodb: &aws_sdk_dynamodb::Client, table: &str) -> Result<Option<TableDescription>, Error> {
    let (pause, times) = POLL;
    for _ in 0..times {
        match describe_table(dynamodb, table).await? {
            Some(description) if description.table_status == Some(TableStatus::Active) => return Ok(Some(description)),
            _ => sleep(pause).await,
        }
    }
    Ok(None)
}

async fn delete_expired(dynamodb: &aws_sdk_dynamodb::Client, table: &str) -> Result<(), Error> {
    let found = dynamodb.describe_time_to_live().table_name(table).send().await;
    let found = found.map_err(failed("dynamodb:DescribeTimeToLive"))?;
    let status = found.time_to_live_description.and_then(|description| description.time_to_live_status);
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    let specification = TimeToLiveSpecification::builder().attribute_name(EXPIRY).enabled(true);
    dynamodb
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(specification.build().expect("name and switch are set"))
        .send()
        .await
        .map_err(failed("dynamodb:UpdateTimeToLive"))?;
    Ok(())
}

async fn create_key(
    kms: &aws_sdk_kms::Client,
    alias: &str,
    spec: &KeySpec,
    usage: &KeyUsageType,
) -> Result<Option<KeyMetadata>, Error> {
    let request = kms.create_key().key_spec(spec.clone()).key_usage(usage.clone());
    let created = request.customize().config_override(patience()).send().await;
    let key = created.map_err(failed("kms:CreateKey"))?.key_metadata;
    if let Some(key) = &key {
        let named = kms.create_alias().alias_name(alias).target_key_id(key.key_id()).send().await;
        named.map_err(failed("kms:CreateAlias"))?;
    }
    Ok(key)
}

/// The embedded KMS searches for primes to create an RSA key, which may take seconds. A retry would create another
/// key.
fn patience() -> aws_sdk_kms::config::Builder {
    let timeouts = TimeoutConfig::builder().operation_timeout(KEY_TIMEOUT).operation_attempt_timeout(KEY_TIMEOUT);
    aws_sdk_kms::Config::builder().timeout_config(timeouts.build())
}

fn check_key(key: &KeyMetadata, spec: &KeySpec, usage: &KeyUsageType) -> Result<(), String> {
    if key.key_state != Some(KeyState::Enabled) {
        let state = key.key_state().map_or("unknown", KeyState::as_str);
        return Err(format!("is not enabled but {state}"));
    }
    if key.key_usage() != Some(usage) {
        return Err(format!("is not for {usage}"));
    }
    if key.key_spec() != Some(spec) {
        let found = key.key_spec().map_or("unknown", KeySpec::as_str);
        return Err(format!("is not {spec} but {found}"));
    }
    Ok(())
}

fn failed<E: StdError + Send + Sync + 'static>(operation: &'static str) -> impl FnOnce(E) -> Error {
    move |error| Error::Call { operation, source: Box::new(error) }
}

/// The SDK's errors describe the failure only at the end of their source chain.
fn causes(error: &(dyn StdError + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
