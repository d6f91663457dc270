//! How the client of an assertion without `client_id` is found.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The key under which the clients that trust a subject are listed: a hash of issuer and subject. What is found there is
/// a hint; the client's own list decides.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectKey(String);

impl SubjectKey {
    /// The beginning of every key. No client's identifier begins with it ([`ClientId::parse`]).
    ///
    /// [`ClientId::parse`]: crate::client::ClientId::parse
    pub const PREFIX: &str = "federated#";

    /// The key of a subject of an issuer. The lengths are part of what is hashed, so that no other pair has this key.
    pub fn new(issuer: &str, subject: &str) -> Self {
        let mut hash = Context::new(&SHA256);
        for text in [issuer, subject] {
            hash.update(&(text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        Self(format!("{}{}", Self::PREFIX, URL_SAFE_NO_PAD.encode(hash.finish())))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SubjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F3: the pair is hashed, not the texts one after the other.
    #[test]
    fn f3_no_two_pairs_share_a_key() {
        let key = SubjectKey::new("https://a.example", "b");
        assert_eq!(key.as_str().len(), "federated#".len() + 43);
        assert_ne!(key, SubjectKey::new("https://a.exampl", "eb"));
        assert_ne!(key, SubjectKey::new("https://a.exampleb", ""));
        assert_ne!(key, SubjectKey::new("b", "https://a.example"));
        assert_ne!(key, SubjectKey::new("https://a.example", "B"));
    }
}
