//! `tokenmint serve`, and what keeps it from starting.

use std::net::TcpListener;

use crate::harness::{Data, Server, failed, shell};

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
