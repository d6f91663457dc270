//! Signatures from KMS: `SIGNING_MODE=kms`. The private key never leaves KMS (K1).

use aws_lc_rs::digest::{self, SHA256, SHA384};
use aws_sdk_kms::Client as Kms;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{KeySpec, KeyUsageType, MessageType, SigningAlgorithmSpec};
use der::asn1::UintRef;
use der::{Decode, Reader, SliceReader};
use futures_util::future::try_join_all;
use tokenmint_oauth::access_token::{self, Claims, EncodedHeader};
use tokenmint_oauth::jwk::{KeySet, PublicKey, PublicKeyError, SigningAlgorithm};
use tokenmint_oauth::security_profile::SecurityProfile;
use tokio::sync::OnceCell;

use super::error::{LoadError, SignError};
use crate::config::{SigningKey, kms_key_outside_profile};
use crate::unavailable::{KMS_MISTAKES, definite_error};
use crate::{Sdk, Unavailable};

/// The setting that a configuration error names.
const SETTING: &str = "SIGNING_KEYS";

/// The keys of a deployment. The first one signs. All are published, so tokens remain valid while a key is replaced
/// (K3).
#[derive(Debug)]
pub struct KmsSigner {
    kms: Kms,
    first: KmsKey,
    others: Vec<KmsKey>,
}

#[derive(Debug)]
struct KmsKey {
    /// The key's ARN. An alias can be changed to another key while this process runs; an ARN cannot.
    arn: String,
    algorithm: KmsAlgorithm,
    public: PublicKey,
    header: EncodedHeader,
}

/// How KMS signs with an algorithm.
#[derive(Clone, Debug)]
struct KmsAlgorithm {
    name: SigningAlgorithmSpec,
    hash: &'static digest::Algorithm,
    /// The size of `r` and of `s` in bytes, if the signature is DER.
    ecdsa: Option<usize>,
}

/// The keys, once loaded.
#[derive(Debug)]
pub struct KmsKeys {
    kms: Kms,
    wanted: Vec<SigningKey>,
    profile: SecurityProfile,
    loaded: OnceCell<KmsSigner>,
}

impl KmsKeys {
    /// Requests the public keys from KMS.
    ///
    /// # Errors
    /// [`LoadError::Mistake`] if these keys can never work. An unreachable KMS is not an error.
    pub async fn start(sdk: &Sdk, wanted: Vec<SigningKey>, profile: SecurityProfile) -> Result<Self, LoadError> {
        let keys = Self { kms: sdk.kms(), wanted, profile, loaded: OnceCell::new() };
        match keys.load().await {
            Err(error @ LoadError::Mistake(..)) => return Err(error),
            Err(LoadError::Unavailable(error)) => tracing::warn!(cause = %error, "the signing keys are not loaded yet"),
            Ok(_) => {}
        }
        Ok(keys)
    }

    /// The keys; requests them from KMS if they are not loaded yet.
    ///
    /// # Errors
    /// [`LoadError`].
    pub async fn load(&self) -> Result<&KmsSigner, LoadError> {
        self.loaded.get_or_try_init(|| KmsSigner::load(self.kms.clone(), &self.wanted, self.profile)).await
    }
}

impl KmsSigner {
    /// Requests all public keys from KMS concurrently, one `GetPublicKey` each.
    ///
    /// # Errors
    /// [`LoadError`], also if there is no key or a duplicate, or a key of an algorithm that the profile does not allow.
    pub async fn load(kms: Kms, keys: &[SigningKey], profile: SecurityProfile) -> Result<Self, LoadError> {
        let loaded = try_join_all(keys.iter().map(|key| KmsKey::load(&kms, key, profile))).await?;
        for (at, key) in loaded.iter().enumerate() {
            if loaded[..at].iter().any(|other| other.public.kid == key.public.kid) {
                return Err(LoadError::Mistake(SETTING, format!("{} is listed twice", key.arn)));
            }
        }
        let mut loaded = loaded.into_iter();
        let first = loaded.next().ok_or_else(|| LoadError::Mistake(SETTING, "contains no key".to_owned()))?;
        Ok(Self { kms, first, others: loaded.collect() })
    }

    /// The published keys.
    pub fn jwk_set(&self) -> KeySet {
        std::iter::once(&self.first).chain(&self.others).map(|key| &key.public).collect()
    }

    /// Makes a signed token with exactly one `Sign` of the digest.
    ///
    /// # Errors
    /// [`SignError`].
    pub async fn sign(&self, claims: &Claims<'_>) -> Result<String, SignError> {
        let key = &self.first;
        let input = access_token::signing_input(&key.header, claims);
        let digest = digest::digest(key.algorithm.hash, input.as_bytes());
        let sign = self.kms.sign().key_id(&key.arn).message_type(MessageType::Digest);
        let sign = sign.message(Blob::new(digest.as_ref())).signing_algorithm(key.algorithm.name.clone());
        let output = Box::pin(sign.send()).await.map_err(|error| Unavailable::new("kms:Sign", error))?;
        let signature = output.signature.ok_or(SignError::Malformed)?;
        let signature = match key.algorithm.ecdsa {
            None => signature.into_inner(),
            Some(size) => raw_ecdsa(signature.as_ref(), size)?,
        };
        Ok(access_token::with_signature(input, &signature))
    }
}

