//! Runs the program with a controlled environment.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokenmint_aws::config::SETTINGS;
use tokenmint_embedded::{Addresses, Embedded, Storage};

/// The program, without the developer's own settings.
pub(crate) fn program(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenmint"));
    command.args(options);
    clean(&mut command);
    command
}

/// Removes the developer's own settings from a command.
pub(crate) fn clean(command: &mut Command) {
    for setting in SETTINGS {
        command.env_remove(setting.name);
    }
    // AWS's variables: no test may find an account.
    for name in ["PROFILE", "REGION", "DEFAULT_REGION", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"] {
        command.env_remove(format!("AWS_{name}"));
    }
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("RUST_LOG");
}

/// The output of a command.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command to its end, with this standard input.
pub(crate) fn run_with(options: &[&str], input: &str) -> Answer {
    answer(&mut program(options), input)
}

/// The same for a given command.
pub(crate) fn answer(command: &mut Command, input: &str) -> Answer {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Answer { status: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs a command to its end.
pub(crate) fn run(options: &[&str]) -> Answer {
    run_with(options, "")
}

/// Runs a command that must succeed without output on standard error. Returns its standard output.
pub(crate) fn done(options: &[&str]) -> String {
    let Answer { status, stdout, stderr } = run(options);
    assert_eq!((status, stderr.as_str()), (0, ""), "{options:?}");
    stdout
}

/// The same, for a command that prints one JSON object.
pub(crate) fn json(options: &[&str]) -> Value {
    serde_json::from_str(&done(&[options, &["--json"]].concat())).unwrap()
}

/// A string member of an object.
pub(crate) fn text<'v>(object: &'v Value, member: &str) -> &'v str {
    object[member].as_str().unwrap_or_else(|| panic!("{member} in {object}"))
}

/// Runs a command that must fail with this status and one line. Returns the line without its prefix and suffix.
pub(crate) fn failed(options: &[&str], status: i32) -> String {
    run(options).failed(status)
}

impl Answer {
    /// The one error line of a command that failed with this status, without its prefix and suffix.
    pub(crate) fn failed(&self, status: i32) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (status, ""), "{self:?}");
        let line = self.stderr.strip_prefix("tokenmint: ").and_then(|line| line.strip_suffix('\n'));
        line.filter(|line| !line.contains('\n')).unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

pub(crate) fn shell(script: &str) -> String {
    let mut process = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = String::new();
    process.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(process.wait().unwrap().success(), "{script}");
    output
}

/// Runs a command at a terminal of its own, with this answer to its question. Returns the terminal's output, whose
/// last line is the status.
pub(crate) fn at_terminal(options: &[&str], answer: &str) -> String {
    let terminal = "import os, pty, sys; print(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut command = Command::new("python3");
    command.args(["-c", terminal, env!("CARGO_BIN_EXE_tokenmint")]).args(options);
    self::answer(&mut command, &format!("{answer}\n")).stdout
}

/// Sends a request. Returns the status and the body.
pub(crate) fn curl(arguments: &str) -> (u16, Value) {
    let output = shell(&format!("curl -s -w '\\n%{{http_code}}' {arguments}"));
    let (body, status) = output.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

/// A data folder, and the option that names it.
pub(crate) struct Data {
    pub(crate) folder: String,
    _place: TempDir,
}

impl Data {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        Self { folder: place.path().join("my data").to_str().unwrap().to_owned(), _place: place }
    }

    /// The same with data, as left by a server.
    pub(crate) fn store() -> Self {
        let data = Self::new();
        let storage = Storage::Folder(data.folder.clone().into());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { Embedded::start(storage, Addresses::any()).await.unwrap().stop().await });
        data
    }

    /// The command line, with the folder.
    pub(crate) fn on<'o>(&'o self, options: &[&'o str]) -> Vec<&'o str> {
        [options, &["--data", &self.folder]].concat()
    }
}

/// A running server, killed at the end of the test.
pub(crate) struct Server {
    pub(crate) process: Child,
    pub(crate) url: String,
    /// The shell lines that it prints.
    pub(crate) lines: String,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_with(&mut program(&[options, &["--listen", "127.0.0.1:0"]].concat()))
    }

    /// The same, for tests of what other processes change: a server that keeps no clients sees it at once.
    pub(crate) fn without_cache(options: &[&str]) -> Self {
        Self::start_with(program(&[options, &["--listen", "127.0.0.1:0"]].concat()).env("CLIENT_CACHE_TTL", "0"))
    }

    pub(crate) fn start_with(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut banner = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        while !banner.contains("jwks.json; echo") {
            assert_ne!(stdout.read_line(&mut banner).unwrap(), 0, "it ended: {banner}");
        }
        let (said, lines) = banner.split_once("look at the keys.\n").unwrap();
        let (_, url) = said.split_once("running at ").unwrap();
        let url = url.split_once(". ").unwrap().0.to_owned();
        Self { process, url, lines: lines.to_owned() }
    }

    /// Runs a script after the lines that register a client, with `$id`, `$secret` and `$url` set.
    pub(crate) fn paste(&self, script: &str) -> String {
        let registration = self.lines.split_inclusive('\n').take_while(|line| !line.starts_with("if "));
        shell(&format!("url={}\n{}{script}", self.url, registration.collect::<String>()))
    }

    /// The address of its DynamoDB, as announced in its folder.
    pub(crate) fn dynamodb_url(data: &Data) -> String {
        Self::dynamodb_url_in(Path::new(&data.folder))
    }

    /// The same for any folder.
    pub(crate) fn dynamodb_url_in(folder: &Path) -> String {
        let running = std::fs::read(folder.join("running.json")).unwrap();
        let running: Value = serde_json::from_slice(&running).unwrap();
        format!("http://{}", text(&running, "dynamodb"))
    }

    /// Requests a token. Returns the status and the body.
    pub(crate) fn token(&self, id: &str, secret: &str) -> (u16, Value) {
        curl(&format!("-u {id}:{secret} {}/token -d grant_type=client_credentials", self.url))
    }

    pub(crate) fn stop(mut self) {
        shell(&format!("kill -TERM {}", self.process.id()));
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has already ended if the test succeeded.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
