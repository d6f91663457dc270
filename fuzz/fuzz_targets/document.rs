//! A client ID metadata document (draft-ietf-oauth-client-id-metadata-document-02 §3 and §4): the identifier in the first
//! line, then the document.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::client_document::{DocumentTerms, MetadataHosts};
use tokenmint_oauth::method::Method;
use tokenmint_oauth::security_profile::SecurityProfile;

static HOSTS: LazyLock<MetadataHosts> =
    LazyLock::new(|| MetadataHosts::parse(r#"{"a.example":"read write","127.0.0.1:9":"read"}"#).expect("hosts"));

static TERMS: LazyLock<DocumentTerms> =
    LazyLock::new(|| DocumentTerms { local: true, methods: Method::ALL.to_vec(), profile: SecurityProfile::None });

fuzz_target!(|input: &[u8]| {
    let (id, document) = input.split_at(input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len()));
    let Some(id) = std::str::from_utf8(id).ok().and_then(|id| ClientId::parse(id).ok()) else { return };
    let Some(url) = HOSTS.find(&id, true) else { return };
    // It is on one of the two hosts, whatever a parser of URLs makes of it.
    let on = ["https://a.example/", "https://127.0.0.1:9/", "http://127.0.0.1:9/"];
    assert!(on.iter().any(|origin| id.as_str().starts_with(origin)), "{:?}", id.as_str());
    assert!(!id.as_str().contains(['?', '#', ' ']), "{:?}", id.as_str());
    if let Ok(client) = url.client(document, &TERMS, 1) {
        assert_eq!(client.client_id, id);
        assert_eq!(client.metadata.token_endpoint_auth_method(), Method::PrivateKeyJwt);
        assert!(client.metadata.scope.is_subset_of(url.scope()) && client.client_secrets.is_empty());
        assert!(client.metadata.federated_credentials().is_empty() && client.metadata.token_policy().is_none());
    }
});
