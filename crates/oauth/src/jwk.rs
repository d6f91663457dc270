//! Signing algorithms and public keys: RFC 7517, RFC 7518, RFC 7638, RFC 8037, RFC 9864.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
    KeyAlgorithm, OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse, RSAKeyParameters, RSAKeyType, ThumbprintHash,
};
use pkcs1::RsaPublicKey;
use pkcs1::der::Decode;
use serde::{Serialize, Serializer};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

/// The smallest RSA modulus, in bytes (RFC 7518 §3.3: 2048 bits).
pub(crate) const LEAST_RSA_BYTES: usize = 256;

/// An algorithm that tokens are signed with (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: the one every verifier knows (RFC 9068 §2.1).
    Rs256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519, by the name that RFC 8037 gave it and that most verifiers know.
    EdDsa,
    /// Ed25519, by the name that RFC 9864 gives it.
    Ed25519,
}

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa, Self::Ed25519];

    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The algorithm with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
    }

    /// The library's name of it.
    const fn key_algorithm(self) -> KeyAlgorithm {
        match self {
            Self::Rs256 => KeyAlgorithm::RS256,
            Self::Ps256 => KeyAlgorithm::PS256,
            Self::Es256 => KeyAlgorithm::ES256,
            Self::Es384 => KeyAlgorithm::ES384,
            Self::EdDsa | Self::Ed25519 => KeyAlgorithm::EdDSA,
        }
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key's identifier: its RFC 7638 thumbprint (J1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A public key as it is published.
#[derive(Clone, Debug)]
pub struct PublicKey {
    /// Its identifier.
    pub kid: KeyId,
    algorithm: SigningAlgorithm,
    parameters: AlgorithmParameters,
}

/// Why a public key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not a `SubjectPublicKeyInfo` of an RSA, P-256, P-384 or Ed25519 key.
    #[error("is not a public key of RSA, P-256, P-384 or Ed25519")]
    Malformed,
    /// The key is of another kind than the algorithm needs.
    #[error("does not fit the signing algorithm")]
    WrongAlgorithm,
}

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

impl PublicKey {
    /// Reads a DER-encoded `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7), the form in which KMS gives a key.
    ///
    /// # Errors
    /// [`PublicKeyError`] if it is malformed or the algorithm is not one for this kind of key.
    pub fn from_spki(der: &[u8], algorithm: SigningAlgorithm) -> Result<Self, PublicKeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| PublicKeyError::Malformed)?;
        let key = spki.subject_public_key.as_bytes().ok_or(PublicKeyError::Malformed)?;
        let parameters = match (spki.algorithm.oid, algorithm) {
            (RSA, SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256) => rsa(key)?,
            (EC, SigningAlgorithm::Es256 | SigningAlgorithm::Es384) => {
                let curve = spki.algorithm.parameters_oid().map_err(|_| PublicKeyError::Malformed)?;
                match (curve, algorithm) {
                    (P256, SigningAlgorithm::Es256) => ec(key, EllipticCurve::P256, 32)?,
                    (P384, SigningAlgorithm::Es384) => ec(key, EllipticCurve::P384, 48)?,
                    _ => return Err(PublicKeyError::WrongAlgorithm),
                }
            }
            (ED25519, SigningAlgorithm::EdDsa | SigningAlgorithm::Ed25519) => ed25519(key)?,
            (RSA | EC | ED25519, _) => return Err(PublicKeyError::WrongAlgorithm),
            _ => return Err(PublicKeyError::Malformed),
        };
        let jwk = Jwk { common: CommonParameters::default(), algorithm: parameters.clone() };
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| PublicKeyError::Malformed)?;
        Ok(Self { kid: KeyId(kid), algorithm, parameters })
    }

    /// The algorithm that it is for.
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// Whether it is an RSA key of fewer than 2048 bits (RFC 7518 §3.3).
    pub(crate) fn is_short(&self) -> bool {
        let AlgorithmParameters::RSA(rsa) = &self.parameters else { return false };
        let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).unwrap_or_default();
        let has_top_bit = modulus.first().is_some_and(|first| *first >= 0x80);
        modulus.len() < LEAST_RSA_BYTES || (modulus.len() == LEAST_RSA_BYTES && !has_top_bit)
    }

    /// The key in the library's form, which has one name only for Ed25519: for verifying.
    pub(crate) fn jwk(&self) -> Jwk {
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(self.algorithm.key_algorithm()),
            key_id: Some(self.kid.as_str().to_owned()),
            ..CommonParameters::default()
        };
        Jwk { common, algorithm: self.parameters.clone() }
    }
}

