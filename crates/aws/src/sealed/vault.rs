//! What KMS does for sealed keys: it makes pairs and opens private halves.

use std::time::Duration;

use aws_sdk_kms::Client as Kms;
use aws_sdk_kms::config::timeout::TimeoutConfig;
use aws_sdk_kms::operation::decrypt::DecryptError;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeyPairSpec;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::KeyId;
use zeroize::Zeroizing;

use super::pair::KeyPair;
use crate::Unavailable;
use crate::config::SigningKeySpec;
use crate::kms::is_mistake;
use crate::signer::LoadError;

/// What every private half is bound to, with the issuer as its value: what was sealed for one deployment is of
/// no use to another, and the role's policy names it.
const CONTEXT: &str = "tokenmint:issuer";

/// How long one attempt to make a pair may take, and all of them: KMS looks for primes, and a call given up and
/// tried again starts anew.
const MAKING: (Duration, Duration) = (Duration::from_millis(4500), Duration::from_secs(5));

/// Where a mistake is made that KMS reports.
const SETTING: &str = "SEALING_KEY";

/// KMS, with the key under which private halves lie.
#[derive(Debug)]
pub(super) struct Vault {
    kms: Kms,
    sealing_key: String,
    issuer: String,
}

/// A pair as KMS gives it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SealedPair {
    /// The public half, a DER `SubjectPublicKeyInfo`.
    pub(super) public: Vec<u8>,
    /// The private half, encrypted.
    pub(super) private: Vec<u8>,
}

/// Why a private half was not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// It never can be: it is damaged, or somebody else sealed it.
    #[error("the private half {0}")]
    Lost(String),
    /// It cannot be now.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Vault {
    pub(super) fn new(kms: Kms, sealing_key: String, issuer: &Issuer) -> Self {
        Self { kms, sealing_key, issuer: issuer.as_str().to_owned() }
    }

    /// Makes a pair: exactly one `GenerateDataKeyPairWithoutPlaintext`.
    pub(super) async fn make(&self, spec: SigningKeySpec) -> Result<SealedPair, LoadError> {
        const CALL: &str = "kms:GenerateDataKeyPairWithoutPlaintext";
        let (attempt, operation) = MAKING;
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(attempt).operation_timeout(operation);
        let make = self.kms.generate_data_key_pair_without_plaintext().key_id(&self.sealing_key);
        let make = make.encryption_context(CONTEXT, &self.issuer).key_pair_spec(DataKeyPairSpec::from(spec.as_str()));
        let make = make.customize().config_override(aws_sdk_kms::Config::builder().timeout_config(timeouts.build()));
        let pair = Box::pin(make.send()).await.map_err(|error| match is_mistake(&error) {
            Some(why) => LoadError::Mistake(SETTING, format!("cannot seal a pair of {}: {why}", spec.as_str())),
            None => Unavailable::new(CALL, error).into(),
        })?;
        let half = |half: Option<Blob>| half.map(Blob::into_inner).filter(|half| !half.is_empty());
        match (half(pair.public_key), half(pair.private_key_ciphertext_blob)) {
            (Some(public), Some(private)) => Ok(SealedPair { public, private }),
            _ => Err(Unavailable::told(CALL, "the answer holds no key pair".to_owned()).into()),
        }
    }

    /// Opens a private half: exactly one `Decrypt`. The plain text is wiped as soon as it is read; the buffers
    /// of the SDK that it came through are not in our hands.
    pub(super) async fn open(
        &self,
        private: &[u8],
        spec: SigningKeySpec,
        public: &KeyId,
    ) -> Result<KeyPair, OpenError> {
        use DecryptError::{IncorrectKeyException, InvalidCiphertextException};
        let open = self.kms.decrypt().key_id(&self.sealing_key).encryption_context(CONTEXT, &self.issuer);
        let opened = Box::pin(open.ciphertext_blob(Blob::new(private)).send()).await;
        let opened = opened.map_err(|error| match (error.as_service_error(), is_mistake(&error)) {
            (Some(InvalidCiphertextException(_)), _) => OpenError::Lost("is damaged, or another issuer's".to_owned()),
            (Some(IncorrectKeyException(_)), _) => OpenError::Lost("was not sealed by SEALING_KEY".to_owned()),
            (_, Some(why)) => LoadError::Mistake(SETTING, format!("cannot open a key: {why}")).into(),
            _ => LoadError::from(Unavailable::new("kms:Decrypt", error)).into(),
        })?;
        let plain = Zeroizing::new(opened.plaintext.map(Blob::into_inner).unwrap_or_default());
        KeyPair::read(&plain, spec, public).map_err(|error| OpenError::Lost(error.to_string()))
    }
}
