//! The member `federated_credentials` (ours): which subjects of which issuers are the client.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::claim_path::{self, Found};
use super::error::FederationError;
use super::subject::SubjectKey;
use crate::jose::Claims;
use crate::memory;

/// The most federated credentials of a client.
pub const MAX_CREDENTIALS: usize = 10;

/// The longest `sub` of a federated credential, in bytes; the same for `issuer`.
pub const MAX_SUB_BYTES: usize = 512;

/// The most claims of a federated credential.
pub const MAX_CLAIMS: usize = 10;

/// The longest path to a claim, in bytes.
pub const MAX_PATH_BYTES: usize = 256;

/// The longest value of a claim that is a string, in bytes.
pub const MAX_VALUE_BYTES: usize = 512;

/// A subject of an issuer that is the client, if its token has these claims too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FederatedCredential {
    /// `iss`, or the trust domain of a SPIFFE ID.
    pub issuer: String,
    /// `sub`.
    pub sub: String,
    /// Other claims, by dotted paths.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, ClaimValue>,
}

/// The value of a claim, which is compared by type and value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ClaimValue {
    /// A string, compared byte for byte.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A whole number without fraction or exponent.
    Integer(i64),
}

/// The federated credentials of a client, at most [`MAX_CREDENTIALS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FederatedCredentials(Vec<FederatedCredential>);

/// Why a value is not a list of federated credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// Not an array of objects.
    #[error("must be an array of objects with `issuer`, `sub` and, if needed, `claims`")]
    Form,
    /// More than [`MAX_CREDENTIALS`].
    #[error("must have at most {MAX_CREDENTIALS} entries")]
    TooMany,
    /// A member that is none of `issuer`, `sub` and `claims`: it could be a condition that would not be checked.
    #[error("has an entry with a member other than `issuer`, `sub` and `claims`")]
    UnknownMember,
    /// `issuer` or `sub` is missing, empty or too long.
    #[error("needs in each entry an `issuer` and a `sub` of 1 to {MAX_SUB_BYTES} bytes")]
    Subject,
    /// `claims` is not an object, or has too many members.
    #[error("has `claims` that are not an object of at most {MAX_CLAIMS} members")]
    Claims,
    /// A path is empty or too long.
    #[error("has a path in `claims` that is not 1 to {MAX_PATH_BYTES} bytes long")]
    Path,
    /// A value is of another type, or too long.
    #[error(
        "has a value in `claims` that is not a string of at most {MAX_VALUE_BYTES} bytes, a boolean or a whole number"
    )]
    Value,
}

impl FederatedCredentials {
    /// Reads the value of the member.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn parse(value: &Value) -> Result<Self, CredentialsError> {
        let entries = value.as_array().ok_or(CredentialsError::Form)?;
        if entries.len() > MAX_CREDENTIALS {
            return Err(CredentialsError::TooMany);
        }
        entries.iter().map(FederatedCredential::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The credentials, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &FederatedCredential> {
        self.0.iter()
    }

    /// The keys under which the client is listed.
    pub fn keys(&self) -> BTreeSet<SubjectKey> {
        self.iter().map(FederatedCredential::key).collect()
    }

    /// The list with one more, at its end. The same list if it is there already.
    ///
    /// # Errors
    /// [`CredentialsError::TooMany`].
    pub fn with(&self, credential: FederatedCredential) -> Result<Self, CredentialsError> {
        let mut list = self.clone();
        if !list.0.contains(&credential) {
            if list.0.len() == MAX_CREDENTIALS {
                return Err(CredentialsError::TooMany);
            }
            list.0.push(credential);
        }
        Ok(list)
    }

    /// The list without this one.
    #[must_use]
    pub fn without(&self, credential: &FederatedCredential) -> Self {
        Self(self.iter().filter(|own| *own != credential).cloned().collect())
    }

    /// Checks that a token of this subject is the client's.
    pub(super) fn check<S>(&self, issuer: &str, sub: Option<&str>, claims: &Claims<S>) -> Result<(), FederationError> {
        let mut of_subject = self.iter().filter(|own| own.issuer == issuer && Some(own.sub.as_str()) == sub).peekable();
        of_subject.peek().ok_or(FederationError::Subject)?;
        if of_subject.any(|own| own.claims.iter().all(|(path, value)| value.is_at(path, claims.members()))) {
            Ok(())
        } else {
            Err(FederationError::Claims)
        }
    }

    /// An upper estimate of the memory that they take beside themselves, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        memory::list(&self.0) + self.iter().map(FederatedCredential::memory_bytes).sum::<usize>()
    }
}

