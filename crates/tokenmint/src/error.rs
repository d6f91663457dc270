//! What is told to the person at the terminal, in one line where that is possible.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokenmint_aws::clients::{FindError, WriteError};
use tokenmint_aws::config::ConfigErrors;
use tokenmint_aws::{Unavailable, provision};
use tokenmint_embedded as embedded;
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::metadata::MetadataError;

use crate::cli::Place;
use crate::text::visible;

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
    #[error("there is no folder {}: nothing was stored yet, or it is another one (--data)", .folder.display())]
    NoFolder {
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
        "the folder {} is in use by another tokenmint, but nothing answers at {address}, where its database should \
         be; stop it and try again",
        .folder.display()
    )]
    NotAnswering {
        /// The folder asked for.
        folder: PathBuf,
        /// Where the database should be.
        address: SocketAddr,
    },

    /// A table cannot be read or written.
    #[error("cannot use {place}: {reason}{advice}")]
    Unavailable {
        /// The table or folder.
        place: String,
        /// What the SDK said.
        reason: String,
        /// What helps.
        advice: &'static str,
    },

    /// There is no such client.
    #[error("there is no client {}", visible(.0.as_str()))]
    NoClient(ClientId),

    /// There is no such initial access token.
    #[error("there is no registration token {}; see `tokenmint registration-token list`", visible(.0))]
    NoToken(String),

    /// The metadata of a new client cannot be registered.
    #[error("the client was not made: {0}")]
    Metadata(#[from] MetadataError),

    /// The command line asks for something that does not go together.
    #[error("{0}")]
    Usage(&'static str),

    /// It was not done. The text says why.
    #[error("{0}")]
    NotDone(String),
}

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        let (reason, advice) = brief(&error.to_string());
        Self::Unavailable { place: String::new(), reason, advice }
    }
}

impl From<FindError> for Error {
    fn from(error: FindError) -> Self {
        match error {
            FindError::Unavailable(error) => error.into(),
            FindError::Damaged(ref id, _) => {
                let id = visible(id.as_str());
                Self::NotDone(format!(
                    "{error}; if it cannot be mended, `tokenmint client delete {id} --yes` removes it"
                ))
            }
        }
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unavailable(error) => error.into(),
            WriteError::Condition | WriteError::Form(_) => Self::NotDone(error.to_string()),
        }
    }
}

impl Error {
    /// The status with which the program ends: 2 where another command line would help, else 1.
    pub const fn status(&self) -> u8 {
        if matches!(self, Self::Usage(_)) { 2 } else { 1 }
    }

    /// The same error, which knows what it was about.
    pub(crate) fn at(self, place: &Place) -> Self {
        match self {
            Self::Unavailable { reason, advice, .. } => match place {
                Place::Table(table) => Self::Unavailable { place: format!("the table {table}"), reason, advice },
                Place::Folder(folder) => {
                    Self::Unavailable { place: format!("the data in {}", folder.display()), reason, advice: "" }
                }
            },
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

/// The SDK's errors end with all they know, in parentheses, for the log; a person is told what comes before, and where
/// to look if AWS did not even answer.
fn brief(text: &str) -> (String, &'static str) {
    const SETTINGS: &str = "; see AWS_PROFILE, AWS_REGION and AWS's other settings";
    const DETAILS: [(&str, &str); 5] = [
        (" (ConstructionFailure(", SETTINGS),
        (" (TimeoutError(", SETTINGS),
        (" (DispatchFailure(", SETTINGS),
        (" (ResponseError(", ""),
        (" (ServiceError(", ""),
    ];
    let details = DETAILS.iter().filter_map(|(details, advice)| Some((text.find(details)?, *advice)));
    let (end, advice) = details.min().unwrap_or((text.len(), ""));
    (visible(once(&text[..end])), advice)
}

/// An error whose cause has the same words says them twice.
fn once(text: &str) -> &str {
    let mut colons = text.match_indices(": ").map(|(at, _)| at);
    colons.find(|at| text[..*at].ends_with(&text[at + 2..])).map_or(text, |at| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_sdk_says_fits_a_line() {
        let said =
            "dynamodb:Scan: dispatch failure: no route (DispatchFailure(DispatchFailure { source: (ServiceError(";
        let error = |place: &Place| {
            let (reason, advice) = brief(said);
            Error::Unavailable { place: String::new(), reason, advice }.at(place).to_string()
        };
        assert_eq!(
            error(&Place::Table("clients".to_owned())),
            "cannot use the table clients: dynamodb:Scan: dispatch failure: no route; see AWS_PROFILE, AWS_REGION and \
             AWS's other settings"
        );
        assert_eq!(
            error(&Place::Folder(".tokenmint".into())),
            "cannot use the data in .tokenmint: dynamodb:Scan: dispatch failure: no route"
        );
        let (reason, _) = brief("dynamodb:Scan: service error: NotFound: no table: NotFound: no table (ServiceError(");
        assert_eq!(reason, "dynamodb:Scan: service error: NotFound: no table");
        assert_eq!(brief("damaged\nitem"), ("damaged\u{fffd}item".to_owned(), ""));
    }
}
