//! Fetches clients' keys from their `jwks_uri`: RFC 7591 §2 and §5, RFC 7517 §5; and clients' metadata documents.
//!
//! Any client can register a `jwks_uri`, and this server opens it from inside its own network. So [`Fetcher`] allows
//! only https and public addresses: it checks every address that the name resolves to, and connects only to one of
//! them. It follows no redirects, uses no proxy, and limits the size and duration of a response. [`Cache`] limits
//! the frequency of fetches. The keys of issuers that the operator trusts are fetched by the same rules.
//!
//! Resource servers fetch documents of their own authorization server. That host is the operator's, so
//! [`Fetcher::of_operator`] also opens private addresses. [`Cached`] holds one such document.

mod admission;
mod cache;
mod cached;
mod fetched;
mod fetcher;
#[cfg(test)]
mod host;
mod keys;
mod public;

pub use admission::{NEW_AT_ONCE, NEW_PER_SECOND};
pub use cache::{Cache, MAX_AGE, MAX_ENTRIES, MAX_STALE_AGE, MAX_URLS};
pub use cached::{Cached, Found, MAX_LIFETIME, MAX_STALE, MIN_LIFETIME, NEWER_AFTER, RETRY_AFTER};
pub use fetched::Fetched;
pub use fetcher::{FetchError, Fetcher, MAX_BYTES, MAX_TIME};
pub use keys::KeyCache;
pub use public::is_public;
