//! A resource server to copy: a tiny API that takes the access tokens of Tokenmint.
//!
//! | file | what |
//! |---|---|
//! | `settings.rs` | the environment |
//! | `gate.rs` | the decision: which scope a route needs, and whether the request has it |
//! | `authorizer.rs` | the Lambda authorizer: events and answers of HTTP APIs and REST APIs |
//! | `items.rs` | the API |
//! | `http.rs` | the same API with the same decision over plain HTTP, for a developer's machine |
//!
//! `src/bin/authorizer.rs` and `src/bin/items.rs` are the Lambda functions, `src/main.rs` is the local server.

pub mod authorizer;
mod gate;
pub mod http;
pub mod items;
mod settings;

pub use gate::{Caller, Denied, Gate};
pub use settings::SettingsError;

/// The time in seconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
