//! Metadata that DynamoDB cannot store, at `POST /register` and `PUT /register/{client_id}`: any input is registered
//! or refused, and never causes a server error.

use jsonwebtoken::Algorithm;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};
use tokenmint_aws::clients::{Consistency, WriteError};
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::metadata::ClientMetadata;
use tokenmint_oauth::metadata::members::{MAX_BODY_BYTES, MEMBERS};
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_tests::{Answer, Credentials, Log, World, events};

use crate::client_key::{ClientKey, ask, claims};

/// A world that counts registrations.
async fn counting() -> World {
    let mut world = World::new().await;
    world.set("REGISTRATION_RATE_TOTAL", "3000").await;
    world
}

async fn put(world: &World, client: &Credentials, mut metadata: Value) -> Answer {
    metadata["client_id"] = client.id.clone().into();
    let token = format!("Bearer {}", client.token);
    world.register(&events::configure("PUT", &client.id, Some(&token), Some(&metadata))).await
}

async fn get(world: &World, id: &str, token: &str) -> Value {
    let answer = world.register(&events::configure("GET", id, Some(&format!("Bearer {token}")), None)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.json()
}

/// The value, nested in this many arrays.
fn nested(levels: usize) -> Value {
    (0..levels).fold(json!("x"), |value, _| json!([value]))
}

/// R1, R8, R13: unknown members of keys are ignored, also those that DynamoDB cannot store: a number of 301 digits,
/// one below its minimum, forty levels, an empty name. The key is stored and usable.
#[tokio::test]
async fn r1_r8_r13_members_of_keys_that_are_not_known() {
    let world = counting().await;
    let log = Log::capture();
    let key = ClientKey::new(Algorithm::ES256);
    let mut registered = 0;
    for (name, value) in [
        ("huge", json!(1e300)),
        ("tiny", json!(1e-200)),
        ("deep", nested(40)),
        ("", json!("x")),
        ("object", json!({"": {"": [1e300]}})),
        ("alt", json!(null)),
    ] {
        let mut in_key = key.jwks();
        in_key["keys"][0][name] = value.clone();
        let mut in_set = key.jwks();
        in_set[name] = value.clone();
        let mut of_another_kind = key.jwks();
        of_another_kind["keys"].as_array_mut().expect("keys").push(json!({"kty": "AKP", name: value}));
        let mut two = key.jwks();
        two["keys"].as_array_mut().expect("keys").push(json!({"kty": "AKP"}));
        for (sent, kept) in [(in_key, key.jwks()), (in_set, key.jwks()), (of_another_kind, two)] {
            let by_key = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": sent});
            let answer = world.register(&events::register(&by_key)).await;
            let body = answer.json();
            assert_eq!((answer.status.as_u16(), &body["jwks"]), (201, &kept), "{name:?}: {body}");
            registered += 1;
            let text = |name: &str| body[name].as_str().expect("text").to_owned();
            let (id, token) = (text("client_id"), text("registration_access_token"));
            assert_eq!(get(&world, &id, &token).await["jwks"], kept);
            assert_eq!(ask(&world, &key.sign(&claims(&world, &id, "1"))).await.status, 200);

            let client = Credentials { id: id.clone(), secret: String::new(), token };
            let answer = put(&world, &client, by_key).await;
            let body = answer.json();
            assert_eq!((answer.status.as_u16(), &body["jwks"]), (200, &kept), "{name:?}: {body}");
            assert_eq!(ask(&world, &key.sign(&claims(&world, &id, "2"))).await.status, 200);
        }
    }
    assert_eq!(world.counted_registrations().await, registered);
    assert_eq!(log.errors(), [""; 0]);
}

/// R1, R8, R16, R18: a known key member of the wrong type is refused by name, and a private key is refused, before
/// anything is counted, consumed or changed.
#[tokio::test]
async fn r1_r8_r16_r18_members_of_keys_of_a_wrong_type() {
    let mut world = counting().await;
    let client = world.client(json!({"client_name": "A"})).await;
    let log = Log::capture();
    let key = ClientKey::new(Algorithm::ES256);
    let mut all = Vec::new();
    for (member, bad, expected) in [
        ("kid", json!(1e300), "a string"),
        ("kty", json!(["EC"]), "a string"),
        ("x", json!({"": 1}), "a string"),
        ("x5t#S256", nested(40), "a string"),
        ("key_ops", json!("verify"), "an array of strings"),
        ("key_ops", json!(["verify", 1e-200]), "an array of strings"),
        ("x5c", json!([["x"]]), "an array of strings"),
    ] {
        let mut sent = key.jwks();
        sent["keys"][0][member] = bad;
        all.push((sent, format!("jwks holds a key whose {member} must be {expected}")));
    }
    for member in ["d", "k"] {
        let mut sent = key.jwks();
        sent["keys"][0][member] = json!(1e300);
        all.push((sent, "jwks holds a key that is not public".to_owned()));
    }
    for (sent, description) in &all {
        let sent = json!({"jwks": sent});
        for answer in [world.register(&events::register(&sent)).await, put(&world, &client, sent).await] {
            answer.expect_error(400, "invalid_client_metadata");
            assert_eq!(answer.json()["error_description"], *description);
        }
    }
    assert_eq!(get(&world, &client.id, &client.token).await["client_name"], "A");
    assert_eq!(world.counted_registrations().await, 1);

    world.set("REGISTRATION", "protected").await;
    let token = InitialAccessToken {
        hash: SecretHash::of("initial"),
        name: "test".to_owned(),
        issued_at: world.now(),
        expires_at: world.now() + 3600,
        uses_left: 1,
        scope: Scope::default(),
        allows_federation: false,
        token_policy: None,
    };
    world.registrations().insert_token(&token).await.expect("stored");
    for (sent, _) in &all {
        let event = events::register(&json!({"jwks": sent}));
        let event = events::with_header(event, "authorization", "Bearer initial");
        world.register(&event).await.expect_error(400, "invalid_client_metadata");
    }
    let token = world.registrations().find_token(&token.hash).await.expect("a read").expect("the token");
    assert_eq!(token.uses_left, 1);
    assert_eq!(log.errors(), [""; 0]);
}

/// R1: unusual characters and lengths are stored and returned unchanged.
#[tokio::test]
async fn r1_odd_strings_come_back_as_sent() {
    let world = counting().await;
    let log = Log::capture();
    let longest_tag = ["abcdefgh"; 7].join("-");
    let mut sent = json!({
        "client_name": "\u{0}", "client_name#a": "\u{ffff}\u{10ffff}\u{202e}\"\\\n", "software_id": " ",
        "software_version": "\u{0}".repeat(256), "contacts": ["", "\u{0}", "a"], "grant_types": ["", "\u{0}"],
    });
    sent[format!("client_name#{longest_tag}")] = "x".into();
    let answer = world.register(&events::register(&sent)).await;
    let body = answer.json();
    assert_eq!(answer.status, 201, "{body}");
    let text = |name: &str| body[name].as_str().expect("text").to_owned();
    let client =
        Credentials { id: text("client_id"), secret: text("client_secret"), token: text("registration_access_token") };
    let read = get(&world, &client.id, &client.token).await;
    let answer = put(&world, &client, sent.clone()).await.json();
    for (name, value) in sent.as_object().expect("an object") {
        assert_eq!((&body[name], &read[name], &answer[name]), (value, value, value), "{name}");
    }
    assert_eq!(world.ask(&client, "").await.status, 200);

    // A longer tag is ignored; text that ends within a character is invalid JSON.
    let too_long = json!({format!("client_name#{longest_tag}-{longest_tag}"): 1e300});
    assert_eq!(world.register(&events::register(&too_long)).await.status, 201);
    let half = r#"{"client_name":"\ud800"}"#;
    world.register(&events::register_text(half)).await.expect_error(400, "invalid_client_metadata");
    assert_eq!(log.errors(), [""; 0]);
}

/// R1: the largest registrations within the bounds fit an item: the longest one, and the one with the most elements.
#[tokio::test]
async fn r1_the_largest_client_is_stored() {
    let world = counting().await;
    let log = Log::capture();
    let key = ClientKey::new(Algorithm::ES256);
    let mut longest = Map::new();
    longest.insert("software_id".to_owned(), "\u{10ffff}".repeat(64).into());
    for n in 0.. {
        let name = format!("logo_uri#a-{n}");
        longest.insert(name.clone(), format!("https://a.example/{}", "x".repeat(2000)).into());
        if Value::from(longest.clone()).to_string().len() > MAX_BODY_BYTES {
            longest.remove(&name);
            break;
        }
    }
    let mut pieces = key.jwks();
    pieces["keys"][0]["x5c"] = vec![""; 5000].into();
    for sent in [Value::from(longest), json!({"jwks": pieces, "grant_types": vec![""; 16], "contacts": vec![""; 16]})] {
        let answer = world.register(&events::register(&sent)).await;
        let body = answer.json();
        assert_eq!(answer.status, 201, "{body}");
        for (name, value) in sent.as_object().expect("an object") {
            assert_eq!(&body[name], value);
        }
    }
    assert_eq!(log.errors(), [""; 0]);
}

/// R1: a client that cannot be stored is refused before DynamoDB is called.
#[tokio::test]
async fn r1_what_cannot_be_stored_is_not_sent() {
    let mut world = World::new().await;
    let client = world.client(json!({})).await;
    let id = ClientId::parse(&client.id).expect("an identifier");
    let before = world.clients().find(&id, Consistency::Strong).await.expect("a read").expect("the client");
    let proxy = world.behind_proxy().await;
    for bad in [json!(1e300), nested(40), json!({"": 1}), json!("x".repeat(400 * 1024))] {
        let (mut after, mut stored) = (before.clone(), before.metadata.to_stored());
        stored.others.insert("member".to_owned(), bad);
        after.metadata = ClientMetadata::from_stored(stored).expect("metadata");
        let outcome = world.clients().update(&before, &after).await;
        assert!(matches!(outcome, Err(WriteError::Item(_))), "{outcome:?}");
    }
    assert_eq!(proxy.count("UpdateItem"), 0);
}

/// Any JSON, also JSON that DynamoDB cannot store.
fn any_json() -> impl Strategy<Value = Value> {
    let numbers = vec![json!(0), json!(-1), json!(u64::MAX), json!(1e300), json!(-1e300), json!(1e-200), json!(0.1)];
    let odd =
        vec![json!(null), json!(true), json!(false), json!("\u{0}"), json!(""), nested(31), nested(40), nested(90)];
    let leaf = prop_oneof![select(numbers), select(odd), "\\PC{0,12}".prop_map(Value::from)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("\\PC{0,3}", inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// R1, R16, R18: any JSON in any member of the metadata or of a key is registered or refused, at both endpoints. A
/// refused request is not counted, and nothing is logged as an error.
#[test]
fn r1_r18_any_json_in_any_member() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(counting());
    let client = runtime.block_on(world.client(json!({})));
    let key = ClientKey::new(Algorithm::ES256);
    let log = Log::capture();
    let of_metadata: Vec<_> = MEMBERS.iter().map(|member| member.name).collect();
    let of_keys =
        vec!["kty", "use", "key_ops", "alg", "kid", "x5u", "x5c", "x5t", "x5t#S256", "n", "e", "crv", "x", "y"];
    let request = prop_oneof![
        (select(of_metadata), any_json()).prop_map(|(name, value)| json!({name: value})),
        (prop_oneof![select(of_keys).prop_map(str::to_owned), "\\PC{0,3}"], any_json()).prop_map(
            move |(name, value)| {
                let mut jwks = key.jwks();
                jwks["keys"][0][name] = value;
                json!({"jwks": jwks})
            }
        ),
    ];
    let token = std::cell::RefCell::new(client.token);
    let outcome = TestRunner::default().run(&request, |sent| {
        let counted = runtime.block_on(world.counted_registrations());
        let posted = runtime.block_on(world.register(&events::register(&sent)));
        let credentials = Credentials { id: client.id.clone(), secret: String::new(), token: token.borrow().clone() };
        let replaced = runtime.block_on(put(&world, &credentials, sent.clone()));
        let is_good = posted.status == 201;
        let counted = runtime.block_on(world.counted_registrations()) - counted;
        prop_assert_eq!(counted, u64::from(is_good), "{}", &sent);
        if is_good {
            prop_assert_eq!(replaced.status.as_u16(), 200, "{}", &sent);
            token.replace(replaced.json()["registration_access_token"].as_str().expect("a token").to_owned());
        } else {
            for answer in [posted, replaced] {
                let code = answer.json()["error"].as_str().expect("an error").to_owned();
                answer.expect_error(400, &code);
                let registered = ["invalid_client_metadata", "invalid_redirect_uri", "invalid_software_statement"];
                prop_assert!(registered.contains(&code.as_str()), "{}: {}", code, &sent);
            }
        }
        prop_assert_eq!(log.errors(), Vec::<String>::new());
        Ok(())
    });
    outcome.expect("registered, or refused with a registered error");
}
