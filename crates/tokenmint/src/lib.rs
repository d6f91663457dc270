//! The operator's program: the server on one's own machine, and the services that it stands on.
//!
//! `tokenmint serve` is both functions on one port over an embedded DynamoDB and KMS; `tokenmint aws` is only the
//! embedded services, for functions that run elsewhere, as under `sam local`. `tokenmint client` and
//! `tokenmint registration-token` manage what is stored, here or in the tables of a deployed server.
//!
//! | command | files |
//! |---|---|
//! | every | `cli.rs` and below: the command line and its help; `output.rs`, `text.rs`, `error.rs` and below: what is said |
//! | `serve`, `aws` | `serve.rs`, `aws.rs`; `local.rs`: their settings; `running.rs`: how others reach their data |
//! | `client` | `client.rs` and below |
//! | `registration-token` | `registration_token.rs` |
//! | both of these | `tables.rs`: local or deployed |

mod aws;
mod banner;
pub mod cli;
mod client;
mod error;
mod local;
mod net;
pub mod output;
mod registration_token;
mod running;
mod serve;
mod tables;
mod text;

pub use self::cli::Cli;
pub use self::error::Error;

/// Does what the command line asks. A server runs until Ctrl-C or SIGTERM, which is no error.
///
/// # Errors
/// The server could not start, or stopped by itself; the command did not do what it was asked. The text is for the person at the terminal.
pub async fn run(cli: Cli) -> Result<(), Error> {
    match cli.command() {
        cli::Command::Serve(arguments) => serve::run(arguments).await,
        cli::Command::Aws(arguments) => aws::run(arguments).await,
        cli::Command::Client(arguments) => client::run(arguments).await,
        cli::Command::RegistrationToken(arguments) => registration_token::run(arguments).await,
    }
}
