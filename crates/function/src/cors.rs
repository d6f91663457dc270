//! The headers of the CORS protocol (Fetch standard §3.2). [`Sharing`] says who may read what.
//!
//! They are set on the finished response, whoever made it: a page must be able to read an error too. The methods of a
//! preflight's response are those of the path's routes, which the router puts into `Allow`.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW, ORIGIN, VARY,
};
use axum::http::{HeaderValue, Method, Response, StatusCode};
use tokenmint_oauth::cors::{Origins, Sharing};

/// How long browsers may keep the response to a preflight, in seconds: as long as Chromium does at most.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

const EVERYONE: HeaderValue = HeaderValue::from_static("*");

/// The headers that requests may have beside those that need no permission. For public documents any but
/// `Authorization`, which `*` leaves out.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static("Authorization, Content-Type, DPoP");

/// The headers that pages may read beside those that need no permission.
const RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static("DPoP-Nonce, WWW-Authenticate, Retry-After");
const PUBLIC_RESPONSE_HEADERS: HeaderValue = HeaderValue::from_static("ETag");

/// What the protocol needs to know of a request.
pub(crate) struct Asked {
    sharing: Sharing,
    origin: Option<HeaderValue>,
    is_preflight: bool,
}

impl Asked {
    pub(crate) fn by(request: &Request) -> Self {
        let headers = request.headers();
        let origin = headers.get(ORIGIN).cloned();
        let is_preflight = request.method() == Method::OPTIONS
            && origin.is_some()
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        Self { sharing: Sharing::of(request.uri().path()), origin, is_preflight }
    }

    /// The response with the headers of the protocol; to a permitted preflight, another response.
    pub(crate) fn answer(&self, origins: &Origins, mut response: Response<Body>) -> Response<Body> {
        let (allowed, request_headers, response_headers) = match self.sharing {
            Sharing::Everyone => (Some(EVERYONE), EVERYONE, PUBLIC_RESPONSE_HEADERS),
            Sharing::Named if !origins.is_empty() => {
                let allowed = self.origin.clone().filter(|origin| origins.contains(origin.as_bytes()));
                (allowed, REQUEST_HEADERS, RESPONSE_HEADERS)
            }
            Sharing::Named | Sharing::Nobody => return response,
        };
        if self.is_preflight
            && allowed.is_some()
            && response.status() == StatusCode::METHOD_NOT_ALLOWED
            && let Some(methods) = response.headers_mut().remove(ALLOW)
        {
            response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            let headers = response.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, request_headers);
            headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        } else if allowed.is_some() {
            response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, response_headers);
        }
        let headers = response.headers_mut();
        if self.sharing == Sharing::Named {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(allowed) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        }
        response
    }
}
