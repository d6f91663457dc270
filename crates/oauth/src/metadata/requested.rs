//! The JSON object of a registration request, read strictly: RFC 7591 §3.1.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::error::MetadataError;
use super::members::{self, Kind, MAX_STATEMENT_BYTES};
use super::names;
use super::values::{string, strings};

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
    /// appears twice: two readers of one document must not see two different clients.
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
        self.string(names::SOFTWARE_STATEMENT, MAX_STATEMENT_BYTES)
    }

    /// All members, as sent.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A member as sent, `None` if it is not there or `null`.
    pub(crate) fn sent(&self, member: &str) -> Option<&Value> {
        self.0.get(member).filter(|value| !value.is_null())
    }

    /// A text on which the server decides, if it was given.
    pub(super) fn decided_text(&self, name: &str) -> Result<Option<&str>, MetadataError> {
        match members::find(name).map(|member| member.kind) {
            Some(Kind::DecidedText(max_bytes)) => self.string(name, max_bytes),
            _ => Ok(None),
        }
    }

    /// An array of texts on which the server decides, if it was given.
    pub(super) fn decided_texts(&self, name: &str) -> Result<Option<Vec<String>>, MetadataError> {
        match members::find(name).map(|member| member.kind) {
            Some(Kind::DecidedTexts(max_entries, max_bytes)) => self.strings(name, max_entries, max_bytes),
            _ => Ok(None),
        }
    }

    /// A string member; `""` counts as not given (R2).
    fn string(&self, member: &str, max_bytes: usize) -> Result<Option<&str>, MetadataError> {
        let Some(value) = self.sent(member) else { return Ok(None) };
        let text = string(member, value, max_bytes)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// A member that is an array of strings; `[]` counts as not given (R2).
    fn strings(
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// R1: a request has at most 128 members, understood or not.
    #[test]
    fn r1_the_most_members() {
        for (members, is_accepted) in [(128, true), (129, false)] {
            let body: Map<_, _> = (0..members).map(|n| (n.to_string(), json!(n))).collect();
            let parsed = RequestedMetadata::parse(Value::from(body.clone()).to_string().as_bytes());
            assert_eq!(parsed.ok(), is_accepted.then_some(RequestedMetadata(body)), "{members}");
        }
    }

    /// R17, R2: the software statement is given as sent; empty or `null`, there is none.
    #[test]
    fn r17_r2_the_software_statement() {
        for (sent, expected) in [
            (json!({"software_statement": "a.b.c"}), Some("a.b.c")),
            (json!({"software_statement": ""}), None),
            (json!({"software_statement": null}), None),
            (json!({}), None),
        ] {
            let requested = RequestedMetadata::parse(sent.to_string().as_bytes()).expect("an object");
            assert_eq!(requested.software_statement(), Ok(expected), "{sent}");
        }
    }
}
