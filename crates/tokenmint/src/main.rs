//! The operator's program. Everything it does is in the library beside it.

use std::process::ExitCode;

use clap::Parser as _;
use tokenmint::{Cli, output, run};

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(format_args!("tokenmint: {error}"));
            ExitCode::from(error.status())
        }
    }
}
