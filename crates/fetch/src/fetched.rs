//! What a URL returned.

use std::fmt;

use hyper::{HeaderMap, header};
use serde_json::Value;

use crate::FetchError;

/// A response with status 200. Its `Debug` does not show the body, which may say something of a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The body, of at most [`MAX_BYTES`](crate::MAX_BYTES).
    pub body: Vec<u8>,
    /// For how many seconds it may be cached (RFC 9111 §5.2.2): 0 for `no-store` and `no-cache`, `None` if it says
    /// nothing.
    pub max_age: Option<u32>,
}

impl Fetched {
    /// The body as JSON.
    ///
    /// # Errors
    /// [`FetchError::Json`].
    pub fn json(&self) -> Result<Value, FetchError> {
        serde_json::from_slice(&self.body).map_err(|_| FetchError::Json)
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched").field("max_age", &self.max_age).finish_non_exhaustive()
    }
}

/// The lifetime in a response's `Cache-Control` (RFC 9111 §5.2.2). One that cannot be read counts as 0 (§4.2.1).
pub(crate) fn max_age(headers: &HeaderMap) -> Option<u32> {
    let values = headers.get_all(header::CACHE_CONTROL).iter().map(|value| value.to_str().unwrap_or("no-store"));
    let lifetimes = values.flat_map(|value| value.split(',')).filter_map(|directive| {
        let directive = directive.trim().to_ascii_lowercase();
        let seconds = directive.strip_prefix("max-age=").map(|seconds| seconds.trim_matches('"').parse().unwrap_or(0));
        seconds.or_else(|| matches!(directive.as_str(), "no-store" | "no-cache").then_some(0))
    });
    lifetimes.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V7: the body of a response, such as the claims of a token, is not for the log.
    #[test]
    fn v7_debug_of_a_response() {
        let fetched = Fetched { body: b"claims".to_vec(), max_age: Some(1) };
        assert_eq!(format!("{fetched:?}"), "Fetched { max_age: Some(1), .. }");
    }
}
