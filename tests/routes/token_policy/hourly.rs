//! A limit of tokens per hour.

use serde_json::json;
use tokenmint_tests::{Credentials, Fault, World, events};

use super::{client, set};

/// P5: so many tokens in each hour of the clock, then 429 until the next hour begins. Another client has its own hour.
#[tokio::test]
async fn p5_tokens_per_hour() {
    let world = World::new().await;
    let (limited, other) =
        (client(&world, &json!({"tokens_per_hour": 2})).await, client(&world, &json!({"tokens_per_hour": 1})).await);
    world.pass(3600 - world.now() % 3600 + 100);
    for _ in 0..2 {
        assert_eq!(world.ask(&limited, "").await.status, 200);
    }
    for (passed, left) in [(0, "3500"), (3499, "1")] {
        world.pass(passed);
        let answer = world.ask(&limited, "").await;
        answer.expect_error(429, "temporarily_unavailable");
        assert_eq!(answer.header("retry-after"), Some(left));
    }
    assert_eq!(world.ask(&other, "").await.status, 200);
    world.ask(&other, "").await.expect_error(429, "temporarily_unavailable");
    world.pass(1);
    for client in [&limited, &other] {
        assert_eq!(world.ask(client, "").await.status, 200);
    }
}

/// P5: of two requests for the last token of an hour, one gets it, in one instance and in two.
#[tokio::test]
async fn p5_a_race_for_the_last_token() {
    let world = World::new().await;
    let client = client(&world, &json!({"tokens_per_hour": 3})).await;
    let event = events::token("grant_type=client_credentials");
    let event = events::with_header(event, "authorization", client.basic());
    let other = world.instance().await;
    for instance in [&world.instance().await, &other] {
        assert_eq!(instance.token(&event).await.status, 200);
    }
    let (first, second, third) = tokio::join!(world.token(&event), other.token(&event), world.token(&event));
    let mut statuses = [first, second, third].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429, 429]);
}

/// P5: a stranger, and a request that is refused, do not count.
#[tokio::test]
async fn p5_nobody_else_uses_it_up() {
    let world = World::new().await;
    let client = client(&world, &json!({"tokens_per_hour": 1})).await;
    let wrong = Credentials { secret: "x".to_owned(), ..client.clone() };
    for _ in 0..3 {
        world.ask(&wrong, "").await.expect_error(401, "invalid_client");
        world.ask(&client, "&scope=admin").await.expect_error(400, "invalid_scope");
        world.ask(&client, "&resource=x").await.expect_error(400, "invalid_target");
        world.ask(&client, "&scope=%22").await.expect_error(400, "invalid_scope");
        let proof = events::with_header(events::token("grant_type=client_credentials"), "dpop", "x");
        let proof = events::with_header(proof, "authorization", client.basic());
        world.token(&proof).await.expect_error(400, "invalid_dpop_proof");
    }
    assert_eq!(world.stored_tokens().await, 0);
    assert_eq!(world.ask(&client, "").await.status, 200);
    assert_eq!(world.stored_tokens().await, 1);
    world.ask(&client, "").await.expect_error(429, "temporarily_unavailable");
}

/// P5, O2: one write for each token of such a client, known or not, and none for any other. A higher limit works at once.
#[tokio::test]
async fn p5_o2_calls_of_a_limit() {
    let mut world = World::new().await;
    let (limited, other) = (client(&world, &json!({"tokens_per_hour": 3})).await, world.client(json!({})).await);
    let proxy = world.behind_proxy().await;
    for client in [&limited, &other] {
        assert_eq!(world.ask(client, "").await.status, 200);
    }
    for _ in 0..2 {
        proxy.forget();
        assert_eq!(world.ask(&limited, "").await.status, 200);
        assert_eq!((proxy.count("UpdateItem"), proxy.count("Sign"), proxy.total()), (1, 1, 2));
    }
    proxy.forget();
    assert_eq!(world.ask(&other, "").await.status, 200);
    assert_eq!((proxy.count("Sign"), proxy.total()), (1, 1));
    // The refusal is confirmed with newer data, as every refusal that depends on the client.
    proxy.forget();
    world.ask(&limited, "").await.expect_error(429, "temporarily_unavailable");
    assert_eq!((proxy.count("UpdateItem"), proxy.count("GetItem"), proxy.count("Sign")), (2, 1, 0));
    set(&world, &limited, &json!({"tokens_per_hour": 4})).await;
    assert_eq!(world.ask(&limited, "").await.status, 200);
    world.ask(&limited, "").await.expect_error(429, "temporarily_unavailable");
}

/// P5, T7, O6: a counter that cannot be written is 503: no token is issued uncounted.
#[tokio::test]
async fn p5_t7_o6_a_counter_that_cannot_be_written() {
    let mut world = World::new().await;
    let (limited, other) = (client(&world, &json!({"tokens_per_hour": 2})).await, world.client(json!({})).await);
    let proxy = world.behind_proxy().await;
    assert_eq!(world.ask(&limited, "").await.status, 200);
    for fault in [Fault::Fail, Fault::Throttle] {
        proxy.break_down("UpdateItem", fault);
        let answer = world.ask(&limited, "").await;
        answer.expect_error(503, "temporarily_unavailable");
        assert_eq!(world.ask(&other, "").await.status, 200, "another client is not affected");
    }
    proxy.repair();
    assert_eq!(world.ask(&limited, "").await.status, 200);
    world.ask(&limited, "").await.expect_error(429, "temporarily_unavailable");
}
