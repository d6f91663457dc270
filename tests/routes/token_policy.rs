//! What a client may get, P1 to P6: the member `token_policy`, and the scope and lifetime of resources.

mod claims;
mod hourly;
mod resources;
mod setting;

use serde_json::{Value, json};
use tokenmint_aws::clients::{Author, Consistency};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_oauth::token_policy::TokenPolicy;
use tokenmint_tests::{Answer, Credentials, World, events};

/// Sets the policy of a client, as an operator would.
pub(crate) async fn set(world: &World, client: &Credentials, policy: &Value) {
    let id = ClientId::parse(&client.id).expect("an identifier");
    let before = world.clients().find(&id, Consistency::Strong).await.expect("a read").expect("the client");
    let policy = TokenPolicy::parse(policy).expect("a policy");
    let after = Client { metadata: before.metadata.clone().with_token_policy(Some(policy)), ..before.clone() };
    world.clients().set_token_policy(&before, &after, &Author::operator("alice")).await.expect("set");
}

/// A client with this policy, and the scopes `read` and `write`.
async fn client(world: &World, policy: &Value) -> Credentials {
    let client = world.client(json!({"scope": "read write"})).await;
    set(world, &client, policy).await;
    client
}

/// The claims of the token in a response, verified but for the audience.
async fn claims_of(world: &World, answer: &Answer) -> Value {
    let body = answer.json();
    assert_eq!(answer.status, 200, "{body}");
    let token = body["access_token"].as_str().expect("a token");
    let form = format!("token={token}");
    let caller = world.client(json!({})).await;
    let event = events::with_header(events::form("/introspect", &form), "authorization", caller.basic());
    // Another client's token: only its signature and form are looked at here.
    assert_eq!(world.token(&event).await.json(), json!({"active": false}));
    let claims = token.split('.').nth(1).expect("claims");
    let claims = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, claims).expect("base64");
    serde_json::from_slice(&claims).expect("JSON")
}

/// A registration with an initial access token that carries this policy.
async fn register(world: &World, name: &str, policy: Option<&Value>, metadata: &Value) -> Answer {
    let token = InitialAccessToken {
        hash: SecretHash::of(name),
        name: String::new(),
        issued_at: world.now(),
        expires_at: world.now() + 3600,
        uses_left: 1,
        scope: Scope::parse("read write").expect("a scope"),
        allows_federation: false,
        token_policy: policy.map(|policy| Box::new(TokenPolicy::parse(policy).expect("a policy"))),
    };
    world.registrations().insert_token(&token).await.expect("stored");
    let event = events::with_header(events::register(metadata), "authorization", format!("Bearer {name}"));
    world.register(&event).await
}
