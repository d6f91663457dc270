//! One issuer in two regions, whose tables are replicated with a lag: G1, G3, G4, G5. G2 is in [`keys`].

mod keys;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_aws::clients::{Author, Consistency};
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_tests::{Answer, Credentials, Regions, World, events};

use crate::client_key::{self, ClientKey};
use crate::configure::{configure, update};
use crate::dpop::{self, ProofKey};
use crate::token_policy;

/// Seconds.
const LAG: u64 = 5;

async fn started(settings: &[(&str, &str)]) -> Regions {
    let mut regions = Box::pin(Regions::new(LAG)).await;
    for (name, value) in settings {
        regions.set(name, value);
    }
    Box::pin(regions.restart()).await;
    regions
}

async fn post(world: &World, path: &str, client: &Credentials, token: &str) -> Answer {
    let event = events::form(path, &format!("token={token}"));
    world.token(&events::with_header(event, "authorization", client.basic())).await
}

async fn is_active(world: &World, client: &Credentials, token: &str) -> bool {
    let answer = post(world, "/introspect", client, token).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.json()["active"].as_bool().expect("active")
}

async fn token(world: &World, client: &Credentials) -> String {
    let body = world.ask(client, "").await.json();
    body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

async fn status(world: &World, client: &Credentials) -> u16 {
    world.ask(client, "").await.status.as_u16()
}

/// Whether an operator sees the client as disabled.
async fn is_disabled(world: &World, client: &Credentials) -> bool {
    let id = ClientId::parse(&client.id).expect("an identifier");
    world.clients().find(&id, Consistency::Strong).await.expect("a read").is_some_and(|client| client.disabled)
}

/// G1, J1, D1: both regions publish the same metadata and the same keys under the same `kid`s. A token of either region
/// verifies with the keys of the other one.
#[tokio::test]
async fn g1_d1_j1_one_issuer_in_two_regions() {
    let mut regions = started(&[]).await;
    let [a, b] = [&regions.a, &regions.b].map(|world| world.environment.value("SIGNING_KEYS"));
    assert_ne!(a, b, "each region names its own key");
    for document in ["token-jwks", "token-metadata"] {
        let event = events::load(document);
        assert_eq!(regions.a.token(&event).await.json(), regions.b.token(&event).await.json(), "{document}");
    }
    let client = regions.a.client(json!({})).await;
    regions.settle().await;
    for (here, there) in [(&regions.a, &regions.b), (&regions.b, &regions.a)] {
        let token = token(here, &client).await;
        assert_eq!(there.verify(&token).await.claims["sub"], json!(client.id));
        assert!(is_active(there, &client, &token).await);
    }
}

/// G1, O2: a client of one region is unknown in the other one until it is replicated, and then gets tokens there. The
/// strongly consistent read that confirms a refusal is of its own region.
#[tokio::test]
async fn g1_o2_a_client_of_another_region() {
    let mut regions = started(&[]).await;
    let client = regions.a.client(json!({})).await;
    assert_eq!(status(&regions.a, &client).await, 200);
    for _ in 0..LAG {
        regions.b.ask(&client, "").await.expect_error(401, "invalid_client");
        let answer = configure(&regions.b, "GET", &client.id, &client.token, None).await;
        assert_eq!(answer.status, 401);
        regions.pass(1).await;
    }
    assert_eq!(status(&regions.b, &client).await, 200);
    assert_eq!(configure(&regions.b, "GET", &client.id, &client.token, None).await.status, 200);
    // A replaced secret is refused there until then, and the previous one still accepted.
    let (_, renewed) = update(&regions.b, &client, json!({"client_secret": client.secret})).await;
    assert_eq!(renewed.secret, client.secret);
    regions.settle().await;
    assert_eq!(
        configure(&regions.a, "GET", &client.id, &client.token, None).await.status,
        401,
        "its token was replaced"
    );
    assert_eq!(configure(&regions.a, "GET", &client.id, &renewed.token, None).await.status, 200);
    let [a, b] = regions.stored().await;
    assert_eq!(a, b);
}

/// G3, D3, D4: a revocation counts at once in its own region, and after the lag in the other one.
#[tokio::test]
async fn g3_d3_d4_a_revocation_is_seen_after_the_lag() {
    let mut regions = started(&[]).await;
    let client = regions.a.client(json!({})).await;
    regions.settle().await;
    // A token of one region may be revoked in the other.
    let token = token(&regions.b, &client).await;
    assert_eq!(post(&regions.a, "/revoke", &client, &token).await.status, 200);
    assert!(!is_active(&regions.a, &client, &token).await);
    for _ in 0..LAG {
        assert!(is_active(&regions.b, &client, &token).await);
        regions.pass(1).await;
    }
    assert!(!is_active(&regions.b, &client, &token).await);
}

/// G3, A5, M6: what disables or deletes a client counts in the other region after the lag, and for the instances that
/// know the client after `CLIENT_CACHE_TTL` more.
#[tokio::test]
async fn g3_a5_m6_a_client_that_is_disabled_or_deleted() {
    const CACHED: u64 = 30;
    let mut regions = started(&[("CLIENT_CACHE_TTL", "30")]).await;
    for deletes in [false, true] {
        let (client, other) = (regions.a.client(json!({})).await, regions.a.client(json!({})).await);
        regions.settle().await;
        let token = token(&regions.b, &client).await;
        if deletes {
            assert_eq!(configure(&regions.a, "DELETE", &client.id, &client.token, None).await.status, 204);
        } else {
            regions.a.disable(&client).await;
        }
        regions.a.ask(&client, "").await.expect_error(401, "invalid_client");
        assert!(is_active(&regions.b, &client, &token).await);
        regions.settle().await;
        // An instance that does not know the client refuses it now.
        let event = events::token("grant_type=client_credentials");
        let event = events::with_header(event, "authorization", client.basic());
        regions.b.instance().await.token(&event).await.expect_error(401, "invalid_client");
        regions.pass(CACHED - LAG).await;
        regions.b.ask(&client, "").await.expect_error(401, "invalid_client");
        let answer = post(&regions.b, "/introspect", &other, &token).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"active": false})));
    }
}

