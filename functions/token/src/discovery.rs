//! The JWK Set and the server metadata: RFC 7517 §5, RFC 8414 §3.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::http::{HeaderValue, Response, StatusCode};
use tokenmint_function::{Failure, json};

use crate::Token;

/// `GET /.well-known/jwks.json` (D2).
pub(crate) async fn jwks(State(state): State<Arc<Token>>) -> Result<Response<Body>, Failure> {
    let keys = state.signer.jwk_set(state.clock.now()).await?;
    Ok(cacheable(&state, json(StatusCode::OK, &keys)))
}

/// `GET /.well-known/oauth-authorization-server` and its alias (D1).
pub(crate) async fn metadata(State(state): State<Arc<Token>>) -> Response<Body> {
    cacheable(&state, json(StatusCode::OK, &state.metadata))
}

/// The response, which verifiers may cache for `JWKS_MAX_AGE`.
fn cacheable(state: &Token, mut response: Response<Body>) -> Response<Body> {
    let max_age = format!("public, max-age={}", state.config.jwks_max_age);
    let headers = response.headers_mut();
    headers.remove(PRAGMA);
    headers.insert(CACHE_CONTROL, HeaderValue::try_from(max_age).expect("digits and visible characters"));
    response
}
