//! `tokenmint client`.

use std::fs::{File, OpenOptions};
use std::process::Stdio;

use serde_json::json;

use crate::harness::{Data, Server, at_terminal, curl, done, failed, json, program, run, run_with, text};

/// What is said of a change that removes access.
pub(crate) const TAKES_EFFECT: &str = "Servers issue tokens to it for at most CLIENT_CACHE_TTL seconds (default: 30) from now.\n\
                                       Tokens that were issued are valid until they expire.\n";

/// M6, O2: a client that is changed or deleted by way of the server itself is seen at once, although the server keeps
/// the clients that it knows.
#[test]
fn m6_o2_the_server_sees_its_own_changes_at_once() {
    let data = Data::new();
    let options = data.on(&["--listen", "127.0.0.1:0"]);
    let server = Server::start_with(program(&options).env("CLIENT_CACHE_TTL", "300"));
    let made = json(&data.on(&["client", "create"]));
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    assert_eq!(server.token(id, secret).0, 200);
    // What another process does is seen later.
    done(&data.on(&["client", "disable", id]));
    assert_eq!(server.token(id, secret).0, 200);
    done(&data.on(&["client", "enable", id]));

    let bearer = |token: &str| format!("-H 'Authorization: Bearer {token}' {}/register/{id}", server.url);
    let put = format!(
        "-X PUT -H 'Content-Type: application/json' -d '{{\"client_id\":\"{id}\",\"token_endpoint_auth_method\":\"client_secret_post\"}}'"
    );
    let (status, updated) = curl(&format!("{put} {}", bearer(text(&made, "registration_access_token"))));
    assert_eq!(status, 200, "{updated}");
    assert_eq!(server.token(id, secret).0, 401, "by its old method");
    let by_post =
        format!("{}/token -d 'grant_type=client_credentials&client_id={id}&client_secret={secret}'", server.url);
    assert_eq!(curl(&by_post).0, 200);

    assert_eq!(curl(&format!("-X DELETE {}", bearer(text(&updated, "registration_access_token")))).0, 204);
    assert_eq!(curl(&by_post).0, 401);
    server.stop();
}

/// R16: a client created by the operator gets tokens with the scope that the operator gave it.
#[test]
fn r16_a_client_that_was_made_gets_a_token() {
    let data = Data::store();
    let made = json(&data.on(&["client", "create", "--name", "Billing", "--scope", "admin read"]));
    assert_eq!(
        (text(&made, "client_name"), text(&made, "scope"), text(&made, "token_endpoint_auth_method")),
        ("Billing", "admin read", "client_secret_basic")
    );
    assert_eq!((&made["client_secret_expires_at"], &made["grant_types"]), (&json!(0), &json!(["client_credentials"])));
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    let token = text(&made, "registration_access_token");

    // An operator's clients do not expire while unused (R20).
    let server = Server::start_with(program(&data.on(&["--listen", "127.0.0.1:0"])).env("UNUSED_CLIENT_TTL", "1"));
    let (status, answer) = server.token(id, secret);
    assert_eq!((status, text(&answer, "scope")), (200, "admin read"));
    let (status, answer) = curl(&format!("-H 'Authorization: Bearer {token}' {}/register/{id}", server.url));
    assert_eq!((status, text(&answer, "client_name")), (200, "Billing"));
    server.stop();
}