impl KmsKey {
    async fn load(kms: &Kms, key: &SigningKey, profile: SecurityProfile) -> Result<Self, LoadError> {
        let mistake = |what: String| LoadError::Mistake(SETTING, format!("{} {what}", key.id));
        let output =
            Box::pin(kms.get_public_key().key_id(&key.id).send()).await.map_err(|error| {
                match definite_error(&error, KMS_MISTAKES) {
                    Some(why) => mistake(format!("cannot be used: {why}")),
                    None => Unavailable::new("kms:GetPublicKey", error).into(),
                }
            })?;
        if output.key_usage != Some(KeyUsageType::SignVerify) {
            return Err(mistake("is not a key for signing".to_owned()));
        }
        let algorithm = match (&output.key_spec, key.algorithm) {
            (_, Some(algorithm)) => algorithm,
            (Some(KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096), None) => SigningAlgorithm::Rs256,
            (Some(KeySpec::EccNistP256), None) => SigningAlgorithm::Es256,
            (Some(KeySpec::EccNistP384), None) => SigningAlgorithm::Es384,
            _ => return Err(mistake("is not an RSA, P-256 or P-384 key".to_owned())),
        };
        if !profile.allows_to_sign(algorithm) {
            return Err(LoadError::Mistake(SETTING, kms_key_outside_profile(&key.id, algorithm)));
        }
        let spki = output.public_key.unwrap_or_else(|| Blob::new([]));
        let public = PublicKey::from_spki(spki.as_ref(), algorithm)
            .map_err(|error: PublicKeyError| mistake(error.to_string()))?;
        let header = EncodedHeader::new(algorithm, &public.kid);
        let algorithm = KmsAlgorithm::of(algorithm)
            .ok_or_else(|| mistake(format!("cannot sign {algorithm}: KMS takes a digest")))?;
        Ok(Self { arn: output.key_id.unwrap_or_else(|| key.id.clone()), algorithm, public, header })
    }
}

impl KmsAlgorithm {
    /// Ed25519 is not among them: it signs messages, not digests (RFC 8032 §5.1).
    fn of(algorithm: SigningAlgorithm) -> Option<Self> {
        let (name, hash, ecdsa) = match algorithm {
            SigningAlgorithm::Rs256 => (SigningAlgorithmSpec::RsassaPkcs1V15Sha256, &SHA256, None),
            SigningAlgorithm::Ps256 => (SigningAlgorithmSpec::RsassaPssSha256, &SHA256, None),
            SigningAlgorithm::Es256 => (SigningAlgorithmSpec::EcdsaSha256, &SHA256, Some(32)),
            SigningAlgorithm::Es384 => (SigningAlgorithmSpec::EcdsaSha384, &SHA384, Some(48)),
            SigningAlgorithm::EdDsa | SigningAlgorithm::Ed25519 => return None,
        };
        Some(Self { name, hash, ecdsa })
    }
}

/// `r‖s`, each of `size` bytes (RFC 7518 §3.4), from the DER signature of KMS (RFC 3279 §2.2.3).
fn raw_ecdsa(der: &[u8], size: usize) -> Result<Vec<u8>, SignError> {
    let mut reader = SliceReader::new(der).map_err(|_| SignError::Malformed)?;
    let numbers = reader.sequence(|sequence| Ok([UintRef::decode(sequence)?, UintRef::decode(sequence)?]));
    let numbers = numbers.and_then(|numbers| reader.finish(numbers)).map_err(|_| SignError::Malformed)?;
    let mut raw = vec![0; 2 * size];
    for (half, number) in raw.chunks_exact_mut(size).zip(&numbers) {
        let bytes = number.as_bytes();
        let start = size.checked_sub(bytes.len()).ok_or(SignError::Malformed)?;
        half[start..].copy_from_slice(bytes);
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K5: leading zeros are added and removed between DER and raw.
    #[test]
    fn k5_der_to_raw() {
        let der = [0x30, 0x07, 0x02, 0x02, 0x00, 0x80, 0x02, 0x01, 0x05];
        assert_eq!(raw_ecdsa(&der, 3).expect("a signature"), [0, 0, 0x80, 0, 0, 5]);
        for bad in [&der[..8], &[], &[0x30, 0x00], &[&der[..], &[0]].concat()] {
            raw_ecdsa(bad, 3).expect_err("malformed");
        }
        let long = [0x30, 0x08, 0x02, 0x02, 0x01, 0x00, 0x02, 0x02, 0x01, 0x00];
        raw_ecdsa(&long, 1).expect_err("too long");
    }
}
