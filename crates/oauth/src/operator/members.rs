//! Members that only operators set, beside the metadata of a client.

use serde_json::{Map, Value};

use crate::client::Client;
use crate::metadata::members::{self, MAX_BODY_BYTES};
use crate::metadata::{ClientMetadata, Policy, RequestedMetadata, names};
use crate::method::MethodChoice;

/// Whether an operator has disabled the client.
pub(super) const DISABLED: &str = "disabled";

/// When a client expires that gets no token before.
pub(super) const EXPIRES_AT: &str = "expires_at";

/// The widest scope that a client may register by itself.
pub(super) const SCOPE_CEILING: &str = "scope_ceiling";

/// What is shown for the default method, which stands for both.
const EITHER_METHOD: &str = "client_secret_basic or client_secret_post";

/// The longest name of a member that an error repeats. A longer one may be a secret in the wrong place.
const MAX_NAME_BYTES: usize = 64;

/// The members that only operators set, `None` where they are not given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperatorMembers {
    /// Whether the client gets no tokens.
    pub disabled: Option<bool>,
}

impl OperatorMembers {
    /// Takes the members out of an object, and adds to the mistakes what is wrong with them.
    pub(super) fn take(members: &mut Map<String, Value>, mistakes: &mut Vec<String>) -> Self {
        let disabled = take(members, DISABLED).and_then(|value| {
            let flag = value.as_bool();
            if flag.is_none() {
                mistakes.push(format!("{DISABLED} must be true or false"));
            }
            flag
        });
        Self { disabled }
    }

    /// Sets what was given.
    pub(super) fn set(&self, client: &mut Client) {
        client.disabled = self.disabled.unwrap_or(client.disabled);
    }
}

/// Takes a member, unless it is `null`.
pub(super) fn take(members: &mut Map<String, Value>, name: &str) -> Option<Value> {
    members.remove(name).filter(|value| !value.is_null())
}

/// Everything about a client that an operator can set, as members; no hash of a secret.
pub fn shown(client: &Client) -> Map<String, Value> {
    let mut members = match serde_json::to_value(&client.metadata) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    if client.metadata.method_choice() == MethodChoice::Defaulted {
        members.insert(names::TOKEN_ENDPOINT_AUTH_METHOD.to_owned(), EITHER_METHOD.into());
    }
    members.insert(DISABLED.to_owned(), client.disabled.into());
    if let Some(end) = client.expires_at {
        members.insert(EXPIRES_AT.to_owned(), end.into());
    }
    match &client.scope_ceiling {
        Some(ceiling) if *ceiling == client.metadata.scope => {}
        Some(ceiling) => drop(members.insert(SCOPE_CEILING.to_owned(), ceiling.as_str().into())),
        None => drop(members.insert(SCOPE_CEILING.to_owned(), "none".into())),
    }
    members
}

/// The rest of an object as metadata, with the rights of an operator: every member must be understood.
pub(super) fn metadata(members: Map<String, Value>, local: bool, mistakes: &mut Vec<String>) -> Option<ClientMetadata> {
    let already = mistakes.len();
    mistakes.extend(members.keys().filter_map(|name| unfit(name)));
    let body = Value::Object(members).to_string();
    if body.len() > MAX_BODY_BYTES {
        mistakes.push(format!("its metadata is longer than {MAX_BODY_BYTES} bytes"));
    }
    if mistakes.len() > already {
        return None;
    }
    let verified = RequestedMetadata::parse(body.as_bytes())
        .and_then(|requested| ClientMetadata::verify(&requested, &Policy::of_operator(&requested, local)));
    verified.map_err(|error| mistakes.push(error.to_string())).ok()
}

/// Why a member cannot be there.
fn unfit(name: &str) -> Option<String> {
    match name {
        names::CLIENT_SECRET | names::REGISTRATION_ACCESS_TOKEN => {
            Some(format!("{name} is a secret, which cannot be in this file"))
        }
        names::SOFTWARE_STATEMENT => Some(format!("{name} is verified at registration only")),
        _ if names::NOT_METADATA.contains(&name) => Some(format!("{name} is set by the server")),
        _ if members::is_understood(name) => None,
        _ if name.len() > MAX_NAME_BYTES => Some("it has a member that is not understood".to_owned()),
        _ => Some(format!("{name} is not understood")),
    }
}

#[cfg(test)]
mod tests;
