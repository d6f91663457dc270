//! The JWT bearer grant (RFC 7523 §2.1), F5: the assertion alone gets what its client gets.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_aws::clients::Author;
use tokenmint_oauth::client::ClientId;
use tokenmint_tests::{Answer, Credentials, Log, World, events};

use super::{GITHUB, REPO, SERVER, StandIn, client, expect_token_of, github_claims, register, with};
use crate::client_key::{self, ClientKey, parameters};
use crate::site::ok;
use crate::token_policy;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A world that trusts these issuers and runs the grant.
async fn world(issuers: &[Value]) -> World {
    let mut world = super::world(issuers).await;
    world.set("JWT_BEARER_GRANT", "on").await;
    world
}

/// The form of a request with an assertion and these further parameters.
fn form(assertion: &str, more: &str) -> String {
    format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={assertion}{more}")
}

async fn present(world: &World, assertion: &str, more: &str) -> Answer {
    world.token(&events::token(&form(assertion, more))).await
}

/// The claims of the token in a response.
fn claims_of(answer: &Answer) -> Value {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    let token = body["access_token"].as_str().expect("a token").split('.').nth(1).expect("claims");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token).expect("base64");
    serde_json::from_slice(&claims).expect("JSON")
}

/// Asserts the one response to every assertion that is invalid.
async fn expect_refused(world: &World, client: &str, assertion: &str, why: &str) {
    for more in ["", &format!("&client_id={client}")] {
        let answer = present(world, assertion, more).await;
        let body = String::from_utf8_lossy(&answer.body);
        let expected = r#"{"error":"invalid_grant","error_description":"the assertion is invalid"}"#;
        assert_eq!((answer.status.as_u16(), body.as_ref()), (400, expected), "{why} {more}");
    }
}

/// F5, D1: by default there is no such grant, and the metadata does not list it.
#[tokio::test]
async fn f5_d1_off_by_default() {
    let github = StandIn::github().await;
    let mut world = super::world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let assertion = github.key.sign(&github_claims(&world, "1"));
    let listed = |metadata: &Answer| metadata.json()["grant_types_supported"].clone();
    let metadata = events::get("/.well-known/oauth-authorization-server");
    present(&world, &assertion, "").await.expect_error(400, "unsupported_grant_type");
    assert_eq!(listed(&world.token(&metadata).await), json!(["client_credentials"]));
    world.set("JWT_BEARER_GRANT", "on").await;
    assert_eq!(listed(&world.token(&metadata).await), json!(["client_credentials", GRANT]));
    expect_token_of(&client, &present(&world, &assertion, "").await);
}

/// F5: the token is that of the client's own grant, for the scope and the resource that are asked for.
#[tokio::test]
async fn f5_the_token_of_the_client() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({"reuse": "until-exp"}))]).await;
    world.set("RESOURCES", r#"{"https://billing.example/":"read"}"#).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let assertion = github.key.sign(&github_claims(&world, "1"));
    let own = claims_of(&super::ask(&world, &assertion, "").await);
    for more in ["", &format!("&client_id={client}"), "&scope=read"] {
        let answer = present(&world, &assertion, more).await;
        expect_token_of(&client, &answer);
        assert_eq!(answer.json()["token_type"], "Bearer");
        let without = |claims: &Value| with(claims.clone(), &json!({"jti": null, "exp": null}));
        assert_eq!(without(&claims_of(&answer)), without(&own));
    }
    let answer = present(&world, &assertion, "&resource=https%3A%2F%2Fbilling.example").await;
    assert_eq!(claims_of(&answer)["aud"], "https://billing.example/");
    present(&world, &assertion, "&resource=https%3A%2F%2Fother.example").await.expect_error(400, "invalid_target");
    present(&world, &assertion, "&scope=write").await.expect_error(400, "invalid_scope");
    present(&world, &assertion, "&scope=%22").await.expect_error(400, "invalid_scope");
}

