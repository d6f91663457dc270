//! Assertions that must authenticate nobody.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Log, World};

use super::{GITHUB, REPO, SERVER, StandIn, ask, client, expect_token_of, github_claims, refusal, with, world};
use crate::client_key::{ClientKey, unsigned};
use crate::site::ok;

/// Asserts that an assertion is refused like every failed authentication, with and without `client_id`.
async fn expect_refused(world: &World, client: &str, assertion: &str, why: &str) {
    let refusal = refusal(world).await;
    for more in ["", &format!("&client_id={client}")] {
        let answer = ask(world, assertion, more).await;
        let body = String::from_utf8_lossy(&answer.body);
        assert_eq!((answer.status.as_u16(), &answer.body), (401, &refusal), "{why} {more}: {body}");
    }
}

/// F1, F2, A4: every claim that is another one, and every other header, gets the answer to every failed authentication.
#[tokio::test]
async fn f1_f2_a4_hostile_claims() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({"max_lifetime": 600, "algorithms": ["RS256"]}))]).await;
    let own = json!([{"issuer": GITHUB, "sub": REPO, "claims": {"repository_id": "74"}}]);
    let client = client(&world, &own).await.0;
    let now = world.now();
    for (change, why) in [
        (json!({"iss": "https://token.actions.githubusercontent.co"}), "a prefix of a trusted issuer"),
        (json!({"iss": "https://token.actions.githubusercontent.com/"}), "a slash more"),
        (json!({"iss": "https://token.actions.githubusercontent.com.evil.example"}), "an issuer that begins like it"),
        (json!({"iss": "https://TOKEN.actions.githubusercontent.com"}), "case"),
        (json!({"iss": [GITHUB]}), "a list"),
        (json!({"iss": null}), "no issuer"),
        (json!({"iss": client}), "the client as its own issuer"),
        (json!({"iss": client, "sub": client}), "the client by itself, who has no keys"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/Main"}), "case"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/main "}), "a space"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/main\u{0}"}), "a zero"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/ma\u{ff49}n"}), "another i"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/mai\u{200b}n"}), "an invisible character"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/*"}), "a wildcard"),
        (json!({"sub": "repo:octo-org/octo-repo"}), "a prefix"),
        (json!({"sub": [REPO]}), "a list"),
        (json!({"sub": null}), "no subject"),
        (json!({"repository_id": "75"}), "another claim"),
        (json!({"repository_id": 74}), "another type"),
        (json!({"repository_id": ["74"]}), "a list"),
        (json!({"repository_id": null}), "no claim"),
        (json!({"aud": "https://other.example"}), "another audience"),
        (json!({"aud": format!("{SERVER}/")}), "a slash more"),
        (json!({"aud": format!("{SERVER}/token")}), "the token endpoint"),
        (json!({"aud": [SERVER, "https://other.example"]}), "another audience too"),
        (json!({"aud": []}), "nobody"),
        (json!({"aud": null}), "no audience"),
        (json!({"exp": now - 60}), "expired"),
        (json!({"exp": now + 601}), "too long"),
        (json!({"exp": null}), "no end"),
        (json!({"exp": "soon"}), "no time"),
        (json!({"iat": null, "exp": now + 661}), "too long from now on"),
        (json!({"iat": now + 61, "exp": now + 300}), "from the future"),
        (json!({"nbf": now + 61}), "not yet"),
        (json!({"jti": null}), "no jti"),
        (json!({"jti": ""}), "no jti"),
        (json!({"jti": 1}), "no jti"),
    ] {
        expect_refused(&world, &client, &github.key.sign(&with(github_claims(&world, "1"), &change)), why).await;
    }
    assert_eq!(github.site.asked(), 0, "no key could make any of these valid");
    let claims = github_claims(&world, "1");
    for (header, why) in [
        (json!({"alg": "RS256", "kid": "1", "typ": "at+jwt"}), "an access token"),
        (json!({"alg": "RS256", "kid": "1", "typ": "logout+jwt"}), "a logout token"),
        (json!({"alg": "RS256", "kid": "1", "typ": 1}), "no text"),
        (json!({"alg": "RS256", "kid": "1", "crit": ["x"], "x": 1}), "an extension"),
        (json!({"alg": "PS256", "kid": "1"}), "an algorithm that the issuer may not use"),
        (json!({"alg": "HS256", "kid": "1"}), "a symmetric algorithm"),
        (json!({"alg": "none"}), "no algorithm"),
    ] {
        expect_refused(&world, &client, &github.key.sign_with(&header, &claims), why).await;
    }
    expect_refused(&world, &client, &format!("{}.", unsigned(&json!({"alg": "none"}), &claims)), "unsigned").await;
    expect_token_of(&client, &ask(&world, &github.key.sign(&claims), "").await);
}

