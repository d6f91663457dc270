//! Error texts for the terminal, on one line if possible.

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
    /// A requested address or folder is in use; the option selects another.
    #[error("{error}; choose another with {option}")]
    Choose {
        /// The resource in use.
        error: embedded::Error,
        /// The option, as in `--listen`.
        option: &'static str,
    },

    /// The embedded services could not start.
    #[error(transparent)]
    Embedded(embedded::Error),

    /// The table or the signing key cannot be created.
    #[error(transparent)]
    Provision(#[from] provision::Error),

    /// The environment contains invalid settings. One line for each.
    #[error("invalid settings in the environment:\n{0}")]
    Configuration(#[from] ConfigErrors),

    /// The token function could not start.
    #[error(transparent)]
    Start(Box<dyn std::error::Error + Send + Sync>),

    /// The server stopped because of an error, or the terminal was closed.
    #[error(transparent)]
    Io(#[from] std::io::Error),

    /// There is no local data.
    #[error(
        "there is no tokenmint data in {}; create it with `tokenmint serve --data {}`, or name another folder with \
         --data",
        .folder.display(), word(&.folder.to_string_lossy())
    )]
    NoData {
        /// The requested folder.
        folder: PathBuf,
    },

    /// Another process has locked the local data and has not announced its address.
    #[error(
        "the folder {} is in use by a tokenmint that is still starting, or by another command; try again in a moment",
        .folder.display()
    )]
    InUse {
        /// The requested folder.
        folder: PathBuf,
    },

    /// Another process has locked the local data, and its database does not respond.
    #[error(
        "the folder {} is in use by another tokenmint, but its database does not answer at {address}; stop that \
         tokenmint and try again",
        .folder.display()
    )]
    NotAnswering {
        /// The requested folder.
        folder: PathBuf,
        /// The announced address of the database.
        address: SocketAddr,
    },

    /// AWS's settings do not select an account.
    #[error("{error}; {}", aws::setup(.error))]
    Account {
        /// What is missing.
        #[from]
        error: AccountError,
    },

    /// A table cannot be read or written.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),

    /// The client does not exist.
    #[error("there is no client {}; see `tokenmint client list`", visible(.0.as_str()))]
    NoClient(ClientId),

    /// The initial access token does not exist.
    #[error("there is no registration token {}; see `tokenmint registration-token list`", visible(.0))]
    NoToken(String),

    /// The metadata of a new client cannot be registered.
    #[error("the client was not created: {0}")]
    Metadata(#[from] MetadataError),

    /// A file of clients has mistakes. One line for each.
    #[error("{file} is not applied:\n{}", visible_lines(.mistakes))]
    File {
        /// The file.
        file: String,
        /// The mistakes.
        mistakes: Vec<String>,
    },

    /// `--plan` found that the clients are not what the file says, and has shown how.
    #[error("the clients are not what the file says")]
    Changes,

    /// The command line has conflicting or missing arguments.
    #[error("{0}")]
    Usage(String),

    /// The command failed. The text gives the cause.
    #[error("{0}")]
    NotDone(String),
}

fn visible_lines(mistakes: &[String]) -> String {
    mistakes.iter().map(|mistake| format!("  {}", visible(mistake))).collect::<Vec<_>>().join("\n")
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
    /// The exit status: 2 if another command line would help, 3 if `--plan` found changes, otherwise 1.
    pub const fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Changes => 3,
            _ => 1,
        }
    }

    /// Whether the program has already said it.
    pub const fn is_told(&self) -> bool {
        matches!(self, Self::Changes)
    }

    /// The same error, with the deployed server's table that it concerns.
    pub(crate) fn at_table(self, table: &Table, region: &str) -> Self {
        match self {
            Self::Unavailable(error) => Self::NotDone(aws::table(&error, table, region)),
            other => other,
        }
    }

    /// The same error, with the local data that it concerns.
    pub(crate) fn at_folder(self, folder: &Path) -> Self {
        match self {
            Self::Unavailable(error) => Self::NotDone(aws::folder(&error, folder)),
            other => other,
        }
    }

    /// The embedded services' error, with the option that helps. `listen` is the option for an address.
    pub(crate) fn embedded(error: embedded::Error, listen: impl FnOnce(SocketAddr) -> &'static str) -> Self {
        let option = match &error {
            embedded::Error::Listen { address, .. } => listen(*address),
            embedded::Error::FolderInUse { .. } => "--data",
            _ => return Self::Embedded(error),
        };
        Self::Choose { error, option }
    }
}