/// A4, M5, O2: an operator's change of a client applies from the next request, while the server runs and keeps no
/// clients.
#[test]
fn a4_m5_what_an_operator_does_counts_at_once() {
    let data = Data::new();
    let server = Server::without_cache(&data.on(&[]));
    let made = json(&data.on(&["client", "create", "--secret-expires-in", "1d"]));
    assert!(text(&made, "registration_client_uri").starts_with(&server.url), "{made}");
    let (id, first) = (text(&made, "client_id"), text(&made, "client_secret"));
    let status = |secret: &str| server.token(id, secret).0;
    assert_eq!(status(first), 200);

    let refused = server.token("00000000-0000-4000-8000-000000000000", "wrong");
    let said = done(&data.on(&["client", "disable", id]));
    assert_eq!(said, format!("{id} is disabled. {TAKES_EFFECT}"));
    assert_eq!(server.token(id, first), refused);
    assert_eq!((refused.0, text(&refused.1, "error")), (401, "invalid_client"));
    assert!(done(&data.on(&["client", "show", id])).starts_with("state                       disabled\n"));
    assert_eq!(done(&data.on(&["client", "enable", id])), format!("{id} is enabled\n"));
    assert_eq!(status(first), 200);

    let rotated = json(&data.on(&["client", "rotate-secret", id, "--overlap", "1h"]));
    let second = text(&rotated, "client_secret");
    assert_eq!((status(first), status(second)), (200, 200));
    assert_eq!(rotated["client_secret_expires_at"], 0);
    let shown = json(&data.on(&["client", "show", id]));
    assert_eq!(shown["previous_client_secret_expires_at"], rotated["previous_client_secret_expires_at"]);
    let rotated = json(&data.on(&["client", "rotate-secret", id, "--overlap", "0", "--yes"]));
    assert_eq!(rotated.get("previous_client_secret_expires_at"), None);
    let third = text(&rotated, "client_secret");
    assert_eq!((status(first), status(second), status(third)), (401, 401, 200));
    let said = done(&data.on(&["client", "rotate-secret", id]));
    assert!(said.contains("The previous secret is valid until 20") && said.contains("cannot be shown again"), "{said}");

    assert_eq!(
        failed(&data.on(&["client", "delete", id]), 2),
        "the command asks for confirmation, but standard input is not a terminal; give --yes to delete the client"
    );
    assert_eq!(status(third), 200);
    let said = done(&data.on(&["client", "delete", id, "--yes"]));
    assert_eq!(said, format!("{id} is deleted. {TAKES_EFFECT}"));
    assert_eq!(server.token(id, third), refused);
    let none = format!("there is no client {id}; see `tokenmint client list`");
    for command in ["show", "disable", "enable", "rotate-secret"] {
        assert_eq!(failed(&data.on(&["client", command, id]), 1), none);
    }
    assert_eq!(failed(&data.on(&["client", "delete", id, "--yes"]), 1), none);
    server.stop();
}

/// M5: of many concurrent rotations, each new secret is the newest for a moment, and two are valid in the end.
#[test]
fn m5_two_secrets_are_good_whoever_made_them() {
    let data = Data::new();
    let server = Server::start(&data.on(&[]));
    let made = json(&data.on(&["client", "create"]));
    let id = text(&made, "client_id");
    let rotate =
        || program(&data.on(&["client", "rotate-secret", id, "--json", "--yes"])).stdout(Stdio::piped()).spawn();
    let processes: Vec<_> = (0..6).map(|_| rotate().unwrap()).collect();
    let outputs = processes.into_iter().map(|process| process.wait_with_output().unwrap());
    // A rotation that always loses the race reports it and creates no secret.
    let rotated = outputs.filter(|output| output.status.success());
    let secrets: Vec<serde_json::Value> =
        rotated.map(|output| serde_json::from_slice(&output.stdout).unwrap()).collect();
    let good = secrets.iter().filter(|made| server.token(id, text(made, "client_secret")).0 == 200).count();
    assert!(secrets.len() >= 2 && good == 2, "{good} of {}", secrets.len());
    server.stop();
}

/// At a terminal, the operator is asked for confirmation with the client's name.
#[test]
fn delete_asks() {
    let data = Data::store();
    let made = json(&data.on(&["client", "create", "--name", "Billing"]));
    let id = text(&made, "client_id");
    let delete = |answer| at_terminal(&data.on(&["client", "delete", &id[..8]]), answer);
    let said = delete("n");
    assert!(said.contains(&format!("Delete the client {id} (Billing) permanently? [y/N]")), "{said}");
    assert!(said.contains("tokenmint: the client was not deleted") && said.ends_with("\n1\n"), "{said}");
    let said = delete("yes");
    assert!(said.contains(&format!("{id} is deleted")) && said.ends_with("\n0\n"), "{said}");
    failed(&data.on(&["client", "show", id]), 1);
}

