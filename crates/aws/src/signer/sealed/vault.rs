//! The KMS operations on sealed keys: generating key pairs and decrypting private keys.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_kms::Client as Kms;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeyPairSpec;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::KeyId;
use tokenmint_oauth::key_schedule::KeyDates;
use zeroize::Zeroizing;

use super::pair::KeyPair;
use super::stored_key::{Binding, SealedPair, StoredKey};
use crate::Unavailable;
use crate::config::SigningKeySpec;
use crate::signer::error::LoadError;
use crate::unavailable::{KMS_MISTAKES, definite_error};

/// The member of every encryption context that names the issuer. A key sealed for one deployment cannot be used by
/// another, and the role's policy requires this member.
const ISSUER: &str = "tokenmint:issuer";

/// The time limits of one attempt to generate a pair, and of all attempts. KMS searches for primes, and a retry
/// starts from the beginning.
const MAKING: (Duration, Duration) = (Duration::from_millis(4500), Duration::from_secs(5));

/// The setting that a configuration error names.
const SETTING: &str = "SEALING_KEY";

/// KMS, with the key that encrypts private keys.
#[derive(Debug)]
pub(super) struct Vault {
    kms: Kms,
    sealing_key: String,
    issuer: String,
}

/// Why a private key was not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// It can never be opened: it is corrupt, or another key or issuer sealed it.
    #[error("the private key {0}")]
    Lost(String),
    /// It cannot be opened now; a retry may succeed.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Vault {
    pub(super) fn new(kms: Kms, sealing_key: String, issuer: &Issuer) -> Self {
        Self { kms, sealing_key, issuer: issuer.as_str().to_owned() }
    }

    /// Generates a pair for a key with these dates, with exactly one `GenerateDataKeyPairWithoutPlaintext`.
    pub(super) async fn make(&self, spec: SigningKeySpec, dates: &KeyDates) -> Result<StoredKey, LoadError> {
        const CALL: &str = "kms:GenerateDataKeyPairWithoutPlaintext";
        let (attempt, operation) = MAKING;
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(operation);
        let make = self.kms.generate_data_key_pair_without_plaintext().key_id(&self.sealing_key);
        let make = make.set_encryption_context(Some(self.context(Binding::Item, spec, dates)));
        let make = make.key_pair_spec(DataKeyPairSpec::from(spec.as_str()));
        let make = make.customize().config_override(aws_sdk_kms::Config::builder().timeout_config(timeouts.build()));
        let pair = Box::pin(make.send()).await.map_err(|error| match definite_error(&error, KMS_MISTAKES) {
            Some(why) => LoadError::Mistake(SETTING, format!("cannot seal a pair of {}: {why}", spec.as_str())),
            None => Unavailable::new(CALL, error).into(),
        })?;
        let half = |half: Option<Blob>| half.map(Blob::into_inner).filter(|half| !half.is_empty());
        match (half(pair.public_key), half(pair.private_key_ciphertext_blob)) {
            (Some(public), Some(private)) => {
                let pair = SealedPair { public, private };
                Ok(StoredKey { binding: Binding::Item, dates: *dates, spec, pair })
            }
            _ => Err(Unavailable::with_cause(CALL, "the response contains no key pair".to_owned()).into()),
        }
    }

    /// Opens a private key with exactly one `Decrypt`. Success authenticates the whole item: KMS checks the
    /// encryption context, and the public key must match the private key.
    ///
    /// The plaintext is wiped as soon as it is parsed. The SDK's internal buffers cannot be wiped.
    pub(super) async fn open(&self, key: &StoredKey, public: &KeyId) -> Result<KeyPair, OpenError> {
        use DecryptError::{IncorrectKeyException, InvalidCiphertextException};
        let StoredKey { binding, dates, spec, pair } = key;
        let open = self.kms.decrypt().key_id(&self.sealing_key);
        let open = open.set_encryption_context(Some(self.context(*binding, *spec, dates)));
        let opened = Box::pin(open.ciphertext_blob(Blob::new(pair.private.as_slice())).send()).await;
        let opened =
            opened.map_err(|error| match (error.as_service_error(), definite_error(&error, KMS_MISTAKES)) {
                (Some(InvalidCiphertextException(_)), _) => {
                    OpenError::Lost("was changed, or was sealed for another key or issuer".to_owned())
                }
                (Some(IncorrectKeyException(_)), _) => OpenError::Lost("was not sealed by SEALING_KEY".to_owned()),
                (_, Some(why)) => LoadError::Mistake(SETTING, format!("cannot open a key: {why}")).into(),
                _ => LoadError::from(Unavailable::new("kms:Decrypt", error)).into(),
            })?;
        let plain = Zeroizing::new(opened.plaintext.map(Blob::into_inner).unwrap_or_default());
        KeyPair::read(&plain, *spec, public).map_err(|error| OpenError::Lost(error.to_string()))
    }

    /// The encryption context of a private key. KMS authenticates it with the ciphertext.
    fn context(&self, binding: Binding, spec: SigningKeySpec, dates: &KeyDates) -> HashMap<String, String> {
        let mut context = HashMap::from([(ISSUER.to_owned(), self.issuer.clone())]);
        if binding == Binding::Item {
            let KeyDates { generation, created_at, signs_from, expires_at, max_age, token_ttl } = dates;
            context.extend([
                ("tokenmint:generation".to_owned(), generation.to_string()),
                ("tokenmint:spec".to_owned(), spec.as_str().to_owned()),
                ("tokenmint:created_at".to_owned(), created_at.to_string()),
                ("tokenmint:signs_from".to_owned(), signs_from.to_string()),
                ("tokenmint:expires_at".to_owned(), expires_at.to_string()),
                ("tokenmint:max_age".to_owned(), max_age.to_string()),
                ("tokenmint:token_ttl".to_owned(), token_ttl.to_string()),
            ]);
        }
        context
    }
}
