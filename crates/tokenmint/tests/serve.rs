//! The program as a person uses it: started, its lines pasted into a shell, stopped.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tokenmint_aws::config::SETTINGS;

/// A running server, killed when the test is over.
struct Server {
    process: Child,
    /// The lines it prints for pasting.
    lines: String,
}

impl Server {
    fn start(options: &[&str]) -> Self {
        let mut process = program(options).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut banner = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        while !banner.contains("jwks.json; echo") {
            assert_ne!(stdout.read_line(&mut banner).unwrap(), 0, "it ended: {banner}");
        }
        let lines = banner[banner.find("client=").unwrap()..].to_owned();
        Self { process, lines }
    }

    /// Runs a script after the lines that register a client, with `$id`, `$secret` and `$url` set.
    fn paste(&self, script: &str) -> String {
        let url = self.lines.split_whitespace().find_map(|word| word.strip_suffix("/register")).unwrap();
        let registration = self.lines.split_inclusive('\n').take_while(|line| !line.starts_with("curl"));
        shell(&format!("url={url}\n{}{script}", registration.collect::<String>()))
    }

    fn stop(mut self) {
        shell(&format!("kill -TERM {}", self.process.id()));
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where the test went well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenmint"));
    command.args(options);
    // The developer's own settings are not the test's.
    for setting in SETTINGS {
        command.env_remove(setting.name);
    }
    command
}

fn shell(script: &str) -> String {
    let mut process = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = String::new();
    process.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(process.wait().unwrap().success(), "{script}");
    output
}

/// Starts what cannot start. Gives what it said.
fn refused(options: &[&str]) -> String {
    let Output { status, stderr, .. } = program(options).output().unwrap();
    assert_eq!(status.code(), Some(1));
    String::from_utf8(stderr).unwrap()
}

fn folder(place: &Path) -> String {
    place.join("data").to_str().unwrap().to_owned()
}

#[test]
fn the_lines_it_prints_work_when_they_are_pasted() {
    let server = Server::start(&["--memory", "--listen", "127.0.0.1:0"]);
    let output = shell(&server.lines);
    let (token, keys) = output.trim().split_once('\n').unwrap();
    assert!(token.starts_with(r#"{"access_token":"ey"#), "{token}");
    assert!(token.contains(r#""scope":"client-scope""#), "{token}");
    assert!(keys.starts_with(r#"{"keys":[{"#), "{keys}");
    server.stop();
}

#[test]
fn a_restart_knows_clients_and_keys_again() {
    let place = tempfile::tempdir().unwrap();
    let data = folder(place.path());
    let options = ["serve", "--data", &data, "--listen", "127.0.0.1:0"];
    let server = Server::start(&options);
    let before = server.paste(r#"echo "$id:$secret"; curl -s $url/.well-known/jwks.json"#);
    let (credentials, keys) = before.split_once('\n').unwrap();
    server.stop();

    let server = Server::start(&options);
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
        refused(&["--memory", "--listen", &address]),
        format!("tokenmint: cannot listen on {address}: address already in use; choose another with --listen\n")
    );
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(
        refused(&["aws", "--memory", "--dynamodb-port", "0", "--kms-port", &port]),
        format!("tokenmint: cannot listen on {address}: address already in use; choose another with --kms-port\n")
    );

    let place = tempfile::tempdir().unwrap();
    let data = folder(place.path());
    let server = Server::start(&["--data", &data, "--listen", "127.0.0.1:0"]);
    assert_eq!(
        refused(&["--data", &data, "--listen", "127.0.0.1:0"]),
        format!("tokenmint: the folder {data} is in use by another tokenmint; choose another with --data\n")
    );
    server.stop();
}
