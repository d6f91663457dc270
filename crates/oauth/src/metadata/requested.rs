//! The JSON object of a registration request, read strictly: RFC 7591 §3.1.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::{MetadataError, members};

/// The most members a request may hold, understood or not.
const MAX_MEMBERS: usize = 128;

/// The members as they were sent; nothing about them is known to be true.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestedMetadata(Map<String, Value>);

impl RequestedMetadata {
    /// Reads one JSON object whose members are all different.
    ///
    /// # Errors
    /// [`MetadataError::NotAnObject`] for anything else, [`MetadataError::Repeated`] for a member that
    /// stands twice: two readers of one document must not see two different clients.
    pub fn parse(body: &[u8]) -> Result<Self, MetadataError> {
        let Members(members) = serde_json::from_slice(body).map_err(|error| {
            MetadataError::NotAnObject(match error.classify() {
                Category::Eof => "it ends too early",
                Category::Syntax => "it is malformed",
                Category::Data => "it is of another type, too deep, or has too many members",
                Category::Io => "it cannot be read",
            })
        })?;
        let mut map = Map::new();
        for (name, value) in members {
            if map.contains_key(&name) {
                // The name of a member that is not understood may be anything, a secret in the wrong place too.
                let named = members::is_understood(&name).then_some(name);
                return Err(MetadataError::Repeated(named.unwrap_or_else(|| "a member".to_owned())));
            }
            map.insert(name, value);
        }
        Ok(Self(map))
    }

    /// The metadata with these members instead of those sent (RFC 7591 §2.3).
    #[must_use]
    pub fn overridden_by(mut self, members: Map<String, Value>) -> Self {
        self.0.extend(members);
        self
    }

    /// The software statement, if there is one (RFC 7591 §2.3).
    ///
    /// # Errors
    /// [`MetadataError`] if it is not a text of the allowed length.
    pub fn software_statement(&self) -> Result<Option<&str>, MetadataError> {
        self.string("software_statement", crate::software_statement::MAX_BYTES)
    }

    /// All members, as sent.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A member as sent, `None` if it is not there or `null`.
    pub(crate) fn sent(&self, member: &str) -> Option<&Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    /// A string member; `""` counts as not given (R2).
    pub(crate) fn string(&self, member: &str, max_bytes: usize) -> Result<Option<&str>, MetadataError> {
        let Some(value) = self.sent(member) else { return Ok(None) };
        let text = string(member, value, max_bytes)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A member that is an array of strings; `[]` counts as not given (R2).
    pub(super) fn strings(
        &self,
        member: &str,
        max_entries: usize,
        max_bytes: usize,
    ) -> Result<Option<Vec<String>>, MetadataError> {
        let Some(value) = self.sent(member) else { return Ok(None) };
        let entries = strings(member, value, max_entries, max_bytes)?;
        Ok(Some(entries).filter(|entries| !entries.is_empty()))
    }
}

/// The value as a string of at most `max_bytes` bytes.
pub(super) fn string<'v>(member: &str, value: &'v Value, max_bytes: usize) -> Result<&'v str, MetadataError> {
    let text = value.as_str().ok_or_else(|| MetadataError::Type { member: member.to_owned(), expected: "a string" })?;
    if text.len() > max_bytes {
        return Err(MetadataError::TooLong { member: member.to_owned(), bound: format!("{max_bytes} bytes") });
    }
    Ok(text)
}

/// Whether the value is an array of strings.
pub(super) fn is_strings(value: &Value) -> bool {
    value.as_array().is_some_and(|entries| entries.iter().all(Value::is_string))
}

/// The value as an array of at most `max_entries` strings of at most `max_bytes` bytes each.
pub(super) fn strings(
    member: &str,
    value: &Value,
    max_entries: usize,
    max_bytes: usize,
) -> Result<Vec<String>, MetadataError> {
    let wrong = || MetadataError::Type { member: member.to_owned(), expected: "an array of strings" };
    let entries = value.as_array().ok_or_else(wrong)?;
    if entries.len() > max_entries {
        return Err(MetadataError::TooLong { member: member.to_owned(), bound: format!("{max_entries} entries") });
    }
    entries
        .iter()
        .map(|entry| {
            if !entry.is_string() {
                return Err(wrong());
            }
            string(member, entry, max_bytes).map(str::to_owned)
        })
        .collect()
}

/// The members in the order sent, repeated ones included.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object of at most {MAX_MEMBERS} members")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() == MAX_MEMBERS {
                        return Err(serde::de::Error::invalid_length(MAX_MEMBERS + 1, &self));
                    }
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