impl Serialize for PublicKey {
    /// The members of a JWK (RFC 7517 §4).
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Members<'k> {
            #[serde(rename = "use")]
            usage: &'static str,
            alg: &'static str,
            kid: &'k str,
            #[serde(flatten)]
            parameters: &'k AlgorithmParameters,
        }
        let Self { kid, algorithm, parameters } = self;
        Members { usage: "sig", alg: algorithm.as_str(), kid: kid.as_str(), parameters }.serialize(serializer)
    }
}

/// `n` and `e` as base64url of the shortest big-endian form (RFC 7518 §6.3.1).
fn rsa(key: &[u8]) -> Result<AlgorithmParameters, PublicKeyError> {
    let key = RsaPublicKey::from_der(key).map_err(|_| PublicKeyError::Malformed)?;
    Ok(AlgorithmParameters::RSA(RSAKeyParameters {
        key_type: RSAKeyType::RSA,
        n: URL_SAFE_NO_PAD.encode(key.modulus.as_bytes()),
        e: URL_SAFE_NO_PAD.encode(key.public_exponent.as_bytes()),
    }))
}

/// `x` and `y` from an uncompressed point (SEC 1 §2.3.3, RFC 7518 §6.2.1).
fn ec(point: &[u8], curve: EllipticCurve, size: usize) -> Result<AlgorithmParameters, PublicKeyError> {
    let [4, coordinates @ ..] = point else { return Err(PublicKeyError::Malformed) };
    if coordinates.len() != 2 * size {
        return Err(PublicKeyError::Malformed);
    }
    let (x, y) = coordinates.split_at(size);
    Ok(AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
        key_type: EllipticCurveKeyType::EC,
        curve,
        x: URL_SAFE_NO_PAD.encode(x),
        y: URL_SAFE_NO_PAD.encode(y),
    }))
}

/// `x` is the public key as it is (RFC 8037 §2).
fn ed25519(key: &[u8]) -> Result<AlgorithmParameters, PublicKeyError> {
    if key.len() != 32 {
        return Err(PublicKeyError::Malformed);
    }
    Ok(AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
        key_type: OctetKeyPairType::OctetKeyPair,
        curve: EllipticCurve::Ed25519,
        x: URL_SAFE_NO_PAD.encode(key),
    }))
}

/// The JWK Set document (RFC 7517 §5).
#[derive(Clone, Debug, Serialize)]
pub struct KeySet {
    /// The published keys.
    pub keys: Vec<PublicKey>,
}

