use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::response::IntoResponse;
use lambda_http::request::RequestContext;
use lambda_http::{Context, RequestExt};
use tokenmint_aws::CallTimes;
use tokenmint_aws::config::Metrics;
use tokenmint_oauth::cors::Origins;
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tower::util::MapRequestLayer;

use crate::cors::Asked;
use crate::failure::Logged;
use crate::metrics::{Metadata, Result as Brought, Values};
use crate::panics::catch;
use crate::trace::Trace;
use crate::{Failure, RequestLog, Routes, json, random_id};

/// The time limit of a request, after which it is answered with 503 (T7). The functions' timeout in `template.yaml`
/// is longer.
pub const REQUEST_BUDGET: Duration = Duration::from_secs(8);

/// Wraps the routes of a function: JSON for unknown paths and methods, the time limit, panics, CORS, the log.
pub fn shell(routes: Routes) -> Router {
    let Routes { router: inner, origins, metrics, .. } = routes;
    let inner = inner.fallback(not_found).method_not_allowed_fallback(method_not_allowed);
    let inner = inner.layer(MapRequestLayer::new(note_route as fn(_) -> _));
    // axum adds `Allow` around the layers of a router. What reads that header stands around the whole router.
    Router::new()
        .fallback_service(inner)
        .layer(middleware::from_fn_with_state(Arc::new(Observer { origins, metrics }), observe))
}

/// What a request is observed with.
struct Observer {
    origins: Origins,
    metrics: Metrics,
}

/// Passes the matched route, not the path or query, which may contain any client input, to the log.
fn note_route(request: Request) -> Request {
    let extensions = request.extensions();
    if let (Some(route), Some(log)) = (extensions.get::<MatchedPath>(), extensions.get::<RequestLog>()) {
        log.route(route);
    }
    request
}

/// The response to an unknown path.
async fn not_found() -> Response<Body> {
    json(
        StatusCode::NOT_FOUND,
        &OAuthError::new(ErrorCode::InvalidRequest, "this path is not an endpoint; check the URL"),
    )
}

/// The response to a method that the path does not support; axum adds `Allow`.
async fn method_not_allowed() -> Response<Body> {
    let error = OAuthError::new(ErrorCode::InvalidRequest, "the endpoint does not support this method; see Allow");
    json(StatusCode::METHOD_NOT_ALLOWED, &error)
}

/// Runs a request within its time limit and writes its log line.
async fn observe(State(observer): State<Arc<Observer>>, mut request: Request, next: Next) -> Response<Body> {
    let started = Instant::now();
    let (id, trace) = (request_id(&request), Trace::of(&request));
    let method = request.method().clone();
    let asked = Asked::by(&request);
    let (log, times) = (RequestLog::default(), CallTimes::default());
    request.extensions_mut().insert(log.clone());
    let served = times.measure(catch(next.run(request)));
    let response = match tokio::time::timeout(REQUEST_BUDGET, served).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Failure::broken(panic).into_response(),
        Err(_) => Failure::unavailable("the request exceeded its time limit").into_response(),
    };
    let mut response = asked.answer(&observer.origins, response);
    let line = Line {
        id: &id,
        trace: &trace,
        method: &method,
        route: log.matched().map_or("(none)", MatchedPath::as_str),
        status: response.status(),
        failure: response.extensions_mut().remove::<Logged>(),
        log: &log,
        times: &times,
        elapsed: started.elapsed(),
        metrics: &observer.metrics,
    };
    line.write();
    response
}

/// The log line of a request. Its fields are listed in `docs/logs.md`, with which a test compares them.
struct Line<'a> {
    id: &'a str,
    trace: &'a Trace,
    method: &'a Method,
    route: &'a str,
    status: StatusCode,
    failure: Option<Logged>,
    log: &'a RequestLog,
    times: &'a CallTimes,
    elapsed: Duration,
    metrics: &'a Metrics,
}

impl Line<'_> {
    /// Writes the line. A server failure is logged as an error, a client error is not.
    fn write(&self) {
        let Self { status, failure, trace, .. } = self;
        let is_good = status.is_success() || *status == StatusCode::NOT_MODIFIED;
        let outcome = if is_good { "ok" } else { "refused" };
        let values = Values {
            duration: self.elapsed,
            dynamodb: self.times.dynamodb(),
            kms: self.times.kms(),
            kms_errors: self.times.kms_errors(),
            result: if is_good { Brought::of_success(self.method, self.route) } else { Brought::Failure },
        };
        let function = match self.metrics {
            Metrics::On(function) => Some(function.as_str()),
            Metrics::Off => None,
        };
        let counted = |what| function.and_then(|_| values.result.counted(what));
        let kms_errors = (values.kms_errors > 0).then_some(values.kms_errors);
        let metadata = function.map(|_| Metadata { at: SystemTime::now(), values });
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    request.id = self.id,
                    trace.id = trace.parent.as_ref().map(|parent| parent.trace_id.as_str()),
                    trace.parent_id = trace.parent.as_ref().map(|parent| parent.parent_id.as_str()),
                    xray.trace_id = trace.xray.as_deref(),
                    http.method = self.method.as_str(),
                    http.route = self.route,
                    http.status = status.as_u16(),
                    client.id = self.log.client().map(tracing::field::display),
                    outcome = failure.as_ref().map_or(outcome, |failure| failure.outcome()),
                    cause = failure.as_ref().map(|failure| failure.cause.as_str()),
                    duration_ms = milliseconds(values.duration),
                    dynamodb_ms = milliseconds(values.dynamodb),
                    kms_ms = milliseconds(values.kms),
                    kms_errors,
                    function,
                    registrations = counted(Brought::Registration),
                    tokens = counted(Brought::Token),
                    failures = counted(Brought::Failure),
                    _aws = metadata.map(tracing::field::display),
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

/// The request id of API Gateway or Lambda; a new one if neither is present.
fn request_id(request: &Request) -> String {
    if let Some(RequestContext::ApiGatewayV2(gateway)) = request.request_context_ref()
        && let Some(id) = &gateway.request_id
    {
        return id.clone();
    }
    match request.extensions().get::<Context>() {
        Some(context) => context.request_id.clone(),
        None => random_id(),
    }
}
