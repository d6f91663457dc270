//! A key as it is stored.

use tokenmint_oauth::jwk::SigningAlgorithm;
use tokenmint_oauth::key_schedule::KeyDates;

use crate::config::SigningKeySpec;

/// A key as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoredKey {
    pub(super) binding: Binding,
    pub(super) dates: KeyDates,
    pub(super) spec: SigningKeySpec,
    pub(super) pair: SealedPair,
}

/// What the private half of a key is bound to by its encryption context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// To the issuer only, as the first version of this server sealed keys. Such keys are replaced at once.
    Issuer,
    /// To everything that the item says of the key.
    Item,
}

/// A pair as KMS gives it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SealedPair {
    /// The public half, a DER `SubjectPublicKeyInfo`.
    pub(super) public: Vec<u8>,
    /// The private half, encrypted.
    pub(super) private: Vec<u8>,
}

impl SigningKeySpec {
    /// What such a key signs with (J4).
    pub(super) const fn algorithm(self) -> SigningAlgorithm {
        match self {
            Self::Rsa2048 => SigningAlgorithm::Rs256,
            Self::EccNistP256 => SigningAlgorithm::Es256,
            Self::EccNistP384 => SigningAlgorithm::Es384,
            Self::EccNistEdwards25519 => SigningAlgorithm::EdDsa,
        }
    }
}
