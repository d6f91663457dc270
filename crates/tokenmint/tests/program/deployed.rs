//! Commands on a deployed server's table: finding it, and the errors if that fails.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Answer, Data, Server, answer, json as made, program, text};

const CLIENTS: &[&str] = &["client", "--table", "tokenmint-clients"];
const TOKENS: &[&str] = &["registration-token", "--registrations-table", "tokenmint-registrations"];

/// A command with this endpoint, in an arbitrary region.
fn at(endpoint: &str, options: &[&str]) -> Command {
    let mut command = program(options);
    command.env("AWS_ENDPOINT_URL_DYNAMODB", endpoint).env("AWS_REGION", "eu-central-1");
    command.envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")]);
    command
}

fn run(endpoint: &str, options: &[&str]) -> Answer {
    answer(&mut at(endpoint, options), "")
}

/// A deployed table is reached with AWS's standard settings, and only that table is needed.
#[test]
fn a_deployed_table() {
    let data = Data::new();
    let server = Server::start(&data.on(&[]));
    let url = Server::dynamodb_url(&data);
    let deployed = |options: &[&str]| {
        let answer = run(&url, &[CLIENTS, options].concat());
        assert_eq!((answer.status, answer.stderr.as_str()), (0, ""));
        answer.stdout
    };
    let made: Value = serde_json::from_str(&deployed(&["create", "--json"])).unwrap();
    assert_eq!(made.get("registration_client_uri"), None);
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    assert_eq!(server.token(id, secret).0, 200);
    let made = deployed(&["create", "--json", "--issuer", "https://as.example"]);
    assert!(made.contains(r#""registration_client_uri": "https://as.example/register/"#), "{made}");
    assert_eq!(deployed(&["list", "--json", "--limit", "1"]).lines().count(), 2);
    assert!(deployed(&["show", &id[..8]]).contains(id));
    server.stop();
}

#[test]
fn a_table_that_is_not_there() {
    let data = Data::new();
    let server = Server::start(&data.on(&[]));
    let url = Server::dynamodb_url(&data);
    for (options, option) in [
        (&["client", "list", "--table", "elsewhere"][..], "--table"),
        (&["client", "create", "--table", "elsewhere"], "--table"),
        (&["client", "delete", "3e7f1cbb", "--yes", "--table", "elsewhere"], "--table"),
        (&["registration-token", "list", "--registrations-table", "elsewhere"], "--registrations-table"),
    ] {
        assert_eq!(
            run(&url, options).failed(1),
            format!(
                "there is no table elsewhere in the region eu-central-1 of this AWS account; check {option}, \
                 AWS_REGION and AWS_PROFILE"
            )
        );
    }
    server.stop();
}

/// The tables of a deployment look alike. A wrong table is detected by its key, whether empty or not.
#[test]
fn a_table_of_something_else() {
    let data = Data::new();
    let server = Server::start(&data.on(&[]));
    let url = Server::dynamodb_url(&data);
    let id = "3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55";
    let wrong = || {
        for options in [&["list"][..], &["show", id], &["create"], &["disable", id], &["delete", id, "--yes"]] {
            let options = [&["client", "--table", "tokenmint-registrations"], options].concat();
            let said = run(&url, &options).failed(1);
            let expected = "tokenmint-registrations is not a table of clients, whose partition key is the string \
                            client_id; check --table (dynamodb:";
            assert!(said.starts_with(expected), "{options:?}: {said}");
        }
        let token = "A".repeat(43);
        let create = &["create", "--uses", "1", "--expires-in", "1d"][..];
        for options in [&["list"][..], create, &["revoke", &token]] {
            let options = [&["registration-token", "--registrations-table", "tokenmint-clients"], options].concat();
            let said = run(&url, &options).failed(1);
            let expected = "tokenmint-clients is not a table of registrations, whose partition key is the string id; \
                            check --registrations-table (dynamodb:";
            assert!(said.starts_with(expected), "{options:?}: {said}");
        }
    };
    wrong();
    made(&data.on(&["client", "create"]));
    made(&data.on(&["registration-token", "create", "--uses", "1", "--expires-in", "1d"]));
    wrong();
    server.stop();
}

/// A missing setting is named before any call.
#[test]
fn settings_of_aws_that_are_missing() {
    for options in [[CLIENTS, &["list"]].concat(), [TOKENS, &["list"]].concat()] {
        let said = |command: &mut Command| answer(command, "").failed(1);
        let region =
            "set AWS_REGION, for example AWS_REGION=eu-central-1, or set AWS_PROFILE to a profile with a region";
        let mut command = program(&options);
        assert_eq!(said(&mut command), format!("no AWS region is set; {region}"));
        command.env("AWS_REGION", "Frankfurt (eu-central-1)");
        assert_eq!(said(&mut command), format!("\"Frankfurt (eu-central-1)\" is not an AWS region; {region}"));

        command.env("AWS_REGION", "eu-central-1");
        let credentials = "no AWS credentials were found; set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and \
                           AWS_SECRET_ACCESS_KEY; after `aws sso login`, run `eval \"$(aws configure \
                           export-credentials --format env)\"`";
        assert_eq!(said(&mut command), credentials);
        // A machine without the instance metadata service, which the SDK queries for a role.
        command.env_remove("AWS_EC2_METADATA_DISABLED").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
        assert_eq!(said(&mut command), credentials);
        command.env("AWS_PROFILE", "production");
        let named = credentials.replace("found;", "found (AWS_PROFILE is \"production\");");
        assert_eq!(said(&mut command), named);
    }
}

/// An unusable profile is reported.
#[test]
fn a_profile_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    for (profile, why) in [
        (
            "sso_start_url = https://sso.example\nsso_region = eu-central-1\nsso_account_id = 1\nsso_role_name = a",
            "sso",
        ),
        ("role_arn = arn:aws:iam::1:role/a\ncredential_source = Nowhere", "Nowhere"),
    ] {
        std::fs::write(&config, format!("[profile production]\nregion = eu-central-1\n{profile}\n")).unwrap();
        let mut command = program(&[CLIENTS, &["list"]].concat());
        command.env("AWS_CONFIG_FILE", &config).env("AWS_PROFILE", "production");
        let said = answer(&mut command, "").failed(1);
        assert!(said.starts_with("the AWS credentials cannot be loaded: ") && said.contains(why), "{said}");
        assert!(said.ends_with("export-credentials --format env)\"`"), "{said}");
    }
}

#[test]
fn nobody_answers() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = run(&format!("http://{address}"), &[CLIENTS, &["list"]].concat()).failed(1);
    assert!(said.starts_with("DynamoDB cannot be reached in the region eu-central-1: "), "{said}");
    assert!(said.ends_with("; check AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB and the network"), "{said}");
    let said = run("127.0.0.1:9", &[CLIENTS, &["list"]].concat()).failed(1);
    assert!(said.contains("endpoint must contain scheme") && !said.contains("Request"), "{said}");
    // No region has this name.
    let mut command = program(&[CLIENTS, &["list"]].concat());
    command.envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_REGION", "eu-nowhere-1")]);
    command.env("AWS_ENDPOINT_URL", "http://dynamodb.eu-nowhere-1.invalid");
    let said = answer(&mut command, "").failed(1);
    assert!(said.starts_with("DynamoDB cannot be reached in the region eu-nowhere-1: "), "{said}");
}

