//! The audit log: the pipes of `template.yaml`, applied to the records of the tables' streams, O3.

mod pipe;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tokenmint_aws::clients::{ATTRIBUTES, Audited, Author, Change};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::federation::{FederatedCredentials, SubjectKey};
use tokenmint_tests::{Credentials, Proxy, World, events};

use crate::configure::{configure, update};
use crate::docs::{Place, table};
use crate::federation;
use crate::template::template;
use crate::token_policy;
use pipe::{Pipe, Record};

/// A world whose tables have streams, as in the template.
async fn world() -> (World, Proxy) {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    let template = template();
    for (table, resource) in [(world.table(), "ClientsTable"), (world.tokens_table(), "TokensTable")] {
        let view = pipe::stream_view(&template, resource);
        let stream = json!({"StreamEnabled": true, "StreamViewType": view});
        proxy.dynamodb("UpdateTable", &json!({"TableName": table, "StreamSpecification": stream})).await;
    }
    (world, proxy)
}

/// The records of a table's stream, from its beginning.
async fn records(proxy: &Proxy, table: &str) -> Vec<Record> {
    let described = proxy.dynamodb("DescribeTable", &json!({"TableName": table})).await;
    let stream = described["Table"]["LatestStreamArn"].clone();
    let stream_description = proxy.streams("DescribeStream", &json!({"StreamArn": stream})).await;
    let mut records = Vec::new();
    for shard in stream_description["StreamDescription"]["Shards"].as_array().expect("shards") {
        let from = json!({"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let iterator = proxy.streams("GetShardIterator", &from).await["ShardIterator"].clone();
        let read = proxy.streams("GetRecords", &json!({"ShardIterator": iterator})).await;
        records.extend(read["Records"].as_array().expect("records").iter().cloned().map(Record));
    }
    records
}

/// Everything in the audit log, in the order of the changes of each table.
async fn audited(world: &World, proxy: &Proxy) -> Vec<Value> {
    let pipes = Pipe::all(&template());
    let mut events = Vec::new();
    for (table, resource) in [(world.table(), "ClientsTable"), (world.tokens_table(), "TokensTable")] {
        let pipes: Vec<_> = pipes.iter().filter(|pipe| pipe.source == resource).collect();
        assert!((1..=2).contains(&pipes.len()), "a stream has one or two readers");
        for record in records(proxy, table).await {
            let written: Vec<_> =
                pipes.iter().filter(|pipe| pipe.takes(&record)).map(|pipe| pipe.write(&record)).collect();
            assert!(written.len() <= 1, "two events of one change: {written:?}");
            events.extend(written);
        }
    }
    events
}

fn who_did_what(events: &[Value]) -> Vec<(&str, &str)> {
    events.iter().map(|event| (event["what"].as_str().expect("what"), event["who"].as_str().expect("who"))).collect()
}

fn id(client: &Credentials) -> ClientId {
    ClientId::parse(&client.id).expect("an identifier")
}

/// O3, R19: each kind of change, by each author, is exactly one event, with the listed fields and without any secret or
/// hash. Reading a client, getting a token, clearing the expiry of an unused client, and refused requests are none.
#[tokio::test]
async fn o3_r19_each_change_is_one_event() {
    let (mut world, proxy) = world().await;
    world.set("UNUSED_CLIENT_TTL", "3600").await;
    let alice = Author::operator("alice");
    let client = world.client(json!({"client_name": "\",\"who\":\"nobody", "scope": "read write"})).await;
    let token = world.ask(&client, "").await.json()["access_token"].as_str().expect("a token").to_owned();
    let (_, client) = update(&world, &client, json!({"client_name": "B", "scope": "read"})).await;
    let (_, client) = update(&world, &client, json!({"client_name": "C", "rotate_client_secret": true})).await;
    configure(&world, "GET", &client.id, &client.token, None).await;
    world.clients().set_disabled(&id(&client), true, &alice).await.expect("disabled");
    configure(&world, "DELETE", &client.id, &client.token, None).await.expect_error(401, "invalid_token");
    world.clients().set_disabled(&id(&client), false, &alice).await.expect("enabled");
    let strong = tokenmint_aws::clients::Consistency::Strong;
    let before = world.clients().find(&id(&client), strong).await.expect("a read").expect("the client");
    let mut after = before.clone();
    after.client_secrets.truncate(1);
    world.clients().set_secrets(&before, &after, &alice).await.expect("rotated");
    let revoke =
        events::with_header(events::form("/revoke", &format!("token={token}")), "authorization", client.basic());
    for _ in 0..2 {
        assert_eq!(world.token(&revoke).await.status, 200);
    }
    configure(&world, "DELETE", &client.id, "wrong", None).await.expect_error(401, "invalid_token");
    assert_eq!(configure(&world, "DELETE", &client.id, &client.token, None).await.status, 204);
    world.set("REGISTRATION", "protected").await;
    let invited = world.client_with_initial_access_token("read", json!({})).await;
    assert!(world.clients().remove(&id(&invited), &alice).await.expect("removed"));
    assert!(!world.clients().remove(&id(&invited), &alice).await.expect("nothing to remove"));

    let events = audited(&world, &proxy).await;
    let expected = [
        ("registered", "anyone"),
        ("changed", "client"),
        ("secret_rotated", "client"),
        ("disabled", "operator:alice"),
        ("enabled", "operator:alice"),
        ("secret_rotated", "operator:alice"),
        ("deleted", "client"),
    ];
    let (of_client, rest) = events.split_at(expected.len());
    assert_eq!(who_did_what(of_client), expected, "{events:#?}");
    assert!(of_client.iter().all(|event| event["client_id"] == client.id.as_str()));
    assert_eq!((&of_client[0]["scope"], &of_client[1]["scope"]), (&json!("read write"), &json!("read")));
    let [(registered, author), deleted, revoked] = who_did_what(rest)[..] else { panic!("{rest:#?}") };
    assert!(registered == "registered" && author.starts_with("initial-access-token:"), "{author}");
    assert_eq!((deleted, revoked), (("deleted", "operator:alice"), ("token_revoked", "client")));
    assert_eq!(rest[2]["client_id"], client.id.as_str());

    // Nothing that must not leave the tables did.
    let text = Value::from(events).to_string();
    for secret in [&client.secret, &client.token, &invited.secret, &invited.token, &token] {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
    assert!(!text.contains("nobody"), "what a client calls itself: {text}");
    let stored: Vec<_> =
        records(&proxy, world.table()).await.into_iter().flat_map(|record| record.binaries()).collect();
    assert!(stored.len() > 10, "the records hold hashes: {stored:?}");
    assert!(stored.iter().all(|hash| !text.contains(hash.as_str())), "{text}");
}

/// O3, F3: a client with federated credentials has one event for each of its changes, and the items that find it by its
/// subjects have none.
#[tokio::test]
async fn o3_f3_each_change_of_trust_is_one_event() {
    let (mut world, proxy) = world().await;
    world.set("REGISTRATION", "protected").await;
    let subject = |sub: &str| json!({"issuer": "https://issuer.example", "sub": sub});
    let (registered, token) = federation::client(&world, &json!([subject("a"), subject("b")])).await;
    let id = ClientId::parse(&registered).expect("an identifier");
    let strong = tokenmint_aws::clients::Consistency::Strong;
    let before = world.clients().find(&id, strong).await.expect("a read").expect("the client");
    let credentials = FederatedCredentials::parse(&json!([subject("b"), subject("c")])).expect("credentials");
    let metadata = before.metadata.clone().with_federated_credentials(credentials).expect("metadata");
    let after = Client { metadata, ..before.clone() };
    let alice = Author::operator("alice");
    world.clients().set_federated_credentials(&before, &after, &alice).await.expect("set");
    assert_eq!(configure(&world, "DELETE", &registered, &token, None).await.status, 204);
    let (other, _) = federation::client(&world, &json!([subject("c")])).await;
    assert!(world.clients().remove(&ClientId::parse(&other).expect("an identifier"), &alice).await.expect("removed"));

    let records = records(&proxy, world.table()).await;
    let is_link = |record: &&Record| {
        let key = record.0["dynamodb"]["Keys"]["client_id"]["S"].as_str();
        key.is_some_and(|key| key.starts_with(SubjectKey::PREFIX))
    };
    assert_eq!(records.iter().filter(is_link).count(), 2 + 2 + 2 + 2, "each addition to a list, and each removal");
    let events = audited(&world, &proxy).await;
    let changes: Vec<_> = events.iter().map(|event| event["what"].as_str().expect("what")).collect();
    assert_eq!(changes, ["registered", "trust_changed", "deleted", "registered", "deleted"]);
    assert_eq!(events[1]["who"], "operator:alice");
    assert!(!Value::from(events.clone()).to_string().contains("issuer.example"));
    // Should one be removed by another program, that is none either.
    let key = json!({"client_id": {"S": SubjectKey::new("https://issuer.example", "a").as_str()}});
    proxy.dynamodb("DeleteItem", &json!({"TableName": world.table(), "Key": key})).await;
    assert_eq!(audited(&world, &proxy).await.len(), changes.len());
}

/// O3, P6: a change of what a client may get is one event, without the policy; counting its tokens is none.
#[tokio::test]
async fn o3_p6_each_change_of_a_policy_is_one_event() {
    let (world, proxy) = world().await;
    let client = world.client(json!({})).await;
    let policy = json!({"claims": {"tenant": "\",\"who\":\"nobody"}, "tokens_per_hour": 5});
    token_policy::set(&world, &client, &policy).await;
    for _ in 0..2 {
        assert_eq!(world.ask(&client, "").await.status, 200);
    }
    token_policy::set(&world, &client, &json!({})).await;
    assert!(records(&proxy, world.tokens_table()).await.len() >= 2, "the counter is in the stream");
    let events = audited(&world, &proxy).await;
    let expected =
        [("registered", "anyone"), ("policy_changed", "operator:alice"), ("policy_changed", "operator:alice")];
    assert_eq!(who_did_what(&events), expected);
    assert!(events.iter().all(|event| event["client_id"] == client.id.as_str()));
    assert!(!Value::from(events).to_string().contains("nobody"));
}

/// O3: a client that expired, or that something else removed, is an event that does not name a wrong author.
#[tokio::test]
async fn o3_clients_that_expire() {
    let (world, proxy) = world().await;
    let client = world.client(json!({})).await;
    let key = json!({"client_id": {"S": client.id}});
    proxy.dynamodb("DeleteItem", &json!({"TableName": world.table(), "Key": key})).await;
    let pipes = Pipe::all(&template());
    let mut record = records(&proxy, world.table()).await.pop().expect("a record");
    for who in ["", "dynamodb.amazonaws.com"] {
        if !who.is_empty() {
            // As DynamoDB marks what its time to live removed.
            record.0["userIdentity"] = json!({"type": "Service", "principalId": who});
        }
        let written: Vec<_> = pipes.iter().filter(|pipe| pipe.takes(&record)).map(|pipe| pipe.write(&record)).collect();
        let [event] = &written[..] else { panic!("{written:?}") };
        assert_eq!((&event["what"], &event["who"]), (&json!("removed"), &json!(who)));
        assert_eq!(event["client_id"], client.id.as_str());
    }
}

/// O3, R19: every path of a pipe leads to an attribute that is classified as audited; nothing copies a whole item. So a
/// new attribute stays inside until somebody classifies it.
#[test]
fn o3_r19_pipes_copy_audited_attributes_only() {
    let audited: BTreeSet<_> =
        ATTRIBUTES.iter().filter(|(_, audited)| *audited == Audited::Yes).map(|(name, _)| *name).collect();
    let of_revocations = BTreeSet::from(["client_id", "jti"]);
    let (mut copied, mut pipes_of) = (BTreeSet::new(), BTreeMap::new());
    let template = template();
    let pipes = Pipe::all(&template);
    for pipe in &pipes {
        *pipes_of.entry(pipe.source.as_str()).or_insert(0) += 1;
        for path in pipe.paths() {
            let parts: Vec<_> = path.split('.').collect();
            match parts[..] {
                ["$", "eventID"]
                | ["$", "dynamodb", "ApproximateCreationDateTime"]
                | ["$", "userIdentity", "principalId"] => {}
                ["$", "dynamodb", "NewImage" | "OldImage" | "Keys", attribute, .., "S"]
                    if parts.len() == 5 || attribute == "last_change" =>
                {
                    let allowed = if pipe.source == "ClientsTable" { &audited } else { &of_revocations };
                    assert!(allowed.contains(attribute), "{path}");
                    if pipe.source == "ClientsTable" {
                        copied.insert(attribute.to_owned());
                    }
                }
                _ => panic!("{path} is no single attribute"),
            }
        }
    }
    assert_eq!(copied, audited.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(pipes_of, [("ClientsTable", 2), ("TokensTable", 1)].into());
}

/// O3: the fields, the changes and the attributes that `docs/logs.md` lists are those of the pipes and of the code.
#[test]
fn o3_audit_is_listed() {
    let listed = |name| -> Vec<Vec<String>> {
        let rows = table(Place { document: "docs/logs.md", name }).into_iter();
        rows.map(|row| row.into_iter().map(|cell| cell.trim_matches('`').to_owned()).collect()).collect()
    };
    let pipes = Pipe::all(&template());
    let fields: BTreeSet<_> = pipes.iter().flat_map(Pipe::fields).collect();
    let rows = listed("audit");
    assert_eq!(rows.iter().map(|row| row[0].clone()).collect::<BTreeSet<_>>(), fields);
    for row in &rows {
        let is_in_all = pipes.iter().all(|pipe| pipe.fields().contains(&row[0]));
        assert_eq!(row[1] == "all", is_in_all, "{}", row[0]);
    }
    let changes = Change::ALL.map(Change::as_str).into_iter().chain(["removed", "token_revoked"]);
    assert_eq!(listed("changes").iter().map(|row| row[0].clone()).collect::<Vec<_>>(), changes.collect::<Vec<_>>());
    let attributes = ATTRIBUTES.map(|(name, audited)| (name.to_owned(), audited));
    let classes = listed("attributes").into_iter().map(|row| {
        let class = match row[1].split(':').collect::<Vec<_>>()[..] {
            ["yes"] => Audited::Yes,
            ["never", _] => Audited::Secret,
            ["no", " the client's text"] => Audited::ClientText,
            ["no", " the operator's text"] => Audited::OperatorText,
            ["no"] => Audited::No,
            _ => panic!("{row:?}"),
        };
        (row[0].clone(), class)
    });
    assert_eq!(classes.collect::<Vec<_>>(), attributes);
}

/// O1, O3: the pipes may read two streams and write one log group, and nothing else; only pipes of this account may
/// use their role. Without `Audit` there is none of it.
#[test]
fn o1_o3_role_of_the_pipes() {
    let template = template();
    let resources = template["Resources"].as_mapping().expect("resources");
    let role = serde_yaml_ng::to_string(&template["Resources"]["AuditRole"]["Properties"]).expect("YAML");
    let actions: BTreeSet<_> = role
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- "))
        .filter(|word| word.starts_with("dynamodb:") || word.starts_with("logs:") || word.contains(":*"))
        .collect();
    let expected = [
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
    ];
    assert_eq!(actions, expected.into());
    let granted: BTreeSet<_> = role.lines().filter_map(|line| line.split_once("!GetAtt ")).map(|(_, to)| to).collect();
    let streams = ["ClientsTable", "TokensTable", "ClientsGlobalTable", "TokensGlobalTable"];
    let streams = streams.map(|table| format!("{table}.StreamArn"));
    assert_eq!(granted, streams.iter().map(String::as_str).chain(["AuditLogGroup.Arn"]).collect());
    // G1: one region writes the audit log, because a region's stream has the writes of every region.
    let condition = serde_yaml_ng::to_string(&template["Conditions"]["AuditIsOn"]).expect("YAML");
    assert_eq!(condition, "!And\n- !Equals\n  - !Ref Audit\n  - on\n- !Not\n  - !Condition IsReplica\n");
    assert!(!role.contains("'*'") && role.contains("aws:SourceAccount: !Ref AWS::AccountId"));
    for (name, resource) in resources {
        let is_audit =
            resource["Type"] == "AWS::Pipes::Pipe" || name.as_str().is_some_and(|name| name.contains("Audit"));
        let condition = resource["Condition"].as_str().unwrap_or_default();
        assert!(!is_audit || condition == "AuditIsOn" || condition == "AuditIsWatched", "{name:?}");
    }
}
