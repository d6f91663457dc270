//! The API over plain HTTP, for a developer's machine. Here a client sees statuses and challenges as the RFCs have them;
//! there is no TLS, so tokens that are bound to a certificate are refused.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::routing::get;
use serde_json::{Value, json};

use crate::gate::{Caller, Denied, Gate};
use crate::items;

/// The gate, and the clock: a function that gives the time in seconds since 1970.
#[derive(Debug)]
pub struct Server<C> {
    gate: Arc<Gate>,
    clock: C,
}

/// The routes of the API behind a gate.
pub fn routes<C: Fn() -> u64 + Send + Sync + 'static>(gate: Arc<Gate>, clock: C) -> Router {
    Router::new()
        .route("/items", get(serve).post(serve))
        .route("/items/{id}", get(serve))
        .with_state(Arc::new(Server { gate, clock }))
}

async fn serve<C: Fn() -> u64 + Send + Sync>(
    State(server): State<Arc<Server<C>>>,
    path: MatchedPath,
    id: Option<Path<String>>,
    request: Request,
) -> Response<Body> {
    let route = match request.method() {
        // axum answers it as GET.
        &Method::HEAD => format!("GET {}", path.as_str()),
        method => format!("{method} {}", path.as_str()),
    };
    let caller = Caller {
        route: route.clone(),
        method: request.method().as_str(),
        origin: None,
        path: request.uri().path().into(),
        authorization: values(request.headers(), "authorization"),
        dpop: values(request.headers(), "dpop"),
        certificate: None,
    };
    match server.gate.decide(&caller, (server.clock)()).await {
        Ok(token) => {
            let id = id.map(|Path(id)| id).unwrap_or_default();
            let (status, body) = items::answer(&route, &id, &token.client_id);
            answer(status, &body, &[])
        }
        Err(denied) => refuse(&server.gate, &denied),
    }
}

/// The response for a request that is denied: RFC 6750 §3.
fn refuse(gate: &Gate, denied: &Denied) -> Response<Body> {
    let Denied::Refused(refusal) = denied else {
        return answer(403, &json!({"error": "access_denied", "error_description": denied.to_string()}), &[]);
    };
    let body = match refusal.code() {
        // The challenge of a request without a token has no error code, so the body has none either.
        None => json!({}),
        Some(code) => json!({"error": code, "error_description": refusal.to_string()}),
    };
    answer(refusal.status(), &body, &gate.challenges(refusal))
}

fn answer(status: u16, body: &Value, challenges: &[String]) -> Response<Body> {
    let mut response =
        Response::builder().status(status).header(CONTENT_TYPE, "application/json").header(CACHE_CONTROL, "no-store");
    for challenge in challenges {
        response = response.header(WWW_AUTHENTICATE, challenge);
    }
    response.body(body.to_string().into()).unwrap_or_else(|_| {
        let mut failed = Response::new(Body::empty());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    })
}

fn values<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
}
