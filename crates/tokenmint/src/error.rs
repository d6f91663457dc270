//! What is told to the person at the terminal, in one line where that is possible.

use std::net::SocketAddr;

use tokenmint_aws::config::ConfigErrors;
use tokenmint_aws::provision;
use tokenmint_embedded as embedded;

/// Why the program stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something asked for is taken, and an option would ask for another.
    #[error("{error}; choose another with {option}")]
    Choose {
        /// What is taken.
        error: embedded::Error,
        /// The option, as in `--listen`.
        option: &'static str,
    },

    /// The embedded services could not start.
    #[error(transparent)]
    Embedded(embedded::Error),

    /// The table or the signing key is not there.
    #[error(transparent)]
    Provision(#[from] provision::Error),

    /// The environment has mistakes. One line for each.
    #[error(transparent)]
    Configuration(#[from] ConfigErrors),

    /// The token function could not start.
    #[error(transparent)]
    Start(Box<dyn std::error::Error + Send + Sync>),

    /// The server stopped by itself, or the terminal is gone.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// The embedded services' error, with the option that helps. `listen` names the one for an address.
    pub(crate) fn embedded(error: embedded::Error, listen: impl FnOnce(SocketAddr) -> &'static str) -> Self {
        let option = match &error {
            embedded::Error::Listen { address, .. } => listen(*address),
            embedded::Error::FolderInUse { .. } => "--data",
            _ => return Self::Embedded(error),
        };
        Self::Choose { error, option }
    }
}
