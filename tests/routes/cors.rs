//! Requests of pages of other origins: the CORS protocol of the Fetch standard, for every route.

use serde_json::{Value, json};
use tokenmint_tests::{Answer, World, events};

const APP: &str = "https://app.example";

/// Origins that are not configured where [`APP`] and `http://localhost:3000` are.
const OTHERS: [&str; 7] = [
    "https://evil.example",
    "null",
    "*",
    "https://app.example.evil.example",
    "http://app.example",
    "https://app.example:8443",
    "https://APP.example",
];

const PUBLIC: [&str; 3] =
    ["/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];

/// The other paths, with their methods.
const ENDPOINTS: [(&str, &str); 5] = [
    ("/register", "POST"),
    ("/register/0b7d2c5e-6f1a-4c3d-8e9f-a1b2c3d4e5f6", "GET,HEAD,PUT,DELETE"),
    ("/token", "POST"),
    ("/introspect", "POST"),
    ("/revoke", "POST"),
];

async fn send(world: &World, event: &Value) -> Answer {
    let path = event["rawPath"].as_str().expect("a path");
    if path.starts_with("/register") { world.register(event).await } else { world.token(event).await }
}

fn from(event: Value, origin: &str) -> Value {
    events::with_header(event, "origin", origin)
}

fn preflight(path: &str, origin: &str, method: &str) -> Value {
    let event = from(events::with_method(events::get(path), "OPTIONS"), origin);
    let event = events::with_header(event, "access-control-request-method", method);
    events::with_header(event, "access-control-request-headers", "authorization,content-type,dpop")
}

/// The names of the headers of the protocol.
fn of_cors(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(|name| name.as_str().to_owned());
    let mut names: Vec<_> = names.filter(|name| name.starts_with("access-control-") || name == "vary").collect();
    names.sort();
    names
}

/// D2: every page may read the key set and the metadata, whatever `CORS_ORIGINS` says.
#[tokio::test]
async fn d2_public_documents_are_open_to_every_origin() {
    let mut world = World::new().await;
    for setting in ["", APP] {
        world.set("CORS_ORIGINS", setting).await;
        for path in PUBLIC {
            for event in
                [events::get(path), from(events::get(path), "https://evil.example"), from(events::get(path), APP)]
            {
                let answer = send(&world, &event).await;
                assert_eq!(answer.status, 200);
                assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
                assert_eq!(answer.header("access-control-expose-headers"), Some("ETag"));
                assert_eq!(of_cors(&answer), ["access-control-allow-origin", "access-control-expose-headers"]);
            }
            let answer = send(&world, &preflight(path, "https://evil.example", "GET")).await;
            assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
            for (name, value) in [
                ("access-control-allow-origin", Some("*")),
                ("access-control-allow-methods", Some("GET,HEAD")),
                ("access-control-allow-headers", Some("*")),
                ("access-control-max-age", Some("7200")),
                ("access-control-allow-credentials", None),
                ("content-type", None),
                ("vary", None),
            ] {
                assert_eq!(answer.header(name), value, "{name}");
            }
            // OPTIONS by itself is a method that the path does not have.
            let answer = send(&world, &events::with_method(events::get(path), "OPTIONS")).await;
            answer.expect_error(405, "invalid_request");
            assert_eq!(answer.header("allow"), Some("GET,HEAD"));
        }
    }
}

/// D2: a strong entity tag of the body; who has it gets 304 with the same lifetime. It changes with the document.
#[tokio::test]
async fn d2_etag() {
    let mut world = World::new().await;
    for path in PUBLIC {
        let first = send(&world, &events::get(path)).await;
        let tag = first.header("etag").expect("a tag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() == 24, "{tag}");
        assert_eq!(send(&world, &events::get(path)).await.header("etag"), Some(&*tag));
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            for method in ["GET", "HEAD"] {
                let event = events::with_method(events::get(path), method);
                let answer = send(&world, &events::with_header(event, "if-none-match", known.clone())).await;
                assert_eq!((answer.status.as_u16(), answer.body.len()), (304, 0), "{known}");
                assert_eq!(answer.header("etag"), Some(&*tag));
                assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
                assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
                assert_eq!((answer.header("content-type"), answer.header("pragma")), (None, None));
            }
        }
        for unknown in ["\"other\"", "", "x", tag.trim_matches('"')] {
            let answer = send(&world, &events::with_header(events::get(path), "if-none-match", unknown)).await;
            assert_eq!((answer.status.as_u16(), &answer.body), (200, &first.body), "{unknown}");
        }
        world.set("SCOPES", &format!("client-scope {}", path.len())).await;
        let changed = send(&world, &events::get(path)).await.header("etag") != Some(&*tag);
        assert_eq!(changed, path != PUBLIC[0], "{path}");
    }
}

/// O5: without `CORS_ORIGINS`, no page of another origin can use an endpoint.
#[tokio::test]
async fn o5_no_origin_by_default() {
    let world = World::new().await;
    for (path, methods) in ENDPOINTS {
        for origin in [APP, "null", "*"] {
            let answer = send(&world, &preflight(path, origin, "POST")).await;
            answer.expect_error(405, "invalid_request");
            assert_eq!((answer.header("allow"), of_cors(&answer)), (Some(methods), vec![]), "{path}");
        }
    }
    let answer = world.token(&from(events::token("grant_type=client_credentials"), APP)).await;
    assert_eq!(of_cors(answer.expect_error(401, "invalid_client")), [""; 0]);
}

/// O5: the pages of the named origins can register, get a token and use it; those of others get nothing, and caches keep
/// the two apart.
#[tokio::test]
async fn o5_named_origins_may_use_the_endpoints() {
    let mut world = World::new().await;
    world.set("CORS_ORIGINS", &format!("{APP} http://localhost:3000")).await;
    world.set("AUTHORIZATION_ENDPOINT", "compat").await;
    for (path, methods) in ENDPOINTS {
        for origin in [APP, "http://localhost:3000"] {
            for method in ["POST", "PUT", "PATCH"] {
                let answer = send(&world, &preflight(path, origin, method)).await;
                assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0), "{path}");
                for (name, value) in [
                    ("access-control-allow-origin", Some(origin)),
                    ("access-control-allow-methods", Some(methods)),
                    ("access-control-allow-headers", Some("Authorization, Content-Type, DPoP")),
                    ("access-control-max-age", Some("7200")),
                    ("access-control-allow-credentials", None),
                    ("vary", Some("Origin")),
                ] {
                    assert_eq!(answer.header(name), value, "{path}: {name}");
                }
            }
        }
        for origin in OTHERS {
            let answer = send(&world, &preflight(path, origin, "POST")).await;
            assert_eq!(of_cors(answer.expect_error(405, "invalid_request")), ["vary"], "{path} {origin}");
        }
        // No preflight: neither without an origin nor without a method to ask for.
        for absent in ["origin", "access-control-request-method"] {
            let mut event = preflight(path, APP, "POST");
            event["headers"].as_object_mut().expect("headers").remove(absent);
            send(&world, &event).await.expect_error(405, "invalid_request");
        }
    }
    // As API Gateway sends them.
    assert_eq!(world.register(&events::load("register-preflight")).await.status, 204);
    assert_eq!(world.token(&events::load("token-preflight")).await.status, 204);
    // The whole exchange of a page.
    let answer = world.register(&from(events::register(&json!({})), APP)).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (201, Some(APP)));
    let client = answer.json();
    let text = |name: &str| client[name].as_str().expect("a text");
    let basic = events::basic(text("client_id"), text("client_secret"));
    let event = events::with_header(events::token("grant_type=client_credentials"), "authorization", basic);
    let answer = world.token(&from(event.clone(), APP)).await;
    assert_eq!(answer.status, 200);
    let shared = ["access-control-allow-origin", "access-control-expose-headers", "vary"];
    assert_eq!(of_cors(&answer), shared);
    assert_eq!(answer.header("access-control-expose-headers"), Some("DPoP-Nonce, WWW-Authenticate, Retry-After"));
    let token = format!("Bearer {}", text("registration_access_token"));
    let answer = world.register(&from(events::configure("GET", text("client_id"), Some(&token), None), APP)).await;
    assert_eq!((answer.status.as_u16(), of_cors(&answer)), (200, shared.map(str::to_owned).to_vec()));
    // The same requests from elsewhere are served, and no page can read the response.
    for origin in OTHERS {
        let answer = world.token(&from(event.clone(), origin)).await;
        assert_eq!((answer.status.as_u16(), of_cors(&answer)), (200, vec!["vary".to_owned()]), "{origin}");
    }
    assert_eq!(of_cors(&world.token(&event).await), ["vary"]);

    // The authorization endpoint is for browsers themselves (RFC 9700 §2.6).
    for event in [from(events::get("/authorize"), APP), preflight("/authorize", APP, "GET")] {
        let answer = world.token(&event).await;
        assert!([400, 405].contains(&answer.status.as_u16()), "{answer:?}");
        assert_eq!(of_cors(&answer), [""; 0]);
    }
}

