//! What the fuzz targets share: a key to sign with, and the token that it signs.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Value, json};

/// A key pair of this process. The targets sign what the fuzzer makes with it, so that the fuzzer reaches what comes
/// after the signature.
static KEY: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key pair"));

/// The public half as a JWK (RFC 7518 §6.2.1).
///
/// # Panics
/// If the key pair cannot be generated.
pub fn jwk() -> Value {
    // An uncompressed point: 0x04, x, y.
    let (x, y) = KEY.public_key().as_ref()[1..].split_at(32);
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    json!({"kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y)})
}

/// A JWT (RFC 7515 §7.1) with these bytes as its header and claims, signed with ES256 by [`jwk`]'s key.
///
/// # Panics
/// If the signature fails.
pub fn signed(header: &[u8], claims: &[u8]) -> String {
    let input = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let signature = KEY.sign(&SystemRandom::new(), input.as_bytes()).expect("a signature");
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// Splits the fuzzer's bytes at the first line break: a header, and claims.
pub fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut halves = bytes.splitn(2, |byte| *byte == b'\n');
    (halves.next().unwrap_or_default(), halves.next().unwrap_or_default())
}
