//! Every response that the document describes, caused once.

use std::collections::BTreeSet;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Answer, Credentials, DOCUMENT, Fault, World, events};

use super::OPERATIONS;
use crate::client_key::ClientKey;

/// Responses by operation, status and error code, which is empty where there is none.
type Seen = BTreeSet<(&'static str, u16, String)>;

/// Every response of every operation that a client can cause, with its error code.
struct Sightings(Seen);

impl Sightings {
    /// Notes a response, which `World` has found in the document.
    fn note(&mut self, operation: &'static str, answer: &Answer) {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = body["error"].as_str().unwrap_or_default().to_owned();
        self.0.insert((operation, answer.status.as_u16(), code));
    }

    async fn register(&mut self, world: &World, event: &Value) -> Answer {
        let answer = world.register(event).await;
        self.note("register", &answer);
        answer
    }

    async fn configure(&mut self, world: &World, operation: &'static str, client: &Credentials, body: Option<Value>) {
        let method = match operation {
            "read" => "GET",
            "update" => "PUT",
            _ => "DELETE",
        };
        let body = body.map(|mut body| {
            body["client_id"] = client.id.clone().into();
            body
        });
        let token = format!("Bearer {}", client.token);
        let event = events::configure(method, &client.id, Some(&token), body.as_ref());
        self.note(operation, &world.register(&event).await);
    }

    async fn token(&mut self, world: &World, client: &Credentials, form: &str) -> Answer {
        let answer = world.ask(client, form).await;
        self.note("token", &answer);
        answer
    }

    async fn look_up(&mut self, world: &World, operation: &'static str, client: &Credentials, form: &str) {
        let event = events::form(&format!("/{operation}"), form);
        self.note(operation, &world.token(&events::with_header(event, "authorization", client.basic())).await);
    }

    async fn get(&mut self, world: &World, operation: &'static str) -> Answer {
        let (_, method, path) = OPERATIONS.into_iter().find(|(name, ..)| *name == operation).expect("an operation");
        let answer = world.token(&events::with_method(events::get(path), method)).await;
        self.note(operation, &answer);
        answer
    }
}

/// D1, T6, T7: every status and every error code that the document describes is one that a client can get. A response
/// that it does not describe fails in `World`.
#[tokio::test]
async fn d1_t6_t7_openapi_responses() {
    let mut seen = Sightings(Seen::new());
    registrations(&mut seen).await;
    Box::pin(configurations(&mut seen)).await;
    tokens(&mut seen).await;
    documents(&mut seen).await;
    failures(&mut seen).await;

    let mut documented = Seen::new();
    for (operation, method, path) in OPERATIONS {
        for (status, place) in DOCUMENT.responses(method, path) {
            let codes = DOCUMENT.error_codes(&place);
            let missing_token = (status == 401 && codes.contains("invalid_token")).then(String::new);
            let page_or_success = codes.is_empty().then(String::new);
            let codes = codes.into_iter().chain(missing_token).chain(page_or_success);
            documented.extend(codes.map(|code| (operation, status, code)));
        }
    }
    // What the shell around every route answers to a panic and to a request that exceeds its time limit: tests/panics.rs
    // and `unavailable.rs`. The documents need no service that could fail, once the keys are loaded.
    let of_the_shell = |(operation, status, _): &(&'static str, u16, String)| {
        let has_no_service = ["jwks", "metadata", "openid", "authorize", "authorize form"].contains(operation);
        *status == 500 || (*status == 503 && has_no_service)
    };
    documented.retain(|response| !of_the_shell(response));
    seen.0.retain(|response| !of_the_shell(response));
    let missing: Vec<_> = documented.difference(&seen.0).collect();
    assert!(missing.is_empty(), "documented, but not seen: {missing:?}");
    let unknown: Vec<_> = seen.0.difference(&documented).collect();
    assert!(unknown.is_empty(), "seen, but not documented: {unknown:?}");
}

/// A software statement of an issuer, signed by the key.
fn statement(key: &ClientKey, issuer: &str) -> String {
    key.sign(&json!({"iss": issuer}))
}

/// Metadata for each error of a registration.
fn refused_metadata(trusted: &ClientKey, stranger: &ClientKey) -> [Value; 4] {
    [
        json!({"scope": "never-offered"}),
        json!({"redirect_uris": ["javascript:x"]}),
        json!({"software_statement": statement(stranger, "https://vendor.example")}),
        json!({"software_statement": statement(trusted, "https://other.example")}),
    ]
}

async fn world_with_statements() -> (World, [Value; 4]) {
    let mut world = World::new().await;
    let [trusted, stranger] = [0; 2].map(|_| ClientKey::new(Algorithm::ES256));
    let issuers = json!([{"issuer": "https://vendor.example", "jwks": trusted.jwks()}]).to_string();
    world.set("SOFTWARE_STATEMENT_ISSUERS", &issuers).await;
    let refused = refused_metadata(&trusted, &stranger);
    (world, refused)
}

async fn registrations(seen: &mut Sightings) {
    let (mut world, refused) = world_with_statements().await;
    let full = json!({
        "client_name": "x", "client_name#de": "y", "client_uri": "", "contacts": [], "logo_uri": "https://a.example/l",
        "redirect_uris": [""], "software_id": "s", "software_version": "1", "tos_uri": "https://a.example/t",
        "dpop_bound_access_tokens": true, "token_endpoint_auth_method": "client_secret_basic", "scope": "read write",
    });
    seen.register(&world, &events::register(&full)).await;
    for metadata in refused {
        seen.register(&world, &events::register(&metadata)).await;
    }
    world.set("REGISTRATION_STATUS", "200").await;
    seen.register(&world, &events::register(&json!({}))).await;
    world.set("REGISTRATION_RATE_TOTAL", "1").await;
    for _ in 0..2 {
        seen.register(&world, &events::register(&json!({}))).await;
    }
    world.set("REGISTRATION", "protected").await;
    let event = events::register(&json!({}));
    seen.register(&world, &event).await;
    for authorization in ["Bearer x", "Bearer x, Bearer y"] {
        seen.register(&world, &events::with_header(event.clone(), "authorization", authorization)).await;
    }
    world.set("REGISTRATION", "disabled").await;
    seen.register(&world, &event).await;
}

async fn configurations(seen: &mut Sightings) {
    let (mut world, refused) = world_with_statements().await;
    let client = world.client(json!({})).await;
    let stranger = Credentials { token: "x".to_owned(), ..client.clone() };
    for (operation, method) in [("read", "GET"), ("update", "PUT"), ("delete", "DELETE")] {
        seen.configure(&world, operation, &stranger, Some(json!({}))).await;
        for authorization in [None, Some("Bearer x, Bearer y")] {
            let event = events::configure(method, &client.id, authorization, Some(&json!({})));
            seen.note(operation, &world.register(&event).await);
        }
    }
    for metadata in refused {
        seen.configure(&world, "update", &client, Some(metadata)).await;
    }
    seen.configure(&world, "read", &client, None).await;
    // Both updates have read the client before either writes.
    let proxy = world.behind_proxy().await;
    proxy.break_down("GetItem", Fault::Hold);
    let name = |name: &str| {
        let body = json!({"client_id": client.id, "client_name": name});
        events::configure("PUT", &client.id, Some(&format!("Bearer {}", client.token)), Some(&body))
    };
    let (first, second) = (name("first"), name("second"));
    let release = async {
        proxy.until_held(2).await;
        proxy.release();
    };
    let (first, second, ()) = tokio::join!(world.register(&first), world.register(&second), release);
    let statuses: BTreeSet<_> = [&first, &second].map(|answer| answer.status.as_u16()).into();
    assert_eq!(statuses, BTreeSet::from([200, 409]));
    for answer in [first, second] {
        seen.note("update", &answer);
    }
    proxy.repair();
    let client = world.client(json!({})).await;
    seen.configure(&world, "delete", &client, None).await;
}

/// A DPoP proof for the token endpoint.
fn proof(world: &World, key: &ClientKey) -> String {
    let claims = json!({"jti": "1", "htm": "POST", "htu": "https://as.example/token", "iat": world.now()});
    key.sign_with(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.jwk}), &claims)
}

