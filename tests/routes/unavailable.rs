//! Unavailable DynamoDB or KMS: T7, O6.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokenmint_function::REQUEST_BUDGET;
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_tests::{Answer, Credentials, Fault, Log, Proxy, World, events};
use tokio::task::JoinSet;

/// T7, O6: 503 within the time limit, `Retry-After`, a response without the cause, and the cause once in the log.
#[tokio::test]
async fn t7_o6_nothing_behind_the_functions() {
    let world = World::new().await;
    let client = world.client(json!({})).await;
    let world = world.stop_aws().await;
    let log = Log::capture();
    let token = events::with_header(events::token("grant_type=client_credentials"), "authorization", client.basic());
    for answer in [world.register(&events::register(&json!({}))).await, world.token(&token).await] {
        answer.expect_error(503, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.json()["error_description"], "the server is temporarily unavailable; try again later");
    }
    let lines = log.requests();
    assert_eq!(lines.len(), 2, "{}", log.text());
    for (line, call) in lines.iter().zip(["dynamodb:PutItem", "dynamodb:GetItem"]) {
        assert_eq!((&line["level"], &line["outcome"]), (&json!("ERROR"), &json!("temporarily_unavailable")));
        assert!(line["cause"].as_str().is_some_and(|cause| cause.starts_with(call)), "{line}");
    }
    assert!(!log.text().contains(&client.secret));
    // Publishing the keys makes no further call to KMS.
    assert_eq!(world.token(&events::load("token-jwks")).await.status, 200);
    assert_eq!(world.token(&events::load("token-metadata")).await.status, 200);
}

/// A request that makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Register,
    RegisterWithToken,
    Read,
    Update,
    Delete,
    Token,
    Introspect,
    Revoke,
}

/// Every call of DynamoDB and KMS that a request makes, with the setting that enables it.
const CALLS: [(Request, &str, (&str, &str)); 14] = [
    (Request::Register, "PutItem", ("REGISTRATION_RATE_TOTAL", "100")),
    (Request::Register, "UpdateItem", ("REGISTRATION_RATE_TOTAL", "100")),
    (Request::RegisterWithToken, "GetItem", ("REGISTRATION", "protected")),
    (Request::RegisterWithToken, "TransactWriteItems", ("REGISTRATION", "protected")),
    (Request::Read, "GetItem", ("REGISTRATION", "disabled")),
    (Request::Update, "GetItem", ("REGISTRATION", "disabled")),
    (Request::Update, "UpdateItem", ("REGISTRATION", "disabled")),
    (Request::Delete, "UpdateItem", ("REGISTRATION", "disabled")),
    (Request::Delete, "DeleteItem", ("REGISTRATION", "disabled")),
    (Request::Token, "GetItem", ("AUDIENCE", "https://api.example")),
    (Request::Token, "Sign", ("AUDIENCE", "https://api.example")),
    (Request::Token, "UpdateItem", ("AUDIENCE", "https://api.example")),
    (Request::Introspect, "GetItem", ("AUDIENCE", "https://api.example")),
    (Request::Revoke, "PutItem", ("AUDIENCE", "https://api.example")),
];

const IAT: &str = "an-initial-access-token";

/// A client, and another one with a token.
struct Parties {
    client: Credentials,
    owner: Credentials,
    token: String,
}

async fn send(world: &World, Parties { client, owner, token }: &Parties, request: Request) -> Answer {
    let bearer = format!("Bearer {}", client.token);
    let configure = |method, body: Option<&Value>| events::configure(method, &client.id, Some(&bearer), body);
    let about =
        |path| events::with_header(events::form(path, &format!("token={token}")), "authorization", owner.basic());
    match request {
        Request::Register => world.register(&events::register(&json!({}))).await,
        Request::RegisterWithToken => {
            let event = events::with_header(events::register(&json!({})), "authorization", format!("Bearer {IAT}"));
            world.register(&event).await
        }
        Request::Read => world.register(&configure("GET", None)).await,
        Request::Update => world.register(&configure("PUT", Some(&json!({"client_id": client.id})))).await,
        Request::Delete => world.register(&configure("DELETE", None)).await,
        Request::Token => world.ask(client, "").await,
        Request::Introspect => world.token(&about("/introspect")).await,
        Request::Revoke => world.token(&about("/revoke")).await,
    }
}

/// A world behind a proxy, with an unused client that will expire, another client's token, and an initial access
/// token.
async fn prepared(setting: (&str, &str)) -> (World, Proxy, Parties) {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    let token = InitialAccessToken {
        hash: SecretHash::of(IAT),
        name: "test".to_owned(),
        issued_at: world.now(),
        expires_at: world.now() + 3600,
        uses_left: 5,
        scope: Scope::parse("read").expect("a scope"),
        allows_federation: false,
        token_policy: None,
    };
    world.registrations().insert_token(&token).await.expect("stored");
    world.set("UNUSED_CLIENT_TTL", "3600").await;
    let client = world.client(json!({})).await;
    let owner = world.client(json!({})).await;
    let token = world.ask(&owner, "").await.json()["access_token"].as_str().expect("a token").to_owned();
    world.set(setting.0, setting.1).await;
    (world, proxy, Parties { client, owner, token })
}

