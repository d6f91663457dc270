//! A sealed key, and the key ring of an instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::access_token::EncodedHeader;
use tokenmint_oauth::jwk::{PublicKey, PublicKeyError};
use tokenmint_oauth::key_schedule::{Duty, KeyDates, Policy, Schedule};
use tokio::sync::OnceCell;

use super::pair::KeyPair;
use super::stored_key::{Binding, StoredKey};
use super::table::Stored;
use super::vault::{OpenError, Vault};
use crate::config::{Ed25519Alg, SigningKeySpec};

/// A published key, which can be opened to sign.
#[derive(Debug)]
pub(super) struct Key {
    stored: StoredKey,
    public: PublicKey,
    header: EncodedHeader,
    /// The opened private key, or why it can never be opened.
    private: OnceCell<Result<KeyPair, String>>,
    retry_at: AtomicU64,
}

/// The keys as read from the table.
#[derive(Debug, Default)]
pub(super) struct KeyRing {
    read_at: Option<EpochSeconds>,
    last_generation: u64,
    /// The keys that KMS has opened or not yet tried.
    keys: Vec<Arc<Key>>,
    /// The dates of `keys`, in the same order.
    dates: Vec<KeyDates>,
    /// The keys that KMS refused to open, or that must no longer be used. Their dates are ignored.
    refused: Vec<Arc<Key>>,
}

impl Key {
    /// A key from its stored form.
    pub(super) fn new(stored: StoredKey, ed25519_alg: Ed25519Alg) -> Result<Self, PublicKeyError> {
        let algorithm = stored.spec.algorithm(ed25519_alg);
        let public = PublicKey::from_spki(&stored.pair.public, algorithm)?;
        let header = EncodedHeader::new(algorithm, &public.kid);
        Ok(Self { stored, public, header, private: OnceCell::new(), retry_at: AtomicU64::new(0) })
    }

    /// Opens the private key with one `Decrypt`, shared by concurrent callers.
    pub(super) async fn open(&self, vault: &Vault) -> Result<(), OpenError> {
        let opening = || async {
            match vault.open(&self.stored, &self.public.kid).await {
                Ok(pair) => Ok(Ok(pair)),
                Err(OpenError::Lost(why)) => {
                    tracing::error!(key.id = self.id(), cause = why, "a private signing key cannot be recovered");
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

    /// Signs, if the key is open.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.private.get()?.as_ref().ok()?.sign(message)
    }

    /// Whether KMS has opened the key and so authenticated its whole item.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.private.get(), Some(Ok(_)))
    }

    fn is_lost(&self) -> bool {
        matches!(self.private.get(), Some(Err(_)))
    }

    /// Whether KMS has neither opened nor refused the key.
    pub(super) fn is_unknown(&self) -> bool {
        self.private.get().is_none()
    }

    /// When to retry opening the key while another key can sign.
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

    pub(super) const fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) const fn dates(&self) -> &KeyDates {
        &self.stored.dates
    }

    pub(super) const fn stored(&self) -> &StoredKey {
        &self.stored
    }

    /// Whether it is the same key of the table. An open key remains the same even if its private key was changed in
    /// the table.
    fn matches(&self, other: &StoredKey) -> bool {
        let StoredKey { binding, dates, spec, pair } = &self.stored;
        let same = *binding == other.binding && *dates == other.dates && *spec == other.spec;
        let same_private = self.is_open() || pair.private == other.pair.private;
        same && pair.public == other.pair.public && same_private
    }
}

impl KeyRing {
    /// The key ring from a read at this time. Known keys keep their state.
    pub(super) fn new(stored: Stored, ed25519_alg: Ed25519Alg, before: &Self, now: EpochSeconds) -> Self {
        let known = |key: &StoredKey| before.all().find(|known| known.matches(key)).cloned();
        let keys = stored.keys.into_iter().filter_map(|key| {
            let generation = key.dates.generation;
            let read = known(&key).map_or_else(|| Key::new(key, ed25519_alg).map(Arc::new), Ok);
            read.inspect_err(|cause| {
                tracing::error!(key.generation = generation, %cause, "the stored signing key is invalid");
            })
            .ok()
        });
        Self::of(keys.collect(), stored.last_generation, Some(now))
    }

