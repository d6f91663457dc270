use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

/// A response of a function.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as sent.
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads the complete response.
    pub async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a complete body").to_bytes().to_vec();
        Self { status: head.status, headers: head.headers, body }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The single value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} is present twice");
        value.to_str().ok()
    }

    /// Asserts that the response is this error, in the common form of errors: JSON with a code and a description of
    /// the allowed characters (T6), and the headers of R14.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: &str) -> &Self {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["error"].as_str()), (status, Some(code)), "{body}");
        let description = body["error_description"].as_str().expect("a description");
        assert!(!description.is_empty() && description.len() <= 256, "{description}");
        assert!(description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E)), "{description}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{body}");
        self.expect_not_cacheable();
        let challenge = self.header("www-authenticate");
        assert_eq!(challenge.is_some(), status == 401, "{challenge:?}");
        if code == "invalid_client" {
            assert!(challenge.is_some_and(|challenge| challenge.starts_with("Basic realm=")), "{challenge:?}");
        }
        self
    }

    /// Asserts the headers of R14.
    #[track_caller]
    pub fn expect_not_cacheable(&self) {
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("pragma"), Some("no-cache"));
    }
}