/// F5, RFC 7521 §4.1: the token expires when the assertion does, the allowed difference between clocks included, or after
/// `ACCESS_TOKEN_TTL` if that is sooner.
#[tokio::test]
async fn f5_the_token_does_not_outlive_the_assertion() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({"reuse": "until-exp"}))]).await;
    client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await;
    let (assertion, now) = (github.key.sign(&github_claims(&world, "1")), world.now());
    let lifetime = |answer: &Answer| {
        let claims = claims_of(answer);
        let [exp, iat] = ["exp", "iat"].map(|name| claims[name].as_u64().expect("a time"));
        assert_eq!(answer.json()["expires_in"].as_u64(), Some(exp - iat));
        exp
    };
    assert_eq!(lifetime(&present(&world, &assertion, "").await), now + 300 + 60);
    world.pass(200);
    assert_eq!(lifetime(&present(&world, &assertion, "").await), now + 360);
    world.pass(159);
    assert_eq!(lifetime(&present(&world, &assertion, "").await), now + 360);
    // As a client's credentials the same assertion gets a token of the usual lifetime.
    assert_eq!(lifetime(&super::ask(&world, &assertion, "").await), now + 359 + 18_000);
    world.pass(1);
    present(&world, &assertion, "").await.expect_error(400, "invalid_grant");
    world.set("ACCESS_TOKEN_TTL", "90").await;
    let assertion = github.key.sign(&github_claims(&world, "1"));
    assert_eq!(lifetime(&present(&world, &assertion, "").await), world.now() + 90);
}

/// F5: a JWT-SVID needs no other parameter, whatever its `iss` says, unless that is a trusted issuer itself.
#[tokio::test]
async fn f5_a_jwt_svid() {
    const DOMAIN: &str = "spiffe://prod.example.com";
    const ID: &str = "spiffe://prod.example.com/ns/prod/sa/billing";
    let (mut key, github) = (ClientKey::new(Algorithm::ES256), StandIn::github().await);
    key.jwk["use"] = "jwt-svid".into();
    let domain = json!({"issuer": DOMAIN, "spiffe_bundle": key.jwks(), "reuse": "until-exp"});
    let world = world(&[domain, github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": DOMAIN, "sub": ID}])).await.0;
    let claims = json!({"sub": ID, "aud": [SERVER], "exp": world.now() + 300, "iat": world.now(), "jti": "1"});
    for iss in [json!(null), json!("https://spire.example.com"), json!(1)] {
        let svid = key.sign(&with(claims.clone(), &json!({"iss": iss})));
        expect_token_of(&client, &present(&world, &svid, "").await);
    }
    let of_github = with(claims, &json!({"iss": GITHUB}));
    for key in [&key, &github.key] {
        expect_refused(&world, &client, &key.sign(&of_github), "the subject of another issuer").await;
    }
}

/// F5: what is not exactly the client's, and not exactly for this server, gets one response, byte for byte.
#[tokio::test]
async fn f5_hostile_assertions() {
    const OTHER: &str = "https://issuer.example";
    let (github, other) = (StandIn::github().await, StandIn::start(OTHER, Algorithm::RS256).await);
    let world = world(&[github.entry(&json!({"max_lifetime": 600})), other.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let now = world.now();
    for (change, why) in [
        (json!({"iss": "https://token.actions.githubusercontent.co"}), "a prefix of a trusted issuer"),
        (json!({"iss": "https://token.actions.githubusercontent.com/"}), "a slash more"),
        (json!({"iss": "https://token.actions.githubusercontent.com.evil.example"}), "an issuer that begins like it"),
        (json!({"iss": [GITHUB]}), "a list"),
        (json!({"iss": null}), "no issuer"),
        (json!({"iss": client, "sub": client}), "the client by itself, who has no keys"),
        (json!({"iss": "spiffe://prod.example", "sub": "spiffe://prod.example/a"}), "a trust domain"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/Main"}), "case"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/ma\u{ff49}n"}), "another i"),
        (json!({"sub": "repo:octo-org/octo-repo:ref:refs/heads/mai\u{200b}n"}), "an invisible character"),
        (json!({"sub": null}), "no subject"),
        (json!({"aud": "https://other.example"}), "another audience"),
        (json!({"aud": format!("{SERVER}/token")}), "the token endpoint"),
        (json!({"aud": [SERVER, "https://other.example"]}), "another audience too"),
        (json!({"aud": null}), "no audience"),
        (json!({"exp": now - 60}), "expired"),
        (json!({"exp": now + 601}), "too long"),
        (json!({"exp": null}), "no end"),
        (json!({"nbf": now + 61}), "not yet"),
        (json!({"jti": null}), "no jti"),
    ] {
        let assertion = github.key.sign(&with(github_claims(&world, "1"), &change));
        expect_refused(&world, &client, &assertion, why).await;
    }
    for (text, why) in [("x", "no JWT"), ("a.b.c", "no JSON"), ("%00", "a zero"), ("..", "nothing")] {
        expect_refused(&world, &client, text, why).await;
    }
    let claims = github_claims(&world, "1");
    let foreign = other.key.sign(&with(claims.clone(), &json!({"iss": OTHER})));
    expect_refused(&world, &client, &foreign, "the same sub of another trusted issuer").await;
    expect_refused(&world, &client, &other.key.sign(&claims), "the key of another trusted issuer").await;
    expect_refused(&world, &client, &ClientKey::new(Algorithm::RS256).sign(&claims), "a stranger's key").await;
    expect_refused(&world, "x", &github.key.sign(&with(claims.clone(), &json!({"sub": "x"}))), "nobody").await;
    present(&world, &github.key.sign(&claims), "&client_id=unknown").await.expect_error(400, "invalid_grant");
    expect_token_of(&client, &present(&world, &github.key.sign(&claims), "").await);
}

/// F5, T2: the assertion is one parameter of the body.
#[tokio::test]
async fn f5_t2_the_parameter() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let assertion = github.key.sign(&github_claims(&world, "1"));
    let ask = async |form: String| world.token(&events::token(&form)).await;
    ask(form("", "")).await.expect_error(400, "invalid_request");
    ask(form(&assertion, &format!("&assertion={assertion}"))).await.expect_error(400, "invalid_request");
    ask(form(&assertion, "&assertion=x")).await.expect_error(400, "invalid_request");
    let missing = format!("grant_type={GRANT}&client_assertion={assertion}").replace(':', "%3A");
    ask(missing).await.expect_error(400, "invalid_request");
    let mut in_the_url = events::token(&form(&assertion, ""));
    in_the_url["rawQueryString"] = format!("assertion={assertion}").into();
    in_the_url["queryStringParameters"] = json!({"assertion": assertion});
    world.token(&in_the_url).await.expect_error(400, "invalid_request");
    expect_token_of(&client, &present(&world, &assertion, "").await);
}

/// F5: `once` means once, also at the same moment, and for both uses of an assertion together.
#[tokio::test]
async fn f5_reuse() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let once = github.key.sign(&github_claims(&world, "1"));
    let (first, second) = tokio::join!(present(&world, &once, ""), present(&world, &once, ""));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    expect_refused(&world, &client, &once, "used").await;
    super::ask(&world, &once, "").await.expect_error(401, "invalid_client");
    let other = github.key.sign(&github_claims(&world, "2"));
    expect_token_of(&client, &super::ask(&world, &other, "").await);
    expect_refused(&world, &client, &other, "used as credentials").await;
}

