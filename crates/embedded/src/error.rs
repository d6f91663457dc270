//! What can keep the embedded services from starting.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the embedded services cannot start. Every text fits one line and names what it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is taken, not ours to take, or not one of this machine.
    #[error("cannot listen on {address}: {}", reason(.source))]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },

    /// The folder cannot be made, or not be read and written.
    #[error("cannot use the folder {}: {}", .folder.display(), reason(.source))]
    Folder {
        /// The folder asked for.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// Another process (or another [`Embedded`](crate::Embedded) of this one) holds the folder.
    #[error("the folder {} is in use by another tokenmint", .folder.display())]
    FolderInUse {
        /// The folder asked for.
        folder: PathBuf,
    },

    /// The file of keys is not what was written there. It is left as it is: replacing it would lose the keys.
    #[error("{} is damaged and was left alone: {reason}", .file.display())]
    DamagedKeys {
        /// The file of keys.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The database cannot be opened.
    #[error("cannot open the database {file}: {reason}")]
    Database {
        /// Its file, or `:memory:`.
        file: String,
        /// What the database said.
        reason: String,
    },
}

/// The system's reason, worded for the one mistake that everybody makes once.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        _ => error.to_string(),
    }
}
