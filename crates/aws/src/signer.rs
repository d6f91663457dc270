//! The signing keys as the token function holds them: loaded at init, or as soon as KMS answers.

use aws_sdk_kms::Client as Kms;
use tokio::sync::OnceCell;

use crate::Sdk;
use crate::config::SigningKey;
use crate::kms::{KmsSigner, LoadError};

/// The keys of a deployment, once they are known.
#[derive(Debug)]
pub struct Signer {
    kms: Kms,
    wanted: Vec<SigningKey>,
    loaded: OnceCell<KmsSigner>,
}

impl Signer {
    /// Asks KMS for the public keys.
    ///
    /// # Errors
    /// [`LoadError::Mistake`] if these keys can never work. KMS being out of reach is no error here.
    pub async fn start(sdk: &Sdk, wanted: Vec<SigningKey>) -> Result<Self, LoadError> {
        let signer = Self { kms: sdk.kms(), wanted, loaded: OnceCell::new() };
        match signer.keys().await {
            Err(error @ LoadError::Mistake(..)) => Err(error),
            Err(LoadError::Unavailable(error)) => {
                tracing::warn!(cause = %error, "the signing keys are not there yet");
                Ok(signer)
            }
            Ok(_) => Ok(signer),
        }
    }

    /// The keys; asks KMS where it did not answer before.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn keys(&self) -> Result<&KmsSigner, LoadError> {
        self.loaded.get_or_try_init(|| KmsSigner::load(self.kms.clone(), &self.wanted)).await
    }
}
