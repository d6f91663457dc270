//! A client changes its registration while an operator changes the client.

use serde_json::json;
use tokenmint_aws::clients::{Author, Change};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::metadata::ClientMetadata;
use tokenmint_oauth::scope::Scope;
use tokenmint_tests::{Fault, World};

use crate::configure::configure;

/// R10, U4: an operator's file narrows what a client may have, between the read and the write of a `PUT`, which then does not
/// widen it again: neither beyond the ceiling, nor, where registration is not open, beyond the scope of a client without one.
#[tokio::test]
async fn r10_u4_a_put_that_races_a_list() {
    for ceiling in [Some("read"), None] {
        let mut world = World::new().await;
        world.environment = std::mem::take(&mut world.environment).with("SCOPES", "read write admin");
        let proxy = world.behind_proxy().await;
        let client = if ceiling.is_some() {
            world.set("REGISTRATION", "protected").await;
            world.client_with_initial_access_token("read write", json!({})).await
        } else {
            let client = world.client(json!({"scope": "read write"})).await;
            world.set("REGISTRATION", "protected").await;
            client
        };
        let clients = world.clients();
        let id = ClientId::parse(&client.id).expect("an id");
        let before = clients.record(&id).await.expect("a read").expect("it");
        let scope = Scope::parse("read").expect("a scope");
        let mut stored = before.client.metadata.to_stored();
        stored.scope = scope.clone();
        let metadata = ClientMetadata::from_stored(stored).expect("metadata");
        let after = Client { metadata, scope_ceiling: ceiling.map(|_| scope), ..before.client.clone() };
        let put = async || {
            let body = json!({"client_id": client.id, "scope": "read write"});
            configure(&world, "PUT", &client.id, &client.token, Some(&body)).await
        };
        proxy.break_down("GetItem", Fault::Hold);
        let (late, ()) = tokio::join!(put(), async {
            proxy.until_held(1).await;
            proxy.repair();
            let by = Author::operator("test");
            clients.replace(&before, &after, None, Change::Changed, &by).await.expect("replaced");
            proxy.release();
        });
        assert_ne!(late.status, 200, "{ceiling:?}");
        assert_eq!(clients.record(&id).await.expect("a read").expect("it").client, after, "{ceiling:?}");
        // Again, it gets what it may have.
        let answer = put().await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scope"]), (200, &json!("read")), "{ceiling:?}");
    }
}
