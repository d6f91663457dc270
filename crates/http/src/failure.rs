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

/// How many seconds a client is asked to wait when something behind this server does not answer.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// A request that is not granted: what the client is told, and the cause for the log.
///
/// Not more than the log may hold: a cause never has a secret in it.
#[derive(Debug)]
pub struct Failure {
    error: OAuthError,
    cause: String,
    retry_after: Option<u64>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Failure {
    /// The request is at fault; the error says all that is to say.
    pub fn refused<E: Display + Into<OAuthError>>(error: E) -> Self {
        let cause = error.to_string();
        Self { error: error.into(), cause, retry_after: None, header: None }
    }

    /// The failure with a header in its answer.
    #[must_use]
    pub fn with_header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }

    /// Too many requests (RFC 6585 §4); the client may try again after so many seconds.
    pub fn throttled(cause: impl Display, retry_after: u64) -> Self {
        let error = OAuthError::new(ErrorCode::TooManyRequests, "too many requests; try again later");
        Self { error, cause: cause.to_string(), retry_after: Some(retry_after), header: None }
    }

    /// Two requests changed the same thing at once, and this one came second.
    pub fn conflict(cause: impl Display) -> Self {
        let error = OAuthError::new(ErrorCode::Conflict, "another request changed the client; read it and try again");
        Self { error, cause: cause.to_string(), retry_after: None, header: None }
    }

    /// Something behind this server does not answer (T7); the client may try again.
    pub fn unavailable(cause: impl Display) -> Self {
        let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, "try again later");
        Self { error, cause: cause.to_string(), retry_after: None, header: None }
    }

    /// Something in or behind this server is broken (T7).
    pub fn broken(cause: impl Display) -> Self {
        let error = OAuthError::new(ErrorCode::ServerError, "the request could not be served");
        Self { error, cause: cause.to_string(), retry_after: None, header: None }
    }
}

/// What the log says of a failure; attached to the response for the shell.
#[derive(Clone, Debug)]
pub(crate) struct Logged {
    pub(crate) code: ErrorCode,
    pub(crate) cause: String,
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
    /// For a write whose condition always holds.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unavailable(error) => error.into(),
            // All of an item that could be too much for DynamoDB is the client's metadata.
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

/// Makes a [`Failure`] of the error that a request is at fault for.
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
