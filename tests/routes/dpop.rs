//! DPoP at `POST /token`: RFC 9449.

use std::sync::Arc;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::jwk::{Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokenmint_tests::{Answer, Credentials, Log, World, events};
use tokio::task::JoinSet;

/// A client's key for proofs.
pub(crate) struct ProofKey {
    key: EncodingKey,
    jwk: Jwk,
}

impl ProofKey {
    pub(crate) fn new() -> Self {
        let pkcs8 = aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(
            &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            &aws_lc_rs::rand::SystemRandom::new(),
        );
        let key = EncodingKey::from_ec_der(pkcs8.expect("a key").as_ref());
        let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a JWK");
        Self { key, jwk }
    }

    pub(crate) fn thumbprint(&self) -> String {
        self.jwk.thumbprint(ThumbprintHash::SHA256).expect("a thumbprint")
    }

    /// A proof with these claims and valid `typ` and `jwk`.
    pub(crate) fn prove(&self, claims: &Value) -> String {
        let header =
            Header { typ: Some("dpop+jwt".into()), jwk: Some(self.jwk.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.key).expect("a proof")
    }
}

pub(crate) fn claims(world: &World, jti: &str) -> Value {
    json!({"jti": jti, "htm": "POST", "htu": "https://as.example/token", "iat": world.now()})
}

pub(crate) async fn ask(world: &World, client: &Credentials, proof: &str) -> Answer {
    let event = events::with_header(events::token("grant_type=client_credentials"), "authorization", client.basic());
    world.token(&events::with_header(event, "dpop", proof)).await
}

/// J5: a proof binds the token to its key, and the response says so.
#[tokio::test]
async fn j5_bound_token() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let key = ProofKey::new();
    let answer = ask(&world, &client, &key.prove(&claims(&world, "1"))).await;
    let body = answer.json();
    assert_eq!((answer.status.as_u16(), &body["token_type"]), (200, &json!("DPoP")), "{body}");
    assert_eq!(answer.header("dpop-nonce"), None);
    let token = body["access_token"].as_str().expect("a token");
    assert_eq!(world.verify(token).await.claims["cnf"], json!({"jkt": key.thumbprint()}));
    let form = events::form("/introspect", &format!("token={token}"));
    let seen = world.token(&events::with_header(form, "authorization", client.basic())).await.json();
    assert_eq!((&seen["token_type"], &seen["cnf"]["jkt"]), (&json!("DPoP"), &json!(key.thumbprint())));
    let plain = world.ask(&client, "").await.json();
    assert_eq!(plain["token_type"], "Bearer");
}

/// J5, A7: a proof may be for the mutual TLS address, if there is one.
#[tokio::test]
async fn j5_a7_proof_for_the_other_address() {
    let mut world = World::new().await;
    let (client, key) = (world.client(json!({})).await, ProofKey::new());
    for (setting, status) in [("on", 400), ("https://mtls.as.example", 200)] {
        world.set("MUTUAL_TLS", setting).await;
        let mut claims = claims(&world, setting);
        claims["htu"] = "https://mtls.as.example/token".into();
        assert_eq!(ask(&world, &client, &key.prove(&claims)).await.status, status, "{setting}");
    }
}

/// J5: a proof is accepted only once, also if it is sent twice at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn j5_single_use() {
    let world = Arc::new(World::new().await);
    let client = world.client(json!({})).await;
    let proof = ProofKey::new().prove(&claims(&world, "once"));
    let mut racing = JoinSet::new();
    for _ in 0..8 {
        let (world, client, proof) = (world.clone(), client.clone(), proof.clone());
        racing.spawn(async move { ask(&world, &client, &proof).await });
    }
    let mut tokens = 0;
    while let Some(answer) = racing.join_next().await {
        let answer = answer.expect("no panic");
        if answer.status == 200 {
            tokens += 1;
        } else {
            answer.expect_error(400, "invalid_dpop_proof");
        }
    }
    assert_eq!(tokens, 1);
}

/// J5: a client registered for bound tokens only is refused without a proof.
#[tokio::test]
async fn j5_registered_as_bound() {
    let world = World::new().await;
    let client = world.client(json!({"dpop_bound_access_tokens": true})).await;
    world.ask(&client, "").await.expect_error(400, "invalid_request");
    assert_eq!(ask(&world, &client, &ProofKey::new().prove(&claims(&world, "1"))).await.status, 200);
    let event = events::register(&json!({"dpop_bound_access_tokens": "yes"}));
    world.register(&event).await.expect_error(400, "invalid_client_metadata");
}

