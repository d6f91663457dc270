//! `tokenmint apply` and `tokenmint client import` while DynamoDB fails.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokenmint_tests::{Fault, Proxy};

use crate::harness::{Data, Server, done, program};

const TRANSACTION: &str = "TransactWriteItems";

/// A server, and a proxy in front of its DynamoDB.
pub(crate) struct Deployed {
    pub(crate) data: Data,
    pub(crate) server: Server,
    proxy: Proxy,
}

impl Deployed {
    pub(crate) async fn new() -> Self {
        let data = Data::new();
        let server = Server::start(&data.on(&[]));
        let url = Server::dynamodb_url(&data);
        Self { proxy: Proxy::start(url.clone(), url).await, data, server }
    }

    /// A command on the table, by way of the proxy.
    fn command(&self, options: &[&str]) -> Command {
        let mut command = program(&[options, &["--table", "tokenmint-clients"]].concat());
        command.env("AWS_ENDPOINT_URL_DYNAMODB", self.proxy.url()).env("AWS_REGION", "eu-central-1");
        command.envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// All items of the table, clients and links.
    pub(crate) async fn items(&self) -> Vec<Value> {
        let page = self.proxy.dynamodb("Scan", &json!({"TableName": "tokenmint-clients"})).await;
        page["Items"].as_array().unwrap().clone()
    }

    pub(crate) fn file(&self, text: &str) -> String {
        let path = self.data.folder.clone() + ".txt";
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn credential(n: usize) -> Value {
    json!([{"issuer": "https://issuer.example", "sub": format!("workload-{n}")}])
}

/// U7: an import that is cut off half-way leaves complete clients only, and is completed by the same command.
#[tokio::test(flavor = "multi_thread")]
async fn u7_a_failure_half_way() {
    const MANY: usize = 200;
    let deployed = Deployed::new().await;
    let line = |n| {
        json!({
            "client_id": format!("client-{n}"), "token_endpoint_auth_method": "private_key_jwt",
            "federated_credentials": credential(n),
        })
    };
    let all: Vec<_> = (0..MANY).map(|n| line(n).to_string()).collect();
    let file = deployed.file(&all.join("\n"));
    let import = deployed.command(&["client", "import", "--file", &file]).spawn().unwrap();
    while deployed.proxy.count(TRANSACTION) < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    deployed.proxy.break_down(TRANSACTION, Fault::Fail);
    let output = import.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report = String::from_utf8(output.stdout).unwrap();
    let created: usize = report.split(' ').next().unwrap().parse().unwrap();
    let items = deployed.items().await;
    let (links, clients): (Vec<_>, Vec<_>) =
        items.iter().partition(|item| item["client_id"]["S"].as_str().unwrap().starts_with("federated#"));
    assert!((1..MANY).contains(&created), "{report}");
    assert_eq!((clients.len(), links.len()), (created, created));
    deployed.proxy.repair();
    let output = deployed.command(&["client", "import", "--file", &file]).output().unwrap();
    let rest = format!("{} created, 0 replaced, {created} unchanged, 0 failed\n", MANY - created);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), rest);
    assert_eq!(deployed.items().await.len(), 2 * MANY);
    deployed.server.stop();
}

/// U4, U7: if permissions are lost half-way, both commands say how far they came, and the remedy.
#[tokio::test(flavor = "multi_thread")]
async fn u4_u7_permissions_that_are_lost_half_way() {
    const MANY: usize = 200;
    let deployed = Deployed::new().await;
    let client = |name: &str, n: usize| json!({name: format!("client-{n}"), "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://a.example/"});
    let lines: Vec<_> = (0..MANY).map(|n| client("client_id", n).to_string()).collect();
    let entries: Vec<_> = (0..MANY).map(|n| client("name", n)).collect();
    let import = deployed.data.folder.clone() + ".jsonl";
    std::fs::write(&import, lines.join("\n")).unwrap();
    let apply = deployed.file(&json!({"owner": "a", "clients": entries}).to_string());
    let import = ["client", "import", "--file", &import];
    let mut written = 0;
    for options in [&import[..], &["apply", &apply, "--yes"]] {
        deployed.proxy.forget();
        let process = deployed.command(options).spawn().unwrap();
        while deployed.proxy.count(TRANSACTION) < 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        deployed.proxy.break_down(TRANSACTION, Fault::Deny);
        let output = process.wait_with_output().unwrap();
        deployed.proxy.repair();
        let [report, said] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        let remedy = "the credentials do not allow dynamodb:TransactWriteItems on the table tokenmint-clients: as the test \
                      wants it; extend their IAM policy\n";
        assert!(output.status.code() == Some(1) && said.ends_with(remedy), "{said}");
        let made = deployed.items().await.len() - written;
        written += made;
        assert!((1..MANY).contains(&made), "{made}");
        if options[0] == "apply" {
            let far = format!(": {made} of {MANY} changes were made, run the command again\n");
            assert!(said.contains(&far) && report.matches("created  client-").count() == made, "{said}{report}");
        } else {
            assert_eq!(report, format!("{made} created, 0 replaced, 0 unchanged, 0 failed\n"), "{said}");
        }
    }
    deployed.server.stop();
}

/// U4, U5: a client whose creation is acknowledged too late still tells its secret, and a failure says how far it came.
#[tokio::test(flavor = "multi_thread")]
async fn u4_u5_a_response_that_is_lost() {
    let deployed = Deployed::new().await;
    let file = deployed.file("owner: a\nclients: [{name: b}, {name: c}]");
    let apply = ["apply", &file, "--yes", "--secrets-file", "-"];
    deployed.proxy.break_down(TRANSACTION, Fault::Fail);
    let output = deployed.command(&apply).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{said}");
    assert!(said.contains("b: ") && said.contains("0 of 2 changes were made, run the command again"), "{said}");
    assert_eq!(deployed.items().await.len(), 0);

    deployed.proxy.break_down(TRANSACTION, Fault::LoseAnswer);
    let output = deployed.command(&apply).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let secrets: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(secrets.len(), 2);
    for made in &secrets {
        let (id, secret) = (made["client_id"].as_str().unwrap(), made["client_secret"].as_str().unwrap());
        assert_eq!(deployed.server.token(id, secret).0, 200);
    }
    deployed.server.stop();
}

/// U4: a client that is changed between the plan and the write is reported, and what the other wrote stays.
#[tokio::test(flavor = "multi_thread")]
async fn u4_a_change_that_races() {
    let deployed = Deployed::new().await;
    let entry = |n: usize, name: &str| {
        json!({
            "name": format!("client-{n}"), "client_name": name, "token_endpoint_auth_method": "private_key_jwt",
            "federated_credentials": credential(n),
        })
    };
    let list = |name| json!({"owner": "a", "clients": [entry(0, name), entry(1, name)]}).to_string();
    let file = deployed.file(&list("First"));
    assert!(deployed.command(&["apply", &file, "--yes"]).output().unwrap().status.success());
    let file = deployed.file(&list("Second"));
    // Its first write waits for the response, so that the second client is changed after it was read.
    deployed.proxy.break_down(TRANSACTION, Fault::Hold);
    let apply = deployed.command(&["apply", &file, "--yes"]).spawn().unwrap();
    deployed.proxy.until_held(1).await;
    let second = deployed.items().await;
    let second = second.iter().find(|item| item["managed_by"]["M"]["name"]["S"] == "client-1").unwrap();
    let id = second["client_id"]["S"].as_str().unwrap().to_owned();
    done(&deployed.data.on(&["client", "disable", &id]));
    deployed.proxy.repair();
    deployed.proxy.release();
    let output = apply.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("1 of 2 changes were not made") && said.contains("client-1; nothing was overwritten"),
        "{said}"
    );
    let items = deployed.items().await;
    let named = |name: &str| {
        let found = items.iter().find(|item| item["managed_by"]["M"]["name"]["S"] == name).unwrap();
        (found["metadata"]["M"]["client_name"]["S"].clone(), found["disabled"]["BOOL"].clone())
    };
    assert_eq!(named("client-0"), (json!("Second"), Value::Null));
    assert_eq!(named("client-1"), (json!("First"), json!(true)));
    deployed.server.stop();
}

