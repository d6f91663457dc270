//! Initial access tokens: RFC 7591 §3, for protected registration (R15, R16).

use crate::EpochSeconds;
use crate::bearer::BearerError;
use crate::scope::Scope;
use crate::secret::SecretHash;
use crate::token_policy::TokenPolicy;

/// An initial access token as it is stored: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialAccessToken {
    /// The hash of the token, under which it is found.
    pub hash: SecretHash,
    /// What the operator calls it.
    pub name: String,
    /// When it was made.
    pub issued_at: EpochSeconds,
    /// The first second at which it is no longer good.
    pub expires_at: EpochSeconds,
    /// How many clients can still be registered with it.
    pub uses_left: u32,
    /// The scope that such clients may have; it may go beyond what open registration offers.
    pub scope: Scope,
    /// Whether such clients may name federated credentials (F4).
    pub allows_federation: bool,
    /// What such clients may get (P6).
    pub token_policy: Option<Box<TokenPolicy>>,
}

impl InitialAccessToken {
    /// Checks that the token is good. Whoever acts on it takes the use away in the same write.
    ///
    /// # Errors
    /// [`BearerError::Invalid`] if it is expired or spent.
    pub const fn check(&self, now: EpochSeconds) -> Result<(), BearerError> {
        if self.expires_at <= now {
            Err(BearerError::Invalid("expired initial access token"))
        } else if self.uses_left == 0 {
            Err(BearerError::Invalid("spent initial access token"))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R16: the last second, and the last use.
    #[test]
    fn r16_end_of_an_initial_access_token() {
        let check = |expires_at, uses_left| {
            let (hash, name, scope) = (SecretHash::of("t"), String::new(), Scope::default());
            let (issued_at, allows_federation, token_policy) = (1, false, None);
            InitialAccessToken { hash, name, issued_at, expires_at, uses_left, scope, allows_federation, token_policy }
                .check(10)
        };
        assert_eq!(check(11, 1), Ok(()));
        assert_eq!(check(10, 1), Err(BearerError::Invalid("expired initial access token")));
        assert_eq!(check(9, 1), Err(BearerError::Invalid("expired initial access token")));
        assert_eq!(check(11, 0), Err(BearerError::Invalid("spent initial access token")));
    }
}
