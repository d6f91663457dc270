//! Startup code shared by the `main` of both Lambda functions.

use std::fmt::{Display, Write};

use axum::Router;
use axum::http::header::HOST;
use base64::prelude::{BASE64_STANDARD, Engine};
use http_body_util::BodyExt;
pub use lambda_http::Error;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, LambdaEvent, Request, RequestExt, lambda_runtime};
use tokio::runtime;
use tower::{ServiceExt, service_fn};
use url::Url;

use crate::log_panics;
use crate::telemetry;

/// Starts the log in the format that CloudWatch reads, at the level configured for the function. Panics are also
/// logged.
fn init() {
    telemetry::init_json(std::env::var("AWS_LAMBDA_LOG_LEVEL").ok().as_deref());
    log_panics();
}

/// The result of the startup. If it failed, logs the cause and exits.
pub fn or_exit<T, E: Display>(started: Result<T, E>) -> T {
    started.unwrap_or_else(|error| {
        tracing::error!(cause = %error, "cannot start");
        std::process::exit(1)
    })
}

/// Runs a function: its startup, then API Gateway's events until Lambda ends it.
///
/// A Lambda instance gets one event at a time, and one thread serves it. On Lambda Managed Instances, which have several
/// virtual CPUs and set `AWS_LAMBDA_MAX_CONCURRENCY`, an instance gets that many at the same time, and each CPU has a
/// thread.
///
/// # Errors
/// The threads cannot be started, or any error of the runtime API.
pub fn main(startup: impl Future<Output = Router>) -> Result<(), Error> {
    init();
    let concurrency = std::env::var("AWS_LAMBDA_MAX_CONCURRENCY").ok().and_then(|value| value.parse::<u32>().ok());
    let mut runtime = match concurrency {
        Some(2..) => runtime::Builder::new_multi_thread(),
        _ => runtime::Builder::new_current_thread(),
    };
    runtime.enable_all().build()?.block_on(async {
        let routes = startup.await;
        // In a task: each time the future that the runtime blocks on is woken, the runtime also asks the system for events,
        // two to three times per invocation.
        tokio::spawn(lambda_runtime::run_concurrent(service_fn(move |event| answer(routes.clone(), event)))).await?
    })
}

/// Serves one event.
///
/// The response is made here, not by the adapter of `lambda_http`, which also decodes other charsets and serves other
/// event sources. All that this server sends is UTF-8 text or empty.
async fn answer(routes: Router, event: LambdaEvent<LambdaRequest>) -> Result<ApiGatewayV2httpResponse, Error> {
    let request = Request::from(sanitize_event(event.payload)).with_lambda_context(event.context);
    let (head, body) = routes.oneshot(request).await?.into_parts();
    let body = String::from_utf8(body.collect().await?.to_bytes().into())?;

    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = i64::from(head.status.as_u16());
    response.headers = head.headers;
    response.body = (!body.is_empty()).then_some(Body::Text(body));
    Ok(response)
}

/// Makes an event safe for `lambda_http`, which builds a URI from the host, path and query, decodes the body, and
/// panics if either fails. The sender controls all of these, so they may contain anything.
///
/// The host is replaced by that of the API, not taken from the header. Bytes that a URI cannot contain are
/// percent-encoded. A path or query longer than API Gateway accepts matches no endpoint. A body with invalid base64
/// is dropped, so that the endpoint refuses the request.
///
/// Events of other services (an Application Load Balancer, a REST or WebSocket API) do not reach this code: the
/// runtime refuses them, because `lambda_http` is compiled for HTTP APIs only.
pub fn sanitize_event(mut event: LambdaRequest) -> LambdaRequest {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event {
        request.headers.remove(HOST);
        request.headers.remove("x-forwarded-proto");
        request.request_context.domain_name.take_if(|domain| !is_host(domain));
        request.request_context.stage.take_if(|stage| !is_stage(stage));

        let raw = request.raw_path.take().unwrap_or_default();
        let rooted = if raw.starts_with('/') { raw } else { format!("/{raw}") };
        let path = percent_encoded(&rooted, b"");
        let query = request.raw_query_string.take().map(|query| percent_encoded(&query, b"?"));
        let too_long = path.len().max(query.as_ref().map_or(0, String::len)) > MAX_PATH_OR_QUERY_BYTES;
        request.raw_path = Some(if too_long { "/".to_owned() } else { path });
        request.raw_query_string = query.filter(|_| !too_long);

        if request.is_base64_encoded {
            request.body.take_if(|body| BASE64_STANDARD.decode(body).is_err());
        }
    }
    event
}

