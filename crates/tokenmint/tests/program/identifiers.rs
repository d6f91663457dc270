//! Clients by a prefix of their identifiers.

use std::path::PathBuf;

use tokenmint_aws::clients::{self, Author, ClientsTable, NewClient};
use tokenmint_aws::{Sdk, provision};
use tokenmint_embedded::{Addresses, Embedded, Storage};
use tokenmint_oauth::client::{Client, ClientId, StoredSecret};
use tokenmint_oauth::metadata::{ClientMetadata, StoredMetadata};
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;

use crate::harness::{Data, done, failed, json as object, text};

/// A client with this identifier.
pub(crate) fn client(id: &str) -> Client {
    let mut metadata = StoredMetadata {
        grant_types: vec!["client_credentials".to_owned()],
        scope: Scope::parse("read").unwrap(),
        ..StoredMetadata::default()
    };
    metadata.others.insert("client_name".to_owned(), "Billing".into());
    Client {
        client_id: ClientId::parse(id).unwrap(),
        client_id_issued_at: 1_700_000_000,
        client_secrets: vec![StoredSecret { sha256: SecretHash::of("secret"), expires_at: 0 }],
        registration_access_token: Some(SecretHash::of("token")),
        scope_ceiling: None,
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::from_stored(metadata).unwrap(),
    }
}

/// Data with these clients.
async fn store(ids: &[&str]) -> Data {
    let data = Data::new();
    let storage = Storage::Folder(PathBuf::from(&data.folder));
    let embedded = Embedded::start(storage, Addresses::any()).await.unwrap();
    let dynamodb = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await.dynamodb();
    provision::table(&dynamodb, "tokenmint-clients", clients::KEY).await.unwrap();
    let table = ClientsTable::new(dynamodb, "tokenmint-clients".to_owned());
    for id in ids {
        table.insert(NewClient::new(&client(id), &Author::operator("test")).unwrap()).await.unwrap();
    }
    embedded.stop().await;
    data
}

const FIRST: &str = "3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55";
const SECOND: &str = "3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f56";
const OTHER: &str = "40000000-52a4-4a5c-9d0e-0f5a2f7f9f55";
/// Identifiers made by another system.
const SHORT: &str = "billing";
const LONGER: &str = "billing-2";

#[tokio::test(flavor = "multi_thread")]
async fn every_command_takes_a_unique_beginning() {
    let data = store(&[FIRST, SECOND, OTHER, SHORT, LONGER]).await;
    for (given, id) in [("40000000", OTHER), (&OTHER[..35], OTHER), (OTHER, OTHER), (SHORT, SHORT), (LONGER, LONGER)] {
        assert_eq!(text(&object(&data.on(&["client", "show", given])), "client_id"), id);
        assert!(done(&data.on(&["client", "disable", given])).starts_with(&format!("{id} is disabled. ")));
        assert_eq!(done(&data.on(&["client", "enable", given])), format!("{id} is enabled\n"));
        assert_eq!(text(&object(&data.on(&["client", "rotate-secret", given, "--yes"])), "client_id"), id);
    }
    // Only the named client.
    let said = done(&data.on(&["client", "delete", "40000000", "--yes"]));
    assert!(said.starts_with(&format!("{OTHER} is deleted. ")), "{said}");
    assert_eq!(done(&data.on(&["client", "list", "--json"])).lines().count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_that_is_not_unique_changes_nothing() {
    let data = store(&[FIRST, SECOND, OTHER]).await;
    let before = done(&data.on(&["client", "list", "--json"]));
    for command in ["show", "disable", "enable", "delete", "rotate-secret"] {
        let said = |id: &str, status| {
            let more: &[&str] = if command == "delete" { &["--yes"] } else { &[] };
            failed(&data.on(&[&["client", command, id], more].concat()), status)
        };
        for prefix in ["3e7f1cbb", &FIRST[..35]] {
            let expected = format!("{prefix} is ambiguous: 2 clients begin with it; give more characters");
            assert_eq!(said(prefix, 1), expected);
        }
        assert_eq!(said("4000000", 2), "give at least the first 8 characters of the client_id");
        for unknown in ["50000000", "3E7F1CBB-", "00000000-52a4-4a5c-9d0e-0f5a2f7f9f55", &format!("{FIRST}0")] {
            assert_eq!(said(unknown, 1), format!("there is no client {unknown}; see `tokenmint client list`"));
        }
    }
    assert_eq!(done(&data.on(&["client", "list", "--json"])), before);
}
