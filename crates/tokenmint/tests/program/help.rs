//! Runs every example of the help in a shell.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::json;
use tempfile::TempDir;
use tokenmint::Cli;
use tokenmint_aws::Sdk;
use tokenmint_aws::clients::{Author, ClientsTable, NewClient};
use tokenmint_aws::registrations::RegistrationsTable;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::metadata::{ClientMetadata, StoredMetadata};
use tokenmint_oauth::method::Method;
use tokenmint_oauth::scope::Scope;

use crate::harness::{Server, clean, program, run, shell};
use crate::identifiers::client;

/// The clients, of which one has keys, and the initial access token in the examples.
const CLIENT: &str = "3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55";
const WORKLOAD: &str = "7c1d22aa-52a4-4a5c-9d0e-0f5a2f7f9f55";
const TOKEN: &str = "kX3vRw0fAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// An expired token of GitHub Actions: `{"alg":"ES256"}`, `{"iss":"https://token.actions.githubusercontent.com","exp":1}`.
const TOKEN_OF_A_WORKLOAD: &str =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJodHRwczovL3Rva2VuLmFjdGlvbnMuZ2l0aHVidXNlcmNvbnRlbnQuY29tIiwiZXhwIjoxfQ.AA\n";

/// The last line that `tokenmint aws` prints.
const LAST_EXPORT: &str = "export REGISTRATION_RATE_TOTAL=";

/// The command lines of all commands, including the bare program.
fn commands(command: &clap::Command, path: &[String], all: &mut Vec<Vec<String>>) {
    all.push(path.to_vec());
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        commands(sub, &[path, &[sub.get_name().to_owned()]].concat(), all);
    }
}

/// The examples of a help text: the lines below each heading with this prefix, one statement each.
fn examples(help: &str) -> Vec<Vec<String>> {
    let mut blocks = Vec::new();
    let mut lines = help.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("Example") {
            let mut statements = Vec::<String>::new();
            while let Some(line) = lines.next_if(|line| line.starts_with("  ")) {
                let line = format!("{}\n", &line[2..]);
                match statements.last_mut() {
                    // A line with deeper indentation continues the previous statement.
                    Some(statement) if line.starts_with(' ') => statement.push_str(&line),
                    _ => statements.push(line),
                }
            }
            blocks.push(statements);
        } else {
            let is_usage = line.contains(['<', '[']);
            assert!(is_usage || !line.starts_with(' ') || !line.trim().starts_with("tokenmint "), "no example: {line}");
        }
    }
    blocks
}

/// Whether a statement runs until it is stopped.
fn is_server(statement: &str) -> bool {
    // Variables precede the program; one may contain a space.
    let Some((before, after)) = statement.split_once("tokenmint") else { return false };
    if !before.split(' ').all(|word| word.is_empty() || (word.contains(['=', '\'']) && !word.contains(['(', '{']))) {
        return false;
    }
    let word = after.split_whitespace().next().filter(|_| after.starts_with([' ', '\n']));
    word.is_none_or(|word| word.starts_with("--") || ["serve", "aws", "|"].contains(&word))
}

#[test]
fn servers_are_told_from_commands() {
    for server in ["tokenmint\n", "tokenmint --memory\n", "A='b c' B=d tokenmint serve\n", "tokenmint aws | tee f\n"] {
        assert!(is_server(server), "{server}");
    }
    for command in
        ["tokenmint client list\n", "token=$(tokenmint serve\n", ". ./local.env\n", "echo | tokenmint client\n"]
    {
        assert!(!is_server(command), "{command}");
    }
}

/// The folder of the examples, in which this program is found by its name.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let metadata = r#"{ "client_name": "Billing", "scope": "invoices.read" }"#;
        fs::write(folder.path().join("client.json"), metadata).unwrap();
        fs::write(folder.path().join("token.jwt"), TOKEN_OF_A_WORKLOAD).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A shell for a script.
    fn shell(&self, script: &str) -> Command {
        let programs = PathBuf::from(env!("CARGO_BIN_EXE_tokenmint"));
        let programs = programs.parent().unwrap().to_str().unwrap();
        let mut command = Command::new("sh");
        clean(&mut command);
        command.arg("-c").arg(format!("set -e\nPATH='{programs}':$PATH\n{script}")).current_dir(self.path());
        command.env("AWS_CONFIG_FILE", self.path().join("config"));
        command
    }

    /// Runs commands, which must succeed.
    fn run(&self, script: &str) -> String {
        let output = self.shell(script).stdin(Stdio::null()).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let is_fine = output.status.success() && !stderr.contains("tokenmint: ") && !stdout.contains("\"error");
        assert!(is_fine, "{script}\n{stdout}\n{stderr}");
        stdout
    }

    /// Runs a server until it is ready, then the commands that need it, and stops it.
    fn serve(&self, statement: &str, then: &str) {
        // Any free port, because the example's port may be in use.
        let any = if statement.contains("127.0.0.1:9450") {
            statement.replace("127.0.0.1:9450", "127.0.0.1:0")
        } else if statement.contains("tokenmint aws") {
            statement.replace("tokenmint aws", "tokenmint aws --dynamodb-port 0 --kms-port 0")
        } else if statement.contains("tokenmint serve") {
            statement.replace("tokenmint serve", "tokenmint serve --listen 127.0.0.1:0")
        } else {
            statement.replace("tokenmint", "tokenmint --listen 127.0.0.1:0")
        };
        let file = statement.split_once("| tee ").map(|(_, file)| self.path().join(file.trim()));
        if let Some(file) = &file {
            let _ = fs::remove_file(file);
        }
        let mut command = self.shell(&any);
        let mut process = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (mut stdout, mut said) = (BufReader::new(process.stdout.take().unwrap()), String::new());
        while !said.contains("jwks.json; echo") && !said.contains(LAST_EXPORT) {
            assert_ne!(stdout.read_line(&mut said).unwrap(), 0, "{any}\n{said}");
        }
        // `tee` writes its file after its output.
        while file.as_ref().is_some_and(|file| !fs::read_to_string(file).unwrap_or_default().contains(LAST_EXPORT)) {
            assert_eq!(process.try_wait().unwrap(), None);
            thread::yield_now();
        }
        self.run(then);
        shell(&format!("kill -s TERM -- -{}", process.id()));
        process.wait().unwrap();
    }
}