/// J5: any other proof is refused, and no token is issued.
#[tokio::test]
async fn j5_hostile_proofs() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let (key, other) = (ProofKey::new(), ProofKey::new());
    let good = claims(&world, "good");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        key.prove(&claims)
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("an object").remove(name);
        key.prove(&claims)
    };
    let header = |header: Value, signature: &str| {
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", encode(&header), encode(&good))
    };
    let signature = key.prove(&good).rsplit('.').next().expect("three parts").to_owned();
    let sign = |header: Header, key: &EncodingKey| jsonwebtoken::encode(&header, &good, key).expect("a proof");
    let es256 = || Header { typ: Some("dpop+jwt".into()), ..Header::new(Algorithm::ES256) };
    let mut private = json!(key.jwk);
    private["d"] = "AAAA".into();
    let secret = EncodingKey::from_secret(json!(key.jwk).to_string().as_bytes());
    for (bad, why) in [
        (with("htm", "GET".into()), "another method"),
        (with("htu", "https://as.example/other".into()), "another URL"),
        (with("htu", "https://other.example/token".into()), "another server"),
        (with("htu", "token".into()), "no URL"),
        (with("iat", (world.now() + 61).into()), "from the future"),
        (with("iat", (world.now() - 301).into()), "too old"),
        (with("iat", "now".into()), "no number"),
        (with("jti", 1.into()), "no text"),
        (without("jti"), "no jti"),
        (without("htm"), "no htm"),
        (without("htu"), "no htu"),
        (without("iat"), "no iat"),
        (sign(Header { jwk: Some(other.jwk.clone()), ..es256() }, &key.key), "signed by another key"),
        (sign(es256(), &key.key), "no key"),
        (sign(Header { typ: Some("JWT".into()), jwk: Some(key.jwk.clone()), ..es256() }, &key.key), "another type"),
        (
            sign(
                Header { typ: Some("dpop+jwt".into()), jwk: Some(key.jwk.clone()), ..Header::new(Algorithm::HS256) },
                &secret,
            ),
            "HS256",
        ),
        (header(json!({"typ": "dpop+jwt", "alg": "none", "jwk": key.jwk}), ""), "none"),
        (header(json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": private}), &signature), "a private key"),
        (header(json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk, "crit": ["x"]}), &signature), "critical"),
        (format!("{0}, {0}", key.prove(&good)), "two"),
        ("x".to_owned(), "no JWT"),
        ("a".repeat(5000), "too long"),
    ] {
        let answer = ask(&world, &client, &bad).await;
        assert_eq!(answer.status, 400, "{why}");
        answer.expect_error(400, "invalid_dpop_proof");
    }
    // None of them consumed the valid proof, although they have the same identifier.
    assert_eq!(ask(&world, &client, &key.prove(&good)).await.status, 200);
}

/// J5, A4: the proof of an unauthenticated client is neither verified nor consumed.
#[tokio::test]
async fn j5_only_for_proven_clients() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let proof = ProofKey::new().prove(&claims(&world, "1"));
    let wrong = Credentials { secret: "wrong".to_owned(), ..client.clone() };
    ask(&world, &wrong, &proof).await.expect_error(401, "invalid_client");
    assert_eq!(world.stored_tokens().await, 0);
    assert_eq!(ask(&world, &client, &proof).await.status, 200);
}

/// J5: if nonces are required, a proof without one gets a nonce. The nonce is valid at every instance until it
/// expires.
#[tokio::test]
async fn j5_nonce() {
    let mut world = World::new().await;
    world.set("DPOP_NONCE_TTL", "60").await;
    let client = world.client(json!({})).await;
    let key = ProofKey::new();
    let answer = ask(&world, &client, &key.prove(&claims(&world, "1"))).await;
    answer.expect_error(400, "use_dpop_nonce");
    let nonce = answer.header("dpop-nonce").expect("a nonce").to_owned();
    let with_nonce = |world: &World, jti: &str, nonce: &str| {
        let mut claims = claims(world, jti);
        claims["nonce"] = nonce.into();
        key.prove(&claims)
    };
    world.restart().await;
    world.pass(59);
    let answer = ask(&world, &client, &with_nonce(&world, "2", &nonce)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    let next = answer.header("dpop-nonce").expect("the next nonce").to_owned();
    world.pass(1);
    ask(&world, &client, &with_nonce(&world, "3", &nonce)).await.expect_error(400, "use_dpop_nonce");
    ask(&world, &client, &with_nonce(&world, "4", "AAAA")).await.expect_error(400, "use_dpop_nonce");
    assert_eq!(ask(&world, &client, &with_nonce(&world, "5", &next)).await.status, 200);
}

/// O3: no proof is logged.
#[tokio::test]
async fn o3_no_proof_is_logged() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let proof = ProofKey::new().prove(&claims(&world, "1"));
    let log = Log::capture();
    ask(&world, &client, &proof).await;
    ask(&world, &client, &proof).await.expect_error(400, "invalid_dpop_proof");
    let text = log.text();
    assert!(proof.split('.').all(|part| !text.contains(part)), "{text}");
    assert_eq!(log.requests()[1]["cause"], "the proof was used before");
}
