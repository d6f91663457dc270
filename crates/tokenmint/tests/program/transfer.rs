//! `tokenmint client export` and `tokenmint client import`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::{Answer, Data, Server, curl, done, json as object, program, run, run_with, text};

/// A secret of another server.
const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015";

fn import(data: &Data, lines: &[Value], options: &[&str]) -> Answer {
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    run_with(&data.on(&[&["client", "import"], options].concat()), &lines.join("\n"))
}

fn export(data: &Data, options: &[&str]) -> Vec<Value> {
    let lines = done(&data.on(&[&["client", "export"], options].concat()));
    let mut all: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    all.sort_by_key(|client| client["client_id"].to_string());
    all
}

/// U6: all clients move to another table with everything they have, and the copy is exact.
#[test]
fn u6_a_deployment_moves_to_another_table() {
    let (old, new) = (Data::store(), Data::store());
    let made = object(&old.on(&["client", "create", "--name", "Billing", "--scope", "read write"]));
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    let rotated = object(&old.on(&["client", "rotate-secret", id, "--overlap", "7d"]));
    let credential = r#"{"issuer":"https://issuer.example","sub":"a","claims":{"n":1}}"#;
    let federated = object(&old.on(&["client", "create", "--federated-credential", credential]));
    done(&old.on(&["client", "disable", text(&federated, "client_id")]));
    let server = Server::start_with(program(&old.on(&["--listen", "127.0.0.1:0"])).env("UNUSED_CLIENT_TTL", "86400"));
    let body = r#"{"client_name":"Self","contacts":[],"client_uri":"","redirect_uris":[""],"client_name#de":"Selbst"}"#;
    let register = format!("-H 'Content-Type: application/json' -d '{body}' {}/register", server.url);
    assert_eq!(curl(&register).0, 201);
    server.stop();
    let list = old.folder.clone() + ".yaml";
    fs::write(&list, "owner: a\nclients: [{name: b, scope: x}]").unwrap();
    assert_eq!(run(&old.on(&["apply", &list, "--yes", "--secrets-file", "-"])).status, 0);

    let file = old.folder.clone() + ".jsonl";
    done(&old.on(&["client", "export", "--with-secret-hashes", "--file", &file]));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(&old.on(&["client", "export", "--file", &file]));
    assert!(again.status == 1 && again.stderr.contains("cannot create"), "{again:?}");
    assert_eq!(done(&new.on(&["client", "import", "--file", &file])), "4 created, 0 replaced, 0 unchanged, 0 failed\n");
    let hashes = &["--with-secret-hashes"][..];
    assert_eq!(export(&new, hashes), export(&old, hashes));
    assert_eq!(done(&new.on(&["client", "import", "--file", &file])), "0 created, 0 replaced, 4 unchanged, 0 failed\n");

    let server = Server::start(&new.on(&[]));
    for secret in [secret, text(&rotated, "client_secret")] {
        assert_eq!(server.token(id, secret).0, 200);
    }
    let token = text(&made, "registration_access_token");
    let (status, read) = curl(&format!("-H 'Authorization: Bearer {token}' {}/register/{id}", server.url));
    assert_eq!((status, text(&read, "client_name")), (200, "Billing"));
    server.stop();
    // The list manages its client there too.
    assert!(done(&new.on(&["apply", &list, "--plan"])).starts_with("no changes"));
}