/// A client that uses `private_key_jwt`, and trusts the workload that one example removes.
fn workload() -> Client {
    let domain = "spiffe://prod.example.com";
    let mut metadata = StoredMetadata {
        token_endpoint_auth_method: Method::PrivateKeyJwt,
        grant_types: vec!["client_credentials".to_owned()],
        federated_credentials: vec![json!({"issuer": domain, "sub": format!("{domain}/billing")})],
        ..StoredMetadata::default()
    };
    metadata.others.insert("jwks_uri".to_owned(), "https://client.example.com/jwks.json".into());
    Client { client_secrets: Vec::new(), metadata: ClientMetadata::from_stored(metadata).unwrap(), ..client(WORKLOAD) }
}

/// Stores the data of the examples, as if none had run before.
async fn restore(clients: &ClientsTable, registrations: &RegistrationsTable) {
    let disabled = Client { disabled: true, ..client("00000000-52a4-4a5c-9d0e-0f5a2f7f9f55") };
    for client in [client(CLIENT), disabled, workload()] {
        clients.remove(&client.client_id, &Author::operator("test")).await.unwrap();
        clients.insert(NewClient::new(&client, &Author::operator("test")).unwrap()).await.unwrap();
    }
    let hash = RegistrationsTable::token_hash(TOKEN).unwrap();
    let token = InitialAccessToken {
        hash,
        name: String::new(),
        issued_at: 0,
        expires_at: u64::from(u32::MAX),
        uses_left: 1,
        scope: Scope::default(),
        allows_federation: false,
        token_policy: None,
    };
    registrations.remove_token(&hash).await.unwrap();
    registrations.insert_token(&token).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_does_what_it_shows() {
    let mut all = Vec::new();
    commands(&<Cli as clap::CommandFactory>::command(), &[], &mut all);
    let mut blocks = Vec::new();
    for path in &all {
        let words: Vec<_> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let found = examples(&run(&words).stdout);
        assert!(found.iter().any(|block| !block.is_empty()), "{path:?} has no example");
        blocks.extend(found);
    }
    assert!(all.len() >= 15 && blocks.len() >= all.len(), "{all:?}");
    let (servers, commands): (Vec<_>, Vec<_>) = blocks.iter().partition(|block| is_server_block(block));

    let place = Place::new();
    let mut serve = program(&["--listen", "127.0.0.1:0"]);
    serve.current_dir(place.path()).envs([("REGISTRATION", "protected"), ("SIGNING_KEYS", "alias/ec=ES256")]);
    let server = Server::start_with(&mut serve);
    let dynamodb = Server::dynamodb_url_in(&place.path().join(".tokenmint"));
    let profile = format!(
        "[profile production]\nregion = eu-central-1\naws_access_key_id = a\naws_secret_access_key = b\n\
         endpoint_url = {dynamodb}\n"
    );
    fs::write(place.path().join("config"), profile).unwrap();
    let sdk = Sdk::local(&dynamodb, &dynamodb).await;
    let clients = ClientsTable::new(sdk.dynamodb(), "tokenmint-clients".to_owned());
    let registrations = RegistrationsTable::new(&sdk, "tokenmint-registrations".to_owned());
    for block in commands {
        restore(&clients, &registrations).await;
        place.run(&block.concat().replace("https://as.example.com", &server.url));
    }
    // Resets the data: the client that one example deletes exists again for the next.
    let created = fs::read_to_string(place.path().join("credentials.json")).unwrap();
    let created: serde_json::Value = serde_json::from_str(&created).unwrap();
    assert!(ClientId::parse(created["client_id"].as_str().unwrap()).is_ok());
    server.stop();

    for block in servers {
        let mut statements = block.iter().peekable();
        while let Some(statement) = statements.next() {
            let mut then = String::new();
            while let Some(next) = statements.next_if(|next| !is_server(next)) {
                then += next;
            }
            if !then.is_empty() {
                then += "[ -n \"$AWS_ENDPOINT_URL_KMS\" ]\n";
            }
            place.serve(statement, &then);
        }
    }
}

fn is_server_block(block: &[String]) -> bool {
    block.iter().any(|statement| is_server(statement))
}
