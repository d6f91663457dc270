//! Tokens and keys of others: RFC 7515, RFC 7517, RFC 7519, with the advice of RFC 8725.
//!
//! Which algorithm a key may verify follows from the key, never from the token alone; only asymmetric
//! algorithms are known here, so there is no secret that a public key could be mistaken for.

mod bundle;
mod claims;
mod ed25519;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
pub use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse, ThumbprintHash,
};
use jsonwebtoken::{DecodingKey, crypto};
use serde_json::{Map, Value};

pub use claims::{Claims, MAX_SKEW, NotATime, Unverified, Verified};

use crate::jwk::{LEAST_RSA_BYTES, PublicKey};
use crate::memory;

/// The algorithms that tokens of others may be signed with (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2), by their
/// names. `EdDSA` and `Ed25519` name the same algorithm here: Ed25519 is the only curve of `EdDSA` that is known.
pub const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
    ("Ed25519", Algorithm::EdDSA),
];

/// The algorithm with this name, if it is one of [`ALGORITHMS`].
pub fn algorithm(name: &str) -> Option<Algorithm> {
    ALGORITHMS.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
}

/// The largest JWK Set that is kept, in bytes of JSON.
pub const MAX_JWKS_BYTES: usize = 16 * 1024;

/// The most keys in a set.
pub const MAX_KEYS: usize = 16;

/// The members that only a private or symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A set of public keys of somebody else, each checked.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKeys(Vec<Jwk>);

/// Why a document is not a set of public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not an object whose `keys` is an array of objects (RFC 7517 §5).
    #[error("is not a JWK Set")]
    Malformed,
    /// More than [`MAX_KEYS`] keys, or more bytes than its place takes.
    #[error("is too large")]
    TooLarge,
    /// A private or symmetric key.
    #[error("holds a key that is not public")]
    NotPublic,
    /// A member of a key has the wrong JSON type (RFC 7517 §4, RFC 7518 §6).
    #[error("holds a key whose {member} must be {expected}")]
    Member {
        /// The member.
        member: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
    /// No key that could verify anything.
    #[error(
        "holds no key for signatures: it needs an RSA key of at least 2048 bits or a P-256, P-384 or Ed25519 key, whose \
         use, key_ops and alg, if present, allow an algorithm that this server supports"
    )]
    NoUsableKey,
}

/// Why a token is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWS in compact form with a JSON header and JSON claims.
    #[error("malformed JWT")]
    Malformed,
    /// An algorithm that is not one of [`ALGORITHMS`].
    #[error("algorithm not allowed")]
    Algorithm,
    /// An extension that must be understood (RFC 7515 §4.1.11).
    #[error("critical header not understood")]
    Critical,
    /// None of the keys is the one.
    #[error("no key for this JWT")]
    NoKey,
    /// The signature is not that of any of the keys.
    #[error("wrong signature")]
    Signature,
}

/// A token whose header was read; nothing of it is proven.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    header: Map<String, Value>,
    algorithm: Algorithm,
    claims: &'a str,
    message: &'a str,
    signature: &'a str,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads a token in compact form (RFC 7515 §7.1).
    ///
    /// # Errors
    /// [`TokenError`] if it is malformed or of an algorithm that is not allowed.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(TokenError::Malformed)?;
        let header = json(header)?;
        let name = header.get("alg").and_then(Value::as_str).ok_or(TokenError::Malformed)?;
        let algorithm = algorithm(name).ok_or(TokenError::Algorithm)?;
        if header.contains_key("crit") {
            return Err(TokenError::Critical);
        }
        Ok(Self { header, algorithm, claims, message, signature })
    }

    /// The algorithm that the header names.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// A member of the header, if it is a text.
    pub fn header(&self, member: &str) -> Option<&str> {
        self.header.get(member).and_then(Value::as_str)
    }

    /// A member of the header.
    pub fn header_value(&self, member: &str) -> Option<&Value> {
        self.header.get(member)
    }

    /// The claims, before a key has verified them: for finding the keys, and for refusing early what no key
    /// could make valid.
    ///
    /// # Errors
    /// [`TokenError::Malformed`].
    pub fn unverified_claims(&self) -> Result<Claims<Unverified>, TokenError> {
        json(self.claims).map(Claims::new)
    }

    /// The claims, proven by one of the keys: the one that `kid` names, or any that fits where the token
    /// names none.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, keys: &PublicKeys) -> Result<Claims<Verified>, TokenError> {
        let kid = self.header("kid");
        let named = keys.0.iter().filter(|key| kid.is_none() || key.common.key_id.as_deref() == kid);
        let mut outcome = Err(TokenError::NoKey);
        for key in named.filter(|key| fits(key, self.algorithm)) {
            if self.is_signed_by(key) {
                return json(self.claims).map(Claims::new);
            }
            outcome = Err(TokenError::Signature);
        }
        outcome
    }

    /// The claims, proven by any of the keys, whatever `kid` says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify_with_any(&self, keys: &PublicKeys) -> Result<Claims<Verified>, TokenError> {
        let mut fitting = keys.0.iter().filter(|key| fits(key, self.algorithm)).peekable();
        fitting.peek().ok_or(TokenError::NoKey)?;
        if !fitting.any(|key| self.is_signed_by(key)) {
            return Err(TokenError::Signature);
        }
        json(self.claims).map(Claims::new)
    }

    fn is_signed_by(&self, key: &Jwk) -> bool {
        let Ok(key) = DecodingKey::from_jwk(key) else { return false };
        crypto::verify(self.signature, self.message.as_bytes(), &key, self.algorithm).unwrap_or(false)
    }
}

