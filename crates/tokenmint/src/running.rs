//! Where a running server says how its database is reached, for the commands that manage what is in it.
//!
//! One process at a time can open the data folder. A server that has it writes a file into it, readable for its owner
//! only, and removes it when it stops. What a crash leaves behind is removed by whoever opens the folder next.

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

/// What the file says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Where DynamoDB answers.
    pub(crate) dynamodb: SocketAddr,
    /// Where KMS answers.
    pub(crate) kms: SocketAddr,
    /// The issuer.
    pub(crate) issuer: String,
    /// The table of clients.
    pub(crate) clients_table: String,
    /// The table of initial access tokens and registration counters.
    pub(crate) registrations_table: String,
}

impl Running {
    /// What is to be known of these services, used with these settings.
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

    /// Writes the file where there is a folder. It is there as long as the announcement.
    pub(crate) fn announce(&self, storage: &Storage) -> io::Result<Option<Announcement>> {
        let Storage::Folder(folder) = storage else { return Ok(None) };
        // In one step, so that nobody reads half of it; for its owner only, as every temporary file.
        let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        new.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
        let file = folder.join(FILE);
        new.persist(&file)?;
        Ok(Some(Announcement(file)))
    }

    /// What the file in this folder says; `None` if there is none that can be read.
    pub(crate) fn in_folder(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }

    /// Whether somebody accepts connections there.
    pub(crate) async fn answers(&self) -> bool {
        matches!(timeout(CONNECT_TIMEOUT, TcpStream::connect(self.dynamodb)).await, Ok(Ok(_)))
    }
}

/// The file of this process, or one that a crash has left behind, removed when the value is dropped.
#[derive(Debug)]
pub(crate) struct Announcement(PathBuf);

impl Announcement {
    /// What was left behind in a folder that this process holds.
    pub(crate) fn left_behind(folder: &Path) -> Self {
        Self(folder.join(FILE))
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        // What cannot be removed leads to an address where nothing answers, and that is noticed.
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