/// The stored state: the clients, and the uses left of the initial access token.
async fn stored(world: &World) -> (Vec<tokenmint_oauth::client::Client>, u32, usize) {
    let mut clients = world.clients().page(None, 100).await.expect("a page").clients;
    clients.sort_by(|one, two| one.client_id.as_str().cmp(two.client_id.as_str()));
    let token = world.registrations().find_token(&SecretHash::of(IAT)).await.expect("a read").expect("the token");
    (clients, token.uses_left, world.stored_tokens().await)
}

async fn broken_call(request: Request, operation: &'static str, setting: (&'static str, &'static str), fault: Fault) {
    let what = format!("{request:?} {operation} {fault:?}");
    let (world, proxy, parties) = prepared(setting).await;
    let before = stored(&world).await;
    proxy.forget();
    proxy.break_down(operation, fault);
    let started = Instant::now();
    let answer = send(&world, &parties, request).await;
    assert!(started.elapsed() < REQUEST_BUDGET + Duration::from_secs(1), "{what}: {:?}", started.elapsed());
    assert!(proxy.count(operation) > 0, "{what}: the call was not made");
    answer.expect_error(503, "temporarily_unavailable");
    assert_eq!(answer.header("retry-after"), Some("1"), "{what}");
    proxy.repair();
    let after = stored(&world).await;
    match (request, fault) {
        // The stored state is consistent: a client and the use of its token were stored together.
        (Request::Register, Fault::LoseAnswer) if operation == "PutItem" => {
            assert_eq!(after.0.len(), before.0.len() + 1);
        }
        (Request::RegisterWithToken, Fault::LoseAnswer) if operation == "TransactWriteItems" => {
            assert_eq!((after.0.len(), after.1), (before.0.len() + 1, before.1 - 1), "{what}");
        }
        (_, Fault::LoseAnswer) => {}
        _ => assert_eq!(after, before, "{what}"),
    }
    if fault != Fault::LoseAnswer {
        let answer = send(&world, &parties, request).await;
        assert!(answer.status.is_success(), "{what}: {:?}", answer.json());
    }
}

/// O6, T7: each call of each request fails, is throttled, stalls, or loses its response: 503 in time, no partial
/// write, and normal service when the services recover.
#[tokio::test]
async fn o6_t7_each_call_broken_in_each_way() {
    let mut cases = JoinSet::new();
    for (request, operation, setting) in CALLS {
        for fault in Fault::ALL {
            cases.spawn(broken_call(request, operation, setting, fault));
        }
    }
    cases.join_all().await;
}

/// O2: with the cache off, a token makes one read and one signature; for a client that cannot be authenticated, one
/// more read.
#[tokio::test]
async fn o2_calls_of_a_token() {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    world.set("CLIENT_CACHE_TTL", "0").await;
    let client = world.client(json!({})).await;
    proxy.forget();
    for tokens in 1..=5 {
        assert_eq!(world.ask(&client, "").await.status, 200);
        assert_eq!((proxy.count("GetItem"), proxy.count("Sign"), proxy.total()), (tokens, tokens, 2 * tokens));
    }
    proxy.forget();
    world.ask(&client, "&scope=more").await.expect_error(400, "invalid_scope");
    assert_eq!((proxy.count("GetItem"), proxy.total()), (1, 1));
    proxy.forget();
    let wrong = Credentials { secret: "wrong".to_owned(), ..client.clone() };
    world.ask(&wrong, "").await.expect_error(401, "invalid_client");
    assert_eq!((proxy.count("GetItem"), proxy.total()), (2, 2));
}

/// R20, O2: the first token of an unused client makes one additional write, later ones do not. The client is kept from
/// its second token on, because the first one has to clear its expiry.
#[tokio::test]
async fn r20_o2_calls_of_a_first_token() {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    world.set("UNUSED_CLIENT_TTL", "3600").await;
    let client = world.client(json!({})).await;
    for (writes, reads) in [(1, 1), (0, 1), (0, 0)] {
        proxy.forget();
        assert_eq!(world.ask(&client, "").await.status, 200);
        let calls = ["UpdateItem", "GetItem", "Sign"].map(|operation| proxy.count(operation));
        assert_eq!((calls, proxy.total()), ([writes, reads, 1], 1 + writes + reads));
    }
}

/// O6: a dependency that accepts connections and never responds delays a request no longer than the time limit.
#[tokio::test]
async fn o6_stalled() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let mut world = World::new().await;
    world.point_aws_at(&url).await;
    let started = Instant::now();
    world.register(&events::register(&json!({}))).await.expect_error(503, "temporarily_unavailable");
    assert!(started.elapsed() < REQUEST_BUDGET + Duration::from_secs(1));
    drop(listener);
}