/// U6: the name of a client does nothing at a terminal where clients are exported or listed, and survives the way.
#[test]
fn u6_what_a_stranger_registered_is_harmless_at_a_terminal() {
    let data = Data::store();
    let server = Server::start(&data.on(&[]));
    let name = "\u{9b}2J\u{7f}\u{202e}\u{e0041}é";
    let mut body = json!({"client_name": name});
    // Many of the characters that become longest.
    for language in 'a'..='z' {
        for region in ["at", "be", "ch", "de"] {
            body[format!("client_name#{language}{language}-{region}")] = "\u{7f}".repeat(256).into();
        }
    }
    let metadata = body.to_string();
    let body = data.folder.clone() + ".json";
    fs::write(&body, &metadata).unwrap();
    let register = format!("-H 'Content-Type: application/json' --data-binary @'{body}' {}/register", server.url);
    let (status, client) = curl(&register);
    assert_eq!(status, 201);
    server.stop();
    let id = text(&client, "client_id");
    let exported = done(&data.on(&["client", "export", "--with-secret-hashes"]));
    assert!(exported.len() > 100_000);
    let others = [done(&data.on(&["client", "list", "--json"])), done(&data.on(&["client", "show", id, "--json"]))];
    for said in others.iter().chain([&exported]) {
        let is_harmless =
            |c: char| c == '\n' || !(c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || c > '\u{ffff}');
        assert!(
            said.chars().all(is_harmless) && said.contains(r"\u009b2J\u007f\u202e\udb40\udc41é"),
            "{}",
            &said[..200]
        );
    }
    let line: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(line["client_name"], name);
    let answer = run_with(&data.on(&["client", "import"]), &exported);
    assert_eq!((answer.status, answer.stdout.as_str()), (0, "0 created, 0 replaced, 1 unchanged, 0 failed\n"));
}

/// U6, U7, R20: a second export brings the copy up to date. A client that has been used since the first does not expire there,
/// so that DynamoDB does not remove it, and a client that no list manages is out of the list there.
#[test]
fn u6_u7_r20_a_second_export_is_exact() {
    let (old, new) = (Data::store(), Data::store());
    let policy = json!({"token_policy": {"claims": {"tenant": "acme"}, "tokens_per_hour": 7}});
    let kept = run_with(&old.on(&["client", "create", "--metadata", "-", "--json"]), &policy.to_string());
    let kept: Value = serde_json::from_str(&kept.stdout).unwrap();
    let server = Server::start_with(program(&old.on(&["--listen", "127.0.0.1:0"])).env("UNUSED_CLIENT_TTL", "86400"));
    let (status, client) = curl(&format!("-H 'Content-Type: application/json' -d '{{}}' {}/register", server.url));
    assert_eq!(status, 201);
    let hashes = &["--with-secret-hashes"][..];
    let mut first = export(&old, hashes);
    let is_expiring = |all: &[Value], id: &Value| all.iter().any(|c| c["client_id"] == *id && c["expires_at"].is_u64());
    assert!(is_expiring(&first, &client["client_id"]) && !is_expiring(&first, &kept["client_id"]), "{first:?}");
    assert!(first.iter().any(|client| client["token_policy"] == policy["token_policy"]), "{first:?}");
    for client in &mut first {
        client["managed_by"] = json!({"owner": "a", "name": client["client_id"]});
    }
    assert_eq!(import(&new, &first, &[]).status, 0);
    assert_eq!(server.token(text(&client, "client_id"), text(&client, "client_secret")).0, 200);
    server.stop();
    let second = export(&old, hashes);
    assert!(!is_expiring(&second, &client["client_id"]), "{second:?}");
    let answer = import(&new, &second, &["--replace"]);
    assert_eq!(answer.stdout, "0 created, 2 replaced, 0 unchanged, 0 failed\n", "{answer:?}");
    assert_eq!(export(&new, hashes), second);
}

/// U6, U5: without `--with-secret-hashes`, an export has none, and clients that need a secret are not imported from it.
#[test]
fn u5_u6_hashes_only_if_asked_for() {
    let (old, new) = (Data::store(), Data::store());
    let made = object(&old.on(&["client", "create"]));
    let keys = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://a.example/keys"});
    run_with(&old.on(&["client", "create", "--metadata", "-"]), &keys.to_string());
    let all = export(&old, &[]);
    assert!(all.iter().flat_map(|client| client.as_object().unwrap().keys()).all(|name| !name.contains("sha256")));
    assert!(!format!("{all:?}").contains(text(&made, "client_secret")));
    let answer = import(&new, &all, &[]);
    assert_eq!((answer.status, answer.stdout.as_str()), (1, "1 created, 0 replaced, 0 unchanged, 1 failed\n"));
    assert!(answer.stderr.contains("--with-secret-hashes"), "{answer:?}");
    // Where they are, they stay as they are.
    let hashes = export(&old, &["--with-secret-hashes"]);
    assert_eq!(import(&old, &all, &["--replace"]).stdout, "0 created, 0 replaced, 2 unchanged, 0 failed\n");
    assert_eq!(export(&old, &["--with-secret-hashes"]), hashes);
}