/// A part of a token: base64url of a JSON object.
fn json(part: &str) -> Result<Map<String, Value>, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Malformed)
}

impl PublicKeys {
    /// Reads a JWK Set (RFC 7517 §5). Keys of kinds that are not known are left out.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn parse(document: &Value) -> Result<Self, KeysError> {
        Self::parse_within(document, MAX_JWKS_BYTES)
    }

    /// The same for a set that is not kept, of at most so many bytes of JSON.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn parse_within(document: &Value, max_bytes: usize) -> Result<Self, KeysError> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or(KeysError::Malformed)?;
        if keys.len() > MAX_KEYS || document.to_string().len() > max_bytes {
            return Err(KeysError::TooLarge);
        }
        let mut usable = Vec::new();
        for key in keys {
            let members = key.as_object().ok_or(KeysError::Malformed)?;
            if PRIVATE_MEMBERS.iter().any(|member| members.contains_key(*member))
                || members.get("kty") == Some(&"oct".into())
            {
                return Err(KeysError::NotPublic);
            }
            if let Some(key) = jwk(members)
                && ALGORITHMS.iter().any(|(_, algorithm)| fits(&key, *algorithm))
            {
                usable.push(key);
            }
        }
        if usable.is_empty() { Err(KeysError::NoUsableKey) } else { Ok(Self(usable)) }
    }
}

impl PublicKeys {
    /// Our own keys, which need no check.
    pub fn own<'k>(keys: impl IntoIterator<Item = &'k PublicKey>) -> Self {
        Self(keys.into_iter().map(PublicKey::jwk).collect())
    }

    /// An upper estimate of the memory that they take beside themselves, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        // A key's JSON holds all its texts, each of which is an allocation of its own.
        let texts = |key: &Jwk| 2 * serde_json::to_vec(key).map_or(0, |json| json.len());
        memory::list(&self.0) + self.0.iter().map(texts).sum::<usize>()
    }

    /// The RFC 7638 thumbprint of the first key.
    pub fn thumbprint(&self) -> Option<String> {
        self.thumbprints().next()
    }

    /// Whether one of the keys may verify signatures of this algorithm.
    pub fn can_verify(&self, algorithm: Algorithm) -> bool {
        self.0.iter().any(|key| fits(key, algorithm))
    }

    /// The RFC 7638 thumbprints of the keys.
    pub fn thumbprints(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|key| key.thumbprint(ThumbprintHash::SHA256).ok())
    }
}

/// A key of a kind that the library knows. The library knows only one of the names of Ed25519.
fn jwk(members: &Map<String, Value>) -> Option<Jwk> {
    let mut key: Jwk = serde_json::from_value(Value::Object(members.clone())).ok()?;
    if let Some(algorithm) = members.get("alg").and_then(Value::as_str).and_then(algorithm) {
        key.common.key_algorithm = Some(algorithm.into());
    }
    Some(key)
}

/// Whether the key may verify signatures of this algorithm (RFC 8725 §3.1).
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let common = &key.common;
    let for_signatures = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let for_algorithm = common.key_algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm));
    let size = |text: &str| URL_SAFE_NO_PAD.decode(text).map_or(0, |bytes| bytes.len());
    let of_kind = match (&key.algorithm, algorithm) {
        (
            AlgorithmParameters::RSA(rsa),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => size(&rsa.n) >= LEAST_RSA_BYTES,
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES256) => {
            ec.curve == EllipticCurve::P256 && size(&ec.x) == 32 && size(&ec.y) == 32
        }
        (AlgorithmParameters::EllipticCurve(ec), Algorithm::ES384) => {
            ec.curve == EllipticCurve::P384 && size(&ec.x) == 48 && size(&ec.y) == 48
        }
        (AlgorithmParameters::OctetKeyPair(okp), Algorithm::EdDSA) => {
            okp.curve == EllipticCurve::Ed25519 && ed25519::is_key(&okp.x)
        }
        _ => false,
    };
    for_signatures && for_algorithm && of_kind
}

#[cfg(test)]
mod tests;
