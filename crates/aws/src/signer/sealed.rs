//! Signatures made in this process: `SIGNING_MODE=sealed`.
//!
//! KMS generates a key pair and encrypts its private key, which is stored in a table. A cold start opens each key
//! that verifiers need with one `Decrypt`; after that, signing makes no call (K2).
//! [`key_schedule`](tokenmint_oauth::key_schedule) alone determines the role of each key. Any instance may make the
//! next key (K4), unless `KEY_ROTATION` is off: then another region makes the keys, and replication brings them here
//! (G2).
//!
//! The table is not trusted. A key is published, and its dates count, only after KMS has opened its private key,
//! which is bound to the rest of the item. A key that KMS refuses to open is ignored. While KMS is unreachable, a
//! key that is not yet open is not published.
//!
//! An instance works with a copy of the table. During a request, it refreshes a copy older than a quarter of
//! `JWKS_MAX_AGE`. If the refresh fails, it uses the copy until half of `JWKS_MAX_AGE`. After that it answers 503,
//! because verifiers would not learn of a new key in time.

mod key_ring;
mod pair;
mod stored_key;
mod table;
mod vault;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::access_token::{self, Claims};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::{KeySet, PublicKey};
use tokenmint_oauth::key_schedule::{Duty, Policy};
use tokenmint_oauth::security_profile::SecurityProfile;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::error::{LoadError, SignError};
use crate::config::{Ed25519Alg, KeyRotation, Sealed, SigningKeySpec};
use crate::{Sdk, Unavailable};

use key_ring::{Key, KeyRing};
use table::KeysTable;
pub use table::{KEY, SORT_KEY};
use vault::{OpenError, Vault};

/// The total time that the start may wait for keys. The first request loads the missing ones.
const START: Duration = Duration::from_secs(7);

/// The time that a request waits for work that it does not need itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// The number of times that a request restarts because another instance was faster.
const ROUNDS: usize = 4;

/// The sealed keys of a deployment.
#[derive(Debug)]
pub struct SealedSigner {
    table: KeysTable,
    vault: Vault,
    spec: SigningKeySpec,
    ed25519_alg: Ed25519Alg,
    key_rotation: KeyRotation,
    policy: Policy,
    profile: SecurityProfile,
    key_ring: RwLock<Arc<KeyRing>>,
    /// When to retry optional work that failed.
    retry_at: AtomicU64,
    /// Serializes reading the table and making keys.
    turn: Mutex<()>,
}

impl SealedSigner {
    /// Reads the keys and opens the signing key; makes the first key if there is none and `KEY_ROTATION` is on.
    ///
    /// # Errors
    /// [`LoadError::Mistake`] if the keys can never work. An outage is not an error.
    pub async fn start(
        sdk: &Sdk,
        config: Sealed,
        policy: Policy,
        profile: SecurityProfile,
        issuer: &Issuer,
        now: EpochSeconds,
    ) -> Result<Self, LoadError> {
        let signer = Self {
            table: KeysTable::new(sdk.dynamodb(), config.keys_table, issuer),
            vault: Vault::new(sdk.kms(), config.sealing_key, issuer),
            spec: config.spec,
            ed25519_alg: config.ed25519_alg,
            key_rotation: config.key_rotation,
            policy,
            profile,
            key_ring: RwLock::default(),
            retry_at: AtomicU64::new(0),
            turn: Mutex::default(),
        };
        match timeout(START, signer.signing_key(now)).await {
            Ok(Ok(_)) => signer.check_algorithms(signer.current().published(policy, now))?,
            Ok(Err(error @ LoadError::Mistake(..))) => return Err(error),
            Ok(Err(error)) => tracing::warn!(cause = %error, "the signing keys are not loaded yet"),
            Err(_) => tracing::warn!("the signing keys are not loaded yet: loading took too long"),
        }
        Ok(signer)
    }

    /// Makes a signed token. Makes no call, unless the copy is due for a refresh or another key starts to sign.
    ///
    /// # Errors
    /// [`SignError`].
    pub async fn sign(&self, claims: &Claims<'_>, now: EpochSeconds) -> Result<String, SignError> {
        let key = self.signing_key(now).await?;
        self.check_algorithms([key.public()])?;
        let input = access_token::signing_input(key.header(), claims);
        let signature = key.sign(input.as_bytes()).ok_or(SignError::Malformed)?;
        Ok(access_token::with_signature(input, &signature))
    }