/// The maximum length of a URI's path, and of its query, in bytes. API Gateway accepts request lines of less than 10
/// KiB, and percent-encoding triples a byte. A URI of the `http` crate is limited to 64 KiB in total.
const MAX_PATH_OR_QUERY_BYTES: usize = 31 * 1024;

/// Whether this is a valid host name of API Gateway.
fn is_host(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    // A name whose last label begins with a letter is no IPv4 address. Without an internationalized label, which has a
    // prefix, nothing more can be wrong with it, and the parser need not run for each event.
    let is_plain = || {
        let last = text.rsplit('.').next().unwrap_or_default();
        last.starts_with(|first: char| first.is_ascii_alphabetic()) && !text.to_ascii_lowercase().contains("xn--")
    };
    text.len() <= 253 && text.bytes().all(is_allowed) && (is_plain() || Url::parse(&format!("https://{text}/")).is_ok())
}

/// Whether this is a valid stage name of an HTTP API.
fn is_stage(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text == "$default" || (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// The text, with every byte percent-encoded that is allowed neither in a path (RFC 3986 §3.3) nor by `more`.
fn percent_encoded(text: &str, more: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte) || more.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a string takes everything");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
    use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The request that `lambda_http` makes from an event.
    fn request(change: impl FnOnce(&mut ApiGatewayV2httpRequest)) -> Request {
        let mut event = ApiGatewayV2httpRequest::default();
        change(&mut event);
        Request::from(sanitize_event(LambdaRequest::ApiGatewayV2(event)))
    }

    fn uri(path: &str, query: &str) -> Uri {
        let make = |event: &mut ApiGatewayV2httpRequest| {
            event.raw_path = Some(path.to_owned());
            event.raw_query_string = Some(query.to_owned());
            event.request_context.domain_name = Some("as.example".to_owned());
        };
        request(make).uri().clone()
    }

    /// T7: paths and queries that are invalid in a URI.
    #[test]
    fn t7_paths_and_queries() {
        for (path, query, expected) in [
            ("/token", "", "https://as.example/token"),
            ("/token", "a=b?c&d=%20", "https://as.example/token?a=b?c&d=%20"),
            (":99999/x", "", "https://as.example/:99999/x"),
            ("@evil.example/token", "", "https://as.example/@evil.example/token"),
            ("//evil.example", "", "https://as.example//evil.example"),
            ("", "", "https://as.example/"),
            ("/a?b#c", "d#e", "https://as.example/a%3Fb%23c?d%23e"),
            ("/a\\b\0c", "\u{e9}\"", "https://as.example/a%5Cb%00c?%C3%A9%22"),
        ] {
            assert_eq!(uri(path, query), expected, "{path} {query}");
        }
        let longest = "x".repeat(10 * 1024 - 1);
        let encoded = "\u{1}".repeat(10 * 1024 - 1);
        for (path, query, is_kept) in [
            (&longest, &longest, true),
            (&encoded, &encoded, true),
            (&"x".repeat(100_000), &String::new(), false),
            (&String::new(), &"x".repeat(100_000), false),
        ] {
            let uri = uri(&format!("/{path}"), query);
            assert_eq!((uri.path() != "/", uri.query().is_some()), (is_kept, is_kept));
        }
    }

    /// T7: a body with invalid base64 is dropped.
    #[test]
    fn t7_body_that_is_not_base64() {
        let body = |text: Option<&str>| {
            let make = |event: &mut ApiGatewayV2httpRequest| {
                event.body = text.map(str::to_owned);
                event.is_base64_encoded = true;
            };
            request(make).into_body()
        };
        assert_eq!(body(Some("YQ==")), Body::Binary(b"a".to_vec()));
        assert_eq!(body(Some("%")), Body::Empty);
        assert_eq!(body(Some("YQ=")), Body::Empty);
        assert_eq!(body(None), Body::Empty);
    }

    /// T7: events of other services are refused before they become a request.
    #[test]
    fn t7_events_of_other_services() {
        for event in [
            json!({"httpMethod": "POST", "path": ":1", "headers": {}, "requestContext": {"elb": {"targetGroupArn": "x"}}}),
            json!({"resource": "/", "httpMethod": "POST", "path": ":1", "headers": {}, "requestContext": {"stage": "x"}}),
            json!({"headers": {}, "requestContext": {"connectionId": "x", "eventType": "CONNECT", "routeKey": "x"}}),
            json!({"Records": []}),
        ] {
            assert!(serde_json::from_value::<LambdaRequest>(event.clone()).is_err(), "{event}");
        }
    }

    proptest! {
        /// Any text in any text member of an event: it becomes a request with a path.
        #[test]
        fn any_event(
            path in any::<Option<String>>(),
            query in any::<Option<String>>(),
            (domain, stage) in any::<(Option<String>, Option<String>)>(),
            (body, is_base64) in any::<(Option<String>, bool)>(),
            cookies in any::<Option<Vec<String>>>(),
            headers in prop::collection::vec(("host|x-forwarded-(proto|host|for)|cookie|[a-z-]{1,9}", any::<Vec<u8>>()), 0..5),
        ) {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                if let Ok(value) = HeaderValue::from_bytes(value) {
                    map.append(HeaderName::try_from(name.as_str()).expect("a name"), value);
                }
            }
            let request = request(|event| {
                event.raw_path = path;
                event.raw_query_string = query;
                event.request_context.domain_name = domain;
                event.request_context.stage = stage;
                event.body = body;
                event.is_base64_encoded = is_base64;
                event.cookies = cookies;
                event.headers = map;
            });
            prop_assert!(request.uri().path().starts_with('/'));
        }

        /// A host name is one that a URL can have.
        #[test]
        fn any_host(text in "[a-z0-9]{0,3}[-._a-zA-Z0-9]{0,20}|([xX][nN]--)?[a-z0-9.-]{0,9}") {
            let parsed = Url::parse(&format!("https://{text}/"));
            prop_assert_eq!(is_host(&text), parsed.is_ok(), "{}", text);
        }

        /// The same for any text that resembles parts of a URI.
        #[test]
        fn any_uri(
            path in "[:/@?#\\\\\\[\\]%.0-9a-z\\PC]{0,30}",
            query in "[:/@?#%&=\\PC]{0,30}",
            domain in "(xn--)?[:/@?#%.0-9a-z_-]{0,20}",
            stage in "\\$default|[:/@?#%.0-9a-z_-]{0,20}",
            proto in "[a-z:/]{0,9}",
        ) {
            let request = request(|event| {
                event.raw_path = Some(path);
                event.raw_query_string = Some(query);
                event.request_context.domain_name = Some(domain.clone());
                event.request_context.stage = Some(stage);
                let values = [("host", domain), ("x-forwarded-proto", proto)];
                event.headers = values
                    .into_iter()
                    .filter_map(|(name, value)| Some((HeaderName::from_static(name), value.parse().ok()?)))
                    .collect();
            });
            prop_assert!(request.uri().path().starts_with('/'));
        }
    }
}
