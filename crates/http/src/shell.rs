use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::{self, Next};
use lambda_http::request::RequestContext;
use lambda_http::{Context, RequestExt};
use tokenmint_oauth::error::{ErrorCode, OAuthError};

use crate::answer::{Failure, json};
use crate::panics::catch;
use crate::record::Record;

/// How long a request may take in all; then it is answered with 503 (T7). The functions' timeout in
/// `template.yaml` lies above it.
pub const REQUEST_BUDGET: Duration = Duration::from_secs(8);

/// Wraps the routes of a function: JSON for unknown paths and methods, the budget, panics, the log.
pub fn shell(routes: Router) -> Router {
    routes.fallback(not_found).method_not_allowed_fallback(method_not_allowed).layer(middleware::from_fn(observe))
}

/// The answer to a path that is not there.
async fn not_found() -> Response<Body> {
    json(StatusCode::NOT_FOUND, &OAuthError::new(ErrorCode::InvalidRequest, "there is no such endpoint"))
}

/// The answer to a method that the path does not have; axum adds `Allow`.
async fn method_not_allowed() -> Response<Body> {
    let error = OAuthError::new(ErrorCode::InvalidRequest, "the endpoint does not have this method");
    json(StatusCode::METHOD_NOT_ALLOWED, &error)
}

/// Runs a request within its budget and writes its one line of log.
async fn observe(request: Request, next: Next) -> Response<Body> {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    // The route, not the path or the query: a client may have put anything there.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = match tokio::time::timeout(REQUEST_BUDGET, catch(next.run(request))).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Record::default().answer(Err(Failure::broken(panic))),
        Err(_) => Record::default().answer(Err(Failure::unavailable("the request took longer than its budget"))),
    };
    let record = response.extensions_mut().remove::<Record>().unwrap_or_default();
    write(
        &id,
        &method,
        route.as_ref().map_or("(none)", MatchedPath::as_str),
        response.status(),
        &record,
        started.elapsed(),
    );
    response
}

/// Writes the line. A fault of ours is an error; one of the client is not.
fn write(id: &str, method: &Method, route: &str, status: StatusCode, record: &Record, elapsed: Duration) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request.id = id,
                http.method = method.as_str(),
                http.route = route,
                http.status = status.as_u16(),
                client.id = record.client_id.as_ref().map(tracing::field::display),
                outcome = record.error.map_or(if status.is_success() { "ok" } else { "refused" }, ErrorCode::as_str),
                cause = record.cause,
                duration_ms = milliseconds(elapsed),
                dynamodb_ms = milliseconds(record.dynamodb),
                kms_ms = milliseconds(record.kms),
                "request"
            )
        };
    }
    if status.is_server_error() { line!(error) } else { line!(info) }
}

/// Milliseconds with three decimals.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// The identifier under which API Gateway and Lambda know the request; a new one where neither is there.
fn request_id(request: &Request) -> String {
    if let Some(RequestContext::ApiGatewayV2(gateway)) = request.request_context_ref()
        && let Some(id) = &gateway.request_id
    {
        return id.clone();
    }
    match request.extensions().get::<Context>() {
        Some(context) => context.request_id.clone(),
        None => uuid::Uuid::new_v4().to_string(),
    }
}
