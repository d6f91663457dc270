//! Signatures made in this process: `SIGNING_MODE=sealed`.
//!
//! KMS makes a key pair and seals its private half; what it sealed lies in a table; one `Decrypt` at a cold
//! start opens it, and from then on signing costs no call (K2). Which key does what follows from
//! [`key_schedule`](tokenmint_oauth::key_schedule) alone; any instance may make the next key (K4).
//!
//! An instance works with a copy of the table. It reads it again after a quarter of `JWKS_MAX_AGE`, on a
//! request that it serves anyway; where that fails, it goes on with the copy until half of `JWKS_MAX_AGE` is
//! over, and answers 503 from then on, for verifiers would not learn of a new key in time.

mod key;
mod pair;
mod table;
mod vault;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::access_token::{self, Claims};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::jwk_set;
use tokenmint_oauth::key_schedule::Policy;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::config::{Sealed, SigningKeySpec};
use crate::signer::{LoadError, SignError};
use crate::{Sdk, Unavailable};

use key::{Key, List};
pub use table::{KEY, SORT_KEY};
use table::{KeysTable, StoredKey};
use vault::{OpenError, Vault};

/// How long the start may wait for keys, in all. What is missing then is made up for by the first request.
const START: Duration = Duration::from_secs(7);

/// How long a request waits for something that it does not need itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many times a request starts over because another instance was faster.
const ROUNDS: usize = 4;

/// The keys of a deployment that KMS sealed.
#[derive(Debug)]
pub struct SealedSigner {
    table: KeysTable,
    vault: Vault,
    spec: SigningKeySpec,
    policy: Policy,
    list: RwLock<Arc<List>>,
    /// When to try again what failed without need.
    retry_at: AtomicU64,
    /// Whose turn it is to read the table and to make keys.
    turn: Mutex<()>,
}

