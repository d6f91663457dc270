//! The operator's program. All of its code is in the library.

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use tokenmint::{Cli, output, run};

/// A request of the AWS SDK allocates hundreds of times.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_told() {
                output::say(format_args!("tokenmint: {error}"));
            }
            ExitCode::from(error.status())
        }
    }
}
