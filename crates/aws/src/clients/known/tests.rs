use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::metadata::{ClientMetadata, StoredMetadata};

use super::*;

/// A client with a `client_name` of so many bytes.
fn client(number: u32, name: usize) -> Arc<Client> {
    let mut metadata = StoredMetadata::default();
    metadata.others.insert("client_name".to_owned(), json!("x".repeat(name)));
    let mut random = [0; 16];
    random[..4].copy_from_slice(&number.to_be_bytes());
    Arc::new(Client {
        client_id: ClientId::from_random(random),
        client_id_issued_at: 0,
        client_secrets: Vec::new(),
        registration_access_token: None,
        scope_ceiling: None,
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::from_stored(metadata).expect("metadata"),
    })
}

/// Keeps a client as if it had been read.
fn keep(kept: &Arc<Kept>, client: &Arc<Client>) {
    let reading: Reading = Box::pin(std::future::pending());
    let (reading, id) = (reading.shared(), client.client_id.clone());
    let mut state = kept.state();
    let read = Read { number: state.next(), consistency: Consistency::Strong };
    state.begin(id.clone(), read, &reading);
    drop(state);
    Landing::new(kept.clone(), id, read, 0).store(&Ok(Some(client.clone())));
}

/// O2: the smallest clients: as many as fit are kept, and no more.
#[test]
fn o2_entries_are_bounded() {
    let kept = Arc::default();
    for number in 0..20_000 {
        keep(&kept, &client(number, 0));
        let (entries, bytes) = kept.state().size();
        assert!(entries as u64 <= MAX_ENTRIES && bytes <= MAX_BYTES, "{number}: {entries}, {bytes}");
    }
    let (entries, bytes) = kept.state().size();
    assert!(entries >= 1000 && bytes > MAX_BYTES / 2, "{entries}, {bytes}");
    assert!(kept.state().fresh(&client(19_999, 0).client_id, 0, 1).is_some(), "the latest");
}

/// O2: a client that has become too large to be kept leaves nothing older behind.
#[test]
fn o2_a_client_that_is_too_large_is_not_kept() {
    let (kept, limit) = (Arc::default(), usize::try_from(MAX_BYTES).expect("a small number"));
    for (name, is_kept) in [(10, true), (limit, false), (10, true), (2 * limit, false), (limit / 2, true)] {
        let client = client(1, name);
        keep(&kept, &client);
        let found = kept.state().fresh(&client.client_id, 0, 1);
        assert_eq!(found.is_some_and(|(found, _)| Arc::ptr_eq(&found, &client)), is_kept, "{name}");
        assert_eq!(kept.state().size().0, usize::from(is_kept), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// O2: clients of any size, in any order, also the same again with another size: the bounds hold.
    #[test]
    fn o2_bytes_are_bounded(clients in prop::collection::vec((0_u32..300, 0_usize..400_000), 0..300)) {
        let kept = Arc::default();
        for (number, name) in clients {
            let client = client(number, name);
            keep(&kept, &client);
            let (entries, bytes) = kept.state().size();
            prop_assert!(entries as u64 <= MAX_ENTRIES && bytes <= MAX_BYTES);
            if let Some((found, _)) = kept.state().fresh(&client.client_id, 0, 1) {
                prop_assert!(Arc::ptr_eq(&found, &client));
            }
        }
    }
}
