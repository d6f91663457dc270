//! The members that are checked and kept as sent: RFC 7591 §2.

use serde_json::{Map, Value};

use super::authentication::UNKNOWN_ALGORITHM;
use super::error::{MetadataError, wrong};
use super::members::{self, Kind, MAX_URI_BYTES, Member};
use super::policy::Policy;
use super::requested::RequestedMetadata;
use super::values::{string, strings};
use super::{keys, names, uri};
use crate::jose;

/// The members of the table that were given and on which the server does not decide, each checked.
pub(super) fn check(requested: &RequestedMetadata, policy: &Policy) -> Result<Map<String, Value>, MetadataError> {
    if given(requested, names::JWKS) && given(requested, names::JWKS_URI) {
        return Err(wrong(names::JWKS, "must not be sent together with jwks_uri"));
    }
    let mut kept = Map::new();
    for (name, value) in requested.iter() {
        if let Some(member) = members::find(name)
            && !value.is_null()
            && let Some(value) = registered(member, name, value, policy)?
        {
            kept.insert(name.to_owned(), value);
        }
    }
    Ok(kept)
}

/// Whether a member was sent with a value that means something.
fn given(requested: &RequestedMetadata, name: &str) -> bool {
    requested.sent(name).is_some_and(|value| value != "")
}

/// Checks one member; gives what is registered of it, `None` when its value means "not given" (R2).
fn registered(member: &Member, name: &str, value: &Value, policy: &Policy) -> Result<Option<Value>, MetadataError> {
    let wrong = |reason| wrong(name, reason);
    let is_given = match member.kind {
        Kind::DecidedText(_) | Kind::DecidedTexts(..) | Kind::FederatedCredentials | Kind::TokenPolicy => false,
        Kind::Text(max_bytes) => !string(name, value, max_bytes)?.is_empty(),
        Kind::Flag => {
            value.as_bool().ok_or_else(|| MetadataError::Type { member: name.to_owned(), expected: "true or false" })?
        }
        Kind::WebUri => {
            let text = string(name, value, MAX_URI_BYTES)?;
            if !text.is_empty() {
                uri::web(text, policy.local).map_err(wrong)?;
            }
            // Ours (R2): the exchange this server grew out of sends `client_uri: ""` and gets it back.
            !text.is_empty() || name == names::CLIENT_URI
        }
        Kind::Texts(max_entries, max_bytes) => {
            strings(name, value, max_entries, max_bytes)?;
            true
        }
        Kind::Jwks => {
            let keys = keys::registered(value);
            return keys.map(Some).map_err(|error| MetadataError::Keys { member: name.to_owned(), error });
        }
        Kind::Algorithm => {
            let text = string(name, value, 16)?;
            if !text.is_empty() && jose::algorithm(text).is_none() {
                return Err(wrong(UNKNOWN_ALGORITHM));
            }
            !text.is_empty()
        }
        Kind::CertificateName(form, max_bytes) => {
            let text = string(name, value, max_bytes)?;
            if !text.is_empty() {
                form.parse(text).map_err(wrong)?;
            }
            !text.is_empty()
        }
        Kind::RedirectUris(max_entries) => {
            let entries = strings(name, value, max_entries, MAX_URI_BYTES)?;
            // Ours (R2): `[""]` is that exchange's way to give none, and comes back as sent.
            if entries != [""] {
                entries.iter().try_for_each(|entry| uri::redirect(entry).map_err(MetadataError::RedirectUri))?;
            }
            true
        }
    };
    Ok(is_given.then(|| value.clone()))
}
