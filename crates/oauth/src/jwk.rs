//! Signing algorithms and public keys: RFC 7517, RFC 7518, RFC 7638, RFC 8037.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
    JwkSet, KeyAlgorithm, OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse, RSAKeyParameters, RSAKeyType,
    ThumbprintHash,
};
use pkcs1::RsaPublicKey;
use pkcs1::der::Decode;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

/// An algorithm that tokens are signed with (RFC 7518 §3.1, RFC 8037 §3.1).
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
    /// Ed25519.
    EdDsa,
}

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
    }

    const fn key_algorithm(self) -> KeyAlgorithm {
        match self {
            Self::Rs256 => KeyAlgorithm::RS256,
            Self::Ps256 => KeyAlgorithm::PS256,
            Self::Es256 => KeyAlgorithm::ES256,
            Self::Es384 => KeyAlgorithm::ES384,
            Self::EdDsa => KeyAlgorithm::EdDSA,
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
    jwk: Jwk,
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
            (ED25519, SigningAlgorithm::EdDsa) => ed25519(key)?,
            (RSA | EC | ED25519, _) => return Err(PublicKeyError::WrongAlgorithm),
            _ => return Err(PublicKeyError::Malformed),
        };
        let mut jwk = Jwk { common: CommonParameters::default(), algorithm: parameters };
        let kid = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| PublicKeyError::Malformed)?;
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        jwk.common.key_algorithm = Some(algorithm.key_algorithm());
        jwk.common.key_id = Some(kid.clone());
        Ok(Self { kid: KeyId(kid), jwk })
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
pub fn jwk_set<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> JwkSet {
    JwkSet { keys: keys.into_iter().map(|key| key.jwk.clone()).collect() }
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

    /// J1: `kid` is the thumbprint; RFC 7638 §3.1 is the vector.
    #[test]
    fn j1_rfc7638_thumbprint() {
        let key = PublicKey::from_spki(&rfc7638_key(), SigningAlgorithm::Rs256).expect("a key");
        assert_eq!(key.kid.as_str(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let document = serde_json::to_value(jwk_set([&key])).expect("serialises");
        let expected = serde_json::json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": key.kid.as_str(), "n": N, "e": "AQAB",
        }]});
        assert_eq!(document, expected);
    }

    /// J1, J4: the Ed25519 key of RFC 8037 Appendix A.2 and its thumbprint of A.3.
    #[test]
    fn j4_rfc8037_thumbprint() {
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64url");
        let spki = SubjectPublicKeyInfoRef {
            algorithm: AlgorithmIdentifierRef { oid: ED25519, parameters: None },
            subject_public_key: BitStringRef::from_bytes(&x).expect("short"),
        };
        let key = PublicKey::from_spki(&spki.to_der().expect("encodes"), SigningAlgorithm::EdDsa).expect("a key");
        assert_eq!(key.kid.as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let document = serde_json::to_value(jwk_set([&key])).expect("serialises");
        let expected = serde_json::json!({"keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid.as_str(),
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        }]});
        assert_eq!(document, expected);
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
