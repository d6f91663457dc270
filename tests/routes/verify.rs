//! Resource servers: `crates/verify` and `examples/protected-api`, with tokens of the real functions.

mod answers;
pub(crate) mod api;
mod bound;
mod host;
mod keys;
mod many_keys;
mod revoked;
mod tokens;
