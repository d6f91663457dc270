//! `GET` and `POST /authorize`: RFC 6749 §3.1, where `AUTHORIZATION_ENDPOINT` is `compat`.
//!
//! No response type is supported. RFC 6749 §4.1.2.1 sends that error to the client's redirect URI, unless the client or
//! the URI is invalid: then the user is told, and not redirected. Here no redirect URI can be valid, since no client has
//! a grant that uses one; so every request gets the same page, whatever it says.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, PRAGMA, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use tokenmint_function::request;

const PAGE: &str = include_str!("authorize.html");

/// It loads nothing, submits nothing and stands in no frame (RFC 6749 §10.13).
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // The URL of the request may hold what is another server's secret.
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (PRAGMA, HeaderValue::from_static("no-cache")),
];

/// Refuses the request with a page. Nothing of the request is read, so nothing of it can be in the page.
pub(crate) async fn authorize(request: Request) -> Response<Body> {
    // The body is received, so that the sender gets the response.
    let _ = request::body(request.into_body(), 0).await;
    let mut response = Response::new(Body::from(PAGE));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().extend(HEADERS);
    response
}
