//! Certificate-bound tokens (RFC 8705 §3), and the domain at which certificates are accepted.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Log, World, events};

use super::shown::{
    GRANT, SUBJECT, Shown, YEARS, ask, authority, by_key, by_subject, over, over_at, self_signed_world,
};
use crate::client_key::{ClientKey, claims, parameters, register};

/// A7, J6: a certificate is accepted only at the mutual TLS domain, for authentication and for bound tokens. Another
/// domain of the same API may have a trust store that accepts anyone, so its certificates are ignored.
#[tokio::test]
async fn a7_j6_certificates_of_another_domain() {
    let (mut world, authority) = (World::new().await, authority());
    let shown = Shown::new(&SUBJECT, YEARS, Some(&authority));
    let client = register(&world, &by_subject("CN=client,O=Example\\, Inc.,C=DE")).await;
    let bound = world.client(json!({"tls_client_certificate_bound_access_tokens": true})).await;
    let by_certificate = events::token(&format!("{GRANT}&client_id={client}"));
    let by_secret = events::with_header(events::token(GRANT), "authorization", bound.basic());
    let mut nowhere = over(by_certificate.clone(), &shown.pem);
    nowhere["requestContext"].as_object_mut().expect("a context").remove("domainName");
    let other = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com";
    for (setting, good, bad) in [
        ("on", "as.example", ["mtls.as.example", "as.example.", "xas.example", other, ""]),
        ("https://mtls.as.example", "mtls.as.example", ["as.example", "mtls.as.example:443", ".as.example", other, ""]),
        ("https://mtls.as.example:8443", "mtls.as.example", ["as.example", "mtls.as.example:8443", "x", other, ""]),
    ] {
        world.set("MUTUAL_TLS", setting).await;
        for domain in [good, &good.to_uppercase()] {
            let answer = world.token(&over_at(domain, by_certificate.clone(), &shown.pem)).await;
            assert_eq!(answer.status, 200, "{setting} {domain}");
            let answer = world.token(&over_at(domain, by_secret.clone(), &shown.pem)).await.json();
            let token = world.verify(answer["access_token"].as_str().expect("a token")).await;
            assert_eq!(token.claims["cnf"], json!({"x5t#S256": shown.thumbprint}), "{setting} {domain}");
        }
        let without = world.token(&by_certificate).await;
        for domain in bad {
            let mut event = over_at(domain, by_certificate.clone(), &shown.pem);
            // The headers of the client have no effect.
            event["headers"]["host"] = good.into();
            let answer = world.token(&event).await;
            answer.expect_error(401, "invalid_client");
            assert_eq!((&answer.body, &answer.headers), (&without.body, &without.headers), "{setting} {domain}");
            let answer = world.token(&over_at(domain, by_secret.clone(), &shown.pem)).await;
            let error = answer.expect_error(400, "invalid_request").json()["error_description"].to_string();
            assert!(error.contains("came without one"), "{setting} {domain}: {error}");
        }
        world.token(&nowhere).await.expect_error(401, "invalid_client");
    }
}

/// J6: a client registered for certificate-bound tokens gets tokens bound to the certificate of the request, with
/// any authentication method. Other clients do not (RFC 8705 §3).
#[tokio::test]
async fn j6_bound_tokens() {
    let mut world = self_signed_world().await;
    let (shown, key) = (Shown::self_signed("x"), ClientKey::new(Algorithm::ES256));
    let bound = |mut metadata: Value| {
        metadata["tls_client_certificate_bound_access_tokens"] = true.into();
        metadata
    };
    let with_secret = world.client(bound(json!({}))).await;
    let by_tls = register(&world, &bound(by_key(&shown.jwks()))).await;
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()});
    let by_assertion = register(&world, &bound(metadata)).await;
    let request = |jti| {
        let assertion = key.sign(&claims(&world, &by_assertion, jti));
        events::token(&format!("{GRANT}{}", parameters(&assertion)))
    };
    let basic = events::with_header(events::token(GRANT), "authorization", with_secret.basic());
    let by_client_id = events::token(&format!("{GRANT}&client_id={by_tls}"));
    for event in [&basic, &request("1"), &by_client_id] {
        let answer = world.token(&over(event.clone(), &shown.pem)).await.json();
        assert_eq!(answer["token_type"], "Bearer", "{answer}");
        let token = world.verify(answer["access_token"].as_str().expect("a token")).await;
        assert_eq!(token.claims["cnf"], json!({"x5t#S256": shown.thumbprint}));
    }
    let log = Log::capture();
    let expired = Shown::new(&[], (2019, 2020), None);
    for (event, what) in [
        (basic.clone(), "came without one"),
        (request("2"), "came without one"),
        (over(basic.clone(), "garbage"), "cannot be read"),
        (over(basic.clone(), &expired.pem), "expired or not yet valid"),
    ] {
        let answer = world.token(&event).await;
        let description = answer.expect_error(400, "invalid_request").json()["error_description"].to_string();
        assert!(description.contains(what), "{description}");
        assert!(log.requests().pop().expect("a line")["cause"].as_str().is_some_and(|cause| cause.contains(what)));
    }
    world.set("MUTUAL_TLS_METHOD", "").await;
    world.set("MUTUAL_TLS", "off").await;
    world.token(&over(basic, &shown.pem)).await.expect_error(400, "invalid_request");
}

/// J6: introspection shows the confirmation of a token (RFC 8705 §3.2), and accepts certificates too.
#[tokio::test]
async fn j6_d3_introspection() {
    let world = self_signed_world().await;
    let shown = Shown::self_signed("x");
    let mut metadata = by_key(&shown.jwks());
    metadata["tls_client_certificate_bound_access_tokens"] = true.into();
    let client = register(&world, &metadata).await;
    let token = ask(&world, &client, &shown.pem).await.json()["access_token"].as_str().expect("a token").to_owned();
    let form = |path| over(events::form(path, &format!("token={token}&client_id={client}")), &shown.pem);
    let seen = world.token(&form("/introspect")).await.json();
    assert_eq!((&seen["active"], &seen["cnf"]), (&json!(true), &json!({"x5t#S256": shown.thumbprint})));
    assert_eq!(world.token(&form("/revoke")).await.status, 200);
    assert_eq!(world.token(&form("/introspect")).await.json(), json!({"active": false}));
}