/// A DynamoDB that refuses every request with this error.
fn refusing(code: &str, message: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = json!({ "__type": format!("com.amazon.coral.service#{code}"), "message": message }).to_string();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            // Only the part of the request that arrives first is read, and it is ignored.
            let _ = connection.read(&mut [0; 16 * 1024]);
            let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/x-amz-json-1.0\r\nconnection: close\r\n";
            let _ = write!(connection, "{head}content-length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn what_aws_refuses_is_said_in_a_line() {
    let list = [CLIENTS, &["list"]].concat();
    let said = |code, message| run(&refusing(code, message), &list).failed(1);
    for code in ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"] {
        assert_eq!(
            said(code, "The security token is not valid."),
            "AWS rejects the credentials: The security token is not valid; sign in again, or check AWS_PROFILE, \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
    }
    assert_eq!(
        said("AccessDeniedException", "User: a is not authorized"),
        "the credentials do not allow dynamodb:Scan on the table tokenmint-clients: User: a is not authorized; extend \
         their IAM policy"
    );
    assert_eq!(
        said("SomethingNewException", "Why\n\u{1b}[2Jnot"),
        "cannot use the table tokenmint-clients: dynamodb:Scan: SomethingNewException: Why\u{fffd}\u{fffd}[2Jnot"
    );
    assert!(said("SomethingNewException", &"x".repeat(100_000)).chars().count() < 500);
}