/// G4, M7: of two changes of one client in two regions at once, the last one remains in both, as a whole. Within a
/// region, an update that does not know the last one is still refused.
#[tokio::test]
async fn g4_m7_a_client_changed_in_two_regions_at_once() {
    let mut regions = started(&[]).await;
    let client = regions.a.client(json!({"client_name": "first", "scope": "read"})).await;
    regions.settle().await;
    let (_, of_a) = update(&regions.a, &client, json!({"client_name": "of a", "scope": "read"})).await;
    regions.observe().await;
    let (_, of_b) = update(&regions.b, &client, json!({"client_name": "of b"})).await;
    regions.settle().await;
    let [a, b] = regions.stored().await;
    assert_eq!(a, b);
    for world in [&regions.a, &regions.b] {
        let answer = configure(world, "GET", &client.id, &of_b.token, None).await.json();
        assert_eq!(answer["client_name"], "of b");
        assert_eq!(configure(world, "GET", &client.id, &of_a.token, None).await.status, 401, "its update was lost");
        let again = configure(world, "PUT", &client.id, &of_a.token, Some(&json!({"client_id": client.id}))).await;
        again.expect_error(401, "invalid_token");
        assert_eq!(status(world, &client).await, 200);
    }
}

/// G4, M5: within the lag, a write in the other region undoes that an operator disabled the client: an update by the
/// client, or the first token of a client that expires if unused. Disabling it again in every region, after the lag,
/// holds.
#[tokio::test]
async fn g4_a5_disabling_is_lost_to_a_write_of_the_other_region() {
    let mut regions = started(&[("UNUSED_CLIENT_TTL", "3600"), ("CLIENT_CACHE_TTL", "0")]).await;
    for by_update in [true, false] {
        let mut client = regions.a.client(json!({})).await;
        regions.settle().await;
        regions.a.disable(&client).await;
        regions.observe().await;
        if by_update {
            (_, client) = update(&regions.b, &client, json!({})).await;
        } else {
            assert_eq!(status(&regions.b, &client).await, 200);
        }
        regions.settle().await;
        for world in [&regions.a, &regions.b] {
            assert!(!is_disabled(world, &client).await, "the last write counts");
        }
        regions.a.disable(&client).await;
        regions.b.disable(&client).await;
        for _ in 0..2 {
            for world in [&regions.a, &regions.b] {
                world.ask(&client, "").await.expect_error(401, "invalid_client");
                let same = json!({"client_id": client.id});
                assert_eq!(configure(world, "PUT", &client.id, &client.token, Some(&same)).await.status, 401);
            }
            regions.settle().await;
        }
        assert!(is_disabled(&regions.a, &client).await && is_disabled(&regions.b, &client).await);
    }
}

