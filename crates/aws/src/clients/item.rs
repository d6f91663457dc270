//! The DynamoDB item of a client.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use serde_json::{Map, Value};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId, StoredSecret};
use tokenmint_oauth::federation::SubjectKey;
use tokenmint_oauth::metadata::{ClientMetadata, StoredMetadata};
use tokenmint_oauth::method::{Method, MethodChoice};
use tokenmint_oauth::operator::ManagedBy;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;

use super::change::{Author, Change, LAST_CHANGE, LastChange, MANAGED_BY};
use super::limits::{self, ItemError};
use super::token_of;

/// A new client as a DynamoDB item that is within DynamoDB's limits. It is built before the registration is counted
/// and before a use of an initial access token is consumed.
///
/// Its `Debug` output shows only the identifier.
#[derive(Clone)]
pub struct NewClient {
    pub(super) item: HashMap<String, AttributeValue>,
    pub(super) token: AttributeValue,
    pub(super) links: BTreeSet<SubjectKey>,
    client_id: ClientId,
}

impl NewClient {
    /// The item of a client that is registered by this author.
    ///
    /// # Errors
    /// [`ItemError`], if DynamoDB cannot store it.
    pub fn new(client: &Client, by: &Author) -> Result<Self, ItemError> {
        let item = write(client, &LastChange::new(Change::Registered, by))?;
        let links = client.metadata.federated_credentials().keys();
        Ok(Self { item, token: token_of(client), links, client_id: client.client_id.clone() })
    }

    /// The client's identifier.
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }
}

impl fmt::Debug for NewClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewClient").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The attributes of an item.
#[derive(Serialize, Deserialize)]
pub(super) struct ClientItem {
    client_id: String,
    client_id_issued_at: EpochSeconds,
    pub(super) secrets: Vec<SecretItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<ByteArray<32>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    pub(super) token_endpoint_auth_method: Method,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) method_not_named: bool,
    pub(super) grant_types: Vec<String>,
    pub(super) response_types: Vec<String>,
    #[serde(default, skip_serializing_if = "Scope::is_empty")]
    pub(super) scope: Scope,
    pub(super) metadata: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) federated_credentials: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token_policy: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope_ceiling: Option<Scope>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<EpochSeconds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_change: Option<LastChange>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SecretItem {
    sha256: ByteArray<32>,
    expires_at: EpochSeconds,
}

/// Serializes a client and its last change, and checks that DynamoDB can store them.
pub(super) fn write(client: &Client, change: &LastChange) -> Result<HashMap<String, AttributeValue>, ItemError> {
    let mut item: HashMap<_, _> = serde_dynamo::to_item(ClientItem::from(client)).map_err(ItemError::Form)?;
    item.insert(LAST_CHANGE.to_owned(), change.attribute());
    limits::check(&item)?;
    Ok(item)
}

/// Parses an item, or describes why it is invalid.
pub(super) fn read(item: HashMap<String, AttributeValue>) -> Result<Client, String> {
    let item: ClientItem = serde_dynamo::from_item(item).map_err(|error| error.to_string())?;
    item.into_client()
}

/// The same, with the list that manages the client.
pub(super) fn read_managed(mut item: HashMap<String, AttributeValue>) -> Result<(Client, Option<ManagedBy>), String> {
    let managed = item.remove(MANAGED_BY).map(serde_dynamo::from_attribute_value).transpose();
    let managed = managed.map_err(|error| format!("{MANAGED_BY}: {error}"))?;
    Ok((read(item)?, managed))
}

impl From<&Client> for ClientItem {
    fn from(client: &Client) -> Self {
        let metadata = client.metadata.to_stored();
        let secret = |secret: &StoredSecret| SecretItem {
            sha256: ByteArray::new(*secret.sha256.as_bytes()),
            expires_at: secret.expires_at,
        };
        Self {
            client_id: client.client_id.as_str().to_owned(),
            client_id_issued_at: client.client_id_issued_at,
            secrets: client.client_secrets.iter().map(secret).collect(),
            registration_access_token: client.registration_access_token.map(|hash| ByteArray::new(*hash.as_bytes())),
            disabled: client.disabled,
            token_endpoint_auth_method: metadata.token_endpoint_auth_method,
            method_not_named: metadata.method_choice == MethodChoice::Defaulted,
            grant_types: metadata.grant_types,
            response_types: metadata.response_types,
            scope: metadata.scope,
            metadata: metadata.others,
            federated_credentials: metadata.federated_credentials,
            token_policy: metadata.token_policy,
            scope_ceiling: client.scope_ceiling.clone(),
            expires_at: client.expires_at,
            last_change: None,
        }
    }
}

