//! The requests of the conformance suite to its resource: FAPI 2.0 §5.3.4 and §5.4.1. The resource is
//! `examples/protected-api` with the profile; it fetches the metadata and the keys of the world that issues the tokens.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Answer, World, events};

use super::proofs::hostile;
use super::{GRANT, changed, metadata, proof_claims, prove, world};
use crate::client_key::{ClientKey, claims, parameters, register};
use crate::mutual_tls::shown::{SUBJECT, Shown, YEARS, authority, by_key, by_subject, over_at};
use crate::verify::api::{API, Api, Call, Outcome, WAYS, Way};

/// The host of the world's URL, which is its mutual-TLS domain too.
const HOST: &str = "127.0.0.1";

/// A world within the profile, and the resource.
async fn start() -> Api {
    let mut api = Api::of(world().await, &[("SECURITY_PROFILE", "fapi2")]).await;
    // Nobody introspects here, so registration may be open.
    let environment = std::mem::take(&mut api.world.environment);
    api.world.environment = environment.with("SCOPES", "read write").with("INTROSPECTION_SCOPE", "");
    set(&mut api, "REGISTRATION", "open").await;
    api
}

/// Changes a setting of the world.
async fn set(api: &mut Api, name: &str, value: &str) {
    api.world.set(name, value).await;
    api.issuer.set(api.world.router());
}

/// A client of `private_key_jwt`, and its key for proofs.
struct Client {
    id: String,
    key: ClientKey,
    proof_key: ClientKey,
}

impl Client {
    async fn new(world: &World, algorithm: Algorithm) -> Self {
        let (key, proof_key) = (ClientKey::new(Algorithm::ES256), ClientKey::new(algorithm));
        Self { id: register(world, &metadata(&key)).await, key, proof_key }
    }

    /// A token request, with an assertion of this identifier.
    fn request(&self, world: &World, jti: &str) -> Value {
        let assertion = self.key.sign(&claims(world, &self.id, jti));
        events::token(&format!("{GRANT}&resource={API}{}", parameters(&assertion)))
    }

    /// A token that is bound to the key for proofs.
    async fn token(&self, world: &World) -> String {
        let proof = prove(&self.proof_key, &proof_claims(world, &self.id));
        issued(&world.token(&events::with_header(self.request(world, "1"), "dpop", proof)).await, "DPoP")
    }

    /// A request with a token, and a proof for it.
    fn call(&self, api: &Api, token: &str) -> Call {
        Call::read(format!("DPoP {token}")).with_proof(prove(&self.proof_key, &api.proof(token)))
    }
}

/// The token of a response.
#[track_caller]
fn issued(answer: &Answer, token_type: &str) -> String {
    let body = answer.json();
    assert_eq!((answer.status.as_u16(), &body["token_type"]), (200, &json!(token_type)), "{body}");
    body["access_token"].as_str().expect("a token").to_owned()
}

/// S3, S4, V4: the happy flow with DPoP, with every algorithm of the profile. The key of one client is of no use with the
/// token of another, and a token in the query is none.
#[tokio::test]
async fn s3_s4_v4_dpop_at_the_resource() {
    let api = start().await;
    let mut others: Option<Client> = None;
    for algorithm in [Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        let client = Client::new(&api.world, algorithm).await;
        let token = client.token(&api.world).await;
        for way in WAYS {
            let call = client.call(&api, &token);
            assert_eq!(api.call(way, &call).await, Outcome::Allowed, "{way:?} {algorithm:?}");
        }
        let answer = api.http(&client.call(&api, &token)).await;
        assert_eq!(answer.json(), json!({"item": "1", "client_id": client.id}));

        let proof = prove(&client.proof_key, &api.proof(&token));
        let by_query = Call::by_query(format!("access_token={token}")).with_proof(proof);
        for way in WAYS {
            assert_eq!(api.call(way, &by_query).await, Outcome::Unauthorized(None), "{way:?}");
        }
        if let Some(other) = others.replace(client) {
            api.expect_everywhere(&other.call(&api, &token), "invalid_token", "the key of another client").await;
        }
    }
    assert_eq!(api.issuer.asked("/.well-known/jwks.json"), 1, "the keys are those of the world");
}