/// G4, P6: a policy that an operator has narrowed is undone by the client's update in the other region in the same way.
#[tokio::test]
async fn g4_p6_a_narrower_policy_is_lost_to_a_write_of_the_other_region() {
    let mut regions = started(&[("CLIENT_CACHE_TTL", "0")]).await;
    let mut client = regions.a.client(json!({})).await;
    regions.settle().await;
    let narrow = json!({"access_token_ttl": 60});
    token_policy::set(&regions.a, &client, &narrow).await;
    regions.observe().await;
    (_, client) = update(&regions.b, &client, json!({})).await;
    regions.settle().await;
    for world in [&regions.a, &regions.b] {
        assert_eq!(world.ask(&client, "").await.json()["expires_in"], 18_000, "the last write counts");
    }
    token_policy::set(&regions.a, &client, &narrow).await;
    regions.settle().await;
    for world in [&regions.a, &regions.b] {
        assert_eq!(world.ask(&client, "").await.json()["expires_in"], 60);
    }
}

/// G4, M6: a deletion is undone in the same way. Deleting the client again, after the lag, holds.
#[tokio::test]
async fn g4_m6_a_deletion_is_lost_to_a_write_of_the_other_region() {
    let mut regions = started(&[("UNUSED_CLIENT_TTL", "3600"), ("CLIENT_CACHE_TTL", "0")]).await;
    let client = regions.a.client(json!({})).await;
    regions.settle().await;
    let id = ClientId::parse(&client.id).expect("an identifier");
    for expected in [200, 401] {
        assert!(regions.a.clients().remove(&id, &Author::operator("test")).await.expect("a deletion"));
        regions.observe().await;
        // The first token of the client clears its expiry. The next one writes nothing.
        assert_eq!(status(&regions.b, &client).await, 200);
        regions.settle().await;
        for world in [&regions.a, &regions.b] {
            assert_eq!(status(world, &client).await, expected);
        }
        let [a, b] = regions.stored().await;
        assert_eq!(a, b);
        assert_eq!(a.is_empty(), expected == 401);
    }
}

/// G5, R16: an initial access token for one registration registers one client in each region before its use is
/// replicated, and none after that.
#[tokio::test]
async fn g5_r16_an_initial_access_token_in_both_regions() {
    let mut regions = started(&[("REGISTRATION", "protected")]).await;
    let text = "an-initial-access-token";
    let token = InitialAccessToken {
        hash: SecretHash::of(text),
        name: "test".to_owned(),
        issued_at: regions.now(),
        expires_at: regions.now() + 3600,
        uses_left: 1,
        scope: Scope::parse("read").expect("a scope"),
        allows_federation: false,
        token_policy: None,
    };
    regions.a.registrations().insert_token(&token).await.expect("stored");
    let event = events::with_header(events::register(&json!({})), "authorization", format!("Bearer {text}"));
    regions.b.register(&event).await.expect_error(401, "invalid_token");
    regions.settle().await;
    let mut registered = Vec::new();
    for world in [&regions.a, &regions.b] {
        let answer = world.register(&event).await;
        assert_eq!(answer.status, 201, "single use counts per region");
        registered.push(answer.json()["client_id"].as_str().expect("an id").to_owned());
        world.register(&event).await.expect_error(401, "invalid_token");
    }
    assert_ne!(registered[0], registered[1]);
    regions.settle().await;
    for world in [&regions.a, &regions.b] {
        world.register(&event).await.expect_error(401, "invalid_token");
        for id in &registered {
            let id = ClientId::parse(id).expect("an identifier");
            assert!(world.clients().find(&id, Consistency::Strong).await.expect("a read").is_some(), "both remain");
        }
    }
}

/// G5, A6, J5: an assertion and a DPoP proof may be used once in each region before the use is replicated, and in none
/// after that.
#[tokio::test]
async fn g5_a6_j5_an_assertion_and_a_proof_in_both_regions() {
    let mut regions = started(&[]).await;
    let (key, proofs) = (ClientKey::new(Algorithm::ES256), ProofKey::new());
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()});
    let id = client_key::register(&regions.a, &metadata).await;
    let client = regions.a.client(json!({})).await;
    regions.settle().await;
    let assertion = key.sign(&client_key::claims(&regions.a, &id, "1"));
    let proof = proofs.prove(&dpop::claims(&regions.a, "1"));
    for world in [&regions.a, &regions.b] {
        assert_eq!(client_key::ask(world, &assertion).await.status, 200);
        client_key::ask(world, &assertion).await.expect_error(401, "invalid_client");
        assert_eq!(dpop::ask(world, &client, &proof).await.status, 200);
        dpop::ask(world, &client, &proof).await.expect_error(400, "invalid_dpop_proof");
    }
    let (later, later_proof) =
        (key.sign(&client_key::claims(&regions.a, &id, "2")), proofs.prove(&dpop::claims(&regions.a, "2")));
    assert_eq!(client_key::ask(&regions.b, &later).await.status, 200);
    assert_eq!(dpop::ask(&regions.b, &client, &later_proof).await.status, 200);
    regions.settle().await;
    client_key::ask(&regions.a, &later).await.expect_error(401, "invalid_client");
    dpop::ask(&regions.a, &client, &later_proof).await.expect_error(400, "invalid_dpop_proof");
}