impl SealedSigner {
    /// Reads the keys and opens the one that signs; makes the first if there is none.
    ///
    /// # Errors
    /// [`LoadError::Mistake`] if this can never work. An outage is no error here.
    pub async fn start(
        sdk: &Sdk,
        config: Sealed,
        policy: Policy,
        issuer: &Issuer,
        now: EpochSeconds,
    ) -> Result<Self, LoadError> {
        let signer = Self {
            table: KeysTable::new(sdk.dynamodb(), config.keys_table, issuer),
            vault: Vault::new(sdk.kms(), config.sealing_key, issuer),
            spec: config.spec,
            policy,
            list: RwLock::default(),
            retry_at: AtomicU64::new(0),
            turn: Mutex::default(),
        };
        match timeout(START, signer.signing_key(now)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error @ LoadError::Mistake(..))) => return Err(error),
            Ok(Err(error)) => tracing::warn!(cause = %error, "the signing keys are not there yet"),
            Err(_) => tracing::warn!("the signing keys are not there yet: the start took too long"),
        }
        Ok(signer)
    }

    /// Makes a signed token. Calls nobody, unless it is time to look at the table, or another key's turn.
    ///
    /// # Errors
    /// [`SignError`].
    pub async fn sign(&self, claims: &Claims<'_>, now: EpochSeconds) -> Result<String, SignError> {
        let key = self.signing_key(now).await?;
        let input = access_token::signing_input(key.header(), claims);
        let signature = key.sign(input.as_bytes()).ok_or(SignError::Malformed)?;
        Ok(access_token::with_signature(input, &signature))
    }

    /// The keys as they are published now.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn jwk_set(&self, now: EpochSeconds) -> Result<JwkSet, LoadError> {
        let list = self.list(now).await?;
        Ok(jwk_set(list.published(self.policy, now)))
    }

    /// The key that signs now, opened.
    async fn signing_key(&self, now: EpochSeconds) -> Result<Arc<Key>, LoadError> {
        for _ in 0..ROUNDS {
            let list = self.list(now).await?;
            if let Some(key) = self.open_first(&list, now).await? {
                return Ok(key);
            }
            self.replace_lost(&list, now).await?;
        }
        Err(Unavailable::told("kms:Decrypt", "every key that was made is lost".to_owned()).into())
    }

    /// Opens the first of the keys that may sign. One that is lost is passed over; one that KMS does not open
    /// now is not, except for a key before it that is open and may still sign.
    async fn open_first(&self, list: &List, now: EpochSeconds) -> Result<Option<Arc<Key>>, LoadError> {
        let order: Vec<_> = list.schedule(self.policy).signers(now).map(|at| list.key(at)).collect();
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
                    tracing::warn!(cause = %error, key.id = key.id(), "the key before it signs on");
                    return Ok(Some(Arc::clone(before)));
                }
            }
        }
        Ok(None)
    }

    /// The list of keys, read again if it is time to.
    async fn list(&self, now: EpochSeconds) -> Result<Arc<List>, LoadError> {
        let list = self.current();
        let age = list.age(now);
        if age < self.policy.refresh_after() && list.may_sign(self.policy, now) {
            return Ok(list);
        }
        if age < self.policy.stale_after() && list.may_sign(self.policy, now) {
            // Nobody waits for what he does not need yet.
            let Ok(turn) = self.turn.try_lock() else { return Ok(list) };
            if now < self.retry_at.load(Ordering::Relaxed) {
                return Ok(list);
            }
            let refreshed = timeout(PATIENCE, self.refresh(now)).await;
            drop(turn);
            if !matches!(refreshed, Ok(Ok(()))) {
                self.retry_at.store(now + self.policy.retry_after(), Ordering::Relaxed);
                let cause = refreshed.map_or_else(|late| late.to_string(), |failed| format!("{:?}", failed.err()));
                tracing::warn!(cause, "the list of signing keys is not read again");
            }
            return Ok(self.current());
        }
        let _turn = self.turn.lock().await;
        let list = self.current();
        if list.age(now) < self.policy.stale_after() && list.may_sign(self.policy, now) {
            return Ok(list);
        }
        self.refresh(now).await?;
        Ok(self.current())
    }

    /// Reads the table, makes the next key if it is due, and opens the one that will sign next.
    async fn refresh(&self, now: EpochSeconds) -> Result<(), LoadError> {
        self.read(now).await?;
        for _ in 0..ROUNDS {
            let list = self.current();
            let schedule = list.schedule(self.policy);
            // Another kind of key is wanted: it need not wait for the end of a rotation.
            let other = || (list.spec() != Some(self.spec) && schedule.is_settled(now)).then(|| schedule.earliest(now));
            let Some(signs_from) = schedule.next(now).or_else(other) else { break };
            let Err(error) = self.make(&list, now, signs_from).await else { continue };
            if list.may_sign(self.policy, now) {
                tracing::warn!(cause = %error, "the next signing key is not made");
                break;
            }
            // Another instance may have had more luck.
            self.read(now).await?;
            if !self.current().may_sign(self.policy, now) {
                return Err(error);
            }
        }
        let list = self.current();
        if let Some(next) = list.schedule(self.policy).soon(now).map(|at| list.key(at))
            && let Err(OpenError::Load(error)) = next.open(&self.vault).await
        {
            tracing::warn!(cause = %error, key.id = next.id(), "the next signing key is not opened ahead");
        }
        Ok(())
    }

    /// Makes a key where every one that could sign is lost. It signs at once, before verifiers have learned
    /// of it: there is nothing better. To the other instances it is announced as any other, so that those
    /// which still hold a good key sign with that one.
    async fn replace_lost(&self, seen: &Arc<List>, now: EpochSeconds) -> Result<(), LoadError> {
        let _turn = self.turn.lock().await;
        if !Arc::ptr_eq(&self.current(), seen) {
            return Ok(());
        }
        self.read(now).await?;
        let list = self.current();
        if list.is_like(seen) {
            let schedule = list.schedule(self.policy);
            let signs_from = schedule.next(now).unwrap_or_else(|| schedule.earliest(now));
            self.make(&list, now, signs_from).await?;
        }
        Ok(())
    }

    /// Makes a key and keeps it, unless another instance was faster; then that one's is read.
    async fn make(&self, list: &List, now: EpochSeconds, signs_from: EpochSeconds) -> Result<(), LoadError> {
        let dates = self.policy.dates(list.last_generation() + 1, now, signs_from);
        let pair = self.vault.make(self.spec).await?;
        let key = Key::new(StoredKey { dates, spec: self.spec, pair })
            .map_err(|error| Unavailable::told("kms:GenerateDataKeyPairWithoutPlaintext", error.to_string()))?;
        // Nothing is published that could not be opened.
        key.open(&self.vault).await.map_err(|error| match error {
            OpenError::Load(error) => error,
            OpenError::Lost(why) => LoadError::Mistake("SEALING_KEY", format!("what it sealed {why}")),
        })?;
        if self.table.add(key.stored()).await? {
            tracing::info!(key.id = key.id(), key.generation = dates.generation, signs_from, "a signing key is made");
            self.keep(list.with(key));
            Ok(())
        } else {
            self.read(now).await
        }
    }

    async fn read(&self, now: EpochSeconds) -> Result<(), LoadError> {
        let stored = self.table.read().await?;
        self.keep(List::new(stored, &self.current(), now));
        Ok(())
    }

    fn current(&self) -> Arc<List> {
        Arc::clone(&self.list.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, list: List) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(list);
    }
}