/// S4, V6: the happy flow with a token that is bound to the certificate of the connection, by each way to authenticate.
/// Another client's certificate, and none, is refused.
#[tokio::test]
async fn s4_v6_mutual_tls_at_the_resource() {
    let mut api = start().await;
    let authority = authority();
    let signed = Shown::new(&SUBJECT, YEARS, Some(&authority));
    let (alone, other) = (Shown::self_signed("x"), Shown::self_signed("x"));
    let client = Client::new(&api.world, Algorithm::ES256).await;
    let by_assertion = client.request(&api.world, "1");
    let mut requests = vec![("private_key_jwt", &other, &alone, by_assertion)];
    for (method, shown, metadata) in [
        ("tls_client_auth", &signed, by_subject("CN=client,O=Example\\, Inc.,C=DE")),
        ("self_signed_tls_client_auth", &alone, by_key(&alone.jwks())),
    ] {
        set(&mut api, "MUTUAL_TLS_METHOD", method).await;
        let id = register(&api.world, &metadata).await;
        let event = events::token(&format!("{GRANT}&resource={API}&client_id={id}"));
        requests.push((method, shown, &other, event));
    }
    for (method, shown, other, event) in requests {
        if method != "private_key_jwt" {
            set(&mut api, "MUTUAL_TLS_METHOD", method).await;
        }
        let token = issued(&api.world.token(&over_at(HOST, event, &shown.pem)).await, "Bearer");
        let call = Call::read(format!("Bearer {token}"));
        for way in [Way::HttpApi, Way::RestApi] {
            assert_eq!(api.call(way, &call.clone().over(&shown.pem)).await, Outcome::Allowed, "{way:?} {method}");
            let outcome = api.call(way, &call.clone().over(&other.pem)).await;
            assert_eq!(outcome, Outcome::Unauthorized(None), "{way:?} {method}");
        }
        // Nor does it work with a proof in place of the certificate. Over HTTP there is no certificate.
        api.expect_everywhere(&call, "invalid_token", method).await;
        api.expect_everywhere(&client.call(&api, &token), "invalid_token", method).await;
    }
}

/// S4, V4, V6: the happy flow of a client that authenticates with a certificate and sends a proof. The token of a client
/// that registered certificate-bound tokens needs both, and one of the others the proof only.
#[tokio::test]
async fn s4_v4_v6_mutual_tls_and_dpop_at_the_resource() {
    let api = start().await;
    let authority = authority();
    let shown = Shown::new(&SUBJECT, YEARS, Some(&authority));
    let proof_key = ClientKey::new(Algorithm::PS256);
    for both in [false, true] {
        let mut metadata = by_subject("CN=client,O=Example\\, Inc.,C=DE");
        metadata["tls_client_certificate_bound_access_tokens"] = both.into();
        let id = register(&api.world, &metadata).await;
        let event = events::token(&format!("{GRANT}&resource={API}&client_id={id}"));
        let event = events::with_header(event, "dpop", prove(&proof_key, &proof_claims(&api.world, &id)));
        let token = issued(&api.world.token(&over_at(HOST, event, &shown.pem)).await, "DPoP");
        let call = || Call::read(format!("DPoP {token}")).with_proof(prove(&proof_key, &api.proof(&token)));
        for way in [Way::HttpApi, Way::RestApi] {
            assert_eq!(api.call(way, &call().over(&shown.pem)).await, Outcome::Allowed, "{way:?} {both}");
            let alone = if both { Outcome::Unauthorized(None) } else { Outcome::Allowed };
            assert_eq!(api.call(way, &call()).await, alone, "{way:?} {both}");
            let bearer = Call::read(format!("Bearer {token}")).over(&shown.pem);
            assert_eq!(api.call(way, &bearer).await, Outcome::Unauthorized(None), "{way:?} {both}");
        }
    }
}

