//! What both functions share of HTTP: reading bodies, answering, and one log line per request.
//!
//! An endpoint gets its request from axum, reads it with [`request`], keeps what the log shall know in a
//! [`Record`], and answers through it. [`shell()`] wraps the routes of a function.

mod answer;
mod clock;
pub mod lambda;
mod panics;
mod record;
pub mod request;
mod shell;
pub mod telemetry;

pub use answer::{Failure, json, no_content};
pub use clock::Clock;
pub use panics::log_panics;
pub use record::Record;
pub use shell::{REQUEST_BUDGET, shell};

/// Fills the buffer with random bytes of cryptographic quality.
///
/// # Panics
/// If the system has no randomness to give: nothing this server makes would be secret.
pub fn random(buffer: &mut [u8]) {
    aws_lc_rs::rand::fill(buffer).expect("the system gives randomness");
}