/// F5: an issuer that is removed or disabled, and a client that is disabled, get nothing.
#[tokio::test]
async fn f5_who_is_not_trusted_any_more() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    for issuers in [json!([]), json!([github.entry(&json!({"disabled": true}))])] {
        world.set("TRUSTED_ISSUERS", &issuers.to_string()).await;
        let assertion = github.key.sign(&github_claims(&world, "1"));
        expect_refused(&world, &client, &assertion, &issuers.to_string()).await;
    }
    assert_eq!(github.site.asked(), 0);
    world.set("TRUSTED_ISSUERS", &json!([github.entry(&json!({}))]).to_string()).await;
    let (id, alice) = (ClientId::parse(&client).expect("an identifier"), Author::operator("alice"));
    world.clients().set_disabled(&id, true, &alice).await.expect("disabled");
    expect_refused(&world, &client, &github.key.sign(&github_claims(&world, "1")), "disabled").await;
    world.clients().set_disabled(&id, false, &alice).await.expect("enabled");
    expect_token_of(&client, &present(&world, &github.key.sign(&github_claims(&world, "1")), "").await);
}

/// F5, T7: an issuer that is down is 503, and nothing is used up.
#[tokio::test]
async fn f5_t7_an_issuer_that_is_down() {
    let github = StandIn::github().await;
    github.site.answer("HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n");
    let world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let assertion = github.key.sign(&github_claims(&world, "1"));
    for more in ["", &format!("&client_id={client}")] {
        let answer = present(&world, &assertion, more).await;
        answer.expect_error(503, "temporarily_unavailable");
        assert!(answer.header("retry-after").is_some());
    }
    github.site.answer(ok(&github.key.jwks()));
    world.pass(10);
    expect_token_of(&client, &present(&world, &assertion, "").await);
}

