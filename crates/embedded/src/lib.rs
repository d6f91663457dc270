//! In-process DynamoDB and KMS, for `cargo run` and for tests: no account, container or network is needed.
//!
//! Both listen on a loopback port and use AWS's own protocol, so the production code with the real SDK runs
//! unchanged; only the endpoint differs. They check no credentials and allow every operation, so their ports must be
//! bound to a loopback address.
//!
//! A client in the same process can call them without a connection: [`Embedded::in_process`].
//!
//! DynamoDB is the crate `dynoxide`. KMS is the crate `awsim-kms` with corrections (see [`kms`]).

mod dynamodb;
mod error;
mod folder;
mod in_process;
mod kms;
mod sweep;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

pub use self::error::Error;
use self::folder::Folder;
pub use self::in_process::{Answer, InProcess};
use self::kms::Kms;

/// The region in every ARN of the embedded services.
pub const REGION: &str = "us-east-1";

/// How long [`Embedded::stop`] waits for requests in progress, such as creating an RSA key.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Where tables and keys are stored.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In memory: they are lost when the process ends.
    Memory,
    /// In this folder, which is created if it does not exist. Only one process can use it at a time. It contains
    /// private keys in clear.
    Folder(PathBuf),
}

/// The listen addresses. Port 0 selects any free port.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// DynamoDB's address.
    pub dynamodb: SocketAddr,
    /// KMS's address.
    pub kms: SocketAddr,
}

impl Addresses {
    /// Any free port of 127.0.0.1 for each.
    #[must_use]
    pub const fn any() -> Self {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self { dynamodb: any, kms: any }
    }
}

/// DynamoDB and KMS, which run until [`stop`](Self::stop) or until this value is dropped.
#[derive(Debug)]
pub struct Embedded {
    addresses: Addresses,
    services: InProcess,
    /// Both servers, and the deletion of expired items.
    tasks: [JoinHandle<()>; 3],
    /// Dropping it stops the tasks.
    running: watch::Sender<()>,
    /// Locked as long as the tasks may write.
    _folder: Option<Folder>,
}

impl Embedded {
    /// Starts both services. They accept requests when this returns.
    ///
    /// # Errors
    /// An address or folder cannot be used, or a file in the folder is corrupt.
    pub async fn start(storage: Storage, addresses: Addresses) -> Result<Self, Error> {
        // Ports first, so that a wrong port leaves no files on disk.
        let (dynamodb_listener, dynamodb) = listen(addresses.dynamodb).await?;
        let (kms_listener, kms) = listen(addresses.kms).await?;
        let (folder, database, keys) = open(storage)?;

        let services = InProcess { database: database.clone(), kms: Arc::new(keys) };
        let kms_routes = kms::routes(services.kms.clone());
        let (running, stopped) = watch::channel(());
        let dynamodb_stop = until_dropped(stopped.clone());
        let sweeping = sweep::periodically(database.clone(), until_dropped(stopped.clone()));
        let tasks = [
            tokio::spawn(async move {
                // Ends only by the signal: the server retries a failed accept.
                let _ = dynoxide::server::serve_with_shutdown(dynamodb_listener, database, dynamodb_stop).await;
            }),
            tokio::spawn(async move {
                let server = axum::serve(kms_listener, kms_routes);
                let _ = server.with_graceful_shutdown(until_dropped(stopped)).await;
            }),
            tokio::spawn(sweeping),
        ];
        Ok(Self { addresses: Addresses { dynamodb, kms }, services, tasks, running, _folder: folder })
    }

    /// Starts both services on free ports of 127.0.0.1, in memory. For tests.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn in_memory() -> Result<Self, Error> {
        Self::start(Storage::Memory, Addresses::any()).await
    }

    /// The listen addresses, with the ports that the system chose.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// DynamoDB's endpoint for a client on this machine, for example `http://127.0.0.1:9101`.
    #[must_use]
    pub fn dynamodb_url(&self) -> String {
        format!("http://{}", reachable(self.addresses.dynamodb))
    }

    /// KMS's endpoint for a client on this machine, for example `http://127.0.0.1:9102`.
    #[must_use]
    pub fn kms_url(&self) -> String {
        format!("http://{}", reachable(self.addresses.kms))
    }

    /// Both services, for a client in this process.
    #[must_use]
    pub fn in_process(&self) -> InProcess {
        self.services.clone()
    }

    /// Stops both services: they accept no new connections, and requests in progress have 3 seconds to finish. Then
    /// the folder is unlocked.
    pub async fn stop(self) {
        drop(self.running);
        let deadline = Instant::now() + STOP_TIMEOUT;
        for mut task in self.tasks {
            if timeout_at(deadline, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

/// The address at which a client on this machine reaches a server that listens on `address`. An unspecified address
/// (0.0.0.0, ::) is valid only for listening.
#[must_use]
pub const fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Whether a folder contains tables, so that [`Embedded::start`] has used it before. Changes nothing.
#[must_use]
pub fn has_data(folder: &Path) -> bool {
    folder.join(folder::DATABASE).is_file()
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let chosen = listener.local_addr().map_err(failed)?;
    Ok((listener, chosen))
}

fn open(storage: Storage) -> Result<(Option<Folder>, Database, Kms), Error> {
    match storage {
        Storage::Memory => {
            let database = Database::memory().map_err(|error| database_error(":memory:", &error))?;
            Ok((None, database, Kms::in_memory()))
        }
        Storage::Folder(path) => {
            let folder = Folder::open(path)?;
            let keys = Kms::load(folder.keys())?;
            let file = folder.database()?.to_string_lossy().into_owned();
            let database = Database::new(&file).map_err(|error| database_error(&file, &error))?;
            // This sets `PRAGMA synchronous = NORMAL`, which has no option of its own. A write then does not wait for the
            // disk. A crash of this process loses nothing; a power failure may lose the last writes, but not the file.
            database.disable_bulk_loading().map_err(|error| database_error(&file, &error))?;
            // Those that expired while nothing ran; `sweep` deletes the later ones.
            database.sweep_ttl().map_err(|error| database_error(&file, &error))?;
            Ok((Some(folder), database, keys))
        }
    }
}

fn database_error(file: &str, error: &dynoxide::DynoxideError) -> Error {
    Error::Database { file: file.to_owned(), reason: error.to_string() }
}

async fn until_dropped(mut running: watch::Receiver<()>) {
    // No value is ever sent; the only event is that the sender is dropped.
    while running.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_has_data_once_it_was_used() {
        let place = tempfile::tempdir().expect("a folder");
        assert!(!has_data(&place.path().join("missing")) && !has_data(place.path()));
        let storage = Storage::Folder(place.path().to_owned());
        Embedded::start(storage, Addresses::any()).await.expect("starts").stop().await;
        assert!(has_data(place.path()));
    }

    #[test]
    fn an_unspecified_address_is_reached_at_the_loopback() {
        for (listens, reached) in
            [("0.0.0.0:9101", "127.0.0.1:9101"), ("[::]:9101", "[::1]:9101"), ("192.0.2.7:9101", "192.0.2.7:9101")]
        {
            assert_eq!(reachable(listens.parse().expect("an address")).to_string(), reached);
        }
    }
}
