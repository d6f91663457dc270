//! Federated client authentication, F1 to F4: stand-in issuers with the tokens of real ones.

mod finding;
mod hostile;
mod issuer_down;
mod jwt_bearer;
mod registration;
mod shapes;

use std::sync::atomic::{AtomicU64, Ordering};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_tests::{Answer, World, events};

use crate::client_key::{ClientKey, parameters};
use crate::site::{Site, ok};

/// The issuer of these worlds: it runs on a developer's machine, so the stand-ins may be on loopback.
pub(crate) const SERVER: &str = "http://localhost:9000";
pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";
pub(crate) const REPO: &str = "repo:octo-org/octo-repo:ref:refs/heads/main";
const JWT_SPIFFE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-spiffe";

/// An issuer with its keys at a URL.
pub(crate) struct StandIn {
    pub(crate) issuer: &'static str,
    pub(crate) key: ClientKey,
    pub(crate) site: Site,
}

impl StandIn {
    pub(crate) async fn start(issuer: &'static str, algorithm: Algorithm) -> Self {
        let key = ClientKey::new(algorithm);
        let site = Site::start(ok(&key.jwks())).await;
        Self { issuer, key, site }
    }

    pub(crate) async fn github() -> Self {
        Self::start(GITHUB, Algorithm::RS256).await
    }

    /// Its entry in `TRUSTED_ISSUERS`, with these members too.
    pub(crate) fn entry(&self, more: &Value) -> Value {
        with(json!({"issuer": self.issuer, "jwks_uri": self.site.url}), more)
    }
}

/// The object with these members too, or without those that are null.
pub(crate) fn with(mut object: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        object[name] = value.clone();
    }
    object.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    object
}

/// A world that trusts these issuers, and where registration is protected.
pub(crate) async fn world(issuers: &[Value]) -> World {
    let mut world = World::new().await;
    world.environment = std::mem::take(&mut world.environment)
        .with("ISSUER", SERVER)
        .with("REGISTRATION", "protected")
        .with("TRUSTED_ISSUERS", json!(issuers).to_string());
    world.restart().await;
    world
}

/// A registration with a new initial access token.
pub(crate) async fn register(world: &World, allows_federation: bool, metadata: &Value) -> Answer {
    let text = format!("initial-access-token-of-a-federated-client-{}", next());
    let token = InitialAccessToken {
        hash: SecretHash::of(&text),
        name: String::new(),
        issued_at: world.now(),
        expires_at: world.now() + 3600,
        uses_left: 1,
        scope: Scope::parse("read").expect("a scope"),
        allows_federation,
        token_policy: None,
    };
    world.registrations().insert_token(&token).await.expect("stored");
    let event = events::with_header(events::register(metadata), "authorization", format!("Bearer {text}"));
    world.register(&event).await
}

/// A number that no earlier call returned.
fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A client that names these federated credentials: its identifier and its registration access token.
pub(crate) async fn client(world: &World, credentials: &Value) -> (String, String) {
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "federated_credentials": credentials});
    let answer = register(world, true, &metadata).await;
    let body = answer.json();
    assert_eq!(answer.status, 201, "{body}");
    assert_eq!(&body["federated_credentials"], credentials);
    let text = |name: &str| body[name].as_str().expect("text").to_owned();
    (text("client_id"), text("registration_access_token"))
}

/// The claims of a token of GitHub Actions.
pub(crate) fn github_claims(world: &World, jti: &str) -> Value {
    json!({
        "jti": jti, "iss": GITHUB, "sub": REPO, "aud": SERVER, "ref": "refs/heads/main", "sha": "example-sha",
        "repository": "octo-org/octo-repo", "repository_owner": "octo-org", "repository_owner_id": "65",
        "repository_id": "74", "repository_visibility": "private", "run_id": "example-run-id", "run_number": "10",
        "actor": "octocat", "workflow": "example-workflow", "event_name": "workflow_dispatch", "ref_type": "branch",
        "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
        "runner_environment": "github-hosted", "nbf": world.now() - 300, "iat": world.now(), "exp": world.now() + 300,
    })
}

/// A token request with an assertion and these further parameters.
pub(crate) async fn ask(world: &World, assertion: &str, more: &str) -> Answer {
    world.token(&events::token(&format!("grant_type=client_credentials{}{more}", parameters(assertion)))).await
}

/// The same with a JWT-SVID.
pub(crate) async fn ask_spiffe(world: &World, svid: &str, more: &str) -> Answer {
    let form =
        format!("grant_type=client_credentials&client_assertion_type={JWT_SPIFFE}&client_assertion={svid}{more}");
    world.token(&events::token(&form)).await
}

/// The response to every failed authentication.
pub(crate) async fn refusal(world: &World) -> Vec<u8> {
    world.token(&events::load("token-wrong-secret")).await.body
}

/// Asserts that the token is of this client.
pub(crate) fn expect_token_of(client: &str, answer: &Answer) {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    let token = body["access_token"].as_str().expect("a token").split('.').nth(1).expect("claims");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(client), &json!(client)));
    assert_eq!((&body["scope"], body.get("refresh_token")), (&json!("read"), None));
}
