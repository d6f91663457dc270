//! Bearer tokens: RFC 9068 §4, RFC 6750.

use axum::Router;
use axum::routing::get;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};
use tokenmint_tests::events;

use super::api::{API, Api, Call, Outcome, WAYS};
use super::host::Host;
use crate::client_key::ClientKey;
use crate::dpop::ProofKey;

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// V1, V3: a token for this resource may do what its scope says, on the routes that are listed.
#[tokio::test]
async fn v1_v3_scopes_of_routes() {
    let api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let (both, read) = (api.token(&client, "").await, api.token(&client, "&scope=read").await);
    let forbidden = |code: &str| Outcome::Forbidden(code.to_owned());
    for way in WAYS {
        assert_eq!(api.call(way, &Call::read(bearer(&read))).await, Outcome::Allowed, "{way:?}");
        assert_eq!(api.call(way, &Call::write(bearer(&both))).await, Outcome::Allowed, "{way:?}");
        assert_eq!(api.call(way, &Call::write(bearer(&read))).await, forbidden("insufficient_scope"), "{way:?}");
    }
    // axum has no such route; API Gateway would have it only if the template did.
    for way in &WAYS[1..] {
        assert_eq!(api.call(*way, &Call::unlisted(bearer(&both))).await, forbidden("access_denied"), "{way:?}");
    }
    let answer = api.http(&Call::write(bearer(&read))).await;
    let challenge = answer.headers["www-authenticate"].to_str().expect("ASCII");
    assert!(challenge.starts_with("Bearer error=\"insufficient_scope\"") && challenge.contains("scope=\"write\""));
    let items = api.http(&Call::read(bearer(&read))).await.json();
    assert_eq!(items, json!({"item": "1", "client_id": client.id}));
    assert_eq!(api.issuer.asked("/.well-known/jwks.json"), 1, "the keys are cached");
}

/// V3, V4: over HTTP, HEAD is answered as GET (RFC 9110 §9.3.2), so it needs the scope of GET, and a proof for HEAD. An
/// authorizer gets no such request: the template has no route for it.
#[tokio::test]
async fn v3_v4_head_needs_the_scope_of_get() {
    let api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let (read, write) = (api.token(&client, "&scope=read").await, api.token(&client, "&scope=write").await);
    let key = ProofKey::new();
    let bound = api.bound_token(&client, &key).await;
    let with = |htm: &str| {
        let mut claims = api.proof(&bound);
        claims["htm"] = htm.into();
        Call::head(format!("DPoP {bound}")).with_proof(key.prove(&claims))
    };
    for (call, status, code) in [
        (Call::head(bearer(&read)), 200, ""),
        (Call::head(bearer(&write)), 403, "error=\"insufficient_scope\""),
        (Call::head(bearer("x")), 401, "error=\"invalid_token\""),
        (with("HEAD"), 200, ""),
        (with("GET"), 401, "error=\"invalid_dpop_proof\""),
    ] {
        let answer = api.http(&call).await;
        assert_eq!(answer.status, status, "{call:?}");
        let challenges = answer.headers.get_all("www-authenticate").iter();
        let challenges: Vec<_> = challenges.map(|text| text.to_str().expect("ASCII")).collect();
        assert_eq!(challenges.len(), if status == 200 { 0 } else { 2 }, "{call:?}");
        assert!(status == 200 || challenges.iter().any(|text| text.contains(code)), "{call:?}");
    }
    for way in &WAYS[1..] {
        let forbidden = Outcome::Forbidden("access_denied".to_owned());
        assert_eq!(api.call(*way, &Call::head(bearer(&read))).await, forbidden, "{way:?}");
    }
}

/// V3: without a token the challenges have no error; two tokens are none.
#[tokio::test]
async fn v3_no_token_and_two() {
    let api = Api::start(&[("RESOURCE_METADATA", "https://api.example/.well-known/oauth-protected-resource")]).await;
    let token = api.token(&api.client(json!({})).await, "").await;
    let mut none = Call::read(String::new());
    none.authorization.clear();
    for way in WAYS {
        assert_eq!(api.call(way, &none).await, Outcome::Unauthorized(None), "{way:?}");
        let basic = Call::read("Basic eDp5".to_owned());
        assert_eq!(api.call(way, &basic).await, Outcome::Unauthorized(None), "{way:?}");
    }
    let answer = api.http(&none).await;
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    let metadata = "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\"";
    assert_eq!(challenges[0], format!("Bearer {metadata}").as_str());
    assert!(challenges[1].to_str().is_ok_and(|text| text.starts_with("DPoP algs=\"") && text.ends_with(metadata)));
    let mut two = Call::read(bearer(&token));
    two.authorization.push(bearer(&token));
    api.expect_everywhere(&two, "invalid_request", "two headers").await;
    assert_eq!(api.http(&two).await.status, 400);
    api.expect_everywhere(&Call::read(bearer("x")), "invalid_token", "no JWT").await;
}

