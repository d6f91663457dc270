use std::fmt::Display;

use axum::body::Body;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use tokenmint_aws::Unavailable;
use tokenmint_aws::clients::{FindError, WriteError};
use tokenmint_aws::signer::{LoadError, SignError};
use tokenmint_oauth::error::{ErrorCode, OAuthError};

use crate::json;

/// The `Retry-After` for an unavailable dependency, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// A refused or failed request: the error for the client, and the cause for the log.
///
/// A cause never contains a secret, because it is logged.
#[derive(Debug)]
pub struct Failure {
    error: OAuthError,
    cause: String,
    retry_after: Option<u64>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Failure {
    /// The request is invalid; the error is the whole cause.
    pub fn refused<E: Display + Into<OAuthError>>(error: E) -> Self {
        let cause = error.to_string();
        Self { error: error.into(), cause, retry_after: None, header: None }
    }

    /// Adds a header to the response.
    #[must_use]
    pub fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }

    /// Too many requests (RFC 6585 §4); the client may retry after this many seconds.
    pub fn throttled(cause: impl Display, retry_after: u64) -> Self {
        let error =
            OAuthError::new(ErrorCode::TooManyRequests, "too many requests; try again after the time in Retry-After");
        Self { error, cause: cause.to_string(), retry_after: Some(retry_after), header: None }
    }

    /// Another request changed the same client first.
    pub fn conflict(cause: impl Display) -> Self {
        let error = OAuthError::new(ErrorCode::Conflict, "another request changed the client; read it and try again");
        Self { error, cause: cause.to_string(), retry_after: None, header: None }
    }

    /// A dependency is unavailable (T7); the client may retry.
    pub fn unavailable(cause: impl Display) -> Self {
        let error = OAuthError::new(
            ErrorCode::TemporarilyUnavailable,
            "the server is temporarily unavailable; try again later",
        );
        Self { error, cause: cause.to_string(), retry_after: None, header: None }
    }

    /// An internal error of this server or of a dependency (T7).
    pub fn broken(cause: impl Display) -> Self {
        let error = OAuthError::new(
            ErrorCode::ServerError,
            "the server failed to process the request; report this to its operator",
        );
        Self { error, cause: cause.to_string(), retry_after: None, header: None }
    }
}

/// The log entry of a failure; attached to the response for the shell.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) code: ErrorCode,
    pub(crate) cause: String,
}

impl Logged {
    /// The name of the error in the log: its code, or a name of our own where the code is that of another error, too, or
    /// absent.
    pub(crate) const fn outcome(&self) -> &'static str {
        match self.code {
            ErrorCode::MissingToken => "missing_token",
            ErrorCode::Conflict => "conflict",
            ErrorCode::TooManyRequests => "too_many_requests",
            code => code.as_str(),
        }
    }
}

impl IntoResponse for Failure {
    /// The error as JSON, with the headers that its code requires.
    fn into_response(self) -> Response<Body> {
        let Self { error, cause, retry_after, header } = self;
        let status = StatusCode::from_u16(error.code.status()).expect("the table holds valid statuses");
        let mut response = json(status, &error);
        if let Some((name, value)) = header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        match error.code {
            ErrorCode::InvalidClient => {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Basic realm="token""#));
            }
            ErrorCode::TemporarilyUnavailable => {
                response.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
            }
            ErrorCode::TooManyRequests => {
                response.headers_mut().insert(RETRY_AFTER, retry_after.unwrap_or(1).into());
            }
            ErrorCode::InvalidToken => {
                let challenge = HeaderValue::from_static(r#"Bearer realm="register", error="invalid_token""#);
                response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
            }
            ErrorCode::MissingToken => {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer realm="register""#));
            }
            _ => {}
        }
        response.extensions_mut().insert(Logged { code: error.code, cause });
        response
    }
}

impl From<Unavailable> for Failure {
    fn from(error: Unavailable) -> Self {
        Self::unavailable(error)
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Unavailable(error) => error.into(),
            FindError::Damaged(..) => Self::broken(error),
        }
    }
}

impl From<WriteError> for Failure {
    /// For a write whose condition cannot fail.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unavailable(error) => error.into(),
            // Only the client's metadata can make an item too large for DynamoDB.
            WriteError::Item(error) => Self::refused(error),
            WriteError::Condition => Self::broken(error),
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::unavailable(error)
    }
}

impl From<SignError> for Failure {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Load(error) => error.into(),
            SignError::Unavailable(error) => error.into(),
            SignError::Malformed => Self::broken(error),
        }
    }
}

/// Converts an error of an invalid request into a [`Failure`].
pub trait OrRefuse<T> {
    /// The value, or the failure that tells the client what is wrong.
    ///
    /// # Errors
    /// [`Failure`].
    fn or_refuse(self) -> Result<T, Failure>;
}

impl<T, E: Display + Into<OAuthError>> OrRefuse<T> for Result<T, E> {
    fn or_refuse(self) -> Result<T, Failure> {
        self.map_err(Failure::refused)
    }
}
