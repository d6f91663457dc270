//! Which client a command is about.

use clap::Args;
use tokenmint_oauth::client::ClientId;

use super::values;

/// Which client.
#[derive(Args, Debug, PartialEq)]
pub struct ClientArgument {
    /// The `client_id`, or at least its first 8 characters.
    #[arg(value_name = "ID", value_parser = values::client_id)]
    pub id: ClientId,
}
