//! What is kept, and the reads in progress.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use futures_util::future::{Shared, WeakShared};
use quick_cache::unsync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId};

use super::budget::Budget;
use super::{Read, Reading};
use crate::clients::{Consistency, FindError};

/// The maximum number of clients that are kept.
pub const MAX_ENTRIES: u64 = 4096;

/// The maximum memory that they take, in bytes, as estimated by [`Client::memory_bytes`] and for their slots. The cache
/// also remembers the keys of half as many evicted clients, in less than 1 MB. A function runs in 16 MB.
pub const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The least that an entry counts, so that the number of entries is bounded too.
const MIN_BYTES: u64 = MAX_BYTES / MAX_ENTRIES;

/// What the cache itself takes for an entry, in bytes: its key, its slot, and a slot of the evicted keys that it
/// remembers. The table of slots doubles when it grows, so half of it may be empty.
const SLOT_BYTES: usize = 4 * (size_of::<(ClientId, Entry)>() + 21) + 64;

/// The state behind its lock. The lock is never held while a read is awaited.
///
/// `quick_cache` can make one of many callers read, too. It lets the others try one after the other if that read fails,
/// which would be a hundred reads in sequence during an outage. So reads in progress are shared here instead.
#[derive(Default)]
pub(in crate::clients) struct Kept(Mutex<State>);

pub(super) struct State {
    clients: Cache<ClientId, Entry, Weight>,
    reading: HashMap<ClientId, InProgress>,
    next: u64,
}

struct Entry {
    client: Arc<Client>,
    read: Read,
    /// When that read began.
    read_at: EpochSeconds,
    bytes: u64,
    budget: Budget,
    /// Whether a later read failed.
    is_failing: bool,
}

struct InProgress {
    read: Read,
    reading: WeakShared<Reading>,
}

/// Whether a refusal may cause a read.
pub(super) enum Spent {
    Allowed,
    /// Not now; what is kept is at most about a second old.
    Exhausted,
    /// Not now, but the last read failed, so what is kept may be older.
    Failing,
}

#[derive(Clone)]
struct Weight;

impl Weighter<ClientId, Entry> for Weight {
    fn weight(&self, _: &ClientId, entry: &Entry) -> u64 {
        entry.bytes
    }
}

impl Kept {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a client, also what a read in progress will find.
    fn forget(&self, id: &ClientId) {
        let mut state = self.state();
        state.clients.remove(id);
        state.reading.remove(id);
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (clients, bytes) = self.state().size();
        f.debug_struct("Kept").field("clients", &clients).field("bytes", &bytes).finish_non_exhaustive()
    }
}

impl Default for State {
    fn default() -> Self {
        let mut options = OptionsBuilder::new();
        let entries = usize::try_from(MAX_ENTRIES).expect("a small number");
        let options = options.weight_capacity(MAX_BYTES).estimated_items_capacity(entries).build();
        let options = options.expect("both capacities are given");
        let clients = Cache::with_options(options, Weight, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { clients, reading: HashMap::new(), next: 1 }
    }
}

impl State {
    pub(super) fn size(&self) -> (usize, u64) {
        (self.clients.len(), self.clients.weight())
    }

    /// The number of the next read.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// The client, if it was read less than `ttl` seconds ago. If the clock was set back, it was not.
    pub(super) fn fresh(&self, id: &ClientId, now: EpochSeconds, ttl: EpochSeconds) -> Option<(Arc<Client>, Read)> {
        let entry = self.clients.get(id)?;
        let age = now.checked_sub(entry.read_at)?;
        (age < ttl).then(|| (entry.client.clone(), entry.read))
    }

    /// The client, if a read found it that began after the one with this number.
    pub(super) fn read_after(&self, number: u64, id: &ClientId) -> Option<(Arc<Client>, Read)> {
        let entry = self.clients.get(id).filter(|entry| entry.read.number > number)?;
        Some((entry.client.clone(), entry.read))
    }

