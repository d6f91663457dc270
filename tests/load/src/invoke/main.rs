//! Runs a Lambda function behind a stand-in for the runtime API, hands it one event after the other, checks every
//! answer, and prints what the function's process used, as one JSON object:
//!
//! | member | |
//! |---|---|
//! | `init_ms` | from the start of the process to its first request for an event |
//! | `init_cpu_ms` | CPU time of the process up to then, user and system |
//! | `cpu_us` | CPU time of the process per event, user and system, after the warm-up |
//! | `wall_us` | time per event, what stands behind the function included |
//! | `peak_kib` | the most memory that was resident at a time |
//! | `log_bytes` | what the function wrote to its log per event |
//!
//! `tests/load/functions.sh` uses it.

mod answers;
mod function;
mod process;

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::{Args, Parser};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::answers::{ExpectedToken, Kind};
use crate::function::Function;

/// Measures a Lambda function behind a stand-in for the runtime API.
#[derive(Debug, Parser)]
struct Arguments {
    /// What the function is expected to answer.
    #[arg(long)]
    expect: Kind,

    /// The event, as API Gateway sends it.
    #[arg(long, value_name = "FILE")]
    event: PathBuf,

    /// How many events to count.
    #[arg(long, value_name = "NUMBER", default_value_t = 2000)]
    events: u32,

    /// How many events to send before.
    #[arg(long, value_name = "NUMBER", default_value_t = 200)]
    warm_up: u32,

    /// How often to start the function. The medians of the starts count; the last one gets the events.
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    starts: u16,

    /// Where the function's output goes.
    #[arg(long, value_name = "FILE")]
    log: PathBuf,

    /// Where the body of the last answer goes.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    #[command(flatten)]
    token: Option<TokenArguments>,

    /// The function, or a tool and the function.
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

/// What is needed to get a token and to check it.
#[derive(Args, Debug)]
struct TokenArguments {
    /// The registration response of the client, which authenticates with HTTP Basic.
    #[arg(long, value_name = "FILE", required = false, requires_all = ["issuer", "algorithm", "keys_event"])]
    client: PathBuf,

    /// The issuer of the tokens.
    #[arg(long, value_name = "URL", required = false)]
    issuer: String,

    /// The algorithm of the tokens.
    #[arg(long, value_name = "ALG", required = false)]
    algorithm: Algorithm,

    /// The event with which the function's key set is fetched, before the warm-up.
    #[arg(long, value_name = "FILE", required = false)]
    keys_event: PathBuf,
}

/// Why a run failed.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn failure(description: impl Display) -> Failure {
    description.to_string().into()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let written = match run(&Arguments::parse()).await {
        Ok(measured) => writeln!(std::io::stdout(), "{measured}").map_err(Failure::from),
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other place to report to.
            let _ = writeln!(std::io::stderr(), "invoke: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<Value, Failure> {
    let mut event: Value = serde_json::from_str(&read(&arguments.event)?)?;
    let (mut function, init, init_cpu) = start(arguments).await?;

    let expected = match &arguments.token {
        Some(token) => Some(authorize(token, &mut event, &mut function).await?),
        None => None,
    };
    let event = Bytes::from(event.to_string());
    // Checked after the run, so that the checks do not take the function's place in the processor's caches.
    let mut answers = Vec::new();
    for _ in 0..arguments.warm_up {
        answers.push(function.invoke(event.clone()).await?);
    }
    let (cpu, logged, start) = (function.process.cpu()?, size(&arguments.log)?, Instant::now());
    for _ in 0..arguments.events {
        answers.push(function.invoke(event.clone()).await?);
    }
    let (wall, cpu) = (start.elapsed(), function.process.cpu()?.saturating_sub(cpu));
    let logged = size(&arguments.log)?.saturating_sub(logged);
    let peak_kib = function.process.peak_kib()?;
    function.process.interrupt()?;

    answers::check(arguments.expect, &answers, expected.as_ref())?;
    if let (Some(file), Some(answer)) = (&arguments.save, answers.last()) {
        fs::write(file, answers::open(answer)?.1)?;
    }
    let events = f64::from(arguments.events.max(1));
    Ok(json!({
        "init_ms": init.as_secs_f64() * 1e3,
        "init_cpu_ms": init_cpu.as_secs_f64() * 1e3,
        "cpu_us": cpu.as_secs_f64() * 1e6 / events,
        "wall_us": wall.as_secs_f64() * 1e6 / events,
        "peak_kib": peak_kib,
        "log_bytes": (u32::try_from(logged).map_or(f64::INFINITY, f64::from) / events).round(),
    }))
}

/// Starts the function as often as asked. Returns it with the medians of its time and CPU time to be ready.
async fn start(arguments: &Arguments) -> Result<(Function, Duration, Duration), Failure> {
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    loop {
        let function = Function::start(&arguments.command, &arguments.log).await?;
        walls.push(function.init);
        cpus.push(function.process.cpu()?);
        if walls.len() >= usize::from(arguments.starts) {
            return Ok((function, median(walls), median(cpus)));
        }
    }
}

/// The median; of an even number, the upper one.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Puts the client's credentials into the event, and asks the function for the keys that verify its tokens.
async fn authorize(
    token: &TokenArguments,
    event: &mut Value,
    function: &mut Function,
) -> Result<ExpectedToken, Failure> {
    let client: Value = serde_json::from_str(&read(&token.client)?)?;
    let member = |name: &str| {
        let value = client[name].as_str();
        value.ok_or_else(|| failure(format_args!("{}: no {name}", token.client.display())))
    };
    let (id, secret) = (member("client_id")?, member("client_secret")?);
    // Both consist of characters that Basic does not have to encode (RFC 6749 §2.3.1).
    event["headers"]["authorization"] = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}"))).into();

    let answer = function.invoke(read(&token.keys_event)?.into()).await?;
    let (status, body) = answers::open(&answer)?;
    if status != 200 {
        return Err(failure(format_args!("the key set: status {status}")));
    }
    Ok(ExpectedToken {
        issuer: token.issuer.clone(),
        client_id: id.to_owned(),
        algorithm: token.algorithm,
        keys: answers::keys(&body)?,
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|error| failure(format_args!("{}: {error}", file.display())))
}

fn size(file: &Path) -> Result<u64, Failure> {
    Ok(fs::metadata(file)?.len())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_middle_of_what_was_measured() {
        let times = |times: &[u64]| median(times.iter().map(|time| Duration::from_millis(*time)).collect());
        assert_eq!(times(&[9, 1, 5]), Duration::from_millis(5));
        assert_eq!(times(&[2, 1]), Duration::from_millis(2));
        assert_eq!(times(&[]), Duration::ZERO);
    }

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }
}
