//! The stored form of a key.

use tokenmint_oauth::jwk::SigningAlgorithm;
use tokenmint_oauth::key_schedule::KeyDates;

use crate::config::{Ed25519Alg, SigningKeySpec};

/// The stored form of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoredKey {
    pub(super) binding: Binding,
    pub(super) dates: KeyDates,
    pub(super) spec: SigningKeySpec,
    pub(super) pair: SealedPair,
}

/// What the encryption context binds a private key to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// The issuer only (version 1). Such a key is replaced immediately.
    Issuer,
    /// All other attributes of the item (version 2).
    Item,
}

/// A key pair as returned by KMS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SealedPair {
    /// The public key, a DER `SubjectPublicKeyInfo`.
    pub(super) public: Vec<u8>,
    /// The encrypted private key.
    pub(super) private: Vec<u8>,
}

impl SigningKeySpec {
    /// The algorithm of the key (J4); that of Ed25519 by its configured name.
    pub(crate) const fn algorithm(self, ed25519_alg: Ed25519Alg) -> SigningAlgorithm {
        match self {
            Self::Rsa2048 => SigningAlgorithm::Rs256,
            Self::EccNistP256 => SigningAlgorithm::Es256,
            Self::EccNistP384 => SigningAlgorithm::Es384,
            Self::EccNistEdwards25519 => match ed25519_alg {
                Ed25519Alg::EdDsa => SigningAlgorithm::EdDsa,
                Ed25519Alg::Ed25519 => SigningAlgorithm::Ed25519,
            },
        }
    }
}
