//! A client as shown to the operator: everything but the hashes.

use serde::Serialize;
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::Client;
use tokenmint_oauth::metadata::ClientMetadata;

use crate::text::{cell, moment};

/// The members of RFC 7591, and additional ones for operators.
#[derive(Debug, Serialize)]
pub(super) struct View<'c> {
    client_id: &'c str,
    client_id_issued_at: EpochSeconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<EpochSeconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_client_secret_expires_at: Option<EpochSeconds>,
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<EpochSeconds>,
    #[serde(flatten)]
    metadata: &'c ClientMetadata,
}

impl<'c> View<'c> {
    pub(super) fn of(client: &'c Client) -> Self {
        let mut ends = client.client_secrets.iter().map(|secret| secret.expires_at);
        Self {
            client_id: client.client_id.as_str(),
            client_id_issued_at: client.client_id_issued_at,
            client_secret_expires_at: ends.next(),
            previous_client_secret_expires_at: ends.next(),
            disabled: client.disabled,
            expires_at: client.expires_at,
            metadata: &client.metadata,
        }
    }
}

/// The column heads of the table of clients.
pub(super) const HEADS: [&str; 6] = ["CLIENT ID", "NAME", "METHOD", "SCOPE", "ISSUED", "STATE"];

/// A client's row in that table.
pub(super) fn row(client: &Client, now: EpochSeconds) -> [String; 6] {
    let metadata = &client.metadata;
    [
        cell(client.client_id.as_str(), usize::MAX),
        cell(name(client), 24),
        metadata.token_endpoint_auth_method().as_str().to_owned(),
        cell(metadata.scope.as_str(), 32),
        moment(client.client_id_issued_at),
        state(client, now),
    ]
}

/// The client's name for itself.
pub(super) fn name(client: &Client) -> &str {
    client.metadata.others().get("client_name").and_then(|name| name.as_str()).unwrap_or_default()
}

/// Whether the client can get tokens. An expired client may still exist, because DynamoDB deletes it later.
pub(super) fn state(client: &Client, now: EpochSeconds) -> String {
    match client.expires_at {
        _ if client.disabled => "disabled".to_owned(),
        None => "active".to_owned(),
        Some(end) if client.is_live_at(now) => format!("expires {}", moment(end)),
        Some(_) => "expired".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokenmint_oauth::client::{ClientId, StoredSecret};
    use tokenmint_oauth::metadata::StoredMetadata;
    use tokenmint_oauth::method::Method;
    use tokenmint_oauth::scope::Scope;
    use tokenmint_oauth::secret::SecretHash;

    use super::*;

    fn client() -> Client {
        let secret = |expires_at| StoredSecret { sha256: SecretHash::of("secret"), expires_at };
        let mut metadata = StoredMetadata {
            token_endpoint_auth_method: Method::ClientSecretPost,
            scope: Scope::parse("a b").expect("a scope"),
            ..StoredMetadata::default()
        };
        metadata.others.insert("client_name".to_owned(), "\u{1b}[31mBilling of the whole company".into());
        Client {
            client_id: ClientId::from_random([7; 16]),
            client_id_issued_at: 0,
            client_secrets: vec![secret(0), secret(60)],
            registration_access_token: Some(SecretHash::of("token")),
            scope_ceiling: None,
            disabled: false,
            expires_at: None,
            metadata: ClientMetadata::from_stored(metadata).expect("metadata"),
        }
    }

    #[test]
    fn states() {
        let state = |disabled, expires_at| state(&Client { disabled, expires_at, ..client() }, 50);
        assert_eq!(state(false, None), "active");
        assert_eq!(state(true, Some(60)), "disabled");
        assert_eq!(state(false, Some(60)), "expires 1970-01-01T00:01:00Z");
        assert_eq!(state(false, Some(50)), "expired");
    }

    #[test]
    fn a_row_is_harmless_and_short() {
        assert_eq!(
            row(&client(), 1),
            [
                "07070707-0707-4707-8707-070707070707",
                "\u{fffd}[31mBilling of the who…",
                "client_secret_post",
                "a b",
                "1970-01-01T00:00:00Z",
                "active"
            ]
        );
    }

    /// R19: the output for a client contains no hash.
    #[test]
    fn r19_no_hash_is_shown() {
        let client = client();
        assert_eq!(
            serde_json::to_value(View::of(&client)).expect("serialises"),
            json!({
                "client_id": "07070707-0707-4707-8707-070707070707", "client_id_issued_at": 0,
                "client_secret_expires_at": 0, "previous_client_secret_expires_at": 60, "disabled": false,
                "token_endpoint_auth_method": "client_secret_post", "grant_types": [], "response_types": [],
                "scope": "a b", "client_name": "\u{1b}[31mBilling of the whole company",
            })
        );
    }
}
