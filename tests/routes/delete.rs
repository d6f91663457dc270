//! `DELETE /register/{client_id}`: the write that states who removes a client also checks the token.

use serde_json::json;
use tokenmint_aws::clients::Consistency;
use tokenmint_oauth::client::ClientId;
use tokenmint_tests::{Credentials, Fault, Proxy, World};

use crate::configure::configure;

async fn delete(world: &World, client: &Credentials) -> u16 {
    configure(world, "DELETE", &client.id, &client.token, None).await.status.as_u16()
}

async fn exists(world: &World, client: &Credentials) -> bool {
    let id = ClientId::parse(&client.id).expect("an identifier");
    world.clients().find(&id, Consistency::Strong).await.expect("a read").is_some()
}

/// The author of the last change of a client.
async fn last_author(world: &World, proxy: &Proxy, client: &Credentials) -> String {
    let key = json!({"TableName": world.table(), "Key": {"client_id": {"S": client.id}}});
    let item = proxy.dynamodb("GetItem", &key).await;
    item["Item"]["last_change"]["M"]["by"]["S"].as_str().expect("an author").to_owned()
}

/// O3, M6: a client that deletes itself makes two calls, as it did when the first of them was a read. A request that is
/// refused removes nothing, and states nothing.
#[tokio::test]
async fn o3_m6_a_client_that_deletes_itself() {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    world.set("UNUSED_CLIENT_TTL", "60").await;
    let [client, disabled, expired] =
        [world.client(json!({})).await, world.client(json!({})).await, world.client(json!({})).await];
    let wrong = Credentials { token: expired.token.clone(), ..client.clone() };
    world.disable(&disabled).await;
    proxy.forget();
    for refused in [&wrong, &disabled] {
        assert_eq!(delete(&world, refused).await, 401);
    }
    assert_eq!((proxy.count("UpdateItem"), proxy.count("DeleteItem")), (2, 0));
    assert_eq!(last_author(&world, &proxy, &client).await, "anyone");
    assert_eq!(last_author(&world, &proxy, &disabled).await, "operator:test");
    proxy.forget();
    assert_eq!(delete(&world, &client).await, 204);
    assert_eq!((proxy.count("UpdateItem"), proxy.count("DeleteItem"), proxy.total()), (1, 1, 2));
    assert!(!exists(&world, &client).await);
    world.pass(60);
    assert_eq!(delete(&world, &expired).await, 401);
    assert!(exists(&world, &expired).await && exists(&world, &disabled).await);
}

/// M7, M6: an update that comes between the two calls is not lost: the token is no longer the client's.
#[tokio::test]
async fn m7_m6_an_update_between_the_calls() {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    let client = world.client(json!({})).await;
    proxy.break_down("UpdateItem", Fault::Hold);
    let (deleted, updated) = tokio::join!(delete(&world, &client), async {
        proxy.until_held(1).await;
        proxy.repair();
        let body = json!({"client_id": client.id});
        let updated = configure(&world, "PUT", &client.id, &client.token, Some(&body)).await;
        proxy.release();
        updated.status.as_u16()
    });
    assert_eq!((deleted, updated), (401, 200));
    assert!(exists(&world, &client).await);
}