    /// The currently published keys.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn jwk_set(&self, now: EpochSeconds) -> Result<KeySet, LoadError> {
        let key_ring = self.key_ring(now).await?;
        self.authenticate_needed(&key_ring, now).await?;
        self.check_algorithms(key_ring.published(self.policy, now))?;
        Ok(key_ring.published(self.policy, now).collect())
    }

    /// Checks that the profile allows what the keys sign. They may be older than the profile: it needs another kind of
    /// key to sign first, and the last token of the old kind to expire (S3).
    fn check_algorithms<'k>(&self, keys: impl IntoIterator<Item = &'k PublicKey>) -> Result<(), LoadError> {
        let outside = |key: &&PublicKey| !self.profile.allows_to_sign(key.algorithm());
        let Some(key) = keys.into_iter().find(outside) else { return Ok(()) };
        let reason = format!(
            "fapi2 does not allow {}, the algorithm of the sealed key {}: set SIGNING_KEY_SPEC first, and the profile when \
             the key set has no such key any more",
            key.algorithm(),
            key.kid.as_str()
        );
        Err(LoadError::Mistake("SECURITY_PROFILE", reason))
    }

    /// Opens all keys that must be published: all except an announced key that no verifier needs before it fetches
    /// the keys again.
    async fn authenticate_needed(&self, key_ring: &KeyRing, now: EpochSeconds) -> Result<(), LoadError> {
        let cached_until = now + self.policy.max_age_with_skew();
        let needed = key_ring.live(self.policy, now).filter(|(duty, key)| {
            key.is_unknown() && (*duty != Duty::Announced || key.dates().signs_from < cached_until)
        });
        let needed: Vec<_> = needed.map(|(_, key)| Arc::clone(key)).collect();
        match self.open_all(&needed, now).await {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Opens all of these keys concurrently; fails if one cannot be opened now.
    async fn open_all(&self, keys: &[Arc<Key>], now: EpochSeconds) -> Option<LoadError> {
        let mut opening: FuturesUnordered<_> =
            keys.iter().map(async |key| (key, key.open(&self.vault).await)).collect();
        let mut failed = None;
        while let Some((key, opened)) = opening.next().await {
            if let Err(OpenError::Load(error)) = opened {
                key.retry_later(now + self.policy.retry_after());
                failed = Some(error);
            }
        }
        failed
    }

    /// The opened key that signs now.
    async fn signing_key(&self, now: EpochSeconds) -> Result<Arc<Key>, LoadError> {
        for _ in 0..ROUNDS {
            let key_ring = self.key_ring(now).await?;
            if let Some(key) = self.open_first(&key_ring, now).await? {
                return Ok(key);
            }
            // No key can be recovered, so none may sign, and a new one is made.
            self.replace(&key_ring, key_ring.judged());
        }
        Err(Unavailable::with_cause("kms:Decrypt", "KMS cannot open a key that it generated".to_owned()).into())
    }

    /// Opens the first of the keys that may sign. A key that cannot be recovered is skipped. If KMS cannot open a
    /// key now, the previous key is used if it is open and may still sign; otherwise this fails.
    async fn open_first(&self, key_ring: &KeyRing, now: EpochSeconds) -> Result<Option<Arc<Key>>, LoadError> {
        let order: Vec<_> = key_ring.schedule(self.policy).signers(now).map(|at| key_ring.key(at)).collect();
        for (at, key) in order.iter().enumerate() {
            if key.is_open() {
                return Ok(Some(Arc::clone(key)));
            }
            let before = order[at + 1..].iter().find(|key| key.dates().signs_from <= now && key.is_open());
            if let Some(before) = before
                && now < key.retry_at()
            {
                return Ok(Some(Arc::clone(before)));
            }
            match key.open(&self.vault).await {
                Ok(()) => return Ok(Some(Arc::clone(key))),
                Err(OpenError::Lost(_)) => {}
                Err(OpenError::Load(error)) => {
                    key.retry_later(now + self.policy.retry_after());
                    let Some(before) = before else { return Err(error) };
                    tracing::warn!(cause = %error, key.id = key.id(), "the previous key continues to sign");
                    return Ok(Some(Arc::clone(before)));
                }
            }
        }
        Ok(None)
    }

    /// The key ring, refreshed if due.
    async fn key_ring(&self, now: EpochSeconds) -> Result<Arc<KeyRing>, LoadError> {
        let key_ring = self.current();
        let age = key_ring.age(now);
        if age < self.policy.refresh_after() && key_ring.may_sign(self.policy, now) {
            return Ok(key_ring);
        }
        if age < self.policy.stale_after() && key_ring.may_sign(self.policy, now) {
            // No request waits for work that it does not need yet.
            let Ok(turn) = self.turn.try_lock() else { return Ok(key_ring) };
            if now < self.retry_at.load(Ordering::Relaxed) {
                return Ok(key_ring);
            }
            let refreshed = timeout(PATIENCE, self.refresh(now)).await;
            drop(turn);
            if !matches!(refreshed, Ok(Ok(()))) {
                self.retry_at.store(now + self.policy.retry_after(), Ordering::Relaxed);
                let cause = refreshed.map_or_else(|late| late.to_string(), |failed| format!("{:?}", failed.err()));
                tracing::warn!(cause, "the signing keys cannot be refreshed");
            }
            return Ok(self.current());
        }
        let _turn = self.turn.lock().await;
        let key_ring = self.current();
        if key_ring.age(now) < self.policy.stale_after() && key_ring.may_sign(self.policy, now) {
            return Ok(key_ring);
        }
        self.refresh(now).await?;
        Ok(self.current())
    }

    /// Reads the table, makes the next key if due, and opens the key that signs next.
    async fn refresh(&self, now: EpochSeconds) -> Result<(), LoadError> {
        self.read(now).await?;
        if self.key_rotation == KeyRotation::Off {
            return self.expect_keys(now);
        }
        for _ in 0..ROUNDS {
            let key_ring = self.current();
            let Some(signs_from) = self.next_signs_from(&key_ring, now) else { break };
            let Err(error) = self.make(&key_ring, now, signs_from).await else { continue };
            if key_ring.may_sign(self.policy, now) {
                tracing::warn!(cause = %error, "the next signing key could not be made");
                break;
            }
            // Another instance may have succeeded.
            self.read(now).await?;
            if !self.current().may_sign(self.policy, now) {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Fails if no key of the table may sign, because only another region may make one. Warns if the reserve of that
    /// region is overdue: it does not rotate, or replication is interrupted.
    fn expect_keys(&self, now: EpochSeconds) -> Result<(), LoadError> {
        let key_ring = self.current();
        if !key_ring.may_sign(self.policy, now) {
            let cause = "no key of the table may sign, and KEY_ROTATION is off: the region that makes the keys has made \
                         none, or it was not replicated";
            return Err(Unavailable::with_cause("dynamodb:Query", cause.to_owned()).into());
        }
        let overdue_since = now.saturating_sub(self.policy.max_age_with_skew());
        if key_ring.schedule(self.policy).next(overdue_since).is_some() {
            tracing::warn!(
                "the next signing key is overdue: the region with KEY_ROTATION=on has made none, or it was not replicated"
            );
        }
        Ok(())
    }

    /// When a new key starts to sign; `None` if none is due.
    fn next_signs_from(&self, key_ring: &KeyRing, now: EpochSeconds) -> Option<EpochSeconds> {
        if key_ring.is_empty() {
            return Some(key_ring.first_signs_from(self.policy, now));
        }
        let schedule = key_ring.schedule(self.policy);
        // The configured key spec changed, so the new key need not wait for the rotation.
        let other = || (!key_ring.is_of(self.spec) && schedule.is_settled(now)).then(|| schedule.earliest(now));
        schedule.next(now).or_else(other)
    }

    /// Makes and stores a key. If another instance stored one first, reads that one.
    async fn make(&self, key_ring: &KeyRing, now: EpochSeconds, signs_from: EpochSeconds) -> Result<(), LoadError> {
        const CALL: &str = "kms:GenerateDataKeyPairWithoutPlaintext";
        let generation = key_ring.next_generation();
        let generation =
            generation.ok_or_else(|| LoadError::Mistake("KEYS_TABLE", "has no generation numbers left".to_owned()))?;
        let dates = self.policy.dates(generation, now, signs_from);
        let stored = self.vault.make(self.spec, &dates).await?;
        let key =
            Key::new(stored, self.ed25519_alg).map_err(|error| Unavailable::with_cause(CALL, error.to_string()))?;
        // Only keys that can be opened are published.
        key.open(&self.vault).await.map_err(|error| match error {
            OpenError::Load(error) => error,
            OpenError::Lost(why) => {
                LoadError::Mistake("SEALING_KEY", format!("cannot open a new key: the private key {why}"))
            }
        })?;
        if self.table.add(key.stored()).await? {
            tracing::info!(key.id = key.id(), key.generation = dates.generation, signs_from, "a signing key was made");
            self.keep(key_ring.with(key));
            Ok(())
        } else {
            self.read(now).await
        }
    }

    /// Reads the table and concurrently opens every key that verifiers need. If one is refused, the keys that
    /// replace it are opened next.
    async fn read(&self, now: EpochSeconds) -> Result<(), LoadError> {
        let stored = self.table.read().await?;
        let mut key_ring = KeyRing::new(stored, self.ed25519_alg, &self.current(), now);
        let mut failed = None;
        loop {
            let unknown = key_ring.live(self.policy, now).filter(|(_, key)| key.is_unknown() && key.retry_at() <= now);
            let unknown: Vec<_> = unknown.map(|(_, key)| Arc::clone(key)).collect();
            if unknown.is_empty() {
                break;
            }
            failed = self.open_all(&unknown, now).await.or(failed);
            key_ring = key_ring.judged();
        }
        let can_sign = key_ring.can_sign(self.policy, now);
        self.keep(key_ring);
        match failed {
            Some(error) if !can_sign => Err(error),
            Some(error) => {
                tracing::warn!(cause = %error, "a signing key could not be opened");
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Replaces the key ring, unless it changed since it was read.
    fn replace(&self, seen: &Arc<KeyRing>, key_ring: KeyRing) {
        let mut current = self.key_ring.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, seen) {
            *current = Arc::new(key_ring);
        }
    }

    fn current(&self) -> Arc<KeyRing> {
        Arc::clone(&self.key_ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, key_ring: KeyRing) {
        *self.key_ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key_ring);
    }
}
