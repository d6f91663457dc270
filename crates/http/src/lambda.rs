//! What the `main` of both Lambda functions does.

use std::fmt::{Display, Write};

use axum::Router;
use axum::http::header::HOST;
pub use lambda_http::Error;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, LambdaEvent, lambda_runtime};
use tower::util::MapRequest;

use crate::telemetry::{self, Format};

/// Starts the log in the form that CloudWatch reads, on the level that the function is configured for.
pub fn init() {
    telemetry::init(Format::Json, std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
}

/// What a start makes; if it cannot, the log says why and the function ends.
pub fn or_exit<T, E: Display>(started: Result<T, E>) -> T {
    started.unwrap_or_else(|error| {
        tracing::error!(cause = %error, "cannot start");
        std::process::exit(1)
    })
}

/// Serves API Gateway's events until Lambda ends the function.
///
/// # Errors
/// Whatever the runtime API answers that it should not.
pub async fn run(router: Router) -> Result<(), Error> {
    let harmless = |event: LambdaEvent<LambdaRequest>| LambdaEvent { payload: harmless(event.payload), ..event };
    lambda_runtime::run(MapRequest::new(Adapter::from(router), harmless)).await
}

/// An event that `lambda_http` can make a request of. It builds a URL from the host, the path and the
/// query, and panics where they do not make one; but a query is what a client sent, and may hold any
/// character. Those that a URI cannot hold are percent-encoded; the host is the API's own, not the header's.
pub fn harmless(mut event: LambdaRequest) -> LambdaRequest {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event {
        request.headers.remove(HOST);
        request.headers.remove("x-forwarded-proto");
        if let Some(query) = &mut request.raw_query_string {
            *query = uri_characters(query);
        }
    }
    event
}

/// The text with every byte percent-encoded that RFC 3986 §3.4 does not allow in a query.
fn uri_characters(query: &str) -> String {
    let mut encoded = String::with_capacity(query.len());
    for byte in query.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes everything");
        }
    }
    encoded
}