async fn tokens(seen: &mut Sightings) {
    let mut world = World::new().await;
    let (client, other) = (world.client(json!({"scope": "read write"})).await, world.client(json!({})).await);
    let token = seen.token(&world, &client, "&scope=read").await.json()["access_token"].clone();
    let token = format!("token={}", token.as_str().expect("a token"));
    for form in ["&scope=strong", "&resource=https://unknown.example", "&scope=read&scope=write"] {
        seen.token(&world, &client, form).await;
    }
    let wrong = Credentials { secret: "x".to_owned(), ..client.clone() };
    seen.token(&world, &wrong, "").await;
    seen.look_up(&world, "token", &client, "grant_type=password").await;
    for operation in ["introspect", "revoke"] {
        for (caller, form) in [(&client, ""), (&wrong, &token), (&other, &token), (&client, &token)] {
            seen.look_up(&world, operation, caller, form).await;
        }
    }
    seen.look_up(&world, "introspect", &client, &token).await;
    let key = ClientKey::new(Algorithm::ES256);
    for proof in ["x".to_owned(), proof(&world, &key)] {
        let event = events::with_header(events::token("grant_type=client_credentials"), "dpop", proof);
        seen.note("token", &world.token(&events::with_header(event, "authorization", client.basic())).await);
    }
    world.set("DPOP_NONCE_TTL", "300").await;
    let event = events::with_header(events::token("grant_type=client_credentials"), "dpop", proof(&world, &key));
    let answer = world.token(&events::with_header(event, "authorization", client.basic())).await;
    assert!(answer.header("dpop-nonce").is_some());
    seen.note("token", &answer);
    crate::token_policy::set(&world, &other, &json!({"tokens_per_hour": 1})).await;
    for _ in 0..2 {
        seen.token(&world, &other, "").await;
    }
    world.set("JWT_BEARER_GRANT", "on").await;
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=x";
    seen.note("token", &world.token(&events::token(grant)).await);
    world.set("GRANT_POLICY", "registered").await;
    let web = world.client(json!({"grant_types": ["authorization_code"], "response_types": ["code"]})).await;
    seen.token(&world, &web, "").await;
}