/// U7, U8: clients of another server keep their identifier and their secret, whatever characters they have.
#[test]
fn u7_u8_clients_of_another_server() {
    let data = Data::store();
    let ids = ["billing", "0oa5kx+j/Q=", "https://client.example/a?b#c", "with space", "a%41:b", "."];
    let lines = ids.map(|id| {
        json!({"client_id": id, "client_secret": format!("{SECRET}{id}"), "scope": "read", "client_id_issued_at": 1})
    });
    let answer = import(&data, &lines, &[]);
    assert_eq!((answer.status, answer.stderr.as_str()), (0, ""), "{answer:?}");
    let server = Server::start(&data.on(&[]));
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    for line in &lines {
        let (id, secret) = (encoded(text(line, "client_id")), encoded(text(line, "client_secret")));
        let post =
            format!("-d 'grant_type=client_credentials&client_id={id}&client_secret={secret}' {}/token", server.url);
        let (status, answer) = curl(&post);
        assert_eq!((status, text(&answer, "scope")), (200, "read"), "{line}");
        assert_eq!(server.token(&id, &secret).0, 200, "{line}");
    }
    // A registration access token, where it can be used.
    let token = "aB3dE6gH9jK2mN5pQ8sT1v";
    let with = |id: &str| json!({"client_id": id, "client_secret": SECRET, "registration_access_token": token});
    assert_eq!(import(&data, &[with("own-1.~_")], &[]).status, 0);
    let (status, read) = curl(&format!("-H 'Authorization: Bearer {token}' {}/register/own-1.~_", server.url));
    assert_eq!((status, text(&read, "client_id")), (200, "own-1.~_"));
    let refused = import(&data, &["a/b", "..", "a b"].map(with), &[]);
    assert_eq!(
        refused.stderr.matches("registration_access_token needs a client_id of letters").count(),
        3,
        "{refused:?}"
    );
    server.stop();
    assert_eq!(object(&data.on(&["client", "show", "billing"]))["client_id_issued_at"], 1);
}

