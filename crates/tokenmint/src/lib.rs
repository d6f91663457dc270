//! The operator's program: a local server with its embedded services, and client management.
//!
//! `tokenmint serve` runs both functions on one port over an embedded DynamoDB and KMS. `tokenmint aws` runs only
//! the embedded services, for functions that run elsewhere, for example under `sam local`. `tokenmint client`,
//! `tokenmint apply` and `tokenmint registration-token` manage the stored data, local or in the tables of a deployed
//! server.
//!
//! | command | files |
//! |---|---|
//! | all | `cli.rs` and below: the command line and its help; `output.rs`, `text.rs`, `error.rs` and below: the output |
//! | `serve`, `aws` | `serve.rs`, `aws.rs`; `docs.rs` and below: the page at `/docs`; `local.rs`: their settings; `log.rs`: their log; `running.rs`: how other processes reach their data |
//! | `client` | `client.rs` and below |
//! | `apply` | `apply.rs` and below |
//! | `registration-token` | `registration_token.rs` |
//! | the last three | `tables.rs`: local or deployed |

mod apply;
mod aws;
mod banner;
pub mod cli;
mod client;
mod docs;
mod error;
mod local;
mod log;
mod net;
pub mod output;
mod policy;
mod registration_token;
mod running;
mod serve;
mod tables;
mod text;

pub use self::cli::Cli;
pub use self::error::Error;

/// Runs the command. A server runs until Ctrl-C or SIGTERM, which is not an error.
///
/// # Errors
/// The server could not start or stopped by itself, or the command failed. The text is for the terminal.
pub async fn run(cli: Cli) -> Result<(), Error> {
    match cli.command() {
        cli::Command::Serve(arguments) => serve::run(arguments).await,
        cli::Command::Aws(arguments) => aws::run(arguments).await,
        cli::Command::Client(arguments) => client::run(arguments).await,
        cli::Command::Apply(arguments) => apply::run(arguments).await,
        cli::Command::RegistrationToken(arguments) => registration_token::run(arguments).await,
    }
}
