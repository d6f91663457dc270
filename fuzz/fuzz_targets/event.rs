//! Whole requests: an API Gateway event, or the body of one, through both functions with an embedded DynamoDB and KMS.
//!
//! Whatever comes in, the response is complete, its error is registered, and it is never the server's fault.
#![no_main]

use std::sync::LazyLock;

use lambda_http::request::LambdaRequest;
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokenmint_oauth::error::ErrorCode;
use tokenmint_tests::{Answer, Credentials, World, events, send};
use tokio::runtime::Runtime;

struct Deployment {
    runtime: Runtime,
    world: World,
    client: Credentials,
}

static DEPLOYMENT: LazyLock<Deployment> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime");
    let (world, client) = runtime.block_on(async {
        let world = World::new().await;
        let client = world.client(json!({"client_name": "fuzz", "scope": "client-scope read"})).await;
        (world, client)
    });
    Deployment { runtime, world, client }
});

fn check(answer: &Answer, event: &Value) {
    let status = answer.status.as_u16();
    assert!(status < 500, "{status}: {event}");
    if status < 400 {
        return;
    }
    let body = answer.json();
    let code = body["error"].as_str().unwrap_or_default();
    assert!(ErrorCode::ALL.iter().any(|known| known.as_str() == code), "{body}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

fuzz_target!(|bytes: &[u8]| {
    let Deployment { runtime, world, client } = &*DEPLOYMENT;
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let text = || String::from_utf8_lossy(bytes).into_owned();
    let event = match choice {
        b't' => events::with_header(events::token_bytes(bytes), "authorization", client.basic()),
        b'a' => events::token_bytes(bytes),
        b'r' => events::register_text(&text()),
        b'h' => events::with_header(events::token("grant_type=client_credentials"), "authorization", text()),
        b'd' => {
            let event = events::token("grant_type=client_credentials");
            events::with_header(events::with_header(event, "authorization", client.basic()), "dpop", text())
        }
        b'i' => {
            let event = events::form("/introspect", &text());
            events::with_header(event, "authorization", client.basic())
        }
        b'v' => events::with_header(events::form("/revoke", &text()), "authorization", client.basic()),
        _ => match serde_json::from_slice(bytes) {
            Ok(event) => event,
            Err(_) => return,
        },
    };
    // The Lambda runtime refuses what is no event of an HTTP API.
    if serde_json::from_value::<LambdaRequest>(event.clone()).is_err() {
        return;
    }
    runtime.block_on(async {
        let answer = send(&world.router(), &event).await;
        check(&answer, &event);
    });
});
