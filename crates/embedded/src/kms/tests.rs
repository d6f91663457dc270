use aws_lc_rs::digest::{self, SHA256, SHA384};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, Ed25519KeyPair, KeyPair as _, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;

const MESSAGE: &[u8] = b"what is signed";

struct Client(Arc<Kms>);

impl Client {
    fn new() -> Self {
        Self(Arc::new(Kms::in_memory()))
    }

    fn load(file: &std::path::Path) -> Self {
        Self(Arc::new(Kms::load(file.to_owned()).unwrap()))
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Value, AwsError> {
        let context = RequestContext::new("kms", REGION);
        Arc::clone(&self.0).call(operation.to_owned(), input, context).await
    }

    async fn error(&self, operation: &str, input: Value) -> String {
        self.call(operation, input).await.unwrap_err().code
    }

    async fn key(&self, spec: &str, usage: &str) -> String {
        let input = json!({ "KeySpec": spec, "KeyUsage": usage });
        let output = self.call("CreateKey", input).await.unwrap();
        output["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    async fn symmetric_key(&self) -> String {
        self.key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await
    }

    async fn public_key(&self, key: &str) -> Vec<u8> {
        bytes(&self.call("GetPublicKey", json!({ "KeyId": key })).await.unwrap()["PublicKey"])
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn verifies(algorithm: &'static dyn VerificationAlgorithm, public_key: &[u8], signature: &[u8]) {
    let key = ParsedPublicKey::new(algorithm, public_key).unwrap();
    key.verify_sig(MESSAGE, signature).unwrap();
    key.verify_sig(b"something else", signature).unwrap_err();
}

#[tokio::test]
async fn a_signature_over_a_digest_verifies_elsewhere() {
    let kms = Client::new();
    let rsa = kms.key("RSA_2048", "SIGN_VERIFY").await;
    let p256 = kms.key("ECC_NIST_P256", "SIGN_VERIFY").await;
    let p384 = kms.key("ECC_NIST_P384", "SIGN_VERIFY").await;
    let cases: [(&str, &str, _, &'static dyn VerificationAlgorithm); 4] = [
        (&rsa, "RSASSA_PKCS1_V1_5_SHA_256", &SHA256, &RSA_PKCS1_2048_8192_SHA256),
        (&rsa, "RSASSA_PSS_SHA_256", &SHA256, &RSA_PSS_2048_8192_SHA256),
        (&p256, "ECDSA_SHA_256", &SHA256, &ECDSA_P256_SHA256_ASN1),
        (&p384, "ECDSA_SHA_384", &SHA384, &ECDSA_P384_SHA384_ASN1),
    ];
    for (key, signing_algorithm, hash, algorithm) in cases {
        let input = json!({
            "KeyId": key,
            "Message": BASE64_STANDARD.encode(digest::digest(hash, MESSAGE)),
            "MessageType": "DIGEST",
            "SigningAlgorithm": signing_algorithm,
        });
        let output = kms.call("Sign", input).await.unwrap();
        verifies(algorithm, &kms.public_key(key).await, &bytes(&output["Signature"]));
    }
}

#[tokio::test]
async fn a_data_key_pair_is_a_key_pair() {
    let kms = Client::new();
    let key = kms.symmetric_key().await;
    for spec in ["RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_EDWARDS25519"] {
        let input = json!({ "KeyId": key, "KeyPairSpec": spec });
        let output = kms.call("GenerateDataKeyPair", input).await.unwrap();
        assert_eq!(output["KeyPairSpec"], spec);
        assert_eq!(output["KeyId"], key);

        let sealed = json!({ "CiphertextBlob": output["PrivateKeyCiphertextBlob"] });
        let opened = kms.call("Decrypt", sealed).await.unwrap();
        assert_eq!(opened["Plaintext"], output["PrivateKeyPlaintext"]);
        is_pair(spec, &bytes(&opened["Plaintext"]), &bytes(&output["PublicKey"]));
    }
}

/// Signs with the private key and verifies with the public key.
fn is_pair(spec: &str, private: &[u8], public: &[u8]) {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa;
    use aws_lc_rs::signature::*;

    let random = SystemRandom::new();
    let ecdsa = |algorithm| {
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, private).unwrap();
        pair.sign(&random, MESSAGE).unwrap().as_ref().to_vec()
    };
    match spec {
        "ECC_NIST_P256" => {
            verifies(&ECDSA_P256_SHA256_ASN1, public, &ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING));
        }
        "ECC_NIST_P384" => {
            verifies(&ECDSA_P384_SHA384_ASN1, public, &ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING));
        }
        "ECC_NIST_EDWARDS25519" => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(private).unwrap();
            verifies(&ED25519, public, pair.sign(MESSAGE).as_ref());
        }
        _ => {
            let pair: rsa::KeyPair = RsaKeyPair::from_pkcs8(private).unwrap();
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &random, MESSAGE, &mut signature).unwrap();
            assert_eq!(spec, format!("RSA_{}", signature.len() * 8));
            verifies(&RSA_PKCS1_2048_8192_SHA256, public, &signature);
        }
    }
}

#[tokio::test]
async fn without_plaintext_the_private_half_is_only_sealed() {
    let kms = Client::new();
    let key = kms.symmetric_key().await;
    let input = json!({ "KeyId": key, "KeyPairSpec": "ECC_NIST_EDWARDS25519" });
    let output = kms.call("GenerateDataKeyPairWithoutPlaintext", input).await.unwrap();
    assert!(output.get("PrivateKeyPlaintext").is_none());

    let sealed = json!({ "CiphertextBlob": output["PrivateKeyCiphertextBlob"] });
    let opened = kms.call("Decrypt", sealed).await.unwrap();
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&bytes(&opened["Plaintext"])).unwrap();
    assert!(bytes(&output["PublicKey"]).ends_with(pair.public_key().as_ref()));
}

