//! Reading a request: its media type, body, credentials and origin.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use lambda_http::request::RequestContext;
use tokenmint_oauth::error::{ErrorCode, OAuthError};

/// How much of an oversized body is read, in bytes, so that the sender receives the response: the maximum that API
/// Gateway accepts.
const DRAIN_BYTES: usize = 10 * 1024 * 1024;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body exceeds the endpoint's limit.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The connection ended before the body was complete.
    #[error("the body is incomplete")]
    Incomplete,
    /// The body has a media type other than this one.
    #[error("the body must be {0}")]
    MediaType(&'static str),
}

impl BodyError {
    /// The error with the code that the endpoint's RFC has for malformed requests.
    pub fn with_code(self, code: ErrorCode) -> OAuthError {
        OAuthError::new(code, self.to_string())
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// [`BodyError::TooLarge`] and [`BodyError::Incomplete`].
pub async fn body(mut body: Body, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Incomplete)?.into_data() else { continue };
        seen += data.len();
        if seen <= limit {
            bytes.extend_from_slice(&data);
        } else if seen > DRAIN_BYTES {
            break;
        }
    }
    if seen > limit { Err(BodyError::TooLarge(limit)) } else { Ok(bytes) }
}

/// Checks that the body's media type is `expected`; parameters are ignored.
///
/// # Errors
/// [`BodyError::MediaType`] if the media type differs, is absent, or is given twice.
pub fn media_type(headers: &HeaderMap, expected: &'static str) -> Result<(), BodyError> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            essence.trim_ascii().eq_ignore_ascii_case(expected.as_bytes())
        }
        _ => false,
    }
    .then_some(())
    .ok_or(BodyError::MediaType(expected))
}

/// The values of all `Authorization` headers.
pub fn authorization(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all(header::AUTHORIZATION).iter().map(axum::http::HeaderValue::as_bytes).collect()
}

/// The client certificate in PEM, if the request came through `host`, the mutual TLS domain. It is read from API
/// Gateway's request context, never from a header, which any client can set. A certificate at another domain of the
/// same API is ignored, because that domain may have another trust store. Domain names are compared
/// case-insensitively (RFC 4343).
pub fn client_certificate<'r>(head: &'r Parts, host: Option<&str>) -> Option<&'r str> {
    match head.extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => {
            let (domain, host) = (context.domain_name.as_deref()?, host?);
            if !domain.eq_ignore_ascii_case(host) {
                return None;
            }
            context.authentication.as_ref()?.client_cert.as_ref()?.client_cert_pem.as_deref()
        }
        _ => None,
    }
}

/// The source address of a request: from API Gateway's request context or, on a developer's machine, from the
/// connection; never from a header, which any client can set. If neither is known, all requests count as from one
/// address.
pub fn source_address(head: &Parts) -> IpAddr {
    let gateway = head.extensions.get::<RequestContext>().and_then(|context| match context {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    });
    let connection = || head.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    gateway.or_else(connection).unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}
