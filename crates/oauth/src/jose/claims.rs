//! The claims of a token: RFC 7519 §4.

use std::marker::PhantomData;

use serde_json::{Map, Value};

use crate::EpochSeconds;

/// How far the clock of whoever made a token may be from ours, in seconds, either way: for `exp`, `nbf` and `iat` alike.
pub const MAX_SKEW: EpochSeconds = 60;

/// The state of claims that no key has verified: anybody can have written them.
#[derive(Debug)]
pub enum Unverified {}

/// The state of claims that a key has verified.
#[derive(Debug)]
pub enum Verified {}

/// A claim that should be a time is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotATime;

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

    /// All claims.
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The value of a claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The value of a claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A `NumericDate` (RFC 7519 §2), which may have a fraction. Whole seconds are all that the clock has, so the next
    /// whole second is what it means. `None` if the claim is absent.
    ///
    /// # Errors
    /// [`NotATime`] if the claim is no number.
    pub fn time(&self, name: &str) -> Result<Option<EpochSeconds>, NotATime> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if let Some(seconds) = value.as_u64() {
            return Ok(Some(seconds));
        }
        let seconds = value.as_f64().ok_or(NotATime)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, as is meant")]
        Ok(Some(seconds.ceil() as EpochSeconds))
    }

    /// Whether `aud` names one of these audiences, and nobody else: a token for two servers could be used by the one
    /// at the other (RFC 7523 §3 leaves that to each; we refuse it).
    pub fn is_for<T: AsRef<str>>(&self, ours: &[T]) -> bool {
        let is_ours = |value: &Value| value.as_str().is_some_and(|text| ours.iter().any(|own| own.as_ref() == text));
        match self.get("aud") {
            Some(Value::Array(audiences)) => !audiences.is_empty() && audiences.iter().all(is_ours),
            Some(one) => is_ours(one),
            None => false,
        }
    }
}

impl Claims<Verified> {
    /// All claims.
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }
}
