//! `SECURITY_PROFILE=fapi2`: the FAPI 2.0 Security Profile. Each module of the OpenID Foundation's conformance plan for
//! the client-credentials grant has its test here; docs/fapi.md lists them by the sections of the profile.

mod assertions;
mod binding;
mod certificates;
mod discovery;
mod keys;
mod proofs;
mod registration;
mod resource;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Answer, World, events};

use crate::client_key::{ClientKey, claims, parameters, register};

const GRANT: &str = "grant_type=client_credentials";

/// A world within the profile.
async fn world() -> World {
    let mut world = World::new().await;
    world.set("SECURITY_PROFILE", "fapi2").await;
    world
}

/// The metadata of a client of `private_key_jwt`.
fn metadata(key: &ClientKey) -> Value {
    json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks(), "scope": "read"})
}

/// A client of `private_key_jwt` with a new key.
async fn client(world: &World) -> (ClientKey, String) {
    let key = ClientKey::new(Algorithm::ES256);
    let id = register(world, &metadata(&key)).await;
    (key, id)
}

/// A valid assertion.
fn assertion(world: &World, key: &ClientKey, client: &str, jti: &str) -> String {
    key.sign(&claims(world, client, jti))
}

/// The claims of a valid proof.
fn proof_claims(world: &World, jti: &str) -> Value {
    let issuer = world.environment.value("ISSUER").expect("set");
    json!({"jti": jti, "htm": "POST", "htu": format!("{issuer}/token"), "iat": world.now()})
}

/// A proof with these claims, by this key.
fn prove(key: &ClientKey, claims: &Value) -> String {
    key.sign_with(&json!({"typ": "dpop+jwt", "alg": key.jwk["alg"], "jwk": key.jwk}), claims)
}

/// A valid proof by a new key.
fn any_proof(world: &World) -> String {
    prove(&ClientKey::new(Algorithm::ES256), &proof_claims(world, "1"))
}

/// The claims with some of them changed, or removed if `null`.
fn changed(mut claims: Value, changes: &Value) -> Value {
    let members = claims.as_object_mut().expect("an object");
    members.extend(changes.as_object().expect("an object").clone());
    members.retain(|_, value| !value.is_null());
    claims
}

/// Requests a token with an assertion and a proof.
async fn ask(world: &World, assertion: &str, proof: &str) -> Answer {
    ask_with(world, &parameters(assertion), Some(proof)).await
}

/// Requests a token with these parameters, and a proof if there is one.
async fn ask_with(world: &World, parameters: &str, proof: Option<&str>) -> Answer {
    let event = events::token(&format!("{GRANT}{parameters}"));
    world.token(&proof.iter().fold(event, |event, proof| events::with_header(event, "dpop", *proof))).await
}

/// The claims of the token in a response, verified as a resource server would.
async fn token(world: &World, answer: &Answer) -> Value {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    world.verify(body["access_token"].as_str().expect("a token")).await.claims
}
