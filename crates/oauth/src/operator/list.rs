//! A list of clients that are to be as it says.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::chosen::chosen_client_id;
use super::managed::{Label, ManagedBy};
use super::members::{self, OperatorMembers, take};
use crate::EpochSeconds;
use crate::client::{Client, ClientId};
use crate::metadata::{ClientMetadata, names};

/// The most clients of a list.
pub const MAX_CLIENTS: usize = 10_000;

/// The clients of one owner.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The owner. A client that is managed by this owner and not in the list is disabled.
    pub owner: Label,
    /// The clients, each with a name of its own.
    pub clients: Vec<Declared>,
}

/// One client of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its place.
    pub managed: ManagedBy,
    /// The identifier of the client, if the list chooses it.
    pub client_id: Option<ClientId>,
    metadata: ClientMetadata,
    operator: OperatorMembers,
}

impl List {
    /// Reads a list: an object with `owner` and `clients`. `local` is whether http on loopback is accepted.
    ///
    /// # Errors
    /// Every mistake, each with the name of its client, or its number if it has none.
    pub fn parse(document: Value, local: bool) -> Result<Self, Vec<String>> {
        let Value::Object(mut members) = document else {
            return Err(vec!["it must be an object with owner and clients".to_owned()]);
        };
        let mut mistakes = Vec::new();
        let owner = label(&mut members, "owner", &mut mistakes);
        let entries = if let Some(Value::Array(entries)) = take(&mut members, "clients") {
            entries
        } else {
            mistakes.push("clients must be a list; [] if there are none".to_owned());
            Vec::new()
        };
        mistakes.extend(members.keys().map(|name| format!("{name} is not understood")));
        if entries.len() > MAX_CLIENTS {
            mistakes.push(format!("it has more than {MAX_CLIENTS} clients"));
            return Err(mistakes);
        }
        // The rest is checked under any owner.
        let checked = owner.clone().unwrap_or_else(Label::missing);
        let mut clients = Vec::new();
        for (at, entry) in entries.into_iter().enumerate() {
            match Declared::parse(entry, &checked, local) {
                Ok(declared) => clients.push(declared),
                Err((name, own)) => {
                    let who = name.map_or_else(|| format!("client {}", at + 1), |name| name.to_string());
                    mistakes.extend(own.into_iter().map(|mistake| format!("{who}: {mistake}")));
                }
            }
        }
        repeated(&clients, &mut mistakes);
        match owner {
            Some(owner) if mistakes.is_empty() => Ok(Self { owner, clients }),
            _ => Err(mistakes),
        }
    }
}

/// Names and identifiers that two clients have.
fn repeated(clients: &[Declared], mistakes: &mut Vec<String>) {
    let (mut names, mut ids) = (BTreeMap::new(), BTreeMap::new());
    for Declared { managed, client_id, .. } in clients {
        *names.entry(&managed.name).or_insert(0) += 1;
        let id = client_id.clone().unwrap_or_else(|| managed.client_id());
        ids.entry(id.as_str().to_owned()).or_insert_with(Vec::new).push(&managed.name);
    }
    mistakes.extend(
        names
            .iter()
            .filter(|(_, count)| **count > 1)
            .map(|(name, count)| format!("{name}: {count} clients have this name")),
    );
    for clients in ids.values().filter(|clients| clients.windows(2).any(|pair| pair[0] != pair[1])) {
        let clients: Vec<_> = clients.iter().map(|name| name.as_str()).collect();
        mistakes.push(format!("{} have the same client_id", clients.join(" and ")));
    }
}

/// Takes a label that must be there.
fn label(members: &mut Map<String, Value>, name: &str, mistakes: &mut Vec<String>) -> Option<Label> {
    let Some(value) = take(members, name) else {
        mistakes.push(format!("{name} is missing"));
        return None;
    };
    match value.as_str().map(Label::parse) {
        Some(Ok(label)) => Some(label),
        Some(Err(error)) => {
            mistakes.push(format!("{name} {error}"));
            None
        }
        None => {
            mistakes.push(format!("{name} must be a string"));
            None
        }
    }
}

impl Declared {
    /// Reads a client, or its name, if it has one, and its mistakes.
    fn parse(entry: Value, owner: &Label, local: bool) -> Result<Self, (Option<Label>, Vec<String>)> {
        let Value::Object(mut members) = entry else {
            return Err((None, vec!["it must be an object".to_owned()]));
        };
        let mut mistakes = Vec::new();
        let name = label(&mut members, "name", &mut mistakes);
        let client_id = take(&mut members, names::CLIENT_ID).and_then(|id| {
            let id = id.as_str().and_then(|id| chosen_client_id(id).ok());
            if id.is_none() {
                mistakes.push("client_id must be 1 to 255 visible ASCII characters, without \" and \\".to_owned());
            }
            id
        });
        let operator = OperatorMembers::take(&mut members, &mut mistakes);
        let metadata = members::metadata(members, local, &mut mistakes);
        match (name, metadata) {
            (Some(name), Some(metadata)) if mistakes.is_empty() => {
                Ok(Self { managed: ManagedBy::new(owner.clone(), name), client_id, metadata, operator })
            }
            (name, _) => Err((name, mistakes)),
        }
    }

    /// A new client. It has no registration access token, since the list decides what it is, and no secret yet.
    pub fn created(&self, now: EpochSeconds) -> Client {
        let mut client = Client {
            client_id: self.client_id.clone().unwrap_or_else(|| self.managed.client_id()),
            client_id_issued_at: now,
            client_secrets: Vec::new(),
            registration_access_token: None,
            scope_ceiling: Some(self.metadata.scope.clone()),
            disabled: false,
            expires_at: None,
            metadata: self.metadata.clone(),
        };
        self.operator.set(&mut client);
        client
    }

    /// The client as it is to be. It keeps its secrets, if its method has any, and its registration access token, and does
    /// not expire. Unless the list says so, it stays disabled, if an operator disabled it.
    pub fn changed(&self, before: &Client, managed: &ManagedBy) -> Client {
        let mut client = Client {
            metadata: self.metadata.clone(),
            scope_ceiling: Some(self.metadata.scope.clone()),
            disabled: before.disabled && !managed.unlisted,
            expires_at: None,
            ..before.clone()
        };
        if !client.metadata.token_endpoint_auth_method().has_secret() {
            client.client_secrets.clear();
        }
        self.operator.set(&mut client);
        client
    }
}

#[cfg(test)]
pub(crate) mod tests;
