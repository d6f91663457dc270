//! Identifiers and secrets that an operator chooses, because a client had them at another server.

use crate::client::{ClientId, ClientIdError};
use crate::secret::SecretHash;

/// The least entropy of a chosen secret, in bits (RFC 6749 §10.10).
pub const MIN_SECRET_BITS: u32 = 128;

/// The longest chosen secret, in bytes.
const MAX_SECRET_BYTES: usize = 1024;

/// The fewest different characters in a secret. 39 random digits have fewer with a probability below 1 in 10⁵.
const MIN_DIFFERENT: usize = 6;

/// The shortest part that counts as one character if it occurred earlier. 32 random hexadecimal digits, which have no bit to
/// spare, contain one with a probability near 1 in 10⁶.
const REPEATED: usize = 7;

/// Parses an identifier that an operator chooses.
///
/// The audit log's pipes copy a `client_id` into a JSON text, so quotes and backslashes are refused, which RFC 6749
/// Appendix A.1 has.
///
/// # Errors
/// [`ClientIdError`].
pub fn chosen_client_id(text: &str) -> Result<ClientId, ClientIdError> {
    if text.contains(['"', '\\']) { Err(ClientIdError) } else { ClientId::parse(text) }
}

/// Why a chosen secret is refused. It shows nothing of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChosenSecretError {
    /// It has other characters than RFC 6749 Appendix A.2 allows, or too many.
    #[error("must have 1 to {MAX_SECRET_BYTES} visible ASCII characters or spaces")]
    Form,
    /// It can be guessed.
    #[error(
        "is too weak: it must hold at least {MIN_SECRET_BITS} bits, for example 32 random hexadecimal digits or 22 random \
         letters and digits, of which a repeated part counts as one character; make a new one with `tokenmint client rotate-secret`"
    )]
    Weak,
}

/// Checks a secret that an operator gives, and hashes it.
///
/// Entropy is a property of how a secret was made, which cannot be seen. What is checked is the most that it can hold: its
/// length, in characters, times the bits of a character, by the smallest of these sets that contains all of them: digits
/// (10), hexadecimal digits in one case (16), letters in one case (26), these and digits (36), letters and digits (62), base64
/// or base64url (65 each, with `=`), all visible characters (95). A part of seven or more characters that occurred earlier
/// in the secret counts as one character, and a secret with fewer than six different characters is refused.
///
/// # Errors
/// [`ChosenSecretError`].
pub fn chosen_secret(secret: &str) -> Result<SecretHash, ChosenSecretError> {
    let bytes = secret.as_bytes();
    if bytes.is_empty() || bytes.len() > MAX_SECRET_BYTES || !bytes.iter().all(|byte| matches!(byte, 0x20..=0x7E)) {
        return Err(ChosenSecretError::Form);
    }
    let mut different = bytes.to_vec();
    different.sort_unstable();
    different.dedup();
    if different.len() < MIN_DIFFERENT || capacity(bytes) < f64::from(MIN_SECRET_BITS) {
        return Err(ChosenSecretError::Weak);
    }
    Ok(SecretHash::of(secret))
}

/// The most bits that the text can hold.
fn capacity(bytes: &[u8]) -> f64 {
    let (mut at, mut count) = (0, 0_u16);
    while at < bytes.len() {
        let part = repeated(bytes, at);
        at += if part < REPEATED { 1 } else { part };
        // At most MAX_SECRET_BYTES.
        count = count.saturating_add(1);
    }
    f64::from(count) * alphabet(bytes).log2()
}

/// The length of the longest part that begins here and also earlier. The two may overlap.
fn repeated(bytes: &[u8], at: usize) -> usize {
    let same = |from: usize| bytes[at..].iter().zip(&bytes[from..]).take_while(|(a, b)| a == b).count();
    (0..at).map(same).max().unwrap_or_default()
}

