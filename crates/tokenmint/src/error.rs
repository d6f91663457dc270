//! What is told to the person at the terminal, in one line where that is possible.

mod aws;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokenmint_aws::clients::{FindError, WriteError};
use tokenmint_aws::config::ConfigErrors;
use tokenmint_aws::{AccountError, Unavailable, provision};
use tokenmint_embedded as embedded;
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::metadata::MetadataError;

use crate::cli::Table;
use crate::text::{visible, word};

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
    #[error("invalid settings in the environment:\n{0}")]
    Configuration(#[from] ConfigErrors),

    /// The token function could not start.
    #[error(transparent)]
    Start(Box<dyn std::error::Error + Send + Sync>),

    /// The server stopped by itself, or the terminal is gone.
    #[error(transparent)]
    Io(#[from] std::io::Error),

    /// There is no local data.
    #[error(
        "there is no tokenmint data in {}; create it with `tokenmint serve --data {}`, or name another folder with \
         --data",
        .folder.display(), word(&.folder.to_string_lossy())
    )]
    NoData {
        /// The folder asked for.
        folder: PathBuf,
    },

    /// Somebody has the local data who does not say how it is reached.
    #[error(
        "the folder {} is in use by a tokenmint that is still starting, or by another command; try again in a moment",
        .folder.display()
    )]
    InUse {
        /// The folder asked for.
        folder: PathBuf,
    },

    /// Somebody has the local data and does not answer.
    #[error(
        "the folder {} is in use by another tokenmint, but its database does not answer at {address}; stop that \
         tokenmint and try again",
        .folder.display()
    )]
    NotAnswering {
        /// The folder asked for.
        folder: PathBuf,
        /// Where the database should be.
        address: SocketAddr,
    },

    /// AWS's own settings lead to no account.
    #[error("{error}; {}", aws::setup(.error))]
    Account {
        /// What is missing.
        #[from]
        error: AccountError,
    },

    /// A table cannot be read or written.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),

    /// There is no such client.
    #[error("there is no client {}; see `tokenmint client list`", visible(.0.as_str()))]
    NoClient(ClientId),

    /// There is no such initial access token.
    #[error("there is no registration token {}; see `tokenmint registration-token list`", visible(.0))]
    NoToken(String),

    /// The metadata of a new client cannot be registered.
    #[error("the client was not created: {0}")]
    Metadata(#[from] MetadataError),

    /// The command line asks for something that does not go together, or lacks something.
    #[error("{0}")]
    Usage(String),

    /// It was not done. The text says why.
    #[error("{0}")]
    NotDone(String),
}

impl From<FindError> for Error {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Unavailable(error) => error.into(),
            FindError::Damaged(ref id, _) => {
                let id = visible(id.as_str());
                Self::NotDone(format!(
                    "{}; if it cannot be repaired, delete it with `tokenmint client delete {id} --yes`",
                    visible(&error.to_string())
                ))
            }
        }
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unavailable(error) => error.into(),
            WriteError::Condition | WriteError::Item(_) => Self::NotDone(error.to_string()),
        }
    }
}

impl Error {
    /// The status with which the program ends: 2 where another command line would help, else 1.
    pub const fn status(&self) -> u8 {
        if matches!(self, Self::Usage(_)) { 2 } else { 1 }
    }

    /// The same error, which knows what table of a deployed server it was about.
    pub(crate) fn at_table(self, table: &Table, region: &str) -> Self {
        match self {
            Self::Unavailable(error) => Self::NotDone(aws::table(&error, table, region)),
            other => other,
        }
    }

    /// The same error, which knows what local data it was about.
    pub(crate) fn at_folder(self, folder: &Path) -> Self {
        match self {
            Self::Unavailable(error) => Self::NotDone(aws::folder(&error, folder)),
            other => other,
        }
    }

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
