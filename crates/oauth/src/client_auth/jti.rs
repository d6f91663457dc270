//! What the use of an assertion is remembered by: RFC 7523 §3, `jti`.

use std::fmt;
use std::marker::PhantomData;

use crate::EpochSeconds;
use crate::jose::Claims;

/// What an assertion is remembered by, and until when, as its claims state it. The type says whether a key
/// has verified those claims.
pub(super) struct Jti<S> {
    pub(super) id: String,
    pub(super) expires_at: EpochSeconds,
    state: PhantomData<S>,
}

impl<S> Jti<S> {
    /// `_stated_by` are the claims from which the rest was taken.
    pub(super) const fn new(id: String, expires_at: EpochSeconds, _stated_by: &Claims<S>) -> Self {
        Self { id, expires_at, state: PhantomData }
    }
}

impl<S> fmt::Debug for Jti<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jti").field("id", &self.id).field("expires_at", &self.expires_at).finish()
    }
}