/// V1: tokens of the issuer that are not for this request, and forged ones.
#[tokio::test]
async fn v1_hostile_tokens_of_the_issuer() {
    let mut api = Api::start(&[]).await;
    let client = api.client(json!({})).await;
    let token = api.token(&client, "").await;
    let of = |form: &'static str| {
        let (world, client) = (&api.world, &client);
        async move { world.ask(client, form).await.json()["access_token"].as_str().expect("a token").to_owned() }
    };
    let (for_other, for_issuer) = (of("&resource=https://other.example").await, of("").await);
    let for_two = of("&resource=https://other.example&resource=https://api.example").await;
    assert_eq!(api.call(WAYS[0], &Call::read(bearer(&for_two))).await, Outcome::Allowed, "one of two");

    let [_, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let kid = jsonwebtoken::decode_header(&token).expect("a header").kid.expect("a kid");
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = |alg: &str, kid: &str| part(&json!({"typ": "at+jwt", "alg": alg, "kid": kid}));
    // The public key as the secret of an HMAC (RFC 8725 §2.1), in the forms in which verifiers have confused it.
    let jwks = api.world.token(&events::get("/.well-known/jwks.json")).await.json();
    let secrets = [jwks["keys"][0].to_string(), jwks["keys"][0]["x"].as_str().expect("x").to_owned()];
    let confused = secrets.map(|secret| {
        let message = format!("{}.{claims}", header("HS256", &kid));
        let secret = EncodingKey::from_secret(secret.as_bytes());
        format!("{message}.{}", crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).expect("a signature"))
    });
    let mut more = serde_json::from_slice::<Value>(&BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url"));
    more.as_mut().expect("JSON")["scope"] = "read write admin".into();
    let more = part(&more.expect("JSON"));
    for (bad, why) in [
        (for_other, "another audience"),
        (for_issuer, "the issuer itself"),
        (format!("{}.{claims}.", header("none", &kid)), "alg none"),
        (format!("{}.{claims}.{signature}", header("none", &kid)), "alg none with a signature"),
        (confused[0].clone(), "HS256 with the JWK"),
        (confused[1].clone(), "HS256 with x"),
        (format!("{}.{claims}.{signature}", header("ES256", "unknown")), "unknown kid"),
        (format!("{}.{claims}.{signature}", header("ES384", &kid)), "another algorithm"),
        (format!("{}.{more}.{signature}", header("ES256", &kid)), "other claims"),
        (format!("{}.{claims}.", header("ES256", &kid)), "no signature"),
    ] {
        api.expect_everywhere(&Call::read(bearer(&bad)), "invalid_token", why).await;
    }
    // An issuer whose name is a prefix of the expected one, with the same keys.
    let prefix = api.issuer.url[..api.issuer.url.len() - 1].to_owned();
    api.world.set("ISSUER", &prefix).await;
    let foreign = api.token(&client, "").await;
    assert_eq!(jsonwebtoken::decode_header(&foreign).expect("a header").kid, Some(kid));
    api.expect_everywhere(&Call::read(bearer(&foreign)), "invalid_token", "a prefix of the issuer").await;
    // At its last second, with the leeway of 10 s, and after it.
    api.world.pass(18_000 + 9);
    assert_eq!(api.call(WAYS[1], &Call::read(bearer(&token))).await, Outcome::Allowed);
    api.world.pass(1);
    api.expect_everywhere(&Call::read(bearer(&token)), "invalid_token", "expired").await;
}

/// V1: a JWT that the issuer signed for another purpose is no access token: an ID token, an assertion, a logout token.
#[tokio::test]
async fn v1_a_jwt_of_another_type() {
    let mut api = Api::start(&[]).await;
    let (issuer, key) = (Host::start().await, ClientKey::new(Algorithm::ES256));
    let metadata = json!({"issuer": issuer.url, "jwks_uri": format!("{}/keys", issuer.url)}).to_string();
    let jwks = key.jwks().to_string();
    issuer.set(
        Router::new()
            .route("/.well-known/oauth-authorization-server", get(async move || metadata.clone()))
            .route("/keys", get(async move || jwks.clone())),
    );
    let now = api.world.now();
    let claims = json!({
        "iss": issuer.url, "sub": "a", "client_id": "a", "aud": API, "iat": now, "exp": now + 60, "jti": "1",
        "scope": "read",
    });
    let token = |typ: Value| bearer(&key.sign_with(&json!({"typ": typ, "alg": "ES256", "kid": "1"}), &claims));
    api.issuer = issuer;
    api.restart(&[]);
    for way in WAYS {
        assert_eq!(api.call(way, &Call::read(token(json!("at+jwt")))).await, Outcome::Allowed);
    }
    for typ in [json!("JWT"), json!("logout+jwt"), json!("dpop+jwt"), json!("at+jwt "), json!(["at+jwt"]), json!(null)]
    {
        api.expect_everywhere(&Call::read(token(typ.clone())), "invalid_token", &typ.to_string()).await;
    }
}
