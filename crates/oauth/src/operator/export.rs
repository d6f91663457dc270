//! A client as one line of an export.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::managed::ManagedBy;
use super::members::{DISABLED, EXPIRES_AT, SCOPE_CEILING};
use crate::client::Client;
use crate::metadata::names;
use crate::method::MethodChoice;
use crate::secret::SecretHash;

/// The hashes of the client's secrets, each with its expiry.
pub(super) const SECRET_HASHES: &str = "client_secrets_sha256";

/// The hash of its registration access token.
pub(super) const TOKEN_HASH: &str = "registration_access_token_sha256";

/// Which list manages the client.
pub(super) const MANAGED_BY: &str = "managed_by";

/// Whether an export has the hashes of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hashes {
    /// It does: whoever reads it can look for weak secrets, and whoever can import it can move the clients.
    Included,
    /// It does not.
    Left,
}

/// The members that [`Imported::parse`](super::Imported::parse) reads, `client_id` first and the others by their names, so
/// that equal clients have equal lines.
pub fn export(client: &Client, managed: Option<&ManagedBy>, hashes: Hashes) -> Map<String, Value> {
    let mut members = match serde_json::to_value(&client.metadata) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    if client.metadata.method_choice() == MethodChoice::Defaulted {
        members.remove(names::TOKEN_ENDPOINT_AUTH_METHOD);
    }
    let mut set = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    set(names::CLIENT_ID_ISSUED_AT, client.client_id_issued_at.into());
    set(DISABLED, client.disabled.into());
    // An import keeps what a line does not say, so that the line says also what the client does not have.
    let none = || json!(false);
    set(SCOPE_CEILING, client.scope_ceiling.as_ref().map_or_else(none, |ceiling| ceiling.as_str().into()));
    set(EXPIRES_AT, client.expires_at.map_or_else(none, Value::from));
    set(MANAGED_BY, managed.map_or_else(none, |managed| json!(managed)));
    if hashes == Hashes::Included {
        let secret = |secret: &crate::client::StoredSecret| json!({"sha256": hex(&secret.sha256), "expires_at": secret.expires_at});
        if !client.client_secrets.is_empty() {
            set(SECRET_HASHES, client.client_secrets.iter().map(secret).collect());
        }
        if let Some(token) = &client.registration_access_token {
            set(TOKEN_HASH, hex(token).into());
        }
    }
    let sorted: BTreeMap<_, _> = members.into_iter().collect();
    let client_id = (names::CLIENT_ID.to_owned(), Value::from(client.client_id.as_str()));
    std::iter::once(client_id).chain(sorted).collect()
}

/// The hash as 64 hexadecimal digits, as `sha256sum` prints it.
fn hex(hash: &SecretHash) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = hash.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}
