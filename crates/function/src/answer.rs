use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

/// A JSON response that must not be cached (R14, RFC 6749 §5.1).
///
/// # Panics
/// If the value cannot be serialized, which none of this server's values can cause.
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

/// An empty response that must not be cached.
pub fn no_content() -> Response<Body> {
    let mut response = json(StatusCode::NO_CONTENT, &());
    *response.body_mut() = Body::empty();
    response.headers_mut().remove(CONTENT_TYPE);
    response
}