    /// The read in progress, if it has this consistency.
    pub(super) fn reading(&self, id: &ClientId, consistency: Option<Consistency>) -> Option<Shared<Reading>> {
        let reading = self.reading.get(id)?;
        let fits = consistency.is_none_or(|consistency| reading.read.consistency == consistency);
        // All who waited for it may have gone away.
        if fits { reading.reading.upgrade() } else { None }
    }

    /// Takes one of the client's reads. Those of a client that is not kept are not counted.
    pub(super) fn spend(&mut self, id: &ClientId, now: EpochSeconds) -> Spent {
        let Some(mut entry) = self.clients.get_mut(id) else { return Spent::Allowed };
        match (entry.budget.spend(now), entry.is_failing) {
            (true, _) => Spent::Allowed,
            (false, false) => Spent::Exhausted,
            (false, true) => Spent::Failing,
        }
    }

    /// Records a read in progress, the next one. It takes the place of an earlier one, which is then not kept.
    pub(super) fn begin(&mut self, id: ClientId, read: Read, reading: &Shared<Reading>) {
        self.next += 1;
        // It has not been awaited yet, so it has not ended.
        if let Some(reading) = reading.downgrade() {
            self.reading.insert(id, InProgress { read, reading });
        }
    }

    /// Ends a read in progress. `false` if the client was forgotten meanwhile, or a later read has begun.
    fn end(&mut self, id: &ClientId, read: Read) -> bool {
        let is_current = self.reading.get(id).is_some_and(|current| current.read.number == read.number);
        if is_current {
            self.reading.remove(id);
        }
        is_current
    }

    fn store(&mut self, id: &ClientId, found: &Result<Option<Arc<Client>>, FindError>, read: Read, at: EpochSeconds) {
        match found {
            Ok(Some(client)) if client.expires_at.is_none() => {
                let budget = self.clients.peek(id).map_or(Budget::full(at), |entry| entry.budget);
                let bytes = u64::try_from(client.memory_bytes() + SLOT_BYTES + id.as_str().len()).unwrap_or(u64::MAX);
                let bytes = bytes.clamp(MIN_BYTES, MAX_BYTES + 1);
                let (client, is_failing) = (client.clone(), false);
                self.clients.insert(id.clone(), Entry { client, read, read_at: at, bytes, budget, is_failing });
            }
            Ok(_) => drop(self.clients.remove(id)),
            Err(_) => {
                if let Some(mut entry) = self.clients.get_mut(id) {
                    entry.is_failing = true;
                }
            }
        }
    }
}

/// A read on its way. If all who waited for it go away, nothing of it remains.
pub(super) struct Landing {
    kept: Arc<Kept>,
    id: ClientId,
    read: Read,
    /// When it began.
    at: EpochSeconds,
}

impl Landing {
    pub(super) const fn new(kept: Arc<Kept>, id: ClientId, read: Read, at: EpochSeconds) -> Self {
        Self { kept, id, read, at }
    }

    pub(super) const fn id(&self) -> &ClientId {
        &self.id
    }

    /// Keeps what was found, unless the client was forgotten since the read began.
    pub(super) fn store(&self, found: &Result<Option<Arc<Client>>, FindError>) {
        let mut state = self.kept.state();
        if state.end(&self.id, self.read) {
            state.store(&self.id, found, self.read, self.at);
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.kept.state().end(&self.id, self.read);
    }
}

/// Makes a client be forgotten when a write of it has ended, whether it succeeded, failed or was given up: it may have
/// taken effect in any case.
pub(in crate::clients) struct Forget<'t> {
    kept: Option<Arc<Kept>>,
    id: &'t ClientId,
}

impl<'t> Forget<'t> {
    /// Does nothing if nothing is kept.
    pub(in crate::clients) fn afterwards(kept: &Weak<Kept>, id: &'t ClientId) -> Self {
        Self { kept: kept.upgrade(), id }
    }
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        if let Some(kept) = &self.kept {
            kept.forget(self.id);
        }
    }
}
