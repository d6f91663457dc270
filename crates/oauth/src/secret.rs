//! Secrets that this server makes: RFC 6749 §10.10, and what is stored of them.
//!
//! A secret made by a machine has all its entropy already, so one SHA-256 protects it: there is no
//! dictionary to try, and nothing to gain from a slow hash. In clear it exists twice: in the
//! credentials presented and in the registration response.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

/// The characters of a secret: letters and digits, so that it needs no encoding anywhere.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// How many characters a secret has. A security invariant: 32 × log2(62) ≈ 190 bits, above the
/// 128 bits of RFC 6749 §10.10.
pub const SECRET_LENGTH: usize = 32;

/// A freshly made secret in clear. Prints as redacted; leaves through [`Secret::reveal`] only.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a secret of [`SECRET_LENGTH`] letters and digits, evenly distributed, from `random`,
    /// which fills a buffer with random bytes of cryptographic quality.
    pub fn generate(mut random: impl FnMut(&mut [u8])) -> Self {
        // Bytes from the last incomplete run of the alphabet are dropped: they would favour its start.
        const EVEN: u8 = 248;
        let mut secret = String::with_capacity(SECRET_LENGTH);
        let mut buffer = [0; SECRET_LENGTH + 8];
        while secret.len() < SECRET_LENGTH {
            random(&mut buffer);
            let even = buffer.iter().filter(|byte| **byte < EVEN);
            let characters = even.map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
            secret.extend(characters.take(SECRET_LENGTH - secret.len()));
        }
        Self(secret)
    }

    /// The secret in clear, for the one response that carries it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The SHA-256 of a secret: all that is stored of it. Equality takes the same time wherever two differ.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes a secret, made or presented.
    pub fn of(secret: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
        Self(hash)
    }

    /// A hash that was stored.
    pub const fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash, to be stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R19: 32 letters and digits, from randomness that is used evenly.
    #[test]
    fn r19_form_of_a_secret() {
        let mut next = 0_u8;
        let secret = Secret::generate(|buffer| {
            for byte in buffer {
                *byte = next;
                next = next.wrapping_mul(5).wrapping_add(113);
            }
        });
        assert_eq!(secret.reveal().len(), SECRET_LENGTH);
        assert!(secret.reveal().bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    /// R19: bytes that would favour some characters are not used.
    #[test]
    fn r19_no_character_is_favoured() {
        let mut calls = 0;
        let secret = Secret::generate(|buffer| {
            calls += 1;
            buffer.fill(if calls == 1 { 255 } else { 61 });
        });
        assert_eq!((calls, secret.reveal()), (2, "9".repeat(32).as_str()));
    }

    /// R19: 248 bytes of 256 are used, four for each of the 62 characters, until there are 32. Here each draw has 20.
    #[test]
    fn r19_bytes_that_are_used() {
        let secret = Secret::generate(|buffer| {
            for (byte, value) in buffer.iter_mut().zip([247, 248, 0, 249, 62, 250, 61, 255].into_iter().cycle()) {
                *byte = value;
            }
        });
        assert_eq!(secret.reveal(), "9AA9".repeat(8));
    }

    /// R19: what is stored is the SHA-256 (FIPS 180-4: that of "abc"), and comes back as it was stored.
    #[test]
    fn r19_hash_of_a_secret() {
        let hash = SecretHash::of("abc");
        assert_eq!(hash.as_bytes()[..4], [0xba, 0x78, 0x16, 0xbf]);
        assert_eq!(SecretHash::from_bytes(*hash.as_bytes()), hash);
        let secret = Secret("abc".to_owned());
        assert_eq!(secret.hash(), hash);
    }

    #[test]
    fn r19_nothing_prints_a_secret() {
        let secret = Secret::generate(|buffer| buffer.fill(0));
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "Secret(redacted) SecretHash(redacted)");
    }

    #[test]
    fn hashes_compare() {
        assert_eq!(SecretHash::of("a"), SecretHash::of("a"));
        assert_ne!(SecretHash::of("a"), SecretHash::of("b"));
    }
}
