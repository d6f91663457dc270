//! HTTP code shared by both functions: reading bodies, responding, and one log line per request.
//!
//! A handler receives its request from axum, reads it with [`request`], and returns a response or a [`Failure`].
//! [`shell()`] wraps the routes of a function and writes the log line.

mod answer;
mod cacheable;
#[cfg(test)]
mod captured;
mod clock;
mod cors;
mod failure;
mod json;
pub mod lambda;
pub mod metrics;
mod panics;
pub mod request;
mod request_log;
mod routes;
mod shell;
pub mod telemetry;
mod text;
mod trace;

pub use answer::{json, no_content};
pub use cacheable::cacheable;
pub use clock::Clock;
pub use failure::{Failure, OrRefuse};
pub use panics::log_panics;
pub use request_log::RequestLog;
pub use routes::Routes;
pub use shell::{REQUEST_BUDGET, shell};

/// A random identifier, a version 4 UUID.
///
/// # Panics
/// As [`random`].
pub fn random_id() -> String {
    let mut bytes = [0; 16];
    random(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Fills the buffer with cryptographically secure random bytes.
///
/// # Panics
/// If the system cannot provide randomness: no secret could then be generated.
pub fn random(buffer: &mut [u8]) {
    aws_lc_rs::rand::fill(buffer).expect("the system gives randomness");
}
