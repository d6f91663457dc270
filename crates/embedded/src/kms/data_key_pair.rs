//! `GenerateDataKeyPair`: a key pair that KMS makes for use outside KMS. `awsim-kms` returns random bytes instead.
//!
//! The public key is a DER `SubjectPublicKeyInfo` (RFC 5280), the private key a DER PKCS#8 (RFC 5958). As with
//! `Encrypt`, it is encrypted with a symmetric KMS key and bound to the encryption context of the request.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use awsim_core::{AwsError, RequestContext, ServiceHandler};
use awsim_kms::KmsService;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

pub(super) async fn generate_without_plaintext(
    service: &KmsService,
    input: Value,
    context: &RequestContext,
) -> Result<Value, AwsError> {
    let mut output = generate(service, input, context).await?;
    if let Some(members) = output.as_object_mut() {
        members.remove("PrivateKeyPlaintext");
    }
    Ok(output)
}

pub(super) async fn generate(
    service: &KmsService,
    mut input: Value,
    context: &RequestContext,
) -> Result<Value, AwsError> {
    let spec = input["KeyPairSpec"].take();
    refuse_asymmetric_key(service, &input["KeyId"], context).await?;
    let pair = KeyPair::generate(spec.as_str().unwrap_or_default())?;
    let private = BASE64_STANDARD.encode(&pair.private);

    // The remaining input (KeyId, EncryptionContext, GrantTokens) has the same meaning for Encrypt.
    input["Plaintext"] = json!(private);
    let sealed = service.handle("Encrypt", input, context).await?;
    Ok(json!({
        "KeyId": sealed["KeyId"],
        "KeyPairSpec": spec,
        "PrivateKeyCiphertextBlob": sealed["CiphertextBlob"],
        "PrivateKeyPlaintext": private,
        "PublicKey": BASE64_STANDARD.encode(&pair.public),
    }))
}

/// Only a symmetric key may encrypt data keys. `awsim-kms` would accept any key.
async fn refuse_asymmetric_key(service: &KmsService, key_id: &Value, context: &RequestContext) -> Result<(), AwsError> {
    let key = service.handle("DescribeKey", json!({ "KeyId": key_id }), context).await?;
    if key["KeyMetadata"]["KeySpec"] == "SYMMETRIC_DEFAULT" {
        return Ok(());
    }
    Err(AwsError::bad_request("InvalidKeyUsageException", "KeyId must name a symmetric key"))
}

/// Both keys, as DER.
struct KeyPair {
    private: Vec<u8>,
    public: Vec<u8>,
}

impl KeyPair {
    fn generate(spec: &str) -> Result<Self, AwsError> {
        let pair = match spec {
            "RSA_2048" => Self::rsa(KeySize::Rsa2048),
            "RSA_3072" => Self::rsa(KeySize::Rsa3072),
            "RSA_4096" => Self::rsa(KeySize::Rsa4096),
            "ECC_NIST_P256" => Self::ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            "ECC_NIST_P384" => Self::ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
            "ECC_NIST_EDWARDS25519" => Self::ed25519(),
            _ => {
                let message = format!("the embedded KMS does not support KeyPairSpec {spec:?}");
                return Err(AwsError::validation(message));
            }
        };
        pair.map_err(|Unspecified| AwsError::internal("the key pair could not be made"))
    }

    fn rsa(size: KeySize) -> Result<Self, Unspecified> {
        let pair = rsa::KeyPair::generate(size)?;
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)?.as_ref().to_vec();
        Ok(Self { private, public: public_key(pair.public_key())? })
    }

    fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Result<Self, Unspecified> {
        let pair = EcdsaKeyPair::generate(algorithm)?;
        Ok(Self { private: pair.to_pkcs8v1()?.as_ref().to_vec(), public: public_key(pair.public_key())? })
    }

    fn ed25519() -> Result<Self, Unspecified> {
        let pair = Ed25519KeyPair::generate()?;
        Ok(Self { private: pair.to_pkcs8v1()?.as_ref().to_vec(), public: public_key(pair.public_key())? })
    }
}

fn public_key(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Result<Vec<u8>, Unspecified> {
    Ok(key.as_der()?.as_ref().to_vec())
}