#[tokio::test]
async fn a_sealed_private_half_opens_in_its_encryption_context_only() {
    let kms = Client::new();
    let key = kms.symmetric_key().await;
    let context = json!({ "issuer": "https://as.example", "kid": "1" });
    let input = json!({ "KeyId": key, "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": context });
    let output = kms.call("GenerateDataKeyPairWithoutPlaintext", input).await.unwrap();
    let sealed = &output["PrivateKeyCiphertextBlob"];

    let same = json!({ "kid": "1", "issuer": "https://as.example" });
    let decrypt = |context: Value| json!({ "CiphertextBlob": sealed, "EncryptionContext": context });
    kms.call("Decrypt", decrypt(same)).await.unwrap();
    for other in [json!({}), json!({ "issuer": "https://as.example", "kid": "2" })] {
        assert_eq!(kms.error("Decrypt", decrypt(other)).await, "InvalidCiphertextException");
    }
    let none = json!({ "CiphertextBlob": sealed });
    assert_eq!(kms.error("Decrypt", none).await, "InvalidCiphertextException");
}

#[tokio::test]
async fn decrypt_refuses_a_ciphertext_of_another_key_than_the_one_named() {
    let kms = Client::new();
    let (one, other) = (kms.symmetric_key().await, kms.symmetric_key().await);
    let plaintext = BASE64_STANDARD.encode("a secret");
    let output = kms.call("Encrypt", json!({ "KeyId": one, "Plaintext": plaintext })).await.unwrap();
    assert_eq!(output["KeyId"], one);

    let decrypt = |key: &str| json!({ "KeyId": key, "CiphertextBlob": output["CiphertextBlob"] });
    assert_eq!(kms.call("Decrypt", decrypt(&one)).await.unwrap()["Plaintext"], plaintext);
    assert_eq!(kms.error("Decrypt", decrypt(&other)).await, "IncorrectKeyException");
    assert_eq!(kms.error("Decrypt", decrypt("alias/none")).await, "NotFoundException");
}

#[tokio::test]
async fn a_data_key_pair_that_cannot_be_made_says_why() {
    let kms = Client::new();
    let symmetric = kms.symmetric_key().await;
    let signing = kms.key("ECC_NIST_P256", "SIGN_VERIFY").await;
    let error = async |key: &str, spec: Value| {
        let input = json!({ "KeyId": key, "KeyPairSpec": spec });
        kms.error("GenerateDataKeyPair", input).await
    };
    assert_eq!(error(&symmetric, json!("RSA_1024")).await, "ValidationException");
    assert_eq!(error(&symmetric, Value::Null).await, "ValidationException");
    assert_eq!(error(&signing, json!("RSA_2048")).await, "InvalidKeyUsageException");
    assert_eq!(error("alias/none", json!("RSA_2048")).await, "NotFoundException");
    kms.call("DisableKey", json!({ "KeyId": symmetric })).await.unwrap();
    assert_eq!(error(&symmetric, json!("ECC_NIST_P256")).await, "DisabledException");
}

#[tokio::test]
async fn keys_and_aliases_come_back_from_the_file() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("kms.json");
    let kms = Client::load(&file);
    let key = kms.key("RSA_2048", "SIGN_VERIFY").await;
    let alias = json!({ "AliasName": "alias/signing", "TargetKeyId": key });
    kms.call("CreateAlias", alias).await.unwrap();
    let public_key = kms.public_key(&key).await;

    let kms = Client::load(&file);
    assert_eq!(kms.public_key("alias/signing").await, public_key);
    let found = kms.call("DescribeKey", json!({ "KeyId": "alias/signing" })).await.unwrap();
    assert_eq!(found["KeyMetadata"]["Arn"], key);

    kms.call("DisableKey", json!({ "KeyId": key })).await.unwrap();
    let kms = Client::load(&file);
    assert_eq!(kms.error("GetPublicKey", json!({ "KeyId": key })).await, "DisabledException");
}

#[tokio::test]
async fn what_changes_nothing_writes_nothing() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("kms.json");
    let kms = Client::load(&file);
    let key = kms.symmetric_key().await;
    std::fs::remove_file(&file).unwrap();

    let input = json!({ "KeyId": key, "KeyPairSpec": "ECC_NIST_P256" });
    kms.call("GenerateDataKeyPairWithoutPlaintext", input).await.unwrap();
    kms.call("DescribeKey", json!({ "KeyId": key })).await.unwrap();
    assert!(!file.exists());

    kms.call("TagResource", json!({ "KeyId": key, "Tags": [] })).await.unwrap();
    assert!(file.exists());
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let kms = Client::load(&place.path().join("no such folder").join("kms.json"));
    let error = kms.call("CreateKey", json!({})).await.unwrap_err();
    assert_eq!(error.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn a_damaged_file_is_an_error_and_stays_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("kms.json");
    for damaged in ["", "{\"buckets\": [", "[]"] {
        std::fs::write(&file, damaged).unwrap();
        let loaded = Kms::load(file.clone()).map(|_| ());
        assert!(matches!(loaded, Err(Error::DamagedKeys { .. })), "{damaged}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), damaged);
    }
}
