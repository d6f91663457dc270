//! `tokenmint serve`: its settings, its keys, and its startup errors.

use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;
use tokenmint_oauth::jose::{PublicKeys, UnverifiedToken};

use crate::harness::{Data, Server, answer, failed, program, shell, text};

#[test]
fn the_lines_it_prints_work_when_they_are_pasted() {
    let server = Server::start(&["--memory"]);
    let output = shell(&server.lines);
    let (token, keys) = output.trim().split_once('\n').unwrap();
    assert!(token.starts_with(r#"{"access_token":"ey"#), "{token}");
    assert!(token.contains(r#""scope":"client-scope""#), "{token}");
    assert!(keys.starts_with(r#"{"keys":[{"#), "{keys}");
    server.stop();
}

#[test]
fn a_restart_knows_clients_and_keys_again() {
    let data = Data::new();
    let server = Server::start(&data.on(&["serve"]));
    let before = server.paste(r#"echo "$id:$secret"; curl -s $url/.well-known/jwks.json"#);
    let (credentials, keys) = before.split_once('\n').unwrap();
    server.stop();

    let server = Server::start(&data.on(&["serve"]));
    assert_eq!(server.paste("curl -s $url/.well-known/jwks.json"), keys);
    let token = server.paste(&format!("curl -s -u {credentials} $url/token -d grant_type=client_credentials"));
    assert!(token.starts_with(r#"{"access_token":"#), "{token}");
    server.stop();
}

/// Starts a server with these keys, gets a token, and verifies it with the published keys. Returns its algorithm,
/// its key, and all keys.
fn signed_with(data: &Data, keys: &str) -> (String, String, Value) {
    let mut command = program(&data.on(&["serve", "--listen", "127.0.0.1:0"]));
    let server = Server::start_with(command.env("SIGNING_KEYS", keys));
    let output = shell(&server.lines);
    server.stop();
    let (answer, keys) = output.trim().split_once('\n').unwrap();
    let (answer, keys): (Value, Value) = (serde_json::from_str(answer).unwrap(), serde_json::from_str(keys).unwrap());
    let token = UnverifiedToken::parse(text(&answer, "access_token")).unwrap();
    token.verify(&PublicKeys::parse(&keys).unwrap()).unwrap();
    let header = |member| token.header(member).unwrap().to_owned();
    (header("alg"), header("kid"), keys)
}

/// J4, K1: keys are created with their aliases, and found again by them.
#[test]
fn j4_k1_keys_by_their_aliases() {
    let data = Data::new();
    let (algorithm, key, keys) = signed_with(&data, "alias/tokenmint-signing=PS256");
    assert_eq!(algorithm, "PS256");
    assert_eq!((text(&keys["keys"][0], "alg"), text(&keys["keys"][0], "kty")), ("PS256", "RSA"));

    // The default key is the same key, with the default algorithm of its spec.
    let (algorithm, same, _) = signed_with(&data, "");
    assert_eq!((algorithm.as_str(), same), ("RS256", key.clone()));

    let (algorithm, new, keys) = signed_with(&data, "alias/new=ES256,alias/tokenmint-signing=PS256,alias/large=ES384");
    assert_eq!((algorithm.as_str(), keys["keys"].as_array().unwrap().len()), ("ES256", 3));
    assert_eq!(text(&keys["keys"][1], "kid"), key);
    assert_eq!((signed_with(&data, "alias/new").0.as_str(), signed_with(&data, "alias/new").1), ("ES256", new));

    // A key whose spec does not fit the algorithm is reported as an error.
    let mut command = program(&data.on(&["serve", "--listen", "127.0.0.1:0"]));
    let said = answer(command.env("SIGNING_KEYS", "alias/new=PS256"), "").failed(1);
    assert!(said.starts_with("SIGNING_KEYS: alias/new "), "{said}");
}

/// O5: all mistakes in the settings of both functions are reported together, each once, before anything is created.
#[test]
fn o5_every_mistake_before_anything_is_made() {
    let data = Data::new();
    for options in [&["serve", "--listen", "127.0.0.1:0"][..], &["aws", "--dynamodb-port", "0", "--kms-port", "0"]] {
        let mut command = program(&data.on(options));
        command.envs([("ISSUER", "http://as.example"), ("SCOPES", "a  b"), ("CLIENT_SECRET_TTL", "soon")]);
        command.envs([("AUDIENCE", "api"), ("ACCESS_TOKEN_TTL", "1"), ("REGISTRATION", "maybe")]);
        let said = answer(&mut command, "");
        assert_eq!((said.status, said.stdout.as_str()), (1, ""), "{said:?}");
        let lines: Vec<_> = said.stderr.lines().map(|line| line.split(':').next().unwrap()).collect();
        let names = ["ISSUER", "SCOPES", "CLIENT_SECRET_TTL", "REGISTRATION", "AUDIENCE", "ACCESS_TOKEN_TTL"];
        assert_eq!(lines, [&["tokenmint"], &names[..]].concat(), "{}", said.stderr);
        assert!(said.stderr.starts_with("tokenmint: invalid settings in the environment:\n"), "{}", said.stderr);
        assert!(!Path::new(&data.folder).exists());
    }
}

#[test]
fn what_is_taken_is_named_with_the_option_that_helps() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert_eq!(
        failed(&["--memory", "--listen", &address], 1),
        format!("cannot listen on {address}: address already in use; choose another with --listen")
    );
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(
        failed(&["aws", "--memory", "--dynamodb-port", "0", "--kms-port", &port], 1),
        format!("cannot listen on {address}: address already in use; choose another with --kms-port")
    );

    let data = Data::new();
    let server = Server::start(&data.on(&[]));
    assert_eq!(
        failed(&data.on(&["--listen", "127.0.0.1:0"]), 1),
        format!("the folder {} is in use by another tokenmint; choose another with --data", data.folder)
    );
    server.stop();
}
