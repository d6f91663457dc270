//! Issuers that cannot be reached.

use serde_json::json;
use tokenmint_tests::{Log, events};

use super::{GITHUB, REPO, StandIn, ask, client, expect_token_of, github_claims, world};
use crate::client_key::parameters;

/// F1, T7: an issuer that is down is 503, never 401, also for introspection and revocation.
#[tokio::test]
async fn f1_t7_an_issuer_that_is_down() {
    let github = StandIn::github().await;
    github.site.answer("HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n");
    let world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let log = Log::capture();
    let assertion = github.key.sign(&github_claims(&world, "1"));
    for more in ["", &format!("&client_id={client}")] {
        let answer = ask(&world, &assertion, more).await;
        answer.expect_error(503, "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());
        let line = log.requests().pop().expect("a line");
        assert_eq!(line["cause"], "the trusted issuer's keys: jwks_uri returned status 500");
    }
    for path in ["/introspect", "/revoke"] {
        let form = events::form(path, &format!("token=x{}", parameters(&assertion)));
        world.token(&form).await.expect_error(503, "temporarily_unavailable");
    }
    github.site.answer(crate::site::ok(&github.key.jwks()));
    world.pass(10);
    // Nothing was used up.
    expect_token_of(&client, &ask(&world, &assertion, "").await);
}

/// F1, T7: while an issuer is down, its keys are used for an hour.
#[tokio::test]
async fn f1_t7_keys_of_an_issuer_that_is_down() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let token = |jti: &str| github.key.sign(&github_claims(&world, jti));
    expect_token_of(&client, &ask(&world, &token("1"), "").await);
    github.site.answer("HTTP/1.1 503 x\r\ncontent-length: 0\r\n\r\n");
    world.pass(3599);
    expect_token_of(&client, &ask(&world, &token("2"), "").await);
    world.pass(1);
    ask(&world, &token("3"), "").await.expect_error(503, "temporarily_unavailable");
}
