//! What verifiers and clients need to know: RFC 7517 §5, RFC 8414 §3.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, Response, StatusCode};
use tokenmint_http::{Failure, Record, json};

use crate::Token;

/// For how long verifiers may keep what they read here: one hour.
const CACHEABLE: HeaderValue = HeaderValue::from_static("public, max-age=3600");

/// `GET /.well-known/jwks.json` (D2).
pub(crate) async fn jwks(State(state): State<Arc<Token>>) -> Response<Body> {
    let mut record = Record::default();
    let keys = record.kms(state.signer.keys()).await;
    record.answer(keys.map(|keys| cacheable(json(StatusCode::OK, &keys.jwk_set()))).map_err(Failure::unavailable))
}

/// `GET /.well-known/oauth-authorization-server` and its other name (D1).
pub(crate) async fn metadata(State(state): State<Arc<Token>>) -> Response<Body> {
    Record::default().answer(Ok(cacheable(json(StatusCode::OK, &state.metadata))))
}

fn cacheable(mut response: Response<Body>) -> Response<Body> {
    response.headers_mut().remove("pragma");
    response.headers_mut().insert(CACHE_CONTROL, CACHEABLE);
    response
}
