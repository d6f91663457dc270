//! `tokenmint registration-token`.

use serde_json::Value;

use crate::harness::{Data, Server, curl, done, failed, json, program, run, text};

/// R15, R16: a token created by the operator lets clients register with its scope, until it is revoked.
#[test]
fn r15_r16_from_the_token_to_its_end() {
    let data = Data::store();
    let create = ["registration-token", "create", "--uses", "3", "--expires-in", "7d"];
    let options = data.on(&[&create[..], &["--scope", "audit", "--name", "Audit team"]].concat());
    let server = Server::start_with(program(&data.on(&["--listen", "127.0.0.1:0"])).env("REGISTRATION", "protected"));
    let made = json(&options);
    let (id, token) = (text(&made, "id"), text(&made, "initial_access_token"));
    assert_eq!(made["expires_at"].as_u64().unwrap() - made["issued_at"].as_u64().unwrap(), 7 * 24 * 60 * 60);

    let register = |token: &str| {
        let body = r#"{"client_name":"Auditor","scope":"audit"}"#;
        let header = if token.is_empty() { String::new() } else { format!("-H 'Authorization: Bearer {token}'") };
        curl(&format!("{header} -H 'Content-Type: application/json' -d '{body}' {}/register", server.url))
    };
    assert_eq!(register(""), (401, Value::Object(serde_json::Map::default())));
    let (status, client) = register(token);
    assert_eq!((status, text(&client, "scope")), (201, "audit"));
    let (status, answer) = server.token(text(&client, "client_id"), text(&client, "client_secret"));
    assert_eq!((status, text(&answer, "scope")), (200, "audit"));

    let listed = json(&data.on(&["registration-token", "list"]));
    assert_eq!((text(&listed, "id"), &listed["uses_left"], text(&listed, "state")), (id, &2.into(), "active"));
    let table = done(&data.on(&["registration-token", "list"]));
    let words: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words[..4], [id, "Audit", "team", "2"]);
    assert_eq!(words[5..], ["audit", "active"]);
    assert!(!table.contains(token) && !listed.to_string().contains(token));

    assert_eq!(done(&data.on(&["registration-token", "revoke", &id[..8]])), format!("{id} is revoked\n"));
    let (status, answer) = register(token);
    assert_eq!((status, text(&answer, "error")), (401, "invalid_token"));
    server.stop();
}

#[test]
fn a_token_ends_by_its_identifier_or_a_part_of_it() {
    let data = Data::store();
    let options = data.on(&["registration-token", "create", "--uses", "1", "--expires-in", "60", "--scope", "a"]);
    let said = done(&options);
    assert!(!said.contains("no scope"), "{said}");
    assert!(said.contains("Keep initial_access_token now: only its hash is stored"), "{said}");
    let made = json(&options);
    let id = text(&made, "id");

    let revoke = |id: &str, status| failed(&data.on(&["registration-token", "revoke", id]), status);
    assert_eq!(revoke(&id[..7], 2), "give at least the first 8 characters of the token's identifier");
    for unknown in ["-hAAAAAA", "--aAAAAAAA", &"A".repeat(43)] {
        let said = revoke(unknown, 1);
        assert_eq!(said, format!("there is no registration token {unknown}; see `tokenmint registration-token list`"));
    }
    assert_eq!(done(&data.on(&["registration-token", "revoke", id])), format!("{id} is revoked\n"));
    assert_eq!(done(&data.on(&["registration-token", "list", "--json"])).lines().count(), 1);

    let create = |uses, expires_in, more: &[&str]| {
        let options = ["registration-token", "create", "--uses", uses, "--expires-in", expires_in, "--scope", "a"];
        run(&data.on(&[&options, more].concat())).status
    };
    let long = "x".repeat(257);
    for status in [create("0", "1d", &[]), create("1", "0", &[]), create("1", "11y", &[])] {
        assert_eq!(status, 2);
    }
    assert_eq!(create("1", "1d", &["--name", &long]), 2);
    assert_eq!(run(&data.on(&["registration-token", "create", "--uses", "1"])).status, 2);
}

/// R16: without `--scope`, a client or an initial access token gets no scope, and the operator is told.
#[test]
fn r16_no_scope_where_none_is_named() {
    let data = Data::store();
    let token = ["registration-token", "create", "--uses", "2", "--expires-in", "1d"];
    assert!(done(&data.on(&token)).contains("The clients of this token will have no scope"));
    assert!(done(&data.on(&["client", "create"])).contains("The client has no scope"));
    assert_eq!(json(&data.on(&["client", "create"])).get("scope"), None);
    let made = json(&data.on(&token));
    assert_eq!(text(&made, "scope"), "");

    let mut serve = program(&data.on(&["--listen", "127.0.0.1:0"]));
    let server = Server::start_with(serve.envs([("REGISTRATION", "protected"), ("SIGNING_KEYS", "alias/ec=ES256")]));
    let register = |body: &str| {
        let header = format!("-H 'Authorization: Bearer {}'", text(&made, "initial_access_token"));
        curl(&format!("{header} -H 'Content-Type: application/json' -d '{body}' {}/register", server.url))
    };
    let (status, client) = register("{}");
    assert_eq!((status, client.get("scope")), (201, None));
    let (status, answer) = register(r#"{"scope":"client-scope"}"#);
    assert_eq!((status, text(&answer, "error")), (400, "invalid_client_metadata"));
    server.stop();
}
