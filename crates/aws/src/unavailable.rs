//! What went wrong with a call: everything for the log, and what an operator can do something about.

use std::error::Error;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// DynamoDB or KMS did not do what was asked, after all retries. The text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call}: {cause}")]
pub struct Unavailable {
    call: &'static str,
    cause: String,
    reason: Reason,
}

/// Why a call failed, as far as it matters to the person who has to do something about it. The texts are AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// AWS does not accept the credentials: they are wrong, or have expired.
    Rejected(String),
    /// The credentials do not allow the call.
    Denied(String),
    /// There is no such table in this account and region.
    NoTable,
    /// The request does not fit the table: its key is another one.
    Shape(String),
    /// There was no connection, or no answer in time.
    Unreachable(String),
    /// Anything else.
    Other(String),
}

impl Unavailable {
    /// Keeps what went wrong with a call, the chain of causes included.
    pub(crate) fn new<E>(call: &'static str, error: SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let reason = Reason::of(&error);
        Self { call, cause: DisplayErrorContext(error).to_string(), reason }
    }

    /// An answer that cannot be used, and why.
    pub(crate) fn with_cause(call: &'static str, cause: String) -> Self {
        Self { call, reason: Reason::Other(cause.clone()), cause }
    }

    /// The same, where the answer shows that the table is of another kind.
    pub(crate) fn shape(call: &'static str, cause: String) -> Self {
        Self { call, reason: Reason::Shape(cause.clone()), cause }
    }

    /// The call, by the name of its IAM action.
    pub const fn call(&self) -> &'static str {
        self.call
    }

    /// Why it failed.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }
}

impl Reason {
    fn of<E>(error: &SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        match error {
            SdkError::ServiceError(service) => Self::of_answer(service.err()),
            SdkError::TimeoutError(_) => Self::Unreachable("no answer in time".to_owned()),
            SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
                Self::Unreachable(root(error))
            }
            _ => Self::Other(root(error)),
        }
    }

    /// By the codes of DynamoDB's and AWS's common errors.
    fn of_answer(error: &impl ProvideErrorMetadata) -> Self {
        let code = error.code().unwrap_or("an error without a code");
        let message = error.message().unwrap_or(code).to_owned();
        match code {
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "ExpiredTokenException"
            | "MissingAuthenticationTokenException"
            | "InvalidClientTokenId" => Self::Rejected(message),
            "AccessDeniedException" => Self::Denied(message),
            "ResourceNotFoundException" => Self::NoTable,
            "ValidationException" => Self::Shape(message),
            _ if message == code => Self::Other(message),
            _ => Self::Other(format!("{code}: {message}")),
        }
    }
}

/// The errors of KMS that mean a mistake in the configuration.
pub(crate) const KMS_MISTAKES: &[&str] = &[
    "NotFoundException",
    "InvalidArnException",
    "InvalidKeyUsageException",
    "UnsupportedOperationException",
    "ValidationException",
];

/// The errors of DynamoDB that mean a mistake in the configuration: no such table, or one with another key.
pub(crate) const DYNAMODB_MISTAKES: &[&str] = &["ResourceNotFoundException", "ValidationException"];

/// What AWS answers, if it is one of these errors: it understood the request, and will never grant it. A missing
/// permission is not among them, because IAM takes a while to propagate a role's policies.
pub(crate) fn definite_error<E: ProvideErrorMetadata>(error: &SdkError<E>, mistakes: &[&str]) -> Option<String> {
    let code = error.code().filter(|code| mistakes.contains(code))?;
    Some(format!("{code}: {}", error.message().unwrap_or_default()))
}

/// The error and its causes.
pub(crate) fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The text of the last cause: it says what happened; those before it say where.
pub(crate) fn root(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ErrorMetadata;

    use super::*;

    fn reason(code: &str) -> Reason {
        Reason::of_answer(&ErrorMetadata::builder().code(code).message("why").build())
    }

    #[test]
    fn reasons_are_known_by_their_codes() {
        let why = || "why".to_owned();
        assert_eq!(reason("ExpiredTokenException"), Reason::Rejected(why()));
        assert_eq!(reason("UnrecognizedClientException"), Reason::Rejected(why()));
        assert_eq!(reason("AccessDeniedException"), Reason::Denied(why()));
        assert_eq!(reason("ResourceNotFoundException"), Reason::NoTable);
        assert_eq!(reason("ValidationException"), Reason::Shape(why()));
        assert_eq!(reason("Surprise"), Reason::Other("Surprise: why".to_owned()));
        let nothing = ErrorMetadata::builder().build();
        assert_eq!(Reason::of_answer(&nothing), Reason::Other("an error without a code".to_owned()));
    }
}