impl ClientItem {
    fn into_client(self) -> Result<Client, String> {
        let secret = |item: SecretItem| StoredSecret {
            sha256: SecretHash::from_bytes(item.sha256.into_array()),
            expires_at: item.expires_at,
        };
        let token = self.registration_access_token.map(|hash| SecretHash::from_bytes(hash.into_array()));
        Ok(Client {
            client_id: ClientId::parse(&self.client_id).map_err(|_| "client_id".to_owned())?,
            client_id_issued_at: self.client_id_issued_at,
            client_secrets: self.secrets.into_iter().map(secret).collect(),
            registration_access_token: token,
            scope_ceiling: self.scope_ceiling,
            disabled: self.disabled,
            expires_at: self.expires_at,
            metadata: ClientMetadata::from_stored(StoredMetadata {
                token_endpoint_auth_method: self.token_endpoint_auth_method,
                method_choice: if self.method_not_named { MethodChoice::Defaulted } else { MethodChoice::Named },
                grant_types: self.grant_types,
                response_types: self.response_types,
                scope: self.scope,
                federated_credentials: self.federated_credentials,
                token_policy: self.token_policy,
                others: self.metadata,
            })
            .map_err(|error| error.to_string())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokenmint_oauth::registration::{Issued, Lifetimes};

    use super::super::change::{ATTRIBUTES, Audited};
    use super::*;

    /// R1: a client that DynamoDB cannot store is refused before it is counted or consumes a token use.
    #[test]
    fn r1_what_cannot_be_stored_is_no_new_client() {
        let metadata = ClientMetadata::from_stored(StoredMetadata::default()).expect("metadata");
        let mut client = Issued::new(metadata, None, 1_700_000_000, Lifetimes::default(), |bytes| bytes.fill(1)).client;
        let stored = NewClient::new(&client, &Author::anyone()).expect("can be stored");
        assert_eq!(format!("{stored:?}"), format!("NewClient {{ client_id: {:?}, .. }}", client.client_id));
        for bad in [json!(1e300), json!({"": 1}), json!("x".repeat(400 * 1024))] {
            let mut stored = StoredMetadata::default();
            stored.others.insert("member".to_owned(), bad.clone());
            client.metadata = ClientMetadata::from_stored(stored).expect("metadata");
            assert!(NewClient::new(&client, &Author::anyone()).is_err(), "{bad}");
        }
    }

    /// O3, R19: every attribute of an item is classified: whether it is in the audit log, and if not, why.
    #[test]
    fn o3_r19_every_attribute_is_classified() {
        let scope = Scope::parse("a b").expect("a scope");
        let stored = StoredMetadata {
            method_choice: MethodChoice::Defaulted,
            scope: scope.clone(),
            token_policy: Some(json!({"claims": {"a": {"b": [1, -1, null, true, ""]}}, "tokens_per_hour": 1})),
            ..StoredMetadata::default()
        };
        let metadata = ClientMetadata::from_stored(stored).expect("metadata");
        let lifetimes = Lifetimes { unused: 60, ..Lifetimes::default() };
        let client = Issued::new(metadata, Some(scope), 1_700_000_000, lifetimes, |bytes| bytes.fill(1)).client;
        let client = Client { disabled: true, ..client };
        let item = |client: &Client| {
            write(client, &LastChange::new(Change::Registered, &Author::anyone())).expect("can be stored")
        };
        let mut item_of_all = item(&client);
        assert_eq!(read(item_of_all.clone()).as_ref(), Ok(&client));
        // No client has them and leaves its method open.
        let stored = StoredMetadata {
            token_endpoint_auth_method: Method::PrivateKeyJwt,
            federated_credentials: vec![json!({"issuer": "https://issuer.example", "sub": "a", "claims": {"n": 1}})],
            ..StoredMetadata::default()
        };
        let metadata = ClientMetadata::from_stored(stored).expect("metadata");
        let federated = Client { metadata, ..client.clone() };
        assert_eq!(read(item(&federated)).as_ref(), Ok(&federated));
        item_of_all.extend(item(&federated));
        // Only operators' commands write it.
        item_of_all.insert(MANAGED_BY.to_owned(), AttributeValue::M(HashMap::new()));
        let item = item_of_all;
        let mut names: Vec<_> = item.keys().map(String::as_str).collect();
        let mut classified: Vec<_> = ATTRIBUTES.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        classified.sort_unstable();
        assert_eq!(names, classified);
        // Whatever holds bytes is a hash.
        for (name, value) in &item {
            let is_secret = ATTRIBUTES.contains(&(name.as_str(), Audited::Secret));
            let bytes = format!("{value:?}").contains("Blob");
            assert_eq!(is_secret, bytes, "{name}");
        }
    }

    /// P1, P6: a policy that somebody put into the item by hand is checked like any other. A client whose policy is invalid
    /// gets nothing.
    #[test]
    fn p1_p6_a_policy_in_the_item_is_checked() {
        let metadata = ClientMetadata::from_stored(StoredMetadata::default()).expect("metadata");
        let client = Issued::new(metadata, None, 1_700_000_000, Lifetimes::default(), |bytes| bytes.fill(1)).client;
        let stored = |policy: Value| {
            let mut item = write(&client, &LastChange::new(Change::Changed, &Author::client())).expect("can be stored");
            item.insert("token_policy".to_owned(), serde_dynamo::to_attribute_value(policy).expect("an attribute"));
            read(item)
        };
        let good = stored(json!({"claims": {"tenant": "acme"}})).expect("reads");
        assert_eq!(good.metadata.token_policy().expect("a policy").claims.members()["tenant"], "acme");
        assert_eq!(stored(json!({})).expect("reads").metadata.token_policy(), None);
        for bad in [
            json!({"claims": {"sub": "admin"}}),
            json!({"claims": {"SCOPE": "admin"}}),
            json!({"claims": {"a": 0.5}}),
            json!({"claims": {"a": "x".repeat(2048)}}),
            json!({"access_token_ttl": 0}),
            json!({"access_token_ttl": 604_801}),
            json!({"tokens_per_hour": 0}),
            json!({"resources": []}),
            json!({"unknown": 1}),
            json!("{}"),
        ] {
            let error = stored(bad.clone()).expect_err("refused");
            assert!(error.starts_with("token_policy "), "{bad}: {error}");
        }
    }

    /// Keys that cannot be parsed are found when the client is read; those of a client with a secret are not
    /// parsed.
    #[test]
    fn a_damaged_item_is_an_error_when_it_is_read() {
        let metadata = ClientMetadata::from_stored(StoredMetadata::default()).expect("metadata");
        let client = Issued::new(metadata, None, 1_700_000_000, Lifetimes::default(), |bytes| bytes.fill(1)).client;
        let stored = |method: &str, members: Value| {
            let mut item = write(&client, &LastChange::new(Change::Changed, &Author::client())).expect("can be stored");
            item.insert("token_endpoint_auth_method".to_owned(), AttributeValue::S(method.to_owned()));
            item.insert("metadata".to_owned(), serde_dynamo::to_attribute_value(members).expect("an attribute"));
            read(item)
        };
        let bad = json!({"jwks": {"keys": [{"kty": "EC"}]}});
        assert_eq!(
            stored("client_secret_basic", bad.clone()).expect("reads").metadata.others().get("jwks"),
            bad.get("jwks")
        );
        stored("private_key_jwt", json!({"jwks_uri": "https://client.example/jwks.json"})).expect("reads");
        for (method, members, why) in [
            ("private_key_jwt", bad, "jwks holds no key for signatures"),
            ("self_signed_tls_client_auth", json!({}), "token_endpoint_auth_method needs the client's keys"),
            ("tls_client_auth", json!({"tls_client_auth_san_dns": "not a name"}), "tls_client_auth_san_dns is not"),
        ] {
            let error = stored(method, members).expect_err(method);
            assert!(error.starts_with(why), "{error}");
        }
    }
}
