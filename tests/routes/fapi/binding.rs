//! Bound tokens only: FAPI 2.0 §5.3.2.1 items 4 and 5.

use serde_json::{Value, json};
use tokenmint_tests::{Log, World, events};

use super::{GRANT, any_proof, ask, ask_with, assertion, client, metadata, token, world};
use crate::client_key::{ClientKey, parameters, register};
use crate::mutual_tls::shown::{SUBJECT, Shown, YEARS, authority, by_key, by_subject, over, over_at};

/// S4: a request with neither a proof nor a certificate gets `invalid_request`, whatever the client registered. Without
/// the profile the same request gets a bearer token.
#[tokio::test]
async fn s4_holder_of_key_required() {
    let mut world = world().await;
    let key = ClientKey::new(jsonwebtoken::Algorithm::ES256);
    let log = Log::capture();
    for (round, flags) in [
        json!({}),
        json!({"dpop_bound_access_tokens": true}),
        json!({"tls_client_certificate_bound_access_tokens": true}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut metadata = metadata(&key);
        metadata.as_object_mut().expect("an object").extend(flags.as_object().expect("an object").clone());
        let id = register(&world, &metadata).await;
        let answer = ask_with(&world, &parameters(&assertion(&world, &key, &id, "1")), None).await;
        let text = answer.expect_error(400, "invalid_request").json()["error_description"].to_string();
        assert!(log.requests().pop().expect("a line")["cause"].as_str().is_some_and(|cause| text.contains(cause)));
        if round == 0 {
            assert!(text.contains("send a DPoP proof, or a client certificate"), "{text}");
            world.set("SECURITY_PROFILE", "none").await;
            let answer = ask_with(&world, &parameters(&assertion(&world, &key, &id, "2")), None).await;
            assert_eq!(answer.json()["token_type"], "Bearer");
            world.set("SECURITY_PROFILE", "fapi2").await;
        }
    }
}

/// S4: an empty proof, and a proof in the body or the query, is none.
#[tokio::test]
async fn s4_no_proof_anywhere_else() {
    let world = world().await;
    let (key, id) = client(&world).await;
    let request = |jti: &str, more: &str| {
        events::token(&format!("{GRANT}{}{more}", parameters(&assertion(&world, &key, &id, jti))))
    };
    let proof = any_proof(&world);
    world.token(&request("1", &format!("&dpop={proof}"))).await.expect_error(400, "invalid_request");
    let query = events::with_query(request("2", ""), &format!("dpop={proof}"));
    world.token(&query).await.expect_error(400, "invalid_request");
    let empty = events::with_header(request("3", ""), "dpop", "");
    world.token(&empty).await.expect_error(400, "invalid_dpop_proof");
    let bearer = events::with_header(request("4", ""), "x-client-cert", "-----BEGIN CERTIFICATE-----");
    world.token(&bearer).await.expect_error(400, "invalid_request");
}

/// S2, S4, J6: the flows with certificates. The token is bound to the certificate of the connection, also of a client
/// that did not ask for it, unless a proof binds it; `token_type` is `Bearer` or `DPoP`, in exactly these letters.
#[tokio::test]
async fn s2_s4_j6_mutual_tls() {
    let mut world = world().await;
    let authority = authority();
    let signed = Shown::new(&SUBJECT, YEARS, Some(&authority));
    let alone = Shown::self_signed("x");
    let flag = |mut metadata: Value| {
        metadata["tls_client_certificate_bound_access_tokens"] = true.into();
        metadata
    };
    let subject = by_subject("CN=client,O=Example\\, Inc.,C=DE");
    for (method, shown, metadata) in
        [("tls_client_auth", &signed, subject), ("self_signed_tls_client_auth", &alone, by_key(&alone.jwks()))]
    {
        world.set("MUTUAL_TLS_METHOD", method).await;
        for (metadata, both) in [(metadata.clone(), false), (flag(metadata), true)] {
            let id = register(&world, &metadata).await;
            let event = over(events::token(&format!("{GRANT}&client_id={id}")), &shown.pem);
            let answer = world.token(&event).await;
            assert_eq!(answer.json()["token_type"], "Bearer");
            assert_eq!(token(&world, &answer).await["cnf"], json!({"x5t#S256": shown.thumbprint}));

            let answer = world.token(&events::with_header(event, "dpop", any_proof(&world))).await;
            assert_eq!(answer.json()["token_type"], "DPoP");
            let claims = token(&world, &answer).await;
            assert!(claims["cnf"]["jkt"].is_string());
            assert_eq!(claims["cnf"].get("x5t#S256").is_some(), both, "{method} {claims}");

            // Without the certificate nobody is authenticated.
            let answer = world.token(&events::token(&format!("{GRANT}&client_id={id}"))).await;
            answer.expect_error(401, "invalid_client");
        }
    }
}

/// S4, J6: `private_key_jwt` over a connection with a certificate: the token is bound to it. A client that registered for
/// DPoP needs its proof all the same.
#[tokio::test]
async fn s4_j6_private_key_jwt_and_mutual_tls() {
    let world = world().await;
    let (key, id) = client(&world).await;
    let shown = Shown::self_signed("x");
    let request = |id: &str, jti| events::token(&format!("{GRANT}{}", parameters(&assertion(&world, &key, id, jti))));
    let answer = world.token(&over(request(&id, "1"), &shown.pem)).await;
    assert_eq!(answer.json()["token_type"], "Bearer");
    assert_eq!(token(&world, &answer).await["cnf"], json!({"x5t#S256": shown.thumbprint}));

    let expired = Shown::new(&[], (2019, 2020), None);
    for (event, what) in [
        (over_at("other.example", request(&id, "2"), &shown.pem), "every token of this server is bound"),
        (over(request(&id, "3"), "garbage"), "cannot be read"),
        (over(request(&id, "4"), &expired.pem), "expired or not yet valid"),
    ] {
        let answer = world.token(&event).await;
        let text = answer.expect_error(400, "invalid_request").json()["error_description"].to_string();
        assert!(text.contains(what), "{text}");
    }
    let mut dpop = metadata(&key);
    dpop["dpop_bound_access_tokens"] = true.into();
    let id = register(&world, &dpop).await;
    world.token(&over(request(&id, "5"), &shown.pem)).await.expect_error(400, "invalid_request");
    assert_eq!(ask(&world, &assertion(&world, &key, &id, "6"), &any_proof(&world)).await.status, 200);
}

/// S4, D3: introspection shows what a token is bound to, to a caller that authenticates within the profile and needs no
/// proof for that.
#[tokio::test]
async fn s4_d3_introspection_and_revocation() {
    let world: World = world().await;
    let (key, id) = client(&world).await;
    let answer = ask(&world, &assertion(&world, &key, &id, "1"), &any_proof(&world)).await.json();
    let token = answer["access_token"].as_str().expect("a token");
    let form =
        |path, jti| events::form(path, &format!("token={token}{}", parameters(&assertion(&world, &key, &id, jti))));
    let seen = world.token(&form("/introspect", "2")).await.json();
    assert_eq!((&seen["active"], &seen["token_type"]), (&json!(true), &json!("DPoP")));
    assert!(seen["cnf"]["jkt"].is_string());
    assert_eq!(world.token(&form("/revoke", "3")).await.status, 200);
    assert_eq!(world.token(&form("/introspect", "4")).await.json(), json!({"active": false}));
}
