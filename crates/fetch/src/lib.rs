//! Clients' keys, fetched from their `jwks_uri`: RFC 7591 §2 and §5, RFC 7517 §5.
//!
//! A `jwks_uri` is a URL that anybody can register, and this server opens it from inside its own network. So
//! [`Fetcher`] opens https only, and only addresses that are public: every address that the name resolves to is
//! checked, and the connection goes to one of those and nowhere else. It follows no redirect, uses no proxy,
//! and bounds what it reads and how long that takes. [`KeyCache`] bounds how often.

mod cache;
mod fetcher;
#[cfg(test)]
mod host;
mod public;

pub use cache::{KeyCache, MAX_AGE, MAX_ENTRIES, MAX_STALE_AGE, MAX_URLS, NEWER_AFTER, RETRY_AFTER};
pub use fetcher::{FetchError, Fetcher, MAX_BYTES, MAX_TIME};
pub use public::is_public;
