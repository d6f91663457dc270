//! Finding the client of an assertion without `client_id`.

use serde_json::json;
use tokenmint_aws::clients::{Author, Consistency, WriteError};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::federation::{FederatedCredential, FederatedCredentials, SubjectKey};
use tokenmint_tests::{Log, World, events};

use super::{GITHUB, REPO, StandIn, ask, client, expect_token_of, github_claims, refusal, world};
use crate::configure::configure;

/// The clients that are listed for the subject.
async fn listed(world: &World) -> Vec<String> {
    let found = world.clients().trusting(&SubjectKey::new(GITHUB, REPO)).await.expect("a read");
    let mut found: Vec<_> = found.iter().map(|id| id.as_str().to_owned()).collect();
    found.sort_unstable();
    found
}

async fn read(world: &World, id: &str) -> Client {
    let id = ClientId::parse(id).expect("an identifier");
    world.clients().find(&id, Consistency::Strong).await.expect("a read").expect("the client")
}

/// F3: two clients that share a subject need `client_id`, until one of them is removed, in whichever way.
#[tokio::test]
async fn f3_two_clients_share_a_subject() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({}))]).await;
    world.set("UNUSED_CLIENT_TTL", "1000").await;
    let own = json!([{"issuer": GITHUB, "sub": REPO}]);
    let (first, second) = (client(&world, &own).await, client(&world, &own).await);
    let token = |jti: &str| github.key.sign(&github_claims(&world, jti));
    let refusal = refusal(&world).await;
    let log = Log::capture();
    assert_eq!(ask(&world, &token("1"), "").await.body, refusal);
    let cause = log.requests().pop().expect("a line")["cause"].clone();
    assert_eq!(cause, "several clients trust the subject of the assertion; client_id is needed");
    for (at, (id, _)) in [&first, &second].into_iter().enumerate() {
        expect_token_of(id, &ask(&world, &token(&format!("2{at}")), &format!("&client_id={id}")).await);
    }
    let id = &second.0;
    assert_eq!(configure(&world, "DELETE", id, &second.1, None).await.status, 204);
    assert_eq!(listed(&world).await, std::slice::from_ref(&first.0));
    expect_token_of(&first.0, &ask(&world, &token("3"), "").await);
    // An operator removes a client with its place in the list.
    let third = client(&world, &own).await;
    assert_eq!(listed(&world).await.len(), 2);
    let operator = Author::operator("test");
    assert!(world.clients().remove(&ClientId::parse(&third.0).expect("an id"), &operator).await.expect("removed"));
    assert_eq!(listed(&world).await, std::slice::from_ref(&first.0));
    // A client that expired unused stays in the list, and does not count.
    client(&world, &own).await;
    assert_eq!(ask(&world, &token("4"), "").await.body, refusal);
    world.pass(1000);
    assert_eq!(listed(&world).await.len(), 2);
    expect_token_of(&first.0, &ask(&world, &token("5"), "").await);
}

/// F3: the list is a hint: a client that is listed and does not trust the subject gets no token.
#[tokio::test]
async fn f3_the_clients_own_list_decides() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({}))]).await;
    let proxy = world.behind_proxy().await;
    let id = client(&world, &json!([{"issuer": GITHUB, "sub": "repo:octo-org/other"}])).await.0;
    let key = SubjectKey::new(GITHUB, REPO);
    let item = json!({"client_id": {"S": key.as_str()}, "clients": {"SS": [id]}});
    proxy.dynamodb("PutItem", &json!({"TableName": world.table(), "Item": item})).await;
    assert_eq!(listed(&world).await, [id]);
    let assertion = github.key.sign(&github_claims(&world, "1"));
    assert_eq!(ask(&world, &assertion, "").await.body, refusal(&world).await);
}

/// F3, O2: without `client_id` one more read finds the client; with it there is none more.
#[tokio::test]
async fn f3_o2_reads() {
    let github = StandIn::github().await;
    let mut world = world(&[github.entry(&json!({"reuse": "until-exp"}))]).await;
    let proxy = world.behind_proxy().await;
    let id = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let assertion = github.key.sign(&github_claims(&world, "1"));
    let with_id = format!("&client_id={id}");
    for (more, reads) in [(with_id.as_str(), 1), (with_id.as_str(), 0), ("", 1), ("", 1)] {
        proxy.forget();
        expect_token_of(&id, &ask(&world, &assertion, more).await);
        assert_eq!((proxy.count("GetItem"), proxy.count("PutItem")), (reads, 0), "{more}");
    }
}