/// A client with a key of its own, which trusts the workflow too.
async fn client_with_key(world: &World) -> (String, ClientKey) {
    let own = ClientKey::new(Algorithm::ES256);
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks": own.jwks(),
        "federated_credentials": [{"issuer": GITHUB, "sub": REPO}],
    });
    let answer = register(world, true, &metadata).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    (answer.json()["client_id"].as_str().expect("an identifier").to_owned(), own)
}

/// F5, A6: a client's own assertion is a grant too, by the rules of `private_key_jwt`.
#[tokio::test]
async fn f5_a6_the_clients_own_assertion() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let (client, own) = client_with_key(&world).await;
    let claims = |jti: &str| client_key::claims(&world, &client, jti);
    let assertion = own.sign(&claims("1"));
    let answer = present(&world, &assertion, "").await;
    expect_token_of(&client, &answer);
    assert_eq!(answer.json()["expires_in"], 120);
    expect_refused(&world, &client, &assertion, "used").await;
    for (change, why) in [
        (json!({"iss": "https://issuer.example"}), "an issuer that nobody trusts"),
        (json!({"sub": REPO}), "a subject that is no client"),
        (json!({"aud": "https://other.example"}), "another audience"),
        (json!({"exp": world.now() + 3661}), "too long"),
        (json!({"jti": null}), "no jti"),
    ] {
        expect_refused(&world, &client, &own.sign(&with(claims("2"), &change)), why).await;
    }
    expect_refused(&world, &client, &github.key.sign(&claims("3")), "the issuer's key").await;
    present(&world, &own.sign(&claims("4")), "&client_id=other").await.expect_error(400, "invalid_grant");
}

/// F5, RFC 7521 §4.1: credentials beside the grant must be valid, and of the same client.
#[tokio::test]
async fn f5_a2_credentials_beside_the_grant() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({"reuse": "until-exp"}))]).await;
    let (client, own) = client_with_key(&world).await;
    let other = ClientKey::new(Algorithm::ES256);
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": other.jwks()});
    let stranger = register(&world, true, &metadata).await.json()["client_id"].as_str().expect("id").to_owned();
    let assertion = github.key.sign(&github_claims(&world, "1"));
    let by = |key: &ClientKey, id: &str, jti: &str| parameters(&key.sign(&client_key::claims(&world, id, jti)));
    expect_token_of(&client, &present(&world, &assertion, &by(&own, &client, "1")).await);
    // The same assertion as grant and as credentials is the same client.
    let named = format!("{}&client_id={client}", parameters(&assertion));
    expect_token_of(&client, &present(&world, &assertion, &named).await);
    // Another client, whose assertion counts as used.
    let answer = present(&world, &assertion, &by(&other, &stranger, "1")).await;
    answer.expect_error(400, "invalid_grant");
    present(&world, &assertion, &by(&other, &stranger, "1")).await.expect_error(401, "invalid_client");
    // Invalid credentials, with a valid grant and with an invalid one.
    for grant in [&assertion, "x"] {
        present(&world, grant, &by(&other, &client, "2")).await.expect_error(401, "invalid_client");
        let event = events::with_header(events::token(&form(grant, "")), "authorization", events::basic("x", "y"));
        world.token(&event).await.expect_error(401, "invalid_client");
    }
    present(&world, "x", &by(&own, &client, "3")).await.expect_error(400, "invalid_grant");
    let two = format!("{}&client_secret=x&client_id={client}", by(&own, &client, "4"));
    present(&world, &assertion, &two).await.expect_error(400, "invalid_request");
}

/// F5, R5, J5: the grant policy and the proof of possession apply as to `client_credentials`.
#[tokio::test]
async fn f5_r5_j5_what_the_client_registered() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({"reuse": "until-exp"}))]).await;
    world.set("GRANT_POLICY", "registered").await;
    let registered = async |sub: &str, grants: Value, bound: bool| {
        let metadata = json!({
            "token_endpoint_auth_method": "private_key_jwt", "grant_types": grants, "dpop_bound_access_tokens": bound,
            "federated_credentials": [{"issuer": GITHUB, "sub": sub}],
        });
        let answer = register(&world, true, &metadata).await;
        assert_eq!(answer.status, 201, "{}", answer.json());
        assert_eq!(answer.json()["grant_types"], grants);
        github.key.sign(&with(github_claims(&world, "1"), &json!({"sub": sub})))
    };
    let one = registered("a", json!(["client_credentials"]), false).await;
    present(&world, &one, "").await.expect_error(400, "unauthorized_client");
    assert_eq!(super::ask(&world, &one, "").await.status, 200);
    let other = registered("b", json!([GRANT]), false).await;
    assert_eq!(present(&world, &other, "").await.status, 200);
    super::ask(&world, &other, "").await.expect_error(400, "unauthorized_client");
    let bound = registered("c", json!([GRANT]), true).await;
    present(&world, &bound, "").await.expect_error(400, "invalid_request");
    let key = ClientKey::new(Algorithm::ES256);
    let proof = json!({"jti": "1", "htm": "POST", "htu": format!("{SERVER}/token"), "iat": world.now()});
    let mut jwk = key.jwk.clone();
    jwk.as_object_mut().expect("an object").retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
    let proof = key.sign_with(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}), &proof);
    let answer = world.token(&events::with_header(events::token(&form(&bound, "")), "dpop", proof)).await;
    assert!(claims_of(&answer)["cnf"]["jkt"].is_string());
    assert_eq!(answer.json()["token_type"], "DPoP");
}