/// U5, U7, U8: what cannot be imported is refused with its line, and none of it is repeated but the identifier.
#[test]
fn u5_u7_u8_what_is_refused() {
    let data = Data::store();
    let client = |member: &str, value: Value| {
        let mut line = json!({"client_id": "a", "client_secret": SECRET});
        line[member] = value;
        line
    };
    let hash = "0".repeat(64);
    let cases = [
        (client("client_secret", json!("hunter2-hunter2")), "client_secret is too weak"),
        (client("client_secret", json!("hunter2".repeat(40))), "client_secret is too weak"),
        (client("client_secret", json!(["hunter2"])), "client_secret must be a string"),
        (client("client_id", json!("")), "client_id must be 1 to 255"),
        (client("client_id", json!("a\"b")), "client_id must be 1 to 255"),
        (client("client_id", json!("federated#a")), "client_id must be 1 to 255"),
        (client("client_id", json!(null)), "client_id is missing"),
        (client("hunter2_member", json!(1)), "hunter2_member is not understood"),
        (client(&"hunter2".repeat(20), json!(1)), "a member that is not understood"),
        (client("software_statement", json!("hunter2")), "verified at registration only"),
        (client("registration_client_uri", json!("https://hunter2.example")), "set by the server"),
        (client("registration_access_token", json!("hunter2")), "registration_access_token is too weak"),
        (client("registration_access_token_sha256", json!("hunter2")), "64 hexadecimal digits"),
        (client("client_secrets_sha256", json!([{"sha256": hash, "expires_at": 0}])), "exclude each other"),
        (client("client_secret_expires_at", json!("hunter2")), "a time, in seconds"),
        (client("client_secret_expires_at", json!(253_402_300_800_u64)), "a time, in seconds"),
        (client("expires_at", json!(1)), "has expired"),
        (client("scope_ceiling", json!(7)), "scope_ceiling must be a scope"),
        (client("managed_by", json!({"owner": "a b", "name": "c"})), "managed_by must be an object"),
        (client("token_endpoint_auth_method", json!("tls_client_auth")), "method needs"),
        (client("disabled", json!("hunter2")), "disabled must be true or false"),
        (json!({"client_id": "a", "scope": "b"}), "needs a client_secret"),
        (json!({"client_id": "a", "client_secrets_sha256": []}), "one or two objects"),
        (
            json!({"client_id": "a", "client_secrets_sha256": [{"sha256": "hunter2", "expires_at": 0}]}),
            "one or two objects",
        ),
        (json!({"client_id": "a", "client_secret": SECRET, "scope": "b c", "scope_ceiling": "b"}), "scope exceeds"),
        (
            json!({"client_id": "a", "client_secret": SECRET, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://a.example/"}),
            "its method private_key_jwt has none",
        ),
        (json!([]), "not a JSON object"),
    ];
    // Each line is a client of its own.
    let own = |(at, (line, _)): (usize, &(Value, &str))| {
        let mut line = line.clone();
        if line["client_id"] == "a" {
            line["client_id"] = format!("a{at}").into();
        }
        line
    };
    let lines: Vec<_> = cases.iter().enumerate().map(own).collect();
    let answer = import(&data, &lines, &[]);
    assert_eq!(answer.status, 1);
    assert_eq!(answer.stdout, format!("0 created, 0 replaced, 0 unchanged, {} failed\n", cases.len()));
    for (at, (line, why)) in cases.iter().enumerate() {
        let prefix = format!("line {}: ", at + 1);
        let said = answer.stderr.lines().find(|said| said.starts_with(&prefix)).unwrap_or_default();
        assert!(said.contains(why), "{line}: {said}");
    }
    assert!(
        !answer.stderr.replace("hunter2_member", "").contains("hunter2") && !answer.stderr.contains(SECRET),
        "{answer:?}"
    );
    for (raw, why) in [
        (r#"{"client_id":"a","client_id":"b"}"#.to_owned(), "line 1: a member appears more than once"),
        (format!(r#"{{"client_id":"a","client_name":"{}"}}"#, "x".repeat(500_000)), "line 1: the line is longer than"),
        ("{\n".to_owned(), "line 1: the body is not a JSON object"),
    ] {
        // The line after is read as a line of its own.
        let next = json!({"client_id": "b", "client_secret": SECRET});
        let answer = run_with(&data.on(&["client", "import", "--plan"]), &format!("{raw}\n\n{next}"));
        assert_eq!((answer.status, answer.stdout.as_str()), (1, "1 to create, 0 to replace, 0 unchanged, 1 failed\n"));
        assert!(answer.stderr.starts_with(why), "{answer:?}");
    }
    assert_eq!(export(&data, &[]), Vec::<Value>::new());
    // Some editors begin a file with a byte order mark; elsewhere it is a mistake.
    let line = |id| json!({"client_id": id, "client_secret": SECRET});
    let answer = run_with(&data.on(&["client", "import"]), &format!("\u{feff}{}\n\u{feff}{}", line("b"), line("c")));
    assert_eq!(answer.stdout, "1 created, 0 replaced, 0 unchanged, 1 failed\n", "{answer:?}");
    assert!(answer.stderr.starts_with("line 2: "), "{answer:?}");
}

/// U7: a client that exists stays as it is, unless its line says the same, or `--replace` is given.
#[test]
fn u7_a_client_that_exists() {
    let data = Data::store();
    let first = json!({"client_id": "a", "client_secret": SECRET, "scope": "read", "client_name": "First"});
    let plan = import(&data, std::slice::from_ref(&first), &["--plan"]);
    assert_eq!((plan.status, plan.stdout.as_str()), (3, "1 to create, 0 to replace, 0 unchanged, 0 failed\n"));
    assert_eq!(import(&data, std::slice::from_ref(&first), &[]).status, 0);
    let stored = export(&data, &["--with-secret-hashes"]);
    for options in [&[][..], &["--replace"]] {
        let same = import(&data, std::slice::from_ref(&first), options);
        assert_eq!((same.status, same.stdout.as_str()), (0, "0 created, 0 replaced, 1 unchanged, 0 failed\n"));
    }
    let second = json!({"client_id": "a", "scope": "write"});
    let refused = import(&data, std::slice::from_ref(&second), &[]);
    assert_eq!((refused.status, refused.stdout.as_str()), (1, "0 created, 0 replaced, 0 unchanged, 1 failed\n"));
    assert!(refused.stderr.contains("line 1: a: the client exists and differs; give --replace"), "{refused:?}");
    assert_eq!(export(&data, &["--with-secret-hashes"]), stored);
    let plan = import(&data, std::slice::from_ref(&second), &["--plan", "--replace"]);
    assert_eq!((plan.status, plan.stdout.as_str()), (3, "0 to create, 1 to replace, 0 unchanged, 0 failed\n"));
    assert_eq!(export(&data, &["--with-secret-hashes"]), stored);

    let server = Server::start(&data.on(&[]));
    done(&data.on(&["client", "disable", "a"]));
    assert_eq!(import(&data, std::slice::from_ref(&second), &["--replace"]).status, 0);
    let now = object(&data.on(&["client", "show", "a"]));
    assert_eq!((&now["scope"], &now["disabled"], now.get("client_name")), (&json!("write"), &json!(true), None));
    done(&data.on(&["client", "enable", "a"]));
    let (status, token) = server.token("a", SECRET);
    assert_eq!((status, text(&token, "scope")), (200, "write"));
    server.stop();
}

/// U7: a client that two lines name is as the first of them says, in a plan too. A line counts that is refused itself.
#[test]
fn u7_a_client_that_two_lines_name() {
    let data = Data::store();
    let line = |id: &str, name: &str, scope: &str| {
        json!({
            "client_id": id, "client_secret": SECRET, "scope": scope, "managed_by": {"owner": "o", "name": name},
        })
    };
    let lines = [
        line("a", "first", "one"),
        line("a", "second", "two"),
        line("b", "first", "three"),
        line("c", "third", "a  b"),
        line("c", "third", "four"),
        line("d", "fourth", "five"),
    ];
    for (options, counts) in [
        (&["--plan"][..], "2 to create, 0 to replace, 0 unchanged, 4 failed\n"),
        (&["--replace"], "2 created, 0 replaced, 0 unchanged, 4 failed\n"),
        (&["--replace"], "0 created, 0 replaced, 2 unchanged, 4 failed\n"),
        (&["--replace", "--plan"], "0 to create, 0 to replace, 2 unchanged, 4 failed\n"),
    ] {
        let answer = import(&data, &lines, options);
        assert_eq!((answer.status, answer.stdout.as_str()), (1, counts), "{answer:?}");
        for said in [
            "line 2: a: the client_id is on an earlier line too\n",
            "line 3: b: first of the owner o is on an earlier line too\n",
            "line 4: c: scope ",
            "line 5: c: the client_id is on an earlier line too\n",
        ] {
            assert!(answer.stderr.contains(said), "{said}{}", answer.stderr);
        }
    }
    let scopes: Vec<_> = export(&data, &[]).iter().map(|client| client["scope"].clone()).collect();
    assert_eq!(scopes, ["one", "five"]);
}

/// U7, F3: a federated client is imported with the links by which it is found, and replaced with them.
#[test]
fn u7_f3_federated_clients_are_found() {
    let data = Data::store();
    let line = |sub: &str| {
        let credential = json!({"issuer": "https://issuer.example", "sub": sub});
        json!({"client_id": "a", "token_endpoint_auth_method": "private_key_jwt", "federated_credentials": [credential]})
    };
    assert_eq!(import(&data, &[line("first")], &[]).status, 0);
    assert_eq!(import(&data, &[line("second")], &["--replace"]).status, 0);
    let claims = |sub: &str| {
        let part = |value: Value| base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, value.to_string());
        format!("{}.{}.AA", part(json!({"alg": "ES256"})), part(json!({"iss": "https://issuer.example", "sub": sub})))
    };
    for (sub, is_found) in [("first", false), ("second", true)] {
        let file = data.folder.clone() + ".jwt";
        fs::write(&file, claims(sub)).unwrap();
        let options = data.on(&["client", "check-assertion", &file, "--json"]);
        let issuers = r#"[{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/keys"}]"#;
        let output = program(&options).env("TRUSTED_ISSUERS", issuers).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let first: Value = serde_json::from_str(said.lines().next().unwrap_or_default()).unwrap_or_default();
        assert_eq!((&first["rule"], &first["ok"]), (&json!("client"), &json!(is_found)), "{said} {:?}", output.stderr);
    }
}
