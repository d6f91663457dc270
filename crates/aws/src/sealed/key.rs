//! A key, and the list of keys, as an instance holds them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::access_token::EncodedHeader;
use tokenmint_oauth::jwk::{PublicKey, PublicKeyError};
use tokenmint_oauth::key_schedule::{Duty, KeyDates, Policy, Schedule};
use tokio::sync::OnceCell;

use super::pair::KeyPair;
use super::table::{Stored, StoredKey};
use super::vault::{OpenError, Vault};
use crate::config::SigningKeySpec;

/// A key that is published, and may be opened to sign.
#[derive(Debug)]
pub(super) struct Key {
    stored: StoredKey,
    public: PublicKey,
    header: EncodedHeader,
    /// The private half once it was opened, or why it never will be.
    private: OnceCell<Result<KeyPair, String>>,
    retry_at: AtomicU64,
}

/// A copy of the table.
#[derive(Debug, Default)]
pub(super) struct List {
    read_at: Option<EpochSeconds>,
    last_generation: u64,
    keys: Vec<Arc<Key>>,
    /// Those of the keys, in the same order.
    dates: Vec<KeyDates>,
}

impl Key {
    /// A key as it was stored.
    pub(super) fn new(stored: StoredKey) -> Result<Self, PublicKeyError> {
        let algorithm = stored.spec.algorithm();
        let public = PublicKey::from_spki(&stored.pair.public, algorithm)?;
        let header = EncodedHeader::new(algorithm, &public.kid);
        Ok(Self { stored, public, header, private: OnceCell::new(), retry_at: AtomicU64::new(0) })
    }

    /// Opens the private half: one `Decrypt` in all, however many ask for it.
    pub(super) async fn open(&self, vault: &Vault) -> Result<(), OpenError> {
        let opening = || async {
            let StoredKey { spec, pair, .. } = &self.stored;
            match vault.open(&pair.private, *spec, &self.public.kid).await {
                Ok(pair) => Ok(Ok(pair)),
                Err(OpenError::Lost(why)) => {
                    tracing::error!(key.id = self.id(), cause = why, "the private half of a signing key is lost");
                    Ok(Err(why))
                }
                Err(OpenError::Load(error)) => Err(error),
            }
        };
        match self.private.get_or_try_init(opening).await? {
            Ok(_) => Ok(()),
            Err(why) => Err(OpenError::Lost(why.clone())),
        }
    }

    /// Signs, if it is open.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.private.get()?.as_ref().ok()?.sign(message)
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.private.get(), Some(Ok(_)))
    }

    /// When to try again to open it, as long as there is another key to sign with.
    pub(super) fn retry_at(&self) -> EpochSeconds {
        self.retry_at.load(Ordering::Relaxed)
    }

    pub(super) fn retry_later(&self, at: EpochSeconds) {
        self.retry_at.store(at, Ordering::Relaxed);
    }

    pub(super) fn id(&self) -> &str {
        self.public.kid.as_str()
    }

    pub(super) const fn header(&self) -> &EncodedHeader {
        &self.header
    }

    pub(super) const fn dates(&self) -> &KeyDates {
        &self.stored.dates
    }

    pub(super) const fn stored(&self) -> &StoredKey {
        &self.stored
    }

    /// Whether it is this key of the table. One that is open is so without its private half there.
    fn stands_for(&self, other: &StoredKey) -> bool {
        let StoredKey { dates, spec, pair } = &self.stored;
        let same = *dates == other.dates && *spec == other.spec && pair.public == other.pair.public;
        same && (self.is_open() || pair.private == other.pair.private)
    }
}

impl List {
    /// What was read at a moment. A key that was known before stays as it is.
    pub(super) fn new(stored: Stored, before: &Self, now: EpochSeconds) -> Self {
        let known = |key: &StoredKey| before.keys.iter().find(|known| known.stands_for(key)).cloned();
        let keys = stored.keys.into_iter().filter_map(|key| {
            let generation = key.dates.generation;
            let read = known(&key).map_or_else(|| Key::new(key).map(Arc::new), Ok);
            read.inspect_err(|cause| {
                tracing::error!(key.generation = generation, %cause, "a signing key is damaged");
            })
            .ok()
        });
        Self::of(keys.collect(), stored.last_generation, Some(now))
    }

    /// The list with a key that was made just now.
    pub(super) fn with(&self, key: Key) -> Self {
        let generation = key.dates().generation;
        Self::of(self.keys.iter().cloned().chain([Arc::new(key)]).collect(), generation, self.read_at)
    }

    fn of(keys: Vec<Arc<Key>>, last_generation: u64, read_at: Option<EpochSeconds>) -> Self {
        let dates = keys.iter().map(|key| *key.dates()).collect();
        Self { read_at, last_generation, keys, dates }
    }

    /// How old it is in seconds, also where the clock was set back.
    pub(super) fn age(&self, now: EpochSeconds) -> u64 {
        self.read_at.map_or(u64::MAX, |read_at| now.abs_diff(read_at))
    }

    pub(super) fn schedule(&self, policy: Policy) -> Schedule<'_> {
        Schedule::new(policy, &self.dates)
    }

    /// Whether there is a key that may sign, if it can be opened.
    pub(super) fn may_sign(&self, policy: Policy, now: EpochSeconds) -> bool {
        self.schedule(policy).signers(now).next().is_some()
    }

    pub(super) fn key(&self, at: usize) -> &Arc<Key> {
        &self.keys[at]
    }

    /// The kind of the newest key.
    pub(super) fn spec(&self) -> Option<SigningKeySpec> {
        self.keys.last().map(|key| key.stored.spec)
    }

    pub(super) const fn last_generation(&self) -> u64 {
        self.last_generation
    }

    /// Whether both hold the same keys.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.keys.iter().map(|key| &key.stored).eq(other.keys.iter().map(|key| &key.stored))
    }

    /// The public halves that verifiers need now.
    pub(super) fn published(&self, policy: Policy, now: EpochSeconds) -> impl Iterator<Item = &PublicKey> {
        let schedule = self.schedule(policy);
        let keys = self.keys.iter().enumerate();
        keys.filter(move |(at, _)| schedule.duty(*at, now) != Duty::Gone).map(|(_, key)| &key.public)
    }
}
