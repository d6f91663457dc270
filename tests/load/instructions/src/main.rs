//! Serves a number of requests in this process, checks every answer, and lets callgrind count the instructions of the
//! requests alone: those of [`measured`]. `tests/load/instructions.sh` runs it and compares the counts with their bounds.
//!
//! It runs as a function does on Lambda: one thread, the same allocator, and a log line of JSON per request, which goes
//! nowhere. The clock stands still, so that nothing expires however slow callgrind is.

mod check;
#[path = "../../../../crates/oauth/benches/pure/mod.rs"]
mod pure;
mod server;

use std::fmt::Display;
use std::io::sink;

use clap::{Parser, ValueEnum};
use mimalloc::MiMalloc;
use tokenmint_function::telemetry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::check::Checks;
use crate::pure::PurePath;
use crate::server::Server;

/// As in the functions.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Serves requests in this process and checks the answers.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which path the requests take.
    path: Path,

    /// How many requests.
    requests: u32,
}

/// What a request runs through.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Path {
    /// Parse, authenticate with a secret, decide, build the claims. No I/O, no signature.
    Pure,
    /// The token function, from API Gateway's event to the response, with a client that the instance knows and a sealed
    /// ES256 key.
    KnownClient,
    /// The register function, from the event to the response, with the embedded DynamoDB in this process.
    Registration,
}

/// Why a run counts for nothing.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn failure(cause: impl Display) -> Failure {
    cause.to_string().into()
}

fn main() -> Result<(), Failure> {
    tracing_subscriber::registry().with(telemetry::filter(None)).with(telemetry::json_layer(sink)).init();
    run(&Arguments::parse())
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut checks = Checks::default();
    match arguments.path {
        Path::Pure => {
            let path = PurePath::new();
            for _ in 0..arguments.requests {
                check::signing_input(&measured(|| path.signing_input()))?;
            }
        }
        Path::KnownClient => {
            let server = Server::start()?;
            let client = checks.registration(&server.answer(server::registration_event())?)?;
            let keys = server.keys()?;
            let event = server::token_event(&client)?;
            // The instance gets to know the client.
            checks.token(&server.answer(&event)?, &client, &keys)?;
            for _ in 0..arguments.requests {
                checks.token(&measured(|| server.answer(&event))?, &client, &keys)?;
            }
        }
        Path::Registration => {
            let server = Server::start()?;
            let event = server::registration_event();
            for _ in 0..arguments.requests {
                checks.registration(&measured(|| server.answer(event))?)?;
            }
        }
    }
    Ok(())
}

/// Runs the work of one request. Callgrind counts what is called from here, and nothing else: see `--toggle-collect` in
/// the script.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    work()
}
