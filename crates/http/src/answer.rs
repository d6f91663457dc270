use std::fmt::Display;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;
use tokenmint_oauth::error::{ErrorCode, OAuthError};

/// How many seconds a client is asked to wait when something behind this server does not answer.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// An answer in JSON that no cache keeps (R14, RFC 6749 §5.1).
///
/// # Panics
/// If the value does not serialise, which no value of ours does.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let body = serde_json::to_vec(value).expect("answers always serialise");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The answer without a body that no cache keeps.
pub fn no_content() -> Response<Body> {
    let mut response = json(StatusCode::NO_CONTENT, &());
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

/// The answer to a failure, with the headers that its code asks for.
pub(crate) fn error(Failure { error, retry_after, header, .. }: &Failure) -> Response<Body> {
    let status = StatusCode::from_u16(error.code.status()).expect("the table holds valid statuses");
    let mut response = json(status, error);
    if let Some((name, value)) = header.as_deref() {
        response.headers_mut().insert(name, value.clone());
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
    response
}

/// A request that is not granted: what the client is told, and the cause for the log.
///
/// Not more than the log may hold: a cause never has a secret in it.
#[derive(Debug)]
pub struct Failure {
    pub(crate) error: OAuthError,
    pub(crate) cause: String,
    pub(crate) retry_after: Option<u64>,
    pub(crate) header: Option<Box<(HeaderName, HeaderValue)>>,
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
