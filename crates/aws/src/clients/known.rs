//! Known clients: what an instance of the token function has read of the clients lately.
//!
//! A client that was read less than [`KnownClients::new`]'s lifetime ago is used without a read. Only a *refusal* must
//! not rest on what is kept: the caller asks for [`KnownClients::newer`] data first, and decides again with it. So what
//! grants access works at once, and what removes access works after the lifetime at the latest.
//!
//! | bound | why |
//! |---|---|
//! | [`MAX_ENTRIES`], [`MAX_BYTES`] | the memory of a function |
//! | one read of a client at a time, shared by all who need it | many requests of one client at once |
//! | [`READS_AT_ONCE`], [`READS_PER_SECOND`] | wrong secrets must not buy reads without end |
//!
//! Not kept: a client that does not exist, so that it works as soon as it has registered (O2); an unused client whose
//! expiry has not been cleared (R20), because its first token must clear it; and a failed read, which is reported to
//! everyone who waited for it.

mod budget;
mod kept;

use std::pin::Pin;
use std::sync::{Arc, Weak};

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId};

use super::{ClientsTable, Consistency, FindError};
use crate::{CallTimes, Unavailable};

pub use budget::{READS_AT_ONCE, READS_PER_SECOND};
pub(super) use kept::{Forget, Kept};
use kept::{Landing, Spent, State};
pub use kept::{MAX_BYTES, MAX_ENTRIES};

/// The clients that this instance knows, in front of the table. Clones share what is kept.
#[derive(Clone, Debug)]
pub struct KnownClients {
    table: ClientsTable,
    /// In seconds; 0: nothing is kept.
    ttl: EpochSeconds,
    kept: Arc<Kept>,
}

/// A client as it was found, kept or just read.
#[derive(Clone, Debug)]
pub struct Found {
    /// The client; `None` if it does not exist.
    pub client: Option<Arc<Client>>,
    read: Read,
    /// The number of the first read that began after the request asked for the client.
    arrived: u64,
}

/// Which read found a client.
#[derive(Clone, Copy, Debug)]
struct Read {
    /// Reads are numbered in the order in which they begin.
    number: u64,
    consistency: Consistency,
}

/// What the client as it was found does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The client's authentication.
    Credentials,
    /// The request of an authenticated client, because of what it has registered.
    Request,
}

/// A read in progress.
type Reading = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What a read found. Everyone who waits for it gets the same.
type Outcome = Result<(Option<Arc<Client>>, Read), FindError>;

impl KnownClients {
    /// Keeps clients for `ttl` seconds after they were read; 0: reads the table each time, and keeps nothing.
    pub fn new(table: ClientsTable, ttl: u32) -> Self {
        Self { table, ttl: ttl.into(), kept: Arc::default() }
    }

    /// The number of clients that are kept, and an estimate of the memory that they take, in bytes.
    pub fn size(&self) -> (usize, u64) {
        self.kept.state().size()
    }

    /// Where writes are to make a client be forgotten.
    pub(super) fn kept(&self) -> Weak<Kept> {
        Arc::downgrade(&self.kept)
    }

    /// The client, kept or read with at most one `GetItem`, which is eventually consistent (O2).
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn find(&self, id: &ClientId, now: EpochSeconds) -> Result<Found, FindError> {
        if self.ttl == 0 {
            let client = self.table.find(id, Consistency::Eventual).await?.map(Arc::new);
            let read = Read { number: 0, consistency: Consistency::Eventual };
            return Ok(Found { client, read, arrived: 0 });
        }
        let (arrived, reading) = {
            let mut state = self.kept.state();
            let arrived = state.next();
            if let Some((client, read)) = state.fresh(id, now, self.ttl) {
                return Ok(Found { client: Some(client), read, arrived });
            }
            let reading = state.reading(id, None);
            (arrived, reading.unwrap_or_else(|| self.start(&mut state, id, Consistency::Eventual, now)))
        };
        CallTimes::wait_for_dynamodb(reading).await.map(|(client, read)| Found { client, read, arrived })
    }

    /// The client as a later, strongly consistent read finds it, after what was found has led to a refusal. `None` if
    /// the refusal is final: because the client was read after the request asked for it, or because it was read again
    /// so often lately that what is kept is at most about a second old.
    ///
    /// Call it again if this client is refused too: it may come from a read that began before the request.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn newer(
        &self,
        id: &ClientId,
        found: &Found,
        refused: Refused,
        now: EpochSeconds,
    ) -> Result<Option<Found>, FindError> {
        let Found { read, arrived, .. } = *found;
        if read.number >= arrived && (read.consistency == Consistency::Strong || refused == Refused::Request) {
            return Ok(None);
        }
        if self.ttl == 0 {
            let client = self.table.find(id, Consistency::Strong).await?.map(Arc::new);
            let read = Read { number: 0, consistency: Consistency::Strong };
            return Ok(Some(Found { client, read, arrived }));
        }
        let reading = {
            let mut state = self.kept.state();
            if let Some((client, read)) = state.read_after(read.number, id) {
                return Ok(Some(Found { client: Some(client), read, arrived }));
            }
            match state.reading(id, Some(Consistency::Strong)) {
                Some(reading) => reading,
                None => match state.spend(id, now) {
                    Spent::Allowed => self.start(&mut state, id, Consistency::Strong, now),
                    Spent::Exhausted => return Ok(None),
                    Spent::Failing => {
                        let cause = "the last read of this client failed a moment ago".to_owned();
                        return Err(Unavailable::with_cause("dynamodb:GetItem", cause).into());
                    }
                },
            }
        };
        CallTimes::wait_for_dynamodb(reading).await.map(|(client, read)| Some(Found { client, read, arrived }))
    }

    /// Begins a read. Whoever waits for it drives it, so it ends with the last of them, and no task outlives the
    /// requests.
    fn start(&self, state: &mut State, id: &ClientId, consistency: Consistency, now: EpochSeconds) -> Shared<Reading> {
        let read = Read { number: state.next(), consistency };
        let (table, landing) = (self.table.clone(), Landing::new(self.kept.clone(), id.clone(), read, now));
        let reading: Reading = Box::pin(async move {
            let found = CallTimes::default().measure(table.find(landing.id(), consistency)).await;
            let found = found.map(|client| client.map(Arc::new));
            landing.store(&found);
            found.map(|client| (client, read))
        });
        let reading = reading.shared();
        state.begin(id.clone(), read, &reading);
        reading
    }
}

#[cfg(test)]
mod tests;
