//! Private keys in memory, parsed once, and their signatures.
//!
//! AWS-LC wipes memory that it frees, so a dropped key pair leaves no copy (K2).

use std::fmt;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use tokenmint_oauth::jwk::{KeyId, PublicKey};

use crate::config::{Ed25519Alg, SigningKeySpec};

/// A private key.
pub(super) enum KeyPair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why a decrypted text is not the private key of the expected key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PairError {
    #[error("is not a valid private key of its spec")]
    Malformed,
    #[error("belongs to another public key")]
    Mismatch,
}

impl KeyPair {
    /// Parses a private key (PKCS#8, RFC 5958) and checks that it matches the published public key.
    pub(super) fn read(pkcs8: &[u8], spec: SigningKeySpec, public: &KeyId) -> Result<Self, PairError> {
        let ecdsa = |algorithm: &'static EcdsaSigningAlgorithm| {
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).map_err(|_| PairError::Malformed)?;
            Ok((der(pair.public_key())?, Self::Ecdsa(pair)))
        };
        let (own, pair) = match spec {
            SigningKeySpec::Rsa2048 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| PairError::Malformed)?;
                (der(pair.public_key())?, Self::Rsa(pair))
            }
            SigningKeySpec::EccNistP256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)?,
            SigningKeySpec::EccNistP384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)?,
            SigningKeySpec::EccNistEdwards25519 => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| PairError::Malformed)?;
                (der(pair.public_key())?, Self::Ed25519(pair))
            }
        };
        // The name of the algorithm is no part of a thumbprint (RFC 7638 §3.2).
        let own = PublicKey::from_spki(&own, spec.algorithm(Ed25519Alg::EdDsa)).map_err(|_| PairError::Malformed)?;
        if own.kid == *public { Ok(pair) } else { Err(PairError::Mismatch) }
    }

    /// The signature in JOSE form (RFC 7518 §3.3, §3.4, RFC 8037 §3.1). `None` if the library has no memory or
    /// randomness left.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
            Self::Ecdsa(pair) => Some(pair.sign(&SystemRandom::new(), message).ok()?.as_ref().to_vec()),
            Self::Ed25519(pair) => Some(pair.try_sign(message).ok()?.as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair(..)")
    }
}

fn der(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Result<Vec<u8>, PairError> {
    Ok(key.as_der().map_err(|_| PairError::Malformed)?.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
    use tokenmint_oauth::jwk::SigningAlgorithm;

    use super::*;

    fn p256() -> (Vec<u8>, PublicKey, Vec<u8>) {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let spki = der(pair.public_key()).expect("DER");
        let public = PublicKey::from_spki(&spki, SigningAlgorithm::Es256).expect("a key");
        (pair.to_pkcs8v1().expect("DER").as_ref().to_vec(), public, spki)
    }

    /// K5: the signature is raw r‖s.
    #[test]
    fn k5_raw_signature() {
        let (pkcs8, public, spki) = p256();
        let pair = KeyPair::read(&pkcs8, SigningKeySpec::EccNistP256, &public.kid).expect("a pair");
        let signature = pair.sign(b"message").expect("a signature");
        assert_eq!(signature.len(), 64);
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &spki).expect("a key");
        key.verify_sig(b"message", &signature).expect("verifies");
        assert_eq!(format!("{pair:?}"), "KeyPair(..)");
    }

    /// K2: a private key that does not match the published key is refused, and so is any other input.
    #[test]
    fn k2_only_the_right_private_half() {
        let ((pkcs8, public, _), (_, other, _)) = (p256(), p256());
        let read = |pkcs8: &[u8], spec, public: &PublicKey| KeyPair::read(pkcs8, spec, &public.kid).map(drop);
        assert_eq!(read(&pkcs8, SigningKeySpec::EccNistP256, &public), Ok(()));
        assert_eq!(read(&pkcs8, SigningKeySpec::EccNistP256, &other), Err(PairError::Mismatch));
        assert_eq!(read(&pkcs8, SigningKeySpec::EccNistP384, &public), Err(PairError::Malformed));
        assert_eq!(read(&pkcs8, SigningKeySpec::Rsa2048, &public), Err(PairError::Malformed));
        assert_eq!(read(&pkcs8, SigningKeySpec::EccNistEdwards25519, &public), Err(PairError::Malformed));
        assert_eq!(read(&pkcs8[1..], SigningKeySpec::EccNistP256, &public), Err(PairError::Malformed));
    }
}
