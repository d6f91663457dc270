//! The signer of the token function.

mod error;
mod kms;
pub mod sealed;

use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::access_token::Claims;
use tokenmint_oauth::jose::PublicKeys;
use tokenmint_oauth::jwk::KeySet;
use tokenmint_oauth::key_schedule::Policy;

use crate::Sdk;
use crate::config::{Sealed, Signing, TokenConfig};

pub use error::{LoadError, SignError};
use kms::KmsKeys;
use sealed::SealedSigner;

/// The most keys in a key set that every verifier takes: an Application Load Balancer forwards no request if there are
/// more (docs/verifiers.md).
const MOST_KEYS: u64 = 10;

/// The signing keys of a deployment: loaded at init, or as soon as KMS and DynamoDB are available.
#[derive(Debug)]
pub enum Signer {
    /// `SIGNING_MODE=kms` (K1).
    Kms(Box<KmsKeys>),
    /// `SIGNING_MODE=sealed` (K2).
    Sealed(SealedSigner),
}

impl Signer {
    /// Loads the keys.
    ///
    /// # Errors
    /// [`LoadError::Mistake`] if these keys can never work. An outage is not an error: the next request tries to
    /// load the keys again.
    pub async fn start(sdk: &Sdk, config: &TokenConfig, now: EpochSeconds) -> Result<Self, LoadError> {
        warn_of_many_keys(config);
        match config.signing.clone() {
            Signing::Kms(keys) => {
                let keys = KmsKeys::start(sdk, keys, config.security_profile).await?;
                Ok(Self::Kms(Box::new(keys)))
            }
            Signing::Sealed(sealed) => {
                let (policy, profile) = (policy(&sealed, config), config.security_profile);
                SealedSigner::start(sdk, sealed, policy, profile, &config.issuer, now).await.map(Self::Sealed)
            }
        }
    }

    /// Makes a signed token.
    ///
    /// # Errors
    /// [`SignError`].
    pub async fn sign(&self, claims: &Claims<'_>, now: EpochSeconds) -> Result<String, SignError> {
        match self {
            Self::Kms(keys) => keys.load().await?.sign(claims).await,
            Self::Sealed(keys) => keys.sign(claims, now).await,
        }
    }

    /// The currently published keys, as a JWK Set document (RFC 7517 §5).
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn jwk_set(&self, now: EpochSeconds) -> Result<KeySet, LoadError> {
        match self {
            Self::Kms(keys) => Ok(keys.load().await?.jwk_set()),
            Self::Sealed(keys) => keys.jwk_set(now).await,
        }
    }

    /// The same keys, to verify tokens of this server.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn public_keys(&self, now: EpochSeconds) -> Result<PublicKeys, LoadError> {
        Ok(PublicKeys::own(&self.jwk_set(now).await?.keys))
    }
}

fn policy(sealed: &Sealed, config: &TokenConfig) -> Policy {
    Policy { rotation: sealed.rotation, max_age: config.jwks_max_age, token_ttl: config.access_token_ttl }
}

/// Warns if these settings can publish more keys than every verifier takes. Tokens are valid all the same.
fn warn_of_many_keys(config: &TokenConfig) {
    let published = match &config.signing {
        Signing::Kms(keys) => keys.len() as u64,
        Signing::Sealed(sealed) => policy(sealed, config).most_published(),
    };
    if published > MOST_KEYS {
        tracing::warn!(
            keys.published = published,
            "the key set can have more than {MOST_KEYS} keys, which an Application Load Balancer does not accept"
        );
    }
}
