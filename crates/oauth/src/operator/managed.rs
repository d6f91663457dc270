//! Which list of clients manages a client.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::client::ClientId;

/// The longest label, in bytes.
pub const MAX_LABEL_BYTES: usize = 128;

/// The name of a list's owner, or of a client in the list: ASCII letters, digits and `. _ - /`, a letter or digit first, at
/// most [`MAX_LABEL_BYTES`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// The text cannot be a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_LABEL_BYTES} letters, digits and . _ - / and begin with a letter or digit")]
pub struct LabelError;

impl Label {
    /// Parses a label.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn parse(text: &str) -> Result<Self, LabelError> {
        let fits = text.len() <= MAX_LABEL_BYTES && text.starts_with(|first: char| first.is_ascii_alphanumeric());
        if fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(LabelError)
        }
    }

    /// Stands for a label that is missing while the rest is checked.
    pub(super) fn missing() -> Self {
        Self("missing".to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Label {
    type Error = LabelError;

    fn try_from(text: String) -> Result<Self, LabelError> {
        Self::parse(&text)
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A client's place in a list. No other list changes the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedBy {
    /// The owner of the list.
    pub owner: Label,
    /// The client's name in the list.
    pub name: Label,
    /// Whether the list no longer has the client, which was therefore disabled. Then it is enabled when it is listed
    /// again; a client that an operator disabled is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unlisted: bool,
}

impl ManagedBy {
    /// A client that is in its owner's list.
    pub const fn new(owner: Label, name: Label) -> Self {
        Self { owner, name, unlisted: false }
    }

    /// The identifier of the client, unless its list chooses one: a UUID of version 8, of a hash of owner and name. So two
    /// processes that create the client at once create one, and the same list in another table has the same identifiers.
    /// The lengths are part of what is hashed, so that no other pair has this identifier.
    pub fn client_id(&self) -> ClientId {
        let mut hash = Context::new(&SHA256);
        for text in ["tokenmint list of clients", self.owner.as_str(), self.name.as_str()] {
            hash.update(&(text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finish().as_ref()[..16]);
        ClientId::from_hash(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn managed(owner: &str, name: &str) -> ManagedBy {
        ManagedBy::new(Label::parse(owner).expect(owner), Label::parse(name).expect(name))
    }

    /// U1: a label is harmless in a terminal, a file name and a JSON text.
    #[test]
    fn u1_labels() {
        for good in ["a", "0", "payments/nightly-billing_2.eu", &"x".repeat(MAX_LABEL_BYTES)] {
            assert_eq!(Label::parse(good).expect(good).as_str(), good);
        }
        for bad in ["", "-a", ".", "/a", "a b", "é", "a\n", "a\"", "a:b", &"x".repeat(MAX_LABEL_BYTES + 1)] {
            assert_eq!(Label::parse(bad), Err(LabelError), "{bad:?}");
        }
        assert!(serde_json::from_str::<ManagedBy>(r#"{"owner":"a","name":"b c"}"#).is_err());
        assert!(serde_json::from_str::<ManagedBy>(r#"{"owner":"a","name":"b","extra":1}"#).is_err());
    }

    /// U2: the identifier follows from the owner and the name, and from nothing else.
    #[test]
    fn u2_identifiers_of_listed_clients() {
        let id = managed("team", "billing").client_id();
        assert_eq!(id, managed("team", "billing").client_id());
        assert_eq!(id, ManagedBy { unlisted: true, ..managed("team", "billing") }.client_id());
        for other in [managed("team", "billing2"), managed("teamb", "illing"), managed("billing", "team")] {
            assert_ne!(id, other.client_id());
        }
        // A UUID, of version 8, which is shown in the log.
        assert_eq!((id.to_string().as_str(), &id.as_str()[14..15]), (id.as_str(), "8"));
    }
}