/// S4, V3: the scheme is `token_type` with upper and lower case swapped, as the module sends it, or in other letters
/// (RFC 9110 §11.1).
#[tokio::test]
async fn s4_v3_case_of_the_token_type() {
    let api = start().await;
    let client = Client::new(&api.world, Algorithm::ES256).await;
    let bound = client.token(&api.world).await;
    let shown = Shown::self_signed("x");
    let event = over_at(HOST, client.request(&api.world, "2"), &shown.pem);
    let certified = issued(&api.world.token(&event).await, "Bearer");
    for scheme in ["DPoP", "dpOp", "dpop", "DPOP"] {
        for way in WAYS {
            let mut call = client.call(&api, &bound);
            call.authorization = vec![format!("{scheme} {bound}")];
            assert_eq!(api.call(way, &call).await, Outcome::Allowed, "{way:?} {scheme}");
        }
    }
    for scheme in ["Bearer", "bEARER", "bearer", "BEARER"] {
        for way in [Way::HttpApi, Way::RestApi] {
            let call = Call::read(format!("{scheme} {certified}")).over(&shown.pem);
            assert_eq!(api.call(way, &call).await, Outcome::Allowed, "{way:?} {scheme}");
        }
        // Whatever the letters, the scheme stays another one.
        let call = Call::read(format!("{scheme} {bound}"));
        api.expect_everywhere(&call, "invalid_token", scheme).await;
    }
}

/// S4, V4: a bound token is of no use without a proof of its key: alone, as a bearer token with a proof or without, with two
/// proofs, or with a proof of another key. A token of before the profile, which is not bound, is refused.
#[tokio::test]
async fn s4_v4_holder_of_key_at_the_resource() {
    let mut api = start().await;
    let client = Client::new(&api.world, Algorithm::ES256).await;
    let token = client.token(&api.world).await;
    let proof = |key: &ClientKey| prove(key, &api.proof(&token));
    let (dpop, bearer) = (Call::read(format!("DPoP {token}")), Call::read(format!("Bearer {token}")));
    let stranger = ClientKey::new(Algorithm::ES256);
    for (call, code, why) in [
        (dpop.clone(), "invalid_dpop_proof", "no proof"),
        (bearer.clone(), "invalid_token", "as a bearer token"),
        (bearer.with_proof(proof(&client.proof_key)), "invalid_token", "as a bearer token, with a proof"),
        (dpop.clone().with_proof(proof(&stranger)), "invalid_token", "a proof of another key"),
        (dpop.clone().with_proof(proof(&client.key)), "invalid_token", "a proof of the key of the assertion"),
        (
            dpop.with_proof(proof(&client.proof_key)).with_proof(proof(&client.proof_key)),
            "invalid_dpop_proof",
            "two proofs",
        ),
    ] {
        api.expect_everywhere(&call, code, why).await;
    }
    for way in WAYS {
        assert_eq!(api.call(way, &client.call(&api, &token)).await, Outcome::Allowed, "{way:?}");
    }

    set(&mut api, "SECURITY_PROFILE", "none").await;
    let unbound = issued(&api.world.token(&client.request(&api.world, "2")).await, "Bearer");
    let calls = || [Call::read(format!("Bearer {unbound}")), client.call(&api, &unbound)];
    for call in calls() {
        api.expect_everywhere(&call, "invalid_token", "not bound").await;
    }
    let calls = calls();
    api.restart(&[]);
    assert_eq!(api.call(Way::Http, &calls[0]).await, Outcome::Allowed, "without the profile");
}

/// S3, S4, S6, V4: the DPoP negative tests. Every proof with one mistake gets `invalid_dpop_proof`; none uses the token or
/// the identifier of the proof up.
#[tokio::test]
async fn s3_s4_s6_v4_hostile_proofs_at_the_resource() {
    let api = start().await;
    let client = Client::new(&api.world, Algorithm::ES256).await;
    let token = client.token(&api.world).await;
    let good = api.proof(&token);
    let with = |changes: Value| prove(&client.proof_key, &changed(good.clone(), &changes));
    let own = [
        (with(json!({"ath": null})), "no ath"),
        (with(json!({"ath": api.proof("another token")["ath"]})), "ath of another token"),
        (with(json!({"ath": token})), "ath that is the token"),
        (with(json!({"htm": "get"})), "htm in other letters"),
        (with(json!({"htu": format!("{API}/items/1ohnonotagain")})), "another path"),
        (with(json!({"htu": format!("{API}/items")})), "a part of the path"),
        (with(json!({"htu": "https://other.example/items/1"})), "another host"),
        (with(json!({"htu": "http://api.example/items/1"})), "another scheme"),
        (with(json!({"htu": format!("{}/token", api.issuer.url)})), "the token endpoint"),
        (with(json!({"iat": api.world.now() - 61})), "older than this resource allows"),
    ];
    for (proof, why) in hostile(&client.proof_key, &good).into_iter().chain(own) {
        let call = Call::read(format!("DPoP {token}")).with_proof(proof);
        api.expect_everywhere(&call, "invalid_dpop_proof", why).await;
    }
    let call = Call::read(format!("DPoP {token}")).with_proof(with(json!({})));
    assert_eq!(api.call(Way::Http, &call).await, Outcome::Allowed);
}

