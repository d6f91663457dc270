//! How many documents that are not cached may be fetched: a token bucket.

use std::sync::{Mutex, PoisonError};

use tokenmint_oauth::EpochSeconds;

/// How many documents that are not cached are fetched at once.
pub const NEW_AT_ONCE: u64 = 64;

/// How many more are fetched each second.
pub const NEW_PER_SECOND: u64 = 16;

/// The fetches that are left, and when they were counted. It begins full.
#[derive(Debug)]
pub(crate) struct Admission(Mutex<(u64, EpochSeconds)>);

impl Default for Admission {
    fn default() -> Self {
        Self(Mutex::new((NEW_AT_ONCE, 0)))
    }
}

impl Admission {
    /// Takes one fetch, if one is left.
    pub(crate) fn admits(&self, now: EpochSeconds) -> bool {
        // No code panics while it holds the lock.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, counted_at) = *state;
        let earned = now.saturating_sub(counted_at).saturating_mul(NEW_PER_SECOND);
        let left = left.saturating_add(earned).min(NEW_AT_ONCE);
        *state = (left.saturating_sub(1), now.max(counted_at));
        left > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C4: 64 at once, then 16 each second, and never more than 64 at once again.
    #[test]
    fn c4_fetches_of_new_documents() {
        let admission = Admission::default();
        let admitted = |now| (0..1000).filter(|_| admission.admits(now)).count();
        for (now, expected) in [(1000, 64), (1000, 0), (1001, 16), (1003, 32), (1002, 0), (1003, 0), (9999, 64)] {
            assert_eq!(admitted(now), expected, "{now}");
        }
    }
}