/// The size of the smallest set of characters that has all of these.
fn alphabet(bytes: &[u8]) -> f64 {
    type Set = fn(u8) -> bool;
    const SETS: [(f64, Set); 9] = [
        (10.0, |byte| byte.is_ascii_digit()),
        (16.0, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        (16.0, |byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')),
        (26.0, |byte| byte.is_ascii_lowercase()),
        (26.0, |byte| byte.is_ascii_uppercase()),
        (36.0, |byte| byte.is_ascii_digit() || byte.is_ascii_lowercase()),
        (36.0, |byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()),
        (62.0, |byte| byte.is_ascii_alphanumeric()),
        (65.0, |byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte)),
    ];
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    let found = SETS.iter().find(|(_, has)| bytes.iter().all(|byte| has(*byte)));
    found.map_or(if bytes.iter().all(is_base64) { 65.0 } else { 95.0 }, |(size, _)| *size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::Secret;

    /// U7: identifiers of other servers, except those that would be more than a text in the audit log.
    #[test]
    fn u7_chosen_identifiers() {
        for good in
            ["billing", "s6BhdRkqt3", "0oa5 x'y", "https://client.example/a?b#c", "~!@$%^&*()<>{}", &"x".repeat(255)]
        {
            assert_eq!(chosen_client_id(good).expect(good).as_str(), good);
        }
        for bad in ["", "a\"b", "a\\b", "é", "a\nb", "\u{7f}", "federated#x", &"x".repeat(256)] {
            assert_eq!(chosen_client_id(bad), Err(ClientIdError), "{bad:?}");
        }
    }

    /// U8: what holds less than 128 bits is refused, and the boundary of each set is exact.
    #[test]
    fn u8_weak_secrets() {
        let digits = "314159265358979323846264338327950288419";
        let hex = "0123456789abcdef0246813579bdfeca";
        let lower = "abcdefghijklmnopqrstuvwxyzaz";
        let small = "a1b2c3d4e5f6g7h8i9j0kxlym";
        let mixed = "aB3dE6gH9jK2mN5pQ8sT1v";
        let url = "aB3dE6gH9jK2mN5pQ8sT1-";
        let plus = "aB3dE6gH9jK2mN5pQ8sT1+";
        let any = "aB3 dE6!gH9#jK2$mN5%";
        let upper = [hex, lower, small].map(str::to_uppercase);
        let upper = upper.iter().map(String::as_str);
        for good in [digits, hex, lower, small, mixed, url, plus, any].into_iter().chain(upper) {
            assert_eq!(chosen_secret(good), Ok(SecretHash::of(good)), "{good}");
            assert_eq!(chosen_secret(&good[1..]), Err(ChosenSecretError::Weak), "{good}");
        }
        for weak in [
            "secret",
            "password",
            &"a".repeat(1000),
            &"abcdefgh".repeat(10),
            &"0123456789".repeat(100),
            &"ab".repeat(200),
            "hunter2hunter2hunter2!",
            "Password123Password1234",
            // The first 7 of 38 digits again: 32 characters.
            "314159265358979323846264338327953141592",
        ] {
            assert_eq!(chosen_secret(weak), Err(ChosenSecretError::Weak), "{weak}");
        }
        for malformed in [String::new(), format!("{mixed}é"), format!("{mixed}\n"), "aB3dE6gH9jK2".repeat(100)] {
            assert_eq!(chosen_secret(&malformed), Err(ChosenSecretError::Form), "{malformed}");
        }
        // Five different characters are too few, however many there are; six are enough.
        let few = "aB3xYYx3Ba3BYaxBxaY3YB3ax";
        assert_eq!(chosen_secret(few), Err(ChosenSecretError::Weak));
        let enough = few.replacen('Y', "k", 1);
        assert_eq!(chosen_secret(&enough), Ok(SecretHash::of(&enough)));
        let long = mixed.repeat(47);
        assert_eq!(chosen_secret(&long[..1024]), Ok(SecretHash::of(&long[..1024])));
        assert_eq!(chosen_secret(&long[..1025]), Err(ChosenSecretError::Form));
        let said = format!("{} {:?}", ChosenSecretError::Weak, ChosenSecretError::Form);
        assert!(said.contains("32 random hexadecimal digits"), "{said}");
    }

    /// U8: a part that is there twice counts once, from seven characters on, wherever it is.
    #[test]
    fn u8_repeated_parts() {
        let mixed = "aB3dE6gH9jK2mN5pQ8sT1v";
        let count = |text: &str| (capacity(text.as_bytes()) / alphabet(text.as_bytes()).log2()).round();
        assert_eq!(count(mixed).to_string(), "22");
        for (text, expected) in [
            (mixed.repeat(2), "23"),
            (mixed.repeat(40), "23"),
            (format!("{mixed}{}", &mixed[..6]), "28"),
            (format!("{mixed}{}", &mixed[..7]), "23"),
            (format!("{mixed}{}x{}", &mixed[3..10], &mixed[5..15]), "25"),
            ("a".repeat(7), "7"),
            ("a".repeat(8), "2"),
            (String::new(), "0"),
        ] {
            assert_eq!(count(&text).to_string(), expected, "{text}");
        }
    }

    /// U8: 32 random hexadecimal digits are just enough, and are not taken for a repetition. Those of hashes are random, and the
    /// same in each run.
    #[test]
    fn u8_random_digits_are_enough() {
        for n in 0..20_000 {
            let hash = SecretHash::of(&n.to_string());
            let (half, _) = hash.as_bytes().split_first_chunk().expect("32 bytes");
            let hex = format!("{:032x}", u128::from_be_bytes(*half));
            assert_eq!(chosen_secret(&hex), Ok(SecretHash::of(&hex)), "{hex}");
        }
    }

    proptest! {
        /// U8: every secret that this server makes is strong enough, and no text is a panic.
        #[test]
        fn u8_our_secrets_are_strong(seed: u64, text: String) {
            let mut state = seed | 1;
            let secret = Secret::generate(|buffer| {
                for byte in buffer {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    *byte = state.to_be_bytes()[0];
                }
            });
            prop_assert_eq!(chosen_secret(secret.reveal()), Ok(secret.hash()));
            let _ = chosen_secret(&text);
        }
    }
}