/// G5, R18: registrations are counted per region.
#[tokio::test]
async fn g5_r18_limits_count_per_region() {
    let mut regions = started(&[("REGISTRATION_RATE_TOTAL", "2")]).await;
    for world in [&regions.a, &regions.b] {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(world.register(&events::register(&json!({}))).await.status.as_u16());
        }
        assert_eq!(statuses, [201, 201, 429]);
    }
    regions.settle().await;
    for world in [&regions.a, &regions.b] {
        assert_eq!(world.register(&events::register(&json!({}))).await.status, 429, "no count was lost");
    }
}

/// G5, P5: tokens per hour are counted by each region for itself. A write of one region takes nothing from the count of the
/// other, as it would if both wrote one item.
#[tokio::test]
async fn g5_p5_tokens_per_hour_count_per_region() {
    let mut regions = started(&[]).await;
    let client = regions.a.client(json!({})).await;
    token_policy::set(&regions.a, &client, &json!({"tokens_per_hour": 3})).await;
    regions.settle().await;
    for _ in 0..3 {
        assert_eq!(status(&regions.a, &client).await, 200);
    }
    regions.observe().await;
    assert_eq!(status(&regions.b, &client).await, 200);
    regions.settle().await;
    assert_eq!(status(&regions.a, &client).await, 429);
    for expected in [200, 200, 429] {
        assert_eq!(status(&regions.b, &client).await, expected);
    }
    regions.settle().await;
    for world in [&regions.a, &regions.b] {
        assert_eq!(status(world, &client).await, 429);
    }
}

/// G5, J5: DPoP nonces of one region are accepted in the other, once the key that makes them is replicated.
#[tokio::test]
async fn g5_j5_nonces_of_another_region() {
    let mut regions = started(&[("DPOP_NONCE_TTL", "300")]).await;
    let (client, key) = (regions.a.client(json!({})).await, ProofKey::new());
    let answer = dpop::ask(&regions.a, &client, &key.prove(&dpop::claims(&regions.a, "1"))).await;
    answer.expect_error(400, "use_dpop_nonce");
    let nonce: Value = answer.header("dpop-nonce").expect("a nonce").into();
    regions.settle().await;
    let mut claims = dpop::claims(&regions.b, "2");
    claims["nonce"] = nonce;
    assert_eq!(dpop::ask(&regions.b, &client, &key.prove(&claims)).await.status, 200);
}

/// G5, J5: two regions that make the key of the nonces at the same time. One of the two keys is lost, and the instances that
/// used it read the other one within a minute.
#[tokio::test]
async fn g5_j5_both_regions_make_a_nonce_key() {
    let mut regions = started(&[("DPOP_NONCE_TTL", "300")]).await;
    let (client, key) = (regions.a.client(json!({})).await, ProofKey::new());
    regions.settle().await;
    let mut nonces = Vec::new();
    for world in [&regions.a, &regions.b] {
        let answer = dpop::ask(world, &client, &key.prove(&dpop::claims(world, "1"))).await;
        answer.expect_error(400, "use_dpop_nonce");
        nonces.push(answer.header("dpop-nonce").expect("a nonce").to_owned());
    }
    regions.settle().await;
    let ask = async |world: &World, jti: &str, nonce: &str| {
        let mut claims = dpop::claims(world, jti);
        claims["nonce"] = nonce.into();
        dpop::ask(world, &client, &key.prove(&claims)).await
    };
    ask(&regions.a, "2", &nonces[1]).await.expect_error(400, "use_dpop_nonce");
    regions.pass(60).await;
    for world in [&regions.a, &regions.b] {
        assert_eq!(ask(world, "3", &nonces[1]).await.status, 200, "the last key remains, in every instance");
        ask(world, "4", &nonces[0]).await.expect_error(400, "use_dpop_nonce");
    }
}
