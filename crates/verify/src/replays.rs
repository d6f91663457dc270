//! The proofs that were used: RFC 9449 §4.3 and §11.1.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use tokenmint_oauth::EpochSeconds;

/// The most proofs that are remembered. None is forgotten while it is valid: if there are too many, further ones are
/// refused.
///
/// They take about 17 MB at most: 33 bytes in each of up to 262,144 places of the hash table (a half more while it grows),
/// and 32 bytes in each of up to 131,072 places of the lists by expiry.
pub const MAX_PROOFS: usize = 65_536;

/// The SHA-256 of the key and the identifier of a proof.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ProofHash([u8; 32]);

/// The proofs that were used, until each is too old. Each process has its own: see `docs/verifiers.md`.
pub struct Replays {
    capacity: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    proofs: HashSet<ProofHash>,
    by_expiry: BTreeMap<EpochSeconds, Vec<ProofHash>>,
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

impl ProofHash {
    /// The hash of a proof of the key with this thumbprint. A thumbprint has no dot.
    pub(crate) fn new(jkt: &str, id: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, format!("{jkt}.{id}").as_bytes()).as_ref());
        Self(hash)
    }
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
    pub(crate) fn use_up(&self, proof: ProofHash, expires_at: EpochSeconds, now: EpochSeconds) -> Result<(), Used> {
        // No code panics while it holds the lock. Even then, a proof would be remembered too long, not too short.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = &mut *seen;
        seen.latest = seen.latest.max(now);
        while let Some(oldest) = seen.by_expiry.first_entry().filter(|entry| *entry.key() <= seen.latest) {
            for proof in oldest.remove() {
                seen.proofs.remove(&proof);
            }
        }
        if expires_at <= seen.latest || seen.proofs.contains(&proof) {
            return Err(Used::Before);
        }
        if seen.proofs.len() >= self.capacity {
            return Err(Used::Full);
        }
        seen.by_expiry.entry(expires_at).or_default().push(proof);
        seen.proofs.insert(proof);
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
        let used = |id: &str, expires_at, now| replays.use_up(ProofHash::new("key", id), expires_at, now);
        assert_eq!(used("a", 100, 40), Ok(()));
        assert_eq!(used("b", 100, 40), Ok(()));
        assert_eq!(used("a", 100, 40), Err(Used::Before));
        assert_eq!(used("a", 100, 99), Err(Used::Before));
        assert_eq!(used("a", 100, 100), Err(Used::Before), "too old");
        assert_eq!(used("a", 161, 100), Ok(()), "a new proof may have an old identifier");
        assert_eq!(replays.seen.lock().expect("no panic").proofs.len(), 1);
    }

    /// V5: no proof that is valid is forgotten for another one.
    #[test]
    fn v5_the_memory_is_bounded() {
        let replays = Replays::new(2);
        let used = |id: &str, expires_at, now| replays.use_up(ProofHash::new("key", id), expires_at, now);
        assert_eq!((used("a", 100, 1), used("b", 101, 1)), (Ok(()), Ok(())));
        assert_eq!(used("c", 102, 1), Err(Used::Full));
        assert_eq!(used("a", 100, 99), Err(Used::Before));
        assert_eq!(used("c", 102, 100), Ok(()));
        assert_eq!(used("b", 101, 100), Err(Used::Before));
    }

    /// V5: a proof is known by its key and its identifier, in 32 bytes.
    #[test]
    fn v5_a_proof_is_remembered_by_its_hash() {
        let hashes = [("a", "b"), ("b", "a"), ("a", ""), ("", "a"), ("", ""), ("a", &"b".repeat(8192))];
        let hashes: HashSet<_> = hashes.iter().map(|(jkt, id)| ProofHash::new(jkt, id)).collect();
        assert_eq!(hashes.len(), 6);
        assert_eq!(size_of::<ProofHash>(), 32);
    }

    /// V5: a clock that is set back makes no proof valid again.
    #[test]
    fn v5_a_clock_that_is_set_back() {
        let replays = Replays::default();
        let used = |id: &str, expires_at, now| replays.use_up(ProofHash::new("key", id), expires_at, now);
        assert_eq!(used("a", 100, 40), Ok(()));
        assert_eq!(used("b", 300, 200), Ok(()));
        assert_eq!(used("a", 100, 40), Err(Used::Before));
    }
}
