//! `GET /docs` and `GET /openapi.json`: a page that uses the server and shows its interface. Only `tokenmint serve` has
//! them; the functions do not.
//!
//! The page loads nothing from elsewhere, and its policy forbids it (Content Security Policy Level 3).

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Response};
use axum::routing::get;
use tokenmint_function::Routes;

/// A file of the page.
struct File {
    path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: [File; 8] = [
    File { path: "/docs", media_type: "text/html; charset=utf-8", text: include_str!("docs/page.html") },
    File { path: "/docs/page.css", media_type: "text/css; charset=utf-8", text: include_str!("docs/page.css") },
    File { path: "/docs/icon.svg", media_type: "image/svg+xml", text: include_str!("docs/icon.svg") },
    File { path: "/docs/dom.js", media_type: SCRIPT, text: include_str!("docs/dom.js") },
    File { path: "/docs/jwt.js", media_type: SCRIPT, text: include_str!("docs/jwt.js") },
    File { path: "/docs/reference.js", media_type: SCRIPT, text: include_str!("docs/reference.js") },
    File { path: "/docs/try.js", media_type: SCRIPT, text: include_str!("docs/try.js") },
    File { path: "/openapi.json", media_type: "application/json", text: include_str!("../../../docs/openapi.json") },
];

/// The page runs only its own scripts, talks only to this server, and stands in no frame. Its secrets are in no storage
/// and leave in no `Referer`.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // The program may be another one after the next start.
    (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
];

/// The routes of the page and of the document.
pub(crate) fn routes() -> Routes {
    FILES.iter().fold(Routes::default(), |routes, file| routes.route(file.path, get(async || file.answer())))
}

impl File {
    fn answer(&self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.text));
        response.headers_mut().extend(HEADERS);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        response
    }
}