/// F1: a signature by a key that is not the issuer's, by the client's own key, and by that of another trusted issuer.
#[tokio::test]
async fn f1_a_forged_issuer() {
    const OTHER: &str = "https://issuer.example";
    let (github, other) = (StandIn::github().await, StandIn::start(OTHER, Algorithm::RS256).await);
    let world = world(&[github.entry(&json!({})), other.entry(&json!({}))]).await;
    let stranger = ClientKey::new(Algorithm::RS256);
    let own = ClientKey::new(Algorithm::RS256);
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks": own.jwks(),
        "federated_credentials": [{"issuer": GITHUB, "sub": REPO}],
    });
    let answer = super::register(&world, true, &metadata).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let client = answer.json()["client_id"].as_str().expect("an identifier").to_owned();
    let claims = github_claims(&world, "1");
    for (key, why) in [(&stranger, "a stranger"), (&own, "the client itself"), (&other.key, "another trusted issuer")] {
        expect_refused(&world, &client, &key.sign(&claims), why).await;
    }
    // Another trusted issuer may say what it wants of this subject: the client does not trust it.
    let same_sub = with(claims.clone(), &json!({"iss": OTHER}));
    expect_refused(&world, &client, &other.key.sign(&same_sub), "the same sub of another issuer").await;
    expect_token_of(&client, &ask(&world, &github.key.sign(&claims), "").await);
    // A client with keys of its own may use them too.
    let by_itself = crate::client_key::claims(&world, &client, "2");
    expect_token_of(&client, &ask(&world, &own.sign(&by_itself), "").await);
    // The issuer's key does not sign for the client itself.
    expect_refused(&world, &client, &github.key.sign(&with(by_itself, &json!({"jti": "3"}))), "the issuer's key").await;
}

/// F1: an issuer that changes its keys: the old key stops with the cache, and a new one works within a minute.
#[tokio::test]
async fn f1_a_swapped_key_set() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    expect_token_of(&client, &ask(&world, &github.key.sign(&github_claims(&world, "1")), "").await);
    let mut new = ClientKey::new(Algorithm::RS256);
    new.jwk["kid"] = "2".into();
    github.site.answer(ok(&new.jwks()));
    world.pass(60);
    expect_token_of(&client, &ask(&world, &new.sign(&github_claims(&world, "2")), "").await);
    expect_refused(&world, &client, &github.key.sign(&github_claims(&world, "3")), "the old key").await;
}

/// F1: an issuer that the operator has removed or disabled authenticates nobody from the next start on, although clients
/// still name it (CVE-2026-1486 of Keycloak).
#[tokio::test]
async fn f1_an_issuer_that_is_not_trusted_any_more() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    expect_token_of(&client, &ask(&world, &github.key.sign(&github_claims(&world, "1")), "").await);
    for (at, issuers) in [json!([]), json!([github.entry(&json!({"disabled": true}))])].into_iter().enumerate() {
        world.set("TRUSTED_ISSUERS", &issuers.to_string()).await;
        let asked = github.site.asked();
        let assertion = github.key.sign(&github_claims(&world, &format!("2{at}")));
        expect_refused(&world, &client, &assertion, &issuers.to_string()).await;
        assert_eq!(github.site.asked(), asked);
    }
    world.set("TRUSTED_ISSUERS", &json!([github.entry(&json!({"disabled": false}))]).to_string()).await;
    expect_token_of(&client, &ask(&world, &github.key.sign(&github_claims(&world, "3")), "").await);
}

/// F1: `once` means once, at the same moment too, and for each issuer by itself; `until-exp` means until then.
#[tokio::test]
async fn f1_reuse() {
    const OTHER: &str = "https://issuer.example";
    let (github, other) = (StandIn::github().await, StandIn::start(OTHER, Algorithm::ES256).await);
    let world = world(&[github.entry(&json!({})), other.entry(&json!({"reuse": "until-exp"}))]).await;
    let own = json!([{"issuer": GITHUB, "sub": REPO}, {"issuer": OTHER, "sub": REPO}]);
    let client = client(&world, &own).await.0;
    let once = github.key.sign(&github_claims(&world, "1"));
    let (first, second) = tokio::join!(ask(&world, &once, ""), ask(&world, &once, ""));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
    expect_refused(&world, &client, &once, "used").await;
    let claims = with(github_claims(&world, "1"), &json!({"iss": OTHER}));
    let again = other.key.sign(&claims);
    for _ in 0..3 {
        expect_token_of(&client, &ask(&world, &again, "").await);
    }
    assert_eq!(world.stored_tokens().await, 1);
    world.pass(360);
    expect_refused(&world, &client, &again, "expired").await;
}

/// F1, O3: the log has the reason, which the client is not told, and nothing of the assertion.
#[tokio::test]
async fn f1_o3_the_log_has_the_reason() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO, "claims": {"actor": "octocat"}}])).await.0;
    let log = Log::capture();
    for (change, cause) in [
        (json!({"aud": "x"}), "federated assertion: aud is not this server alone"),
        (
            json!({"actor": "mallory"}),
            "federated assertion: the claims are not those of the client's federated credential",
        ),
        (json!({"exp": world.now() - 60}), "federated assertion: expired"),
        (json!({"sub": "mallory"}), "federated assertion: no federated credential of the client has this iss and sub"),
    ] {
        let assertion = github.key.sign(&with(github_claims(&world, "1"), &change));
        ask(&world, &assertion, &format!("&client_id={client}")).await.expect_error(401, "invalid_client");
        let line = log.requests().pop().expect("a line");
        assert_eq!((&line["cause"], &line["client.id"]), (&json!(cause), &json!(client)));
        assert!(!log.text().contains("mallory") && !log.text().contains(&assertion));
    }
    let unknown: Value = with(github_claims(&world, "1"), &json!({"sub": "mallory"}));
    ask(&world, &github.key.sign(&unknown), "").await.expect_error(401, "invalid_client");
    let line = log.requests().pop().expect("a line");
    assert_eq!(line["cause"], "no client trusts the subject of the assertion");
}
