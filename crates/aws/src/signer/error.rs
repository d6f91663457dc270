//! Errors of loading keys and of signing.

use crate::Unavailable;

/// Why the keys cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// KMS or DynamoDB is unavailable; a retry may succeed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The named setting is wrong; a retry cannot succeed.
    #[error("{0}: {1}")]
    Mistake(&'static str, String),
}

/// Why a token was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The keys are not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// KMS is unavailable.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The response is not a valid signature.
    #[error("KMS returned an invalid signature")]
    Malformed,
}