/// S3, V4: a proof with RS256 is refused, though its key is the one that the token is bound to. Without the profile, the
/// resource accepts it.
#[tokio::test]
async fn s3_v4_algorithm_of_a_proof_at_the_resource() {
    let mut api = start().await;
    let client = Client::new(&api.world, Algorithm::PS256).await;
    let token = client.token(&api.world).await;
    // A key that says which algorithm it is for would verify no other.
    let mut jwk = client.proof_key.jwk.clone();
    jwk.as_object_mut().expect("a key").remove("alg");
    let call = |algorithm: Algorithm| {
        let header = json!({"typ": "dpop+jwt", "alg": algorithm, "jwk": jwk});
        let proof = client.proof_key.with_algorithm(algorithm).sign_with(&header, &api.proof(&token));
        Call::read(format!("DPoP {token}")).with_proof(proof)
    };
    let (rs256, ps256) = (call(Algorithm::RS256), call(Algorithm::PS256));
    api.expect_everywhere(&rs256, "invalid_dpop_proof", "RS256").await;
    assert_eq!(api.call(Way::Http, &ps256).await, Outcome::Allowed);
    api.restart(&[("REQUIRE_BOUND", "on")]);
    assert_eq!(api.call(Way::Http, &rs256).await, Outcome::Allowed, "without the profile");
}

/// S6, V4: proofs that the suite expects to be accepted: `iat` ten seconds off either way, `nbf` and `exp` around now, further
/// members, and a URL that differs only in its form, its query and its fragment.
#[tokio::test]
async fn s6_v4_good_proofs_at_the_resource() {
    let api = start().await;
    let client = Client::new(&api.world, Algorithm::ES256).await;
    let (token, now) = (client.token(&api.world).await, api.world.now());
    let call = |proof: String| Call::read(format!("DPoP {token}")).with_proof(proof);
    for changes in [
        json!({"iat": now - 10}),
        json!({"iat": now + 10}),
        json!({"nbf": now, "exp": now + 300}),
        json!({"iat": now + 10, "nbf": now + 10, "exp": now + 310}),
        json!({"htu": format!("{API}/items/1?a=b#c")}),
        json!({"htu": "HTTPS://API.EXAMPLE/items/1"}),
        json!({"htu": format!("{API}:443/items/1")}),
        json!({"extra": {"a": [1]}}),
    ] {
        for way in WAYS {
            let proof = prove(&client.proof_key, &changed(api.proof(&token), &changes));
            assert_eq!(api.call(way, &call(proof)).await, Outcome::Allowed, "{way:?} {changes}");
        }
    }
    let jwk = &client.proof_key.jwk;
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk, "kid": "x", "extra": 1});
    for way in WAYS {
        let proof = client.proof_key.sign_with(&header, &api.proof(&token));
        assert_eq!(api.call(way, &call(proof)).await, Outcome::Allowed, "{way:?}");
    }
}

/// S4, V5: an identifier of a proof is accepted once, also in another proof of the key; in a proof of another key it is
/// another one.
#[tokio::test]
async fn s4_v5_reused_proof_at_the_resource() {
    let api = start().await;
    let clients = [Client::new(&api.world, Algorithm::ES256).await, Client::new(&api.world, Algorithm::ES256).await];
    for client in &clients {
        let token = client.token(&api.world).await;
        let claims = changed(api.proof(&token), &json!({"jti": "once"}));
        let call = |claims: &Value| Call::read(format!("DPoP {token}")).with_proof(prove(&client.proof_key, claims));
        let first = call(&claims);
        assert_eq!(api.call(Way::Http, &first).await, Outcome::Allowed);
        let again = call(&changed(claims, &json!({"iat": api.world.now() + 1})));
        for call in [&first, &again] {
            api.expect_everywhere(call, "invalid_dpop_proof", "reused").await;
        }
        assert_eq!(api.call(Way::Http, &client.call(&api, &token)).await, Outcome::Allowed);
    }
}
