//! Errors in metadata: RFC 7591 §3.2.2.

use crate::error::{ErrorCode, OAuthError};
use crate::federation::CredentialsError;
use crate::jose::KeysError;
use crate::token_policy::PolicyError;

/// Why metadata cannot be registered. Each variant names the member it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The body is not one JSON object.
    #[error("the body is not a JSON object: {0}")]
    NotAnObject(&'static str),
    /// A member appears more than once.
    #[error("{0} appears more than once")]
    Repeated(String),
    /// A member has the wrong JSON type.
    #[error("{member} must be {expected}")]
    Type {
        /// The member.
        member: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// A member is longer than its bound.
    #[error("{member} is longer than {bound}")]
    TooLong {
        /// The member.
        member: String,
        /// The bound: bytes of a string, or entries of an array.
        bound: String,
    },
    /// A member has a value that cannot be registered.
    #[error("{member} {reason}")]
    Value {
        /// The member.
        member: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client's keys are not acceptable.
    #[error("{member} {error}")]
    Keys {
        /// The member.
        member: String,
        /// What is wrong with them.
        error: KeysError,
    },
    /// The federated credentials are malformed.
    #[error("federated_credentials {0}")]
    FederatedCredentials(#[from] CredentialsError),
    /// The token policy is malformed.
    #[error("token_policy {0}")]
    TokenPolicy(#[from] PolicyError),
    /// A redirect URI is not acceptable (RFC 7591 §3.2.2).
    #[error("redirect_uris: {0}")]
    RedirectUri(&'static str),
}

impl From<MetadataError> for OAuthError {
    fn from(error: MetadataError) -> Self {
        let code = match error {
            MetadataError::RedirectUri(_) => ErrorCode::InvalidRedirectUri,
            _ => ErrorCode::InvalidClientMetadata,
        };
        Self::new(code, error.to_string())
    }
}

/// The error for a member whose value is wrong.
pub(super) fn wrong(member: &str, reason: &'static str) -> MetadataError {
    MetadataError::Value { member: member.to_owned(), reason }
}
