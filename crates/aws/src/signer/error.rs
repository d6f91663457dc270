//! Why keys are not loaded, and tokens not signed.

use crate::Unavailable;

/// Why the keys cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// KMS or DynamoDB does not answer; it may later.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// They say that this can never work: a mistake in the setting that is named.
    #[error("{0}: {1}")]
    Mistake(&'static str, String),
}

/// Why a token was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The keys are not there.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// KMS does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// What was answered is not a signature.
    #[error("the answer of the signing key is not a signature")]
    Malformed,
}
