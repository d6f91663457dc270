//! The proofs that were used: RFC 9449 §4.3 and §11.1.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use tokenmint_oauth::EpochSeconds;

/// The most proofs that are remembered, about 15 MB. None is forgotten while it is valid: if there are too many,
/// further ones are refused.
pub const MAX_PROOFS: usize = 65_536;

/// The proofs that were used, until each is too old. Each process has its own: see `docs/verifiers.md`.
pub struct Replays {
    capacity: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    ids: HashSet<String>,
    by_expiry: BTreeMap<EpochSeconds, Vec<String>>,
    /// The latest time of all calls, so that a clock that is set back makes no forgotten proof valid.
    latest: EpochSeconds,
}

/// Why a proof cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    /// It was used before, or may have been.
    Before,
    /// Too many proofs are remembered.
    Full,
}

impl Default for Replays {
    fn default() -> Self {
        Self::new(MAX_PROOFS)
    }
}

impl Replays {
    /// Remembers at most so many proofs.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, seen: Mutex::default() }
    }

    /// Uses a proof that is valid until `expires_at`.
    pub(crate) fn use_up(&self, id: String, expires_at: EpochSeconds, now: EpochSeconds) -> Result<(), Used> {
        // No code panics while it holds the lock. Even then, a proof would be remembered too long, not too short.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = &mut *seen;
        seen.latest = seen.latest.max(now);
        while let Some(oldest) = seen.by_expiry.first_entry().filter(|entry| *entry.key() <= seen.latest) {
            for id in oldest.remove() {
                seen.ids.remove(&id);
            }
        }
        if expires_at <= seen.latest || seen.ids.contains(&id) {
            return Err(Used::Before);
        }
        if seen.ids.len() >= self.capacity {
            return Err(Used::Full);
        }
        seen.by_expiry.entry(expires_at).or_default().push(id.clone());
        seen.ids.insert(id);
        Ok(())
    }
}

impl fmt::Debug for Replays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replays").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V5: a proof is used once, and is remembered until it is too old.
    #[test]
    fn v5_a_proof_is_remembered_while_it_is_valid() {
        let replays = Replays::default();
        let used = |id: &str, expires_at, now| replays.use_up(id.to_owned(), expires_at, now);
        assert_eq!(used("a", 100, 40), Ok(()));
        assert_eq!(used("b", 100, 40), Ok(()));
        assert_eq!(used("a", 100, 40), Err(Used::Before));
        assert_eq!(used("a", 100, 99), Err(Used::Before));
        assert_eq!(used("a", 100, 100), Err(Used::Before), "too old");
        assert_eq!(used("a", 161, 100), Ok(()), "a new proof may have an old identifier");
        assert_eq!(replays.seen.lock().expect("no panic").ids.len(), 1);
    }

    /// V5: no proof that is valid is forgotten for another one.
    #[test]
    fn v5_the_memory_is_bounded() {
        let replays = Replays::new(2);
        let used = |id: &str, expires_at, now| replays.use_up(id.to_owned(), expires_at, now);
        assert_eq!((used("a", 100, 1), used("b", 101, 1)), (Ok(()), Ok(())));
        assert_eq!(used("c", 102, 1), Err(Used::Full));
        assert_eq!(used("a", 100, 99), Err(Used::Before));
        assert_eq!(used("c", 102, 100), Ok(()));
        assert_eq!(used("b", 101, 100), Err(Used::Before));
    }

    /// V5: a clock that is set back makes no proof valid again.
    #[test]
    fn v5_a_clock_that_is_set_back() {
        let replays = Replays::default();
        let used = |id: &str, expires_at, now| replays.use_up(id.to_owned(), expires_at, now);
        assert_eq!(used("a", 100, 40), Ok(()));
        assert_eq!(used("b", 300, 200), Ok(()));
        assert_eq!(used("a", 100, 40), Err(Used::Before));
    }
}
