//! The file in which a running server announces the address of its database to the operator's commands.
//!
//! Only one process at a time can open the data folder. A server that has locked it writes a file into it, readable
//! by its owner only, and removes the file when it stops. If a crash leaves a file behind, the next process that
//! locks the folder removes it.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokenmint_aws::config::RegisterConfig;
use tokenmint_embedded::{Embedded, Storage, reachable};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The file's name.
const FILE: &str = "running.json";

/// How long a server on this machine may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The content of the file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The address of DynamoDB.
    pub(crate) dynamodb: SocketAddr,
    /// The address of KMS.
    pub(crate) kms: SocketAddr,
    /// The issuer.
    pub(crate) issuer: String,
    /// The table of clients.
    pub(crate) clients_table: String,
    /// The table of initial access tokens and registration counters.
    pub(crate) registrations_table: String,
}

impl Running {
    /// The announcement of these services, used with these settings.
    pub(crate) fn new(embedded: &Embedded, config: &RegisterConfig) -> Self {
        let addresses = embedded.addresses();
        Self {
            dynamodb: reachable(addresses.dynamodb),
            kms: reachable(addresses.kms),
            issuer: config.issuer.as_str().to_owned(),
            clients_table: config.clients_table.clone(),
            registrations_table: config.registrations_table.clone(),
        }
    }

    /// Writes the file if there is a folder. The file exists as long as the returned value.
    pub(crate) fn announce(&self, storage: &Storage) -> io::Result<Option<Announcement>> {
        let Storage::Folder(folder) = storage else { return Ok(None) };
        // Atomically, so that no process reads a partial file; readable by its owner only, like every temporary
        // file.
        let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        new.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        let file = folder.join(FILE);
        new.persist(&file)?;
        Ok(Some(Announcement(file)))
    }

    /// The content of the file in this folder; `None` if it does not exist or is invalid.
    pub(crate) fn in_folder(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// Whether the address accepts connections.
    pub(crate) async fn answers(&self) -> bool {
        matches!(timeout(CONNECT_TIMEOUT, TcpStream::connect(self.dynamodb)).await, Ok(Ok(_)))
    }
}

/// The file of this process, or one left by a crash, removed when the value is dropped.
#[derive(Debug)]
pub(crate) struct Announcement(PathBuf);

impl Announcement {
    /// The file left in a folder that this process has locked.
    pub(crate) fn left_behind(folder: &Path) -> Self {
        Self(folder.join(FILE))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // A file that cannot be removed names an address that does not respond, which commands detect.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn running() -> Running {
        let address = "127.0.0.1:1".parse().unwrap();
        let text = |text: &str| text.to_owned();
        Running {
            dynamodb: address,
            kms: address,
            issuer: text("http://127.0.0.1:9000"),
            clients_table: text("clients"),
            registrations_table: text("registrations"),
        }
    }

    #[test]
    fn the_file_is_there_as_long_as_the_server() {
        let folder = tempfile::tempdir().unwrap();
        assert!(running().announce(&Storage::Memory).unwrap().is_none());
        let announced = running().announce(&Storage::Folder(folder.path().to_owned())).unwrap();
        assert_eq!(Running::in_folder(folder.path()), Some(running()));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(announced);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(Running::in_folder(folder.path()), None);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert_eq!(Running::in_folder(folder.path()), None);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let _announced = running().announce(&Storage::Folder(folder.path().to_owned())).unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
