//! The claims of a token: RFC 7519 §4.

use std::marker::PhantomData;

use serde_json::{Map, Value};

/// The state of claims that no key has verified: anybody can have written them.
#[derive(Debug)]
pub enum Unverified {}

/// The state of claims that a key has verified.
#[derive(Debug)]
pub enum Verified {}

/// The claims of a token. The type says whether a key has verified them: what needs proof takes
/// `Claims<Verified>`, and only [`verify`](super::UnverifiedToken::verify) and
/// [`verify_with_any`](super::UnverifiedToken::verify_with_any) make such.
///
/// It has no `Debug`: claims are not for the log.
pub struct Claims<S> {
    members: Map<String, Value>,
    state: PhantomData<S>,
}

impl<S> Claims<S> {
    pub(super) const fn new(members: Map<String, Value>) -> Self {
        Self { members, state: PhantomData }
    }

    /// The value of a claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The value of a claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }
}

impl Claims<Verified> {
    /// All claims.
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }
}