/// R8: metadata from a file or from standard input must follow the rules of registration.
#[test]
fn r8_metadata_from_a_file() {
    let data = Data::store();
    let create = data.on(&["client", "create", "--json", "--metadata", "-"]);
    let body = json!({
        "client_name": "Portal", "redirect_uris": ["https://portal.example/cb"], "scope": "a b",
        "grant_types": ["authorization_code"], "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_post", "unknown": 1,
    });
    let answer = run_with(&create, &body.to_string());
    assert_eq!(answer.status, 0, "{answer:?}");
    let made: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!((&made["redirect_uris"], text(&made, "scope")), (&body["redirect_uris"], "a b"));
    assert_eq!(made.get("unknown"), None);

    let refused = run_with(&create, r#"{"redirect_uris":["http://portal.example"]}"#);
    assert_eq!((refused.status, refused.stdout.as_str()), (1, ""));
    assert!(refused.stderr.starts_with("tokenmint: the client was not created: redirect_uris: "), "{refused:?}");
    let large = run_with(&create, &format!(r#"{{"client_name":"{}"}}"#, "x".repeat(70_000)));
    assert_eq!(large.stderr, "tokenmint: - is longer than the limit of 65536 bytes\n");

    let missing = format!("{}.json", data.folder);
    let said = failed(&data.on(&["client", "create", "--metadata", &missing]), 1);
    assert!(said.starts_with(&format!("cannot read {missing}: ")), "{said}");
    assert_eq!(done(&data.on(&["client", "list", "--json"])).lines().count(), 1);
}

/// R8: a method that needs more metadata reports it, with an example of valid metadata.
#[test]
fn r8_a_method_that_needs_keys_says_how_to_give_them() {
    let data = Data::store();
    for (method, member) in [
        ("private_key_jwt", "jwks_uri"),
        ("self_signed_tls_client_auth", "jwks_uri"),
        ("tls_client_auth", "tls_client_auth_subject_dn"),
    ] {
        let said = failed(&data.on(&["client", "create", "--name", "x", "--method", method]), 2);
        assert!(
            said.starts_with(&format!("--method {method} needs the ")) && said.contains("--metadata FILE"),
            "{said}"
        );
        let (_, example) = said.split_once("such as ").unwrap();
        let answer = run_with(&data.on(&["client", "create", "--json", "--metadata", "-"]), example);
        let made: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(text(&made, "token_endpoint_auth_method"), method);
        assert!(made.get(member).is_some() && made.get("client_secret").is_none(), "{made}");
    }
    assert_eq!(done(&data.on(&["client", "list", "--json"])).lines().count(), 3);
}

/// A client's name cannot control the operator's terminal.
#[test]
fn a_table_for_people() {
    let data = Data::store();
    let name = "\u{1b}[31m\u{202e}Évil \u{6771}";
    let first = json(&data.on(&["client", "create", "--name", name, "--scope", "a"]));
    let second = json(&data.on(&["client", "create", "--method", "client_secret_post"]));
    done(&data.on(&["client", "disable", text(&second, "client_id")]));
    let list = done(&data.on(&["client", "list", "--limit", "1"]));
    assert!(list.starts_with("CLIENT ID                             NAME"), "{list}");
    let line = |client| list.lines().find(|line| line.starts_with(text(client, "client_id"))).unwrap();
    let words: Vec<_> = line(&first).split_whitespace().collect();
    assert_eq!(words[1..5], ["\u{fffd}[31m\u{fffd}Évil", "\u{6771}", "client_secret_basic", "a"]);
    assert_eq!(words[6], "active");
    let words: Vec<_> = line(&second).split_whitespace().collect();
    assert_eq!((words[1..4].join(" ").as_str(), words[5]), ("- client_secret_post -", "disabled"));
    assert!(words[4].len() == 20 && words[4].ends_with('Z'), "{list}");
}

#[test]
fn what_cannot_be_done_is_said_in_a_line() {
    let data = Data::store();
    assert_eq!(
        failed(&["client", "--data", &data.folder, "list", "--table", "clients"], 2),
        "give either --data or --table, not both"
    );
    for wrong in [
        &["client"][..],
        &["client", "list", "--limit", "1001"],
        &["client", "show"],
        &["client", "create", "--method", "none"],
        &["client", "create", "--scope", "a  b"],
        &["client", "create", "--metadata", "-", "--name", "x"],
        &["client", "rotate-secret", "1", "--overlap", "1w"],
        &["client", "list", "--table", ""],
    ] {
        assert_eq!(run(wrong).status, 2, "{wrong:?}");
    }
    let answer = run(&data.on(&["client", "create", "--scope", "a"]));
    assert!(!answer.stdout.contains("no scope"), "{answer:?}");
    assert!(answer.stdout.contains("Keep client_secret and registration_access_token now"), "{answer:?}");
}

/// A rotation whose output could not be written fails.
#[cfg(target_os = "linux")]
#[test]
fn a_secret_that_could_not_be_written_is_said_to_be_lost() {
    let data = Data::store();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let create = |stdout: File| program(&data.on(&["client", "create"])).stdout(stdout).output().unwrap();
    let output = create(full);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let id = json(&data.on(&["client", "list"]));
    let id = text(&id, "client_id");
    assert!(said.starts_with(&format!("tokenmint: the client {id} was created, but its secret could not be written")));
    assert!(said.ends_with(&format!("`tokenmint client rotate-secret {id}`\n")), "{said}");
}
