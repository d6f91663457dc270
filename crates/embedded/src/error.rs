//! Startup errors of the embedded services.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the embedded services cannot start. Every text fits on one line and names its subject.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is in use, not permitted, or not an address of this machine.
    #[error("cannot listen on {address}: {}", reason(.source))]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },

    /// The folder cannot be created, read or written.
    #[error("cannot use the folder {}: {}", .folder.display(), reason(.source))]
    Folder {
        /// The requested folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },

    /// Another process, or another [`Embedded`](crate::Embedded) of this process, has locked the folder.
    #[error("the folder {} is in use by another tokenmint", .folder.display())]
    FolderInUse {
        /// The requested folder.
        folder: PathBuf,
    },

    /// The file of keys is corrupt. It is left unchanged, because replacing it would lose the keys.
    #[error("{} is corrupt and was not changed: {reason}", .file.display())]
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
        /// The database's error.
        reason: String,
    },
}

/// The system's reason, with a plain wording for the most common mistake.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        _ => error.to_string(),
    }
}
