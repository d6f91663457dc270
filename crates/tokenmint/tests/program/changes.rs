//! What the audit log says of operators' files.

use serde_json::{Value, json};

use crate::faults::Deployed;
use crate::harness::done;

/// The hash of a secret.
fn hash(digit: &str) -> Value {
    json!([{"sha256": digit.repeat(64), "expires_at": 0}])
}

/// The last change of the only client, and the start of its author.
async fn last(deployed: &Deployed) -> (String, String) {
    let items = deployed.items().await;
    let is_client = |item: &&Value| !item["client_id"]["S"].as_str().unwrap().starts_with("federated#");
    let change = &items.iter().find(is_client).unwrap()["last_change"]["M"];
    let [what, by] = ["what", "by"].map(|name| change[name]["S"].as_str().unwrap());
    (what.to_owned(), by.split(':').next().unwrap().to_owned())
}

/// O3, U4, U7: `apply` and `import --replace` state what they change, the most important change first.
#[tokio::test(flavor = "multi_thread")]
async fn o3_u4_u7_the_most_important_change_is_named() {
    let trust = json!([{"issuer": "https://issuer.example", "sub": "a"}]);
    let keys = json!({
        "name": "b", "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://b.example/keys",
    });
    let steps = [
        (json!({}), "registered"),
        (json!({"client_name": "B"}), "changed"),
        (json!({"client_name": "C", "token_policy": {"tokens_per_hour": 5}}), "policy_changed"),
        (json!({"federated_credentials": trust, "token_policy": {"tokens_per_hour": 6}}), "trust_changed"),
        (json!({"disabled": true, "federated_credentials": null, "token_policy": null}), "disabled"),
        (json!({"disabled": false, "client_name": "D"}), "enabled"),
        (json!({"token_endpoint_auth_method": "client_secret_basic", "client_name": "E"}), "secret_rotated"),
        (json!({"token_endpoint_auth_method": "private_key_jwt"}), "changed"),
    ];
    let deployed = Deployed::new().await;
    let mut client = keys;
    for (at, (members, what)) in steps.iter().enumerate() {
        for (name, value) in members.as_object().unwrap() {
            client[name] = value.clone();
        }
        let file = deployed.file(&json!({"owner": "a", "clients": [client]}).to_string());
        let secrets = format!("{}.{at}", deployed.data.folder);
        done(&deployed.data.on(&["apply", &file, "--yes", "--secrets-file", &secrets]));
        assert_eq!(last(&deployed).await, ((*what).to_owned(), "operator".to_owned()), "apply {members}");
    }
    deployed.server.stop();

    let deployed = Deployed::new().await;
    let steps = [
        (json!({}), "registered"),
        (json!({"client_secrets_sha256": hash("b"), "client_name": "B"}), "secret_rotated"),
        (json!({"token_policy": {"tokens_per_hour": 5}, "client_name": "C"}), "policy_changed"),
        (json!({"disabled": true}), "disabled"),
        (json!({"disabled": false, "token_policy": null}), "enabled"),
        (json!({"scope": "read"}), "changed"),
    ];
    let mut client = json!({"client_id": "a", "client_secrets_sha256": hash("a"), "scope_ceiling": "read write"});
    for (members, what) in &steps {
        for (name, value) in members.as_object().unwrap() {
            client[name] = value.clone();
        }
        let file = deployed.file(&client.to_string());
        done(&deployed.data.on(&["client", "import", "--replace", "--file", &file]));
        assert_eq!(last(&deployed).await, ((*what).to_owned(), "operator".to_owned()), "import {members}");
    }
    deployed.server.stop();
}
