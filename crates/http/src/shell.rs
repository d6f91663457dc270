use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use lambda_http::request::RequestContext;
use lambda_http::{Context, RequestExt};
use tokenmint_aws::CallTimes;
use tokenmint_oauth::error::{ErrorCode, OAuthError};

use crate::failure::Logged;
use crate::panics::catch;
use crate::{Failure, RequestLog, json};

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
async fn observe(mut request: Request, next: Next) -> Response<Body> {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    // The route, not the path or the query: a client may have put anything there.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let (log, times) = (RequestLog::default(), CallTimes::default());
    request.extensions_mut().insert(log.clone());
    let served = times.measure(catch(next.run(request)));
    let mut response = match tokio::time::timeout(REQUEST_BUDGET, served).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Failure::broken(panic).into_response(),
        Err(_) => Failure::unavailable("the request took longer than its budget").into_response(),
    };
    let line = Line {
        id: &id,
        method: &method,
        route: route.as_ref().map_or("(none)", MatchedPath::as_str),
        status: response.status(),
        failure: response.extensions_mut().remove::<Logged>(),
        log: &log,
        times: &times,
        elapsed: started.elapsed(),
    };
    line.write();
    response
}

/// The log line of a request.
struct Line<'a> {
    id: &'a str,
    method: &'a Method,
    route: &'a str,
    status: StatusCode,
    failure: Option<Logged>,
    log: &'a RequestLog,
    times: &'a CallTimes,
    elapsed: Duration,
}

impl Line<'_> {
    /// Writes the line. A fault of ours is an error; one of the client is not.
    fn write(&self) {
        let Self { status, failure, .. } = self;
        let outcome = if status.is_success() { "ok" } else { "refused" };
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request.id = self.id,
                    http.method = self.method.as_str(),
                    http.route = self.route,
                    http.status = status.as_u16(),
                    client.id = self.log.client().map(tracing::field::display),
                    outcome = failure.as_ref().map_or(outcome, |failure| failure.code.as_str()),
                    cause = failure.as_ref().map(|failure| failure.cause.as_str()),
                    duration_ms = milliseconds(self.elapsed),
                    dynamodb_ms = milliseconds(self.times.dynamodb()),
                    kms_ms = milliseconds(self.times.kms()),
                    "request"
                )
            };
        }
        if status.is_server_error() { line!(error) } else { line!(info) }
    }
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