    /// The list with a new key added.
    pub(super) fn with(&self, key: Key) -> Self {
        let generation = key.dates().generation;
        Self::of(self.all().cloned().chain([Arc::new(key)]).collect(), generation, self.read_at)
    }

    /// The same keys, reclassified by their current state.
    pub(super) fn judged(&self) -> Self {
        Self::of(self.all().cloned().collect(), self.last_generation, self.read_at)
    }

    fn of(mut all: Vec<Arc<Key>>, last_generation: u64, read_at: Option<EpochSeconds>) -> Self {
        all.sort_by_key(|key| key.dates().generation);
        // The dates of a version 1 key are not authenticated. Such keys are no longer made, so none is newer than
        // the first version 2 key.
        let bound = all.iter().find(|key| !key.is_lost() && key.stored.binding == Binding::Item);
        let bound = bound.map(|key| key.dates().generation);
        let is_refused = |key: &Arc<Key>| {
            let outdated =
                key.stored.binding == Binding::Issuer && bound.is_some_and(|from| key.dates().generation > from);
            key.is_lost() || outdated
        };
        let (refused, keys): (Vec<_>, Vec<_>) = all.into_iter().partition(is_refused);
        let dates = keys.iter().map(|key| *key.dates()).collect();
        Self { read_at, last_generation, keys, dates, refused }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.iter().chain(&self.refused)
    }

    /// The age in seconds, also after the clock was set back.
    pub(super) fn age(&self, now: EpochSeconds) -> u64 {
        self.read_at.map_or(u64::MAX, |read_at| now.abs_diff(read_at))
    }

    pub(super) fn schedule(&self, policy: Policy) -> Schedule<'_> {
        Schedule::new(policy, &self.dates)
    }

    /// Whether a key may sign, once opened.
    pub(super) fn may_sign(&self, policy: Policy, now: EpochSeconds) -> bool {
        self.schedule(policy).signers(now).next().is_some()
    }

    /// Whether a key that may sign is open.
    pub(super) fn can_sign(&self, policy: Policy, now: EpochSeconds) -> bool {
        self.schedule(policy).signers(now).any(|at| self.keys[at].is_open())
    }

    pub(super) fn key(&self, at: usize) -> &Arc<Key> {
        &self.keys[at]
    }

    /// Whether the newest key has this spec and its whole item is authenticated.
    pub(super) fn is_of(&self, spec: SigningKeySpec) -> bool {
        self.keys.last().is_some_and(|key| key.stored.spec == spec && key.stored.binding == Binding::Item)
    }

    /// When a replacement key starts to sign if no key can sign. Another instance may still sign with a key that was
    /// refused here, and must first learn of the new one.
    pub(super) fn first_signs_from(&self, policy: Policy, now: EpochSeconds) -> EpochSeconds {
        if self.refused.is_empty() { now } else { self.schedule(policy).earliest(now) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The generation of the next key; `None` if the numbers are exhausted.
    pub(super) fn next_generation(&self) -> Option<u64> {
        self.last_generation.checked_add(1)
    }

    /// The keys that verifiers need now or soon.
    pub(super) fn live(&self, policy: Policy, now: EpochSeconds) -> impl Iterator<Item = (Duty, &Arc<Key>)> {
        let schedule = self.schedule(policy);
        let keys = self.keys.iter().enumerate().map(move |(at, key)| (schedule.duty(at, now), key));
        keys.filter(|(duty, _)| *duty != Duty::Gone)
    }

    /// The public keys that verifiers need now, each authenticated by KMS.
    pub(super) fn published(&self, policy: Policy, now: EpochSeconds) -> impl Iterator<Item = &PublicKey> {
        self.live(policy, now).filter(|(_, key)| key.is_open()).map(|(_, key)| &key.public)
    }
}