impl FederatedCredential {
    /// Reads one entry.
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn parse(value: &Value) -> Result<Self, CredentialsError> {
        let entry = value.as_object().ok_or(CredentialsError::Form)?;
        if entry.keys().any(|name| !["issuer", "sub", "claims"].contains(&name.as_str())) {
            return Err(CredentialsError::UnknownMember);
        }
        let text = |name: &str| {
            let text = entry.get(name).and_then(Value::as_str);
            let text = text.filter(|text| (1..=MAX_SUB_BYTES).contains(&text.len()));
            text.map(str::to_owned).ok_or(CredentialsError::Subject)
        };
        let claims = match entry.get("claims") {
            None => BTreeMap::new(),
            Some(claims) => {
                let claims = claims.as_object().filter(|claims| claims.len() <= MAX_CLAIMS);
                let claims = claims.ok_or(CredentialsError::Claims)?.iter();
                claims.map(ClaimValue::parse).collect::<Result<_, _>>()?
            }
        };
        Ok(Self { issuer: text("issuer")?, sub: text("sub")?, claims })
    }

    /// The key under which its clients are listed.
    pub fn key(&self) -> SubjectKey {
        SubjectKey::new(&self.issuer, &self.sub)
    }

    /// The entry as it was sent.
    pub fn to_json(&self) -> Value {
        let mut entry = json!({"issuer": self.issuer, "sub": self.sub});
        if !self.claims.is_empty() {
            let claims = self.claims.iter().map(|(path, value)| (path.clone(), value.to_json()));
            entry["claims"] = Value::Object(claims.collect());
        }
        entry
    }

    fn memory_bytes(&self) -> usize {
        let value = |value: &ClaimValue| match value {
            ClaimValue::Text(text) => memory::text(text),
            ClaimValue::Flag(_) | ClaimValue::Integer(_) => 0,
        };
        // A node of a tree has room for 11 members.
        let nodes = if self.claims.is_empty() { 0 } else { memory::NODE };
        let claims = self.claims.iter().map(|(path, claim)| memory::text(path) + value(claim));
        memory::text(&self.issuer) + memory::text(&self.sub) + nodes + claims.sum::<usize>()
    }
}

impl ClaimValue {
    fn to_json(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Integer(number) => (*number).into(),
        }
    }

    fn parse((path, value): (&String, &Value)) -> Result<(String, Self), CredentialsError> {
        if !(1..=MAX_PATH_BYTES).contains(&path.len()) {
            return Err(CredentialsError::Path);
        }
        let value = match value {
            Value::String(text) if text.len() <= MAX_VALUE_BYTES => Self::Text(text.clone()),
            Value::Bool(flag) => Self::Flag(*flag),
            Value::Number(number) => Self::Integer(number.as_i64().ok_or(CredentialsError::Value)?),
            _ => return Err(CredentialsError::Value),
        };
        Ok((path.clone(), value))
    }

    /// Whether this very value, and no other one, is at the path.
    fn is_at(&self, path: &str, members: &Map<String, Value>) -> bool {
        let Found::One(found) = claim_path::find(members, path) else { return false };
        match (self, found) {
            (Self::Text(own), Value::String(text)) => own == text,
            (Self::Flag(own), Value::Bool(flag)) => own == flag,
            (Self::Integer(own), Value::Number(number)) => number.as_i64() == Some(*own),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