/// F4, U4: a list changes the method of a client between the read and the write of `client trust`. Only `private_key_jwt`
/// goes with federated credentials, so the client, which could not be read any more, gets none.
#[tokio::test(flavor = "multi_thread")]
async fn f4_u4_trust_that_races_a_change_of_the_method() {
    let deployed = Deployed::new().await;
    let list = |client: &str| format!("owner: a\nclients: [{{name: b, {client}}}]");
    let keys = "jwks_uri: 'https://b.example/keys'";
    let first = list(&format!("token_endpoint_auth_method: private_key_jwt, {keys}"));
    done(&deployed.data.on(&["apply", &deployed.file(&first), "--yes"]));
    let id = deployed.items().await[0]["client_id"]["S"].as_str().unwrap().to_owned();
    let trust =
        ["client", "trust", "github", "--client", &id, "--repo", "octo-org/octo-repo", "--ref", "refs/heads/main"];
    deployed.proxy.break_down("GetItem", Fault::Hold);
    let trust = deployed.command(&trust).spawn().unwrap();
    deployed.proxy.until_held(1).await;
    let second = list(&format!("token_endpoint_auth_method: client_secret_basic, {keys}"));
    let secrets = deployed.data.folder.clone() + ".secrets";
    done(&deployed.data.on(&["apply", &deployed.file(&second), "--yes", "--secrets-file", &secrets]));
    let items = deployed.items().await;
    deployed.proxy.repair();
    deployed.proxy.release();
    let output = trust.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the client was not changed: federated_credentials "), "{said}");
    assert_eq!(deployed.items().await, items);
    done(&deployed.data.on(&["client", "show", &id]));
    deployed.server.stop();
}
