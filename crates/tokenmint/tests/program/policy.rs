//! `tokenmint client set-policy`, and policies of new clients and of initial access tokens.

use serde_json::{Value, json};

use crate::harness::{Data, Server, curl, done, failed, json as object, program, run, text};

fn policy(data: &Data, id: &str) -> Value {
    object(&data.on(&["client", "show", id])).get("token_policy").cloned().unwrap_or_default()
}

/// P6: the options of `client create` and `client set-policy` are the policy; what is not named stays; `--clear` removes.
#[test]
fn p6_an_operator_sets_a_policy() {
    let data = Data::store();
    let options = [
        "--claim",
        "tenant=acme",
        "--claim",
        "n=1",
        "--claim-json",
        "plan={\"seats\":5}",
        "--ttl",
        "15m",
        "--resource",
        "https://a.example/",
        "--resource",
        "https://b.example/",
        "--default-resource",
        "https://b.example",
        "--tokens-per-hour",
        "60",
    ];
    let made = object(&data.on(&[&["client", "create", "--scope", "read"], &options[..]].concat()));
    let id = text(&made, "client_id");
    let all = json!({
        "claims": {"tenant": "acme", "n": "1", "plan": {"seats": 5}}, "access_token_ttl": 900,
        "resources": ["https://a.example/", "https://b.example/"], "default_resource": "https://b.example",
        "tokens_per_hour": 60,
    });
    assert_eq!((&made["token_policy"], &policy(&data, id)), (&all, &all));
    let shown = done(&data.on(&["client", "show", id]));
    assert!(shown.contains("token_policy") && shown.contains("acme"), "{shown}");
    let set =
        |options: &[&str]| object(&data.on(&[&["client", "set-policy", id], options].concat()))["token_policy"].clone();
    let changed = set(&[
        "--claim",
        "tenant=other",
        "--remove-claim",
        "plan",
        "--clear",
        "ttl",
        "--resource",
        "https://b.example",
    ]);
    let expected = json!({
        "claims": {"tenant": "other", "n": "1"}, "resources": ["https://b.example"],
        "default_resource": "https://b.example", "tokens_per_hour": 60,
    });
    assert_eq!((&changed, &policy(&data, id)), (&expected, &expected));
    let said = done(&data.on(&["client", "set-policy", id, "--clear", "claims", "--clear", "resources"]));
    assert!(said.contains(r#"is now {"default_resource":"https://b.example","tokens_per_hour":60}"#), "{said}");
    for (options, said) in [
        (&["--claim", "sub=admin"][..], "reserved name sub"),
        (&["--claim", "SCOPE=admin"], "reserved name scope"),
        (&["--claim", "a"], "for example --claim tenant=acme"),
        (&["--claim", "=a"], "for example --claim tenant=acme"),
        (&["--claim-json", "a=b"], "for example --claim-json"),
        (&["--claim-json", "a=0.5"], "not whole"),
        (&["--claim", "a=1", "--claim-json", "a=2"], "given twice"),
        (&["--ttl", "0"], "at least one second"),
        (&["--ttl", "59"], "from 60 to 604800"),
        (&["--ttl", "8d"], "from 60 to 604800"),
        (&["--ttl=-60"], "number of seconds"),
        (&["--tokens-per-hour", "0"], "from 1 to 1000000"),
        (&["--tokens-per-hour", "1000001"], "from 1 to 1000000"),
        (&["--resource", "billing"], "absolute URIs"),
        (&["--default-resource", "billing"], "absolute URI"),
        (&["--resource", "https://a.example"], "not among its `resources`"),
        (&["--remove-claim", "none"], "no claim \"none\""),
        (&["--clear", "everything"], "possible values"),
    ] {
        let answer = run(&data.on(&[&["client", "set-policy", id], options].concat()));
        assert_eq!((answer.status, answer.stdout.as_str()), (2, ""), "{options:?}");
        assert!(answer.stderr.contains(said), "{options:?}: {}", answer.stderr);
    }
    let long = format!("a={}", "x".repeat(2048));
    assert!(failed(&data.on(&["client", "set-policy", id, "--claim", &long]), 2).contains("2048 bytes"));
    let file = ["client", "create", "--metadata", "-", "--ttl", "15m"];
    assert!(failed(&data.on(&file), 2).contains("put a `token_policy` into the file"));
    let said = done(&data.on(&["client", "set-policy", id, "--clear", "all"]));
    assert!(said.contains("has no token policy"), "{said}");
    assert_eq!(policy(&data, id), Value::Null);
}

/// P6: clients of an initial access token with a policy have it, and their tokens too.
#[test]
fn p6_a_registration_token_with_a_policy() {
    let data = Data::store();
    let create = ["registration-token", "create", "--uses", "1", "--expires-in", "1d", "--scope", "read"];
    let plain = object(&data.on(&create));
    let token = object(&data.on(&[&create[..], &["--claim", "tenant=acme", "--ttl", "2m"]].concat()));
    let own = json!({"claims": {"tenant": "acme"}, "access_token_ttl": 120});
    assert_eq!((plain.get("token_policy"), &token["token_policy"]), (None, &own));
    failed(&data.on(&[&create[..], &["--claim", "sub=admin"]].concat()), 2);
    let server = Server::start_with(program(&data.on(&["--listen", "127.0.0.1:0"])).env("REGISTRATION", "protected"));
    let header = format!("-H 'Authorization: Bearer {}'", text(&token, "initial_access_token"));
    let request = format!("{header} -H 'Content-Type: application/json' -d '{{}}' {}/register", server.url);
    let (status, client) = curl(&request);
    assert_eq!((status, &client["token_policy"]), (201, &own));
    let credentials = format!("{}:{}", text_of(&client, "client_id"), text_of(&client, "client_secret"));
    let (status, token) = curl(&format!("-u {credentials} -d grant_type=client_credentials {}/token", server.url));
    assert_eq!((status, &token["expires_in"]), (200, &json!(120)));
    server.stop();
}

fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}
