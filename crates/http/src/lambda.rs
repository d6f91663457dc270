//! What the `main` of both Lambda functions does before its first request.

use std::fmt::Display;

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
