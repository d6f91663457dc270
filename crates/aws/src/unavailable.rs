//! Failed AWS calls: the full cause for the log, and the reason for the operator.

use std::error::Error;

use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// A call to DynamoDB or KMS failed after all retries. The text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call}: {cause}")]
pub struct Unavailable {
    call: &'static str,
    cause: String,
    reason: Reason,
}

/// Why a call failed, as far as the operator can act on it. The texts are AWS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// AWS rejects the credentials: they are invalid or expired.
    Rejected(String),
    /// The credentials do not allow the call.
    Denied(String),
    /// The table does not exist in this account and region.
    NoTable,
    /// The request does not match the table's primary key.
    Shape(String),
    /// The connection failed, or the response timed out.
    Unreachable(String),
    /// Any other reason.
    Other(String),
}

impl Unavailable {
    /// Records a failed call, with its chain of causes.
    pub(crate) fn new<E>(call: &'static str, error: SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let reason = Reason::of(&error);
        Self { call, cause: DisplayErrorContext(error).to_string(), reason }
    }

    /// Records an unusable response and its cause.
    pub(crate) fn with_cause(call: &'static str, cause: String) -> Self {
        Self { call, reason: Reason::Other(cause.clone()), cause }
    }

    /// Records a response of a table with another schema.
    pub(crate) fn shape(call: &'static str, cause: String) -> Self {
        Self { call, reason: Reason::Shape(cause.clone()), cause }
    }

    /// The IAM action of the call.
    pub const fn call(&self) -> &'static str {
        self.call
    }

    /// The reason of the failure.
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
            SdkError::TimeoutError(_) => Self::Unreachable("no response in time".to_owned()),
            SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => {
                Self::Unreachable(root(error))
            }
            _ => Self::Other(root(error)),
        }
    }

    /// Classifies the error codes of DynamoDB and AWS's common errors.
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

/// The KMS errors that mean a configuration error.
pub(crate) const KMS_MISTAKES: &[&str] = &[
    "NotFoundException",
    "InvalidArnException",
    "InvalidKeyUsageException",
    "UnsupportedOperationException",
    "ValidationException",
];

/// The DynamoDB errors that mean a configuration error: no such table, or another primary key.
pub(crate) const DYNAMODB_MISTAKES: &[&str] = &["ResourceNotFoundException", "ValidationException"];

/// The message of AWS, if the error is one of these: AWS understood the request and will never grant it. A missing
/// permission is not among them, because IAM propagates a role's policies with a delay.
pub(crate) fn definite_error<E: ProvideErrorMetadata>(error: &SdkError<E>, mistakes: &[&str]) -> Option<String> {
    let code = error.code().filter(|code| mistakes.contains(code))?;
    Some(format!("{code}: {}", error.message().unwrap_or_default()))
}

/// The error and its causes.
pub(crate) fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The text of the last cause, which describes the failure; the others only locate it.
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