/// F5, O3: the log has the reason, which the client is not told, and nothing of the assertion.
#[tokio::test]
async fn f5_o3_the_log_has_the_reason() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let client = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let log = Log::capture();
    for (change, cause) in [
        (json!({"aud": "x"}), "grant: federated assertion: aud is not this server alone"),
        (json!({"iss": "https://mallory.example", "sub": REPO}), "grant: unknown client"),
        (json!({"sub": "mallory"}), "grant: no client trusts the subject of the assertion"),
    ] {
        let assertion = github.key.sign(&with(github_claims(&world, "1"), &change));
        present(&world, &assertion, "").await.expect_error(400, "invalid_grant");
        let line = log.requests().pop().expect("a line");
        assert_eq!((&line["cause"], &line["outcome"]), (&json!(cause), &json!("invalid_grant")));
        assert!(!log.text().contains("mallory") && !log.text().contains(&assertion));
    }
    let assertion = github.key.sign(&with(github_claims(&world, "1"), &json!({"exp": world.now() - 60})));
    present(&world, &assertion, &format!("&client_id={client}")).await.expect_error(400, "invalid_grant");
    let line = log.requests().pop().expect("a line");
    assert_eq!((&line["cause"], &line["client.id"]), (&json!("grant: federated assertion: expired"), &json!(client)));
}

/// F5, P1 to P3, P5: the client's policy is that of its tokens in this grant too.
#[tokio::test]
async fn f5_p1_p2_p3_p5_the_policy_of_the_client() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({"reuse": "until-exp"}))]).await;
    world.set("RESOURCES", r#"{"https://a.example/":"read","https://b.example/":"read"}"#).await;
    let id = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let (secret, token) = Default::default();
    let policy = json!({
        "claims": {"tenant": "acme"}, "access_token_ttl": 120, "tokens_per_hour": 3,
        "resources": ["https://a.example"], "default_resource": "https://a.example",
    });
    token_policy::set(&world, &Credentials { id, secret, token }, &policy).await;
    // The shorter of the policy's lifetime and the assertion's counts.
    for (left, lifetime) in [(300, 120), (20, 80)] {
        let claims = with(github_claims(&world, "1"), &json!({"exp": world.now() + left}));
        let claims = claims_of(&present(&world, &github.key.sign(&claims), "").await);
        assert_eq!((&claims["tenant"], &claims["aud"]), (&json!("acme"), &json!("https://a.example/")));
        assert_eq!(claims["exp"].as_u64(), Some(world.now() + lifetime));
    }
    let assertion = github.key.sign(&github_claims(&world, "1"));
    present(&world, &assertion, "&resource=https%3A%2F%2Fb.example").await.expect_error(400, "invalid_target");
    assert_eq!(present(&world, &assertion, "").await.status, 200);
    present(&world, &assertion, "").await.expect_error(429, "temporarily_unavailable");
}

/// F5, A6: one assertion as the grant and as the credentials beside it is used twice.
#[tokio::test]
async fn f5_a6_one_assertion_twice_in_one_request() {
    let world = world(&[StandIn::github().await.entry(&json!({}))]).await;
    let (client, own) = client_with_key(&world).await;
    let assertion = own.sign(&client_key::claims(&world, &client, "1"));
    present(&world, &assertion, &parameters(&assertion)).await.expect_error(400, "invalid_grant");
    let fresh = |jti: &str| own.sign(&client_key::claims(&world, &client, jti));
    expect_token_of(&client, &present(&world, &fresh("2"), &parameters(&fresh("3"))).await);
}