/// F3: the key of a subject is no client: not to authenticate as, not to configure, not to list.
#[tokio::test]
async fn f3_a_key_is_no_client() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let id = client(&world, &json!([{"issuer": GITHUB, "sub": REPO}])).await.0;
    let key = SubjectKey::new(GITHUB, REPO);
    let encoded = key.as_str().replace('#', "%23");
    let refusal = refusal(&world).await;
    let assertion = github.key.sign(&github_claims(&world, "1"));
    assert_eq!(ask(&world, &assertion, &format!("&client_id={encoded}")).await.body, refusal);
    let form = format!("grant_type=client_credentials&client_id={encoded}&client_secret=x");
    assert_eq!(world.token(&events::token(&form)).await.body, refusal);
    let basic = events::with_header(
        events::token("grant_type=client_credentials"),
        "authorization",
        events::basic(&encoded, "x"),
    );
    assert_eq!(world.token(&basic).await.body, refusal);
    for id in [key.as_str(), &encoded] {
        configure(&world, "GET", id, "x", None).await.expect_error(401, "invalid_token");
        configure(&world, "DELETE", id, "x", None).await.expect_error(401, "invalid_token");
    }
    let page = world.clients().page(None, 100).await.expect("a page");
    assert_eq!(page.clients.iter().map(|client| client.client_id.as_str()).collect::<Vec<_>>(), [id]);
    assert!(world.clients().beginning_with("federate").await.expect("a scan").is_empty());
}

/// F3, M7: an operator's change moves a client's place in the lists, and loses against any other change.
#[tokio::test]
async fn f3_m7_an_operator_changes_whom_a_client_trusts() {
    let github = StandIn::github().await;
    let world = world(&[github.entry(&json!({}))]).await;
    let other = FederatedCredential::parse(&json!({"issuer": GITHUB, "sub": "repo:octo-org/other"})).expect("one");
    let first = json!([{"issuer": GITHUB, "sub": REPO}]);
    let own = client(&world, &first).await;
    let operator = Author::operator("test");
    let before = read(&world, &own.0).await;
    let with = |before: &Client, credentials: &FederatedCredentials| {
        let metadata = before.metadata.clone().with_federated_credentials(credentials.clone());
        metadata.map(|metadata| Client { metadata, ..before.clone() })
    };
    let both = before.metadata.federated_credentials().with(other.clone()).expect("two");
    let both = with(&before, &both).expect("a client");
    world.clients().set_federated_credentials(&before, &both, &operator).await.expect("set");
    assert_eq!(world.clients().trusting(&other.key()).await.expect("a read").len(), 1);
    // The same again, from what was read before.
    let late = world.clients().set_federated_credentials(&before, &both, &operator).await;
    assert!(matches!(late, Err(WriteError::Condition)), "{late:?}");
    let mut after = before.clone();
    after.registration_access_token = None;
    let late = world.clients().update(&before, &after).await;
    assert!(matches!(late, Err(WriteError::Condition)), "{late:?}");
    let token = github.key.sign(&github_claims(&world, "1"));
    expect_token_of(&own.0, &ask(&world, &token, "").await);
    // The client has no keys, so it keeps at least one credential.
    let now = read(&world, &own.0).await;
    assert!(with(&now, &FederatedCredentials::default()).is_err());
    let only_other = now.metadata.federated_credentials().without(&FederatedCredential::parse(&first[0]).expect("one"));
    let only_other = with(&now, &only_other).expect("a client");
    world.clients().set_federated_credentials(&now, &only_other, &operator).await.expect("set");
    assert_eq!(
        (listed(&world).await.len(), world.clients().trusting(&other.key()).await.expect("a read").len()),
        (0, 1)
    );
    // Known clients are used for half a minute.
    world.pass(30);
    let token = github.key.sign(&github_claims(&world, "2"));
    for more in ["", &format!("&client_id={}", own.0)] {
        assert_eq!(ask(&world, &token, more).await.body, refusal(&world).await);
    }
    // A `PUT` of what was read before the change loses.
    let late = world.clients().update(&now, &now).await;
    assert!(matches!(late, Err(WriteError::Condition)), "{late:?}");
}