/// T7, O5: a page can read every error, also one that no endpoint made.
#[tokio::test]
async fn t7_o5_a_page_can_read_errors() {
    let mut world = World::new().await;
    world.set("CORS_ORIGINS", APP).await;
    world.set("REGISTRATION", "protected").await;
    let no_method = events::with_method(events::token(""), "PATCH");
    let cases = [
        (events::token("grant_type=client_credentials"), 401, "invalid_client"),
        (events::token(""), 400, "invalid_request"),
        (no_method, 405, "invalid_request"),
        (events::get("/nowhere"), 404, "invalid_request"),
        (events::form("/introspect", "token=x"), 401, "invalid_client"),
        (events::form("/revoke", ""), 400, "invalid_request"),
        (events::configure("GET", "x", Some("Bearer x"), None), 401, "invalid_token"),
    ];
    for (event, status, code) in cases {
        let answer = send(&world, &from(event.clone(), APP)).await;
        answer.expect_error(status, code);
        assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), (Some(APP), Some("Origin")));
        assert!(answer.header("access-control-expose-headers").is_some_and(|names| names.contains("WWW-Authenticate")));
        let answer = send(&world, &from(event, "https://evil.example")).await;
        assert_eq!(of_cors(answer.expect_error(status, code)), ["vary"]);
    }
    let answer = world.register(&from(events::register(&json!({})), APP)).await;
    assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (401, Some(APP)));
    // DynamoDB is gone.
    let world = world.stop_aws().await;
    let event =
        events::with_header(events::token("grant_type=client_credentials"), "authorization", events::basic("x", "y"));
    let answer = world.token(&from(event, APP)).await;
    answer.expect_error(503, "temporarily_unavailable");
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("retry-after")), (Some(APP), Some("1")));
}
