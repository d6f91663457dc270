//! Who did what to a client: the attribute `last_change`.
//!
//! Each write states its own change in the same call. The table's stream carries the new item to the audit log (a pipe in
//! `template.yaml`), so no request writes or waits for it. A stream could not tell all of this by itself: a pipe cannot
//! compare two images, and DynamoDB names no author.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};
use tokenmint_oauth::client::{Client, StoredSecret};

/// The attribute, a map of the members `what` and `by`.
pub(super) const LAST_CHANGE: &str = "last_change";

/// The attribute of the list that manages a client.
pub(super) const MANAGED_BY: &str = "managed_by";

/// The number of characters by which an initial access token is named: enough for
/// `tokenmint registration-token revoke`, and not the hash.
const TOKEN_ID_PREFIX: usize = 12;

/// What was done to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was registered, or created by an operator.
    Registered,
    /// Its metadata was replaced, or an operator changed it otherwise.
    Changed,
    /// It has a new secret. Its metadata may have been replaced in the same write.
    SecretRotated,
    /// An operator changed its federated credentials.
    TrustChanged,
    /// An operator changed what it may get.
    PolicyChanged,
    /// It may get no more tokens.
    Disabled,
    /// It may get tokens again.
    Enabled,
    /// It is about to be removed.
    Deleted,
}

impl Change {
    /// All changes.
    pub const ALL: [Self; 8] = [
        Self::Registered,
        Self::Changed,
        Self::SecretRotated,
        Self::TrustChanged,
        Self::PolicyChanged,
        Self::Disabled,
        Self::Enabled,
        Self::Deleted,
    ];

    /// What an operator's command changes that writes a client as a whole: the first of these that differs, since an item
    /// has one last change. Whether it may get tokens, how it authenticates, what it may get, and the rest.
    pub fn between(before: &Client, after: &Client) -> Self {
        let had = |secret: &StoredSecret| before.client_secrets.iter().any(|old| old.sha256 == secret.sha256);
        let (old, new) = (&before.metadata, &after.metadata);
        if before.disabled != after.disabled {
            if after.disabled { Self::Disabled } else { Self::Enabled }
        } else if !after.client_secrets.iter().all(had) {
            Self::SecretRotated
        } else if old.federated_credentials() != new.federated_credentials() {
            Self::TrustChanged
        } else if old.token_policy() != new.token_policy() {
            Self::PolicyChanged
        } else {
            Self::Changed
        }
    }

    /// The name of the change in the table and in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Changed => "changed",
            Self::SecretRotated => "secret_rotated",
            Self::TrustChanged => "trust_changed",
            Self::PolicyChanged => "policy_changed",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::Deleted => "deleted",
        }
    }
}

/// Who changed a client. The text is for people; it authorizes nothing.
///
/// It consists of ASCII letters, digits and `@ . _ + = , / : -`, because a pipe copies it into a JSON text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author(String);

impl Author {
    /// The longest name of an operator, in characters.
    pub const MAX_NAME: usize = 128;

    /// Anyone, since registration is open.
    pub fn anyone() -> Self {
        Self("anyone".to_owned())
    }

    /// The client itself.
    pub fn client() -> Self {
        Self("client".to_owned())
    }

    /// Whoever holds the initial access token with this identifier.
    pub fn initial_access_token(id: &str) -> Self {
        Self(format!("initial-access-token:{}", id.chars().take(TOKEN_ID_PREFIX).collect::<String>()))
    }

    /// An operator, by the name that the operator's program was given. Characters other than those above become `_`.
    pub fn operator(name: &str) -> Self {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "@._+=,/:-".contains(c);
        let name: String = name.chars().take(Self::MAX_NAME).map(|c| if allowed(c) { c } else { '_' }).collect();
        Self(format!("operator:{}", if name.is_empty() { "unknown" } else { &name }))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of the attribute.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LastChange {
    what: Change,
    by: Author,
}

impl LastChange {
    pub(super) fn new(what: Change, by: &Author) -> Self {
        Self { what, by: by.clone() }
    }

    /// The value as it is stored.
    pub(super) fn attribute(&self) -> AttributeValue {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        AttributeValue::M(
            [("what".to_owned(), text(self.what.as_str())), ("by".to_owned(), text(self.by.as_str()))].into(),
        )
    }
}

/// Whether an attribute of a client's item is in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audited {
    /// It is.
    Yes,
    /// It holds hashes of secrets, so it never may be.
    Secret,
    /// It holds text of the client's choice, which must not be copied into a JSON text.
    ClientText,
    /// It holds text of an operator's choice, which must not be copied into a JSON text either.
    OperatorText,
    /// It is not, because it says nothing about a change.
    No,
}

/// Every attribute of a client's item, and whether it is in the audit log. A test compares the list with the items, another
/// one compares it with the pipes in `template.yaml`.
pub const ATTRIBUTES: [(&str, Audited); 17] = [
    ("client_id", Audited::Yes),
    ("client_id_issued_at", Audited::No),
    ("secrets", Audited::Secret),
    ("registration_access_token", Audited::Secret),
    ("disabled", Audited::No),
    ("token_endpoint_auth_method", Audited::Yes),
    ("method_not_named", Audited::No),
    ("grant_types", Audited::ClientText),
    ("response_types", Audited::ClientText),
    ("scope", Audited::Yes),
    ("scope_ceiling", Audited::No),
    ("metadata", Audited::ClientText),
    ("federated_credentials", Audited::ClientText),
    ("token_policy", Audited::OperatorText),
    ("expires_at", Audited::No),
    (MANAGED_BY, Audited::No),
    (LAST_CHANGE, Audited::Yes),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// O3: whatever an operator is called, the name is harmless in a JSON text, and never empty.
    #[test]
    fn o3_names_of_operators() {
        for (name, expected) in [
            ("alice", "operator:alice"),
            (
                "arn:aws:iam::123456789012:user/a+b=c@d.example",
                "operator:arn:aws:iam::123456789012:user/a+b=c@d.example",
            ),
            ("", "operator:unknown"),
            ("a\",\"by\":\"b\n\u{1b}\\é", "operator:a_,_by_:_b____"),
        ] {
            assert_eq!(Author::operator(name).as_str(), expected);
        }
        assert_eq!(Author::operator(&"x".repeat(500)).as_str().len(), "operator:".len() + Author::MAX_NAME);
    }

    /// O3: an initial access token is named by less than its hash.
    #[test]
    fn o3_initial_access_tokens() {
        let author = Author::initial_access_token("AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_-_-_a");
        assert_eq!(author.as_str(), "initial-access-token:AbCdEfGhIjKl");
    }

    /// O3: the stored names are those of the serialized ones.
    #[test]
    fn o3_names_of_changes() {
        for change in Change::ALL {
            assert_eq!(serde_json::to_value(change).expect("serializes"), change.as_str());
            let last = LastChange::new(change, &Author::client());
            let by_serde: AttributeValue = serde_dynamo::to_attribute_value(&last).expect("an attribute");
            assert_eq!(last.attribute(), by_serde);
        }
    }
}
