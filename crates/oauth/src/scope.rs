//! Access token scope: RFC 6749 §3.3.
//!
//! `scope = scope-token *( SP scope-token )`, `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest scope string, in bytes.
pub const MAX_BYTES: usize = 4096;

/// A set of scope tokens in the order they were asked for, each once; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(String);

/// Why a text is not a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A character outside the grammar, or not exactly one space between tokens.
    #[error("the scope does not follow the grammar of RFC 6749 section 3.3")]
    Grammar,
    /// More than [`MAX_BYTES`] bytes.
    #[error("the scope is longer than 4096 bytes")]
    TooLong,
}

impl Scope {
    /// Parses a scope; tokens that repeat are kept once. The empty text is the empty scope.
    ///
    /// # Errors
    /// [`ScopeError`] when the text does not follow the grammar or is longer than [`MAX_BYTES`].
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        if text.len() > MAX_BYTES {
            return Err(ScopeError::TooLong);
        }
        if text.is_empty() {
            return Ok(Self::default());
        }
        if !text.split(' ').all(is_token) {
            return Err(ScopeError::Grammar);
        }
        Ok(text.split(' ').collect())
    }

    /// The tokens, in order.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|token| !token.is_empty())
    }

    /// Whether the token is in the set. Tokens compare case-sensitively.
    pub fn contains(&self, token: &str) -> bool {
        self.tokens().any(|own| own == token)
    }

    /// Whether every token is in `other` too.
    pub fn is_subset_of(&self, other: &Self) -> bool {
        self == other || self.tokens().all(|token| other.contains(token))
    }

    /// Those tokens that `other` has too, in this scope's order.
    #[must_use]
    pub fn reduced_to(&self, other: &Self) -> Self {
        self.tokens().filter(|token| other.contains(token)).collect()
    }

    /// Whether there is no token.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The wire form: tokens separated by one space.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

impl<'a> FromIterator<&'a str> for Scope {
    /// Keeps the first of equal tokens. The tokens must follow the grammar.
    fn from_iter<I: IntoIterator<Item = &'a str>>(tokens: I) -> Self {
        let mut scope = Self::default();
        for token in tokens {
            if !scope.contains(token) {
                if !scope.0.is_empty() {
                    scope.0.push(' ');
                }
                scope.0.push_str(token);
            }
        }
        scope
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, ScopeError> {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).expect("a scope")
    }

    /// T4: the grammar of RFC 6749 §3.3.
    #[test]
    fn t4_grammar() {
        assert_eq!(scope("read write read").as_str(), "read write");
        assert_eq!(scope("").tokens().count(), 0);
        for bad in [" ", "a ", " a", "a  b", "a\tb", "\"", "\\", "é", "a\u{7f}"] {
            assert_eq!(Scope::parse(bad), Err(ScopeError::Grammar), "{bad:?}");
        }
        assert_eq!(Scope::parse(&"a".repeat(MAX_BYTES + 1)), Err(ScopeError::TooLong));
    }

    /// R10: reduced to what is offered, in the order asked.
    #[test]
    fn r10_reduced_in_the_order_asked() {
        assert_eq!(scope("c strong a").reduced_to(&scope("a b c")).as_str(), "c a");
        assert!(scope("a").is_subset_of(&scope("b a")));
        assert!(!scope("A").is_subset_of(&scope("b a")));
    }

    proptest! {
        /// Any text: no panic; what parses is stable and follows the grammar.
        #[test]
        fn any_text(text: String) {
            if let Ok(parsed) = Scope::parse(&text) {
                prop_assert_eq!(&scope(parsed.as_str()), &parsed);
                prop_assert!(parsed.tokens().all(is_token));
            }
        }
    }
}