impl<'k> FromIterator<&'k PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = &'k PublicKey>>(keys: I) -> Self {
        Self { keys: keys.into_iter().cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use pkcs1::der::Encode;
    use pkcs1::der::asn1::{AnyRef, BitStringRef, UintRef};
    use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

    use super::*;

    fn spki(oid: ObjectIdentifier, parameters: AnyRef<'_>, key: &[u8]) -> Vec<u8> {
        SubjectPublicKeyInfoRef {
            algorithm: AlgorithmIdentifierRef { oid, parameters: Some(parameters) },
            subject_public_key: BitStringRef::from_bytes(key).expect("short"),
        }
        .to_der()
        .expect("encodes")
    }

    /// The RSA key of RFC 7638 §3.1.
    const N: &str = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

    fn rfc7638_key() -> Vec<u8> {
        let n = URL_SAFE_NO_PAD.decode(N).expect("base64url");
        let key = RsaPublicKey {
            modulus: UintRef::new(&n).expect("positive"),
            public_exponent: UintRef::new(&[1, 0, 1]).expect("positive"),
        };
        spki(RSA, AnyRef::NULL, &key.to_der().expect("encodes"))
    }

    /// S3: a modulus of 2047 bits has as many bytes as one of 2048.
    #[test]
    fn s3_bits_of_an_rsa_key() {
        for (first, bytes, is_short) in [(0x80, 256, false), (0x7f, 256, true), (0xff, 255, true), (1, 257, false)] {
            let modulus = [vec![first], vec![1; bytes - 1]].concat();
            let key = RsaPublicKey {
                modulus: UintRef::new(&modulus).expect("positive"),
                public_exponent: UintRef::new(&[1, 0, 1]).expect("positive"),
            };
            let key = spki(RSA, AnyRef::NULL, &key.to_der().expect("encodes"));
            let key = PublicKey::from_spki(&key, SigningAlgorithm::Ps256).expect("a key");
            assert_eq!(key.is_short(), is_short, "{first} {bytes}");
        }
    }

    /// J1: `kid` is the thumbprint; RFC 7638 §3.1 is the vector.
    #[test]
    fn j1_rfc7638_thumbprint() {
        let key = PublicKey::from_spki(&rfc7638_key(), SigningAlgorithm::Rs256).expect("a key");
        assert_eq!(key.kid.as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let document = serde_json::to_value(KeySet::from_iter([&key])).expect("serialises");
        let expected = serde_json::json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.kid.as_str(), "n": N, "e": "AQAB",
        }]});
        assert_eq!(document, expected);
    }

    /// J4: the names of the algorithms.
    #[test]
    fn j4_names_of_algorithms() {
        let names = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"];
        assert_eq!(SigningAlgorithm::ALL.iter().map(ToString::to_string).collect::<Vec<_>>(), names);
        for name in names {
            assert_eq!(SigningAlgorithm::from_name(name).map(SigningAlgorithm::as_str), Some(name));
        }
        for other in ["", "rs256", "RS384", "HS256", "none"] {
            assert_eq!(SigningAlgorithm::from_name(other), None, "{other}");
        }
    }

    /// D3: own tokens are verified with the key as it is published: for its one algorithm, and for signatures only.
    #[test]
    fn d3_the_key_that_verifies_is_the_published_one() {
        for algorithm in [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256] {
            let key = PublicKey::from_spki(&rfc7638_key(), algorithm).expect("a key");
            let published = serde_json::to_value(&key).expect("serialises");
            assert_eq!(serde_json::to_value(key.jwk()).expect("serialises"), published, "{algorithm:?}");
        }
    }

    /// J1, J4: the Ed25519 key of RFC 8037 Appendix A.2 and its thumbprint of A.3, under both names of the algorithm.
    #[test]
    fn j4_rfc8037_thumbprint() {
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64url");
        let spki = SubjectPublicKeyInfoRef {
            algorithm: AlgorithmIdentifierRef { oid: ED25519, parameters: None },
            subject_public_key: BitStringRef::from_bytes(&x).expect("short"),
        };
        let spki = spki.to_der().expect("encodes");
        for (algorithm, name) in [(SigningAlgorithm::EdDsa, "EdDSA"), (SigningAlgorithm::Ed25519, "Ed25519")] {
            let key = PublicKey::from_spki(&spki, algorithm).expect("a key");
            assert_eq!(key.kid.as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
            let document = serde_json::to_value(KeySet::from_iter([&key])).expect("serialises");
            let expected = serde_json::json!({"keys": [{
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": name, "kid": key.kid.as_str(),
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }]});
            assert_eq!(document, expected);
        }
    }

    #[test]
    fn a_key_must_fit_its_algorithm() {
        let p256 = spki(EC, AnyRef::from(&P256), &[4; 65]);
        let p384 = spki(EC, AnyRef::from(&P384), &[4; 97]);
        PublicKey::from_spki(&p256, SigningAlgorithm::Es256).expect("fits");
        PublicKey::from_spki(&p384, SigningAlgorithm::Es384).expect("fits");
        for (key, algorithm, error) in [
            (&p256, SigningAlgorithm::Es384, PublicKeyError::WrongAlgorithm),
            (&p384, SigningAlgorithm::Es256, PublicKeyError::WrongAlgorithm),
            (&p256, SigningAlgorithm::Rs256, PublicKeyError::WrongAlgorithm),
            (&p256, SigningAlgorithm::EdDsa, PublicKeyError::WrongAlgorithm),
            (&p256, SigningAlgorithm::Ed25519, PublicKeyError::WrongAlgorithm),
            (&spki(ED25519, AnyRef::NULL, &[4; 31]), SigningAlgorithm::EdDsa, PublicKeyError::Malformed),
            (&rfc7638_key(), SigningAlgorithm::Es256, PublicKeyError::WrongAlgorithm),
            (&spki(EC, AnyRef::from(&P256), &[4; 64]), SigningAlgorithm::Es256, PublicKeyError::Malformed),
            (&spki(EC, AnyRef::from(&P256), &[2; 65]), SigningAlgorithm::Es256, PublicKeyError::Malformed),
            (&spki(P256, AnyRef::NULL, &[4; 65]), SigningAlgorithm::Es256, PublicKeyError::Malformed),
            (&p256[..40].to_vec(), SigningAlgorithm::Es256, PublicKeyError::Malformed),
        ] {
            assert_eq!(PublicKey::from_spki(key, algorithm).expect_err("refused"), error);
        }
    }
}