async fn documents(seen: &mut Sightings) {
    let mut world = World::new().await;
    for operation in ["jwks", "metadata", "openid"] {
        let known = seen.get(&world, operation).await.header("etag").expect("a tag").to_owned();
        let (_, _, path) = OPERATIONS.into_iter().find(|(name, ..)| *name == operation).expect("an operation");
        let event = events::with_header(events::get(path), "if-none-match", known);
        seen.note(operation, &world.token(&event).await);
    }
    for setting in ["", "compat"] {
        world.set("AUTHORIZATION_ENDPOINT", setting).await;
        for operation in ["authorize", "authorize form"] {
            seen.get(&world, operation).await;
        }
    }
}

/// DynamoDB and KMS are gone.
async fn failures(seen: &mut Sightings) {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let basic = client.basic();
    let stopped = world.stop_aws().await;
    seen.note("register", &stopped.register(&events::register(&json!({}))).await);
    for (operation, method) in [("read", "GET"), ("update", "PUT"), ("delete", "DELETE")] {
        let event = events::configure(method, &client.id, Some("Bearer x"), Some(&json!({})));
        seen.note(operation, &stopped.register(&event).await);
    }
    for (operation, form) in
        [("token", "grant_type=client_credentials"), ("introspect", "token=x"), ("revoke", "token=x")]
    {
        let event = events::with_header(events::form(&format!("/{operation}"), form), "authorization", basic.clone());
        seen.note(operation, &stopped.token(&event).await);
    }
}
