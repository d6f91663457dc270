//! Access token scope: RFC 6749 §3.3.
//!
//! `scope = scope-token *( SP scope-token )`, `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.

mod token_set;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::memory;
use token_set::{FEW, TokenSet};

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
        Ok(Self::distinct(text.split(' '), text.len()))
    }

    /// The scope of these tokens, the first of equal ones; they take about so many bytes.
    fn distinct<'a>(tokens: impl IntoIterator<Item = &'a str>, bytes: usize) -> Self {
        let mut seen = TokenSet::new();
        let mut scope = Self(String::with_capacity(bytes));
        for token in tokens {
            if seen.insert(token) {
                scope.push(token);
            }
        }
        scope
    }

    /// Appends a token that is not there yet.
    fn push(&mut self, token: &str) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(token);
    }

    /// An upper estimate of the memory that it takes beside itself, in bytes.
    pub(crate) const fn memory_bytes(&self) -> usize {
        memory::text(&self.0)
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
        if self == other {
            return true;
        }
        // A few tokens are found sooner in the text than in a set that must be made of it first.
        if self.tokens().nth(FEW).is_none() {
            return self.tokens().all(|token| other.contains(token));
        }
        let others: TokenSet<&str> = other.tokens().collect();
        self.tokens().all(|token| others.contains(&token))
    }

    /// Those tokens that `other` has too, in this scope's order.
    #[must_use]
    pub fn reduced_to(&self, other: &Self) -> Self {
        let others: TokenSet<&str> = other.tokens().collect();
        let mut reduced = Self::default();
        self.tokens().filter(|token| others.contains(token)).for_each(|token| reduced.push(token));
        reduced
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
        Self::distinct(tokens, 0)
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
        assert_eq!(scope(&"a".repeat(4096)).as_str().len(), 4096);
        assert_eq!(Scope::parse(&"a".repeat(4097)), Err(ScopeError::TooLong));
    }

    /// R10: reduced to what is offered, in the order asked.
    #[test]
    fn r10_reduced_in_the_order_asked() {
        assert_eq!(scope("c strong a").reduced_to(&scope("a b c")).as_str(), "c a");
        assert!(scope("a").is_subset_of(&scope("b a")));
        assert!(!scope("A").is_subset_of(&scope("b a")));
    }

    /// T1, T4: the longest scope fits into a token request.
    #[test]
    fn t1_t4_the_longest_scope_fits() {
        let body = format!("grant_type=client_credentials&scope={}", "a".repeat(MAX_BYTES));
        assert!(body.len() <= crate::token_request::MAX_BODY_BYTES);
    }

    /// T4: stored and sent as its text; what is read must follow the grammar.
    #[test]
    fn t4_the_form_of_a_scope() {
        let read = |text: &str| serde_json::from_value::<Scope>(text.into()).ok();
        assert_eq!(read("read write"), Some(scope("read write")));
        assert_eq!(read("read  write"), None);
        assert_eq!(serde_json::to_value(scope("read write")).expect("serialises"), "read write");
        assert_eq!(scope("read write").to_string(), "read write");
    }

    /// The tokens of a text, the first of equal ones: the plain definition.
    fn naive(text: &str) -> Vec<&str> {
        let mut tokens: Vec<&str> = Vec::new();
        for token in text.split(' ').filter(|token| !token.is_empty()) {
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        tokens
    }

    proptest! {
        /// T4, R10: whatever the number of tokens, the outcome is that of the plain definition. The tokens are short, so
        /// that many are equal, and of the same beginning.
        #[test]
        fn t4_r10_as_the_plain_definition(
            one in "([ab]{1,4}( [ab]{1,4}){0,40})?",
            other in "([ab]{1,4}( [ab]{1,4}){0,40})?",
        ) {
            let (left, right) = (scope(&one), scope(&other));
            let (one, other) = (naive(&one), naive(&other));
            prop_assert_eq!(left.tokens().collect::<Vec<_>>(), &one[..]);
            prop_assert_eq!(left.as_str(), one.join(" "));
            prop_assert_eq!(&one.iter().copied().collect::<Scope>(), &left);
            prop_assert_eq!(left.is_subset_of(&right), one.iter().all(|token| other.contains(token)));
            let common: Vec<_> = one.iter().copied().filter(|token| other.contains(token)).collect();
            let reduced = left.reduced_to(&right);
            prop_assert_eq!(reduced.as_str(), common.join(" "));
            prop_assert!(reduced.is_subset_of(&left) && reduced.is_subset_of(&right));
            let joined: Scope = left.tokens().chain(right.tokens()).collect();
            prop_assert!(left.is_subset_of(&joined) && right.is_subset_of(&joined));
        }

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
