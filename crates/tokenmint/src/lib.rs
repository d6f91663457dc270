//! The operator's program: the server on one's own machine, and the services that it stands on.
//!
//! `tokenmint serve` is both functions on one port over an embedded DynamoDB and KMS; `tokenmint aws` is only the
//! embedded services, for functions that run elsewhere, as under `sam local`.

mod aws;
mod banner;
pub mod cli;
mod error;
mod local;
mod net;
pub mod output;
mod serve;

pub use self::cli::Cli;
pub use self::error::Error;

/// Does what the command line asks. A server runs until Ctrl-C or SIGTERM, which is no error.
///
/// # Errors
/// The server could not start, or stopped by itself. The text is for the person at the terminal.
pub async fn run(cli: Cli) -> Result<(), Error> {
    match cli.command() {
        cli::Command::Serve(arguments) => serve::run(arguments).await,
        cli::Command::Aws(arguments) => aws::run(arguments).await,
    }
}
