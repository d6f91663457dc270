//! `GET` and `POST /authorize`: RFC 6749 §3.1 and §4.1.2.1.

use serde_json::{Value, json};
use tokenmint_tests::{World, events};

/// Authorization requests as clients and attackers send them; none of this is in the page.
const QUERIES: [&str; 5] = [
    "",
    "response_type=code&client_id=x&redirect_uri=https%3A%2F%2Fevil.example%2Fcb&state=s&code_challenge=c",
    "response_type=token&redirect_uri=javascript:alert(1)",
    "response_type=code&state=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    "error=evil.example&response_mode=form_post",
];

fn request(method: &str, query: &str) -> Value {
    let mut event = events::with_query(events::with_method(events::get("/authorize"), method), query);
    if method == "POST" {
        event = events::with_header(event, "content-type", "application/x-www-form-urlencoded");
        event["body"] = query.into();
        event["isBase64Encoded"] = false.into();
    }
    event
}

/// D1: `compat` puts our own endpoint into the metadata. It refuses every request with one static page and never
/// redirects: no redirect URI is one to trust. The list of response types stays empty.
#[tokio::test]
async fn d1_the_authorization_endpoint_refuses_with_a_page() {
    let mut world = World::new().await;
    world.set("AUTHORIZATION_ENDPOINT", "compat").await;
    // A registered redirect URI is none to trust either.
    let redirect = "https://evil.example/cb";
    let client = world.client(json!({"redirect_uris": [redirect], "response_types": ["code"]})).await;
    let registered = format!("response_type=code&client_id={}&redirect_uri={redirect}", client.id);
    let page = world.token(&request("GET", "")).await.body;
    let text = String::from_utf8(page.clone()).expect("UTF-8");
    assert!(text.starts_with("<!DOCTYPE html>") && text.contains("<h1>unsupported_response_type</h1>"), "{text}");
    for loads in
        ["<script", "<link", "<style", "style=", "<img", "<form", "<iframe", "href=", "src=", "http:", "https:"]
    {
        assert!(!text.contains(loads), "{loads}");
    }
    for method in ["GET", "POST"] {
        for query in QUERIES.into_iter().chain([registered.as_str()]) {
            let answer = world.token(&request(method, query)).await;
            assert_eq!(answer.status, 400, "{method} {query}");
            assert_eq!(answer.body, page, "{method} {query}");
            for (name, value) in [
                ("location", None),
                ("refresh", None),
                ("set-cookie", None),
                ("access-control-allow-origin", None),
                ("content-type", Some("text/html; charset=utf-8")),
                ("cache-control", Some("no-store")),
                ("x-content-type-options", Some("nosniff")),
                ("referrer-policy", Some("no-referrer")),
            ] {
                assert_eq!(answer.header(name), value, "{method} {query}: {name}");
            }
            let policy = answer.header("content-security-policy").expect("a policy");
            assert!(policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"), "{policy}");
        }
    }
    assert_eq!(world.token(&events::load("token-authorize")).await.body, page);
    let answer = world.token(&request("PUT", "")).await;
    answer.expect_error(405, "invalid_request");
    assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));

    let metadata = world.token(&events::load("token-metadata")).await.json();
    assert_eq!(metadata["authorization_endpoint"], "https://as.example/authorize");
    assert_eq!(metadata["response_types_supported"], json!([]));
    assert_eq!(metadata["grant_types_supported"], json!(["client_credentials"]));
}

/// D1: the metadata names no authorization endpoint unless it is configured, and ours exists only where it is named.
#[tokio::test]
async fn d1_no_authorization_endpoint_by_default() {
    let mut world = World::new().await;
    for (setting, named) in
        [("", None), ("https://login.example/oauth2/authorize", Some("https://login.example/oauth2/authorize"))]
    {
        world.set("AUTHORIZATION_ENDPOINT", setting).await;
        let metadata = world.token(&events::load("token-metadata")).await.json();
        assert_eq!(metadata.get("authorization_endpoint"), named.map(|url| json!(url)).as_ref());
        assert_eq!(metadata["response_types_supported"], json!([]));
        for method in ["GET", "POST"] {
            world.token(&request(method, "response_type=code")).await.expect_error(404, "invalid_request");
        }
    }
}
