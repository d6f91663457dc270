//! The tables that the operator's commands work on: those of the local data, also while a server uses them, or those
//! of a deployed server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokenmint_aws::Sdk;
use tokenmint_aws::clients::{ClientsTable, Consistency};
use tokenmint_aws::config::{Environment, RegisterConfig};
use tokenmint_aws::registrations::RegistrationsTable;
use tokenmint_embedded::{self as embedded, Addresses, Embedded, Storage};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::registration::Lifetimes;
use tokio::time::{Instant, sleep};

use crate::cli::Place;
use crate::running::{Announcement, Running};
use crate::{Error, local};

/// How long another process may keep the folder that says nothing about itself: another command is done by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a server may not answer at the address that it has left: it has crashed, or is about to start.
const SHORT_PATIENCE: Duration = Duration::from_secs(1);

/// What to do where there is no folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Make it: something is about to be stored.
    Make,
    /// Say so: there is nothing to be found.
    Fail,
}

/// The tables, and what is known about the server that they belong to.
pub(crate) struct Tables {
    /// The clients.
    pub(crate) clients: ClientsTable,
    /// The initial access tokens.
    pub(crate) registrations: RegistrationsTable,
    /// The issuer, where it is known.
    pub(crate) issuer: Option<Issuer>,
    /// What the settings say about new clients and secrets.
    pub(crate) lifetimes: Lifetimes,
    /// Whether the server is one on this machine, for which plain http on loopback will do.
    pub(crate) local: bool,
}

impl Tables {
    /// Reads a client that must be there.
    pub(crate) async fn client(&self, id: &ClientId) -> Result<Client, Error> {
        self.clients.find(id, Consistency::Strong).await?.ok_or_else(|| Error::NoClient(id.clone()))
    }
}

/// Opens the tables, does something with them, and closes them again.
pub(crate) async fn with<T>(
    place: &Place,
    missing: Missing,
    act: impl AsyncFnOnce(&Tables) -> Result<T, Error>,
) -> Result<T, Error> {
    let done = match place {
        Place::Table(table) => act(&deployed(table).await?).await,
        Place::Folder(folder) => match open(folder, missing).await? {
            Opened::Running(running) => act(&served(running).await?).await,
            Opened::Own(embedded) => {
                let done = match own(&embedded).await {
                    Ok(tables) => act(&tables).await,
                    Err(error) => Err(error),
                };
                embedded.stop().await;
                done
            }
        },
    };
    done.map_err(|error| error.at(place))
}

/// A table of a deployed server, and what the environment says about it.
async fn deployed(table: &str) -> Result<Tables, Error> {
    let environment = Environment::from_process();
    let issuer_is_known = environment.value("ISSUER").is_some();
    // One command works on one kind of table; the name of the other one is not used.
    let environment = environment.with("CLIENTS_TABLE", table).with("REGISTRATIONS_TABLE", table);
    let mut tables = tables(&Sdk::load().await, &config(environment)?);
    if !issuer_is_known {
        tables.issuer = None;
    }
    tables.local = tables.issuer.as_ref().is_some_and(Issuer::is_local);
    Ok(tables)
}

/// The tables of a server that runs: it knows better than the environment of this process.
async fn served(running: Running) -> Result<Tables, Error> {
    let sdk = Sdk::local(&format!("http://{}", running.dynamodb), &format!("http://{}", running.kms)).await;
    let environment = Environment::from_process()
        .with("ISSUER", running.issuer)
        .with("CLIENTS_TABLE", running.clients_table)
        .with("REGISTRATIONS_TABLE", running.registrations_table);
    Ok(tables(&sdk, &config(environment)?))
}

/// The tables of a folder that this process holds, made where they are missing.
async fn own(embedded: &Embedded) -> Result<Tables, Error> {
    let sdk = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await;
    let config = config(Environment::from_process())?;
    local::operators_tables(&sdk, &config).await?;
    Ok(tables(&sdk, &config))
}

/// The settings of registration, as `serve` has them.
fn config(environment: Environment) -> Result<RegisterConfig, Error> {
    Ok(RegisterConfig::from_environment(&local::with_defaults(environment, local::ISSUER))?)
}

fn tables(sdk: &Sdk, config: &RegisterConfig) -> Tables {
    Tables {
        clients: ClientsTable::new(sdk.dynamodb(), config.clients_table.clone()),
        registrations: RegistrationsTable::new(sdk.dynamodb(), config.registrations_table.clone()),
        issuer: Some(config.issuer.clone()),
        lifetimes: config.lifetimes,
        local: true,
    }
}

enum Opened {
    /// This process holds the folder.
    Own(Embedded),
    /// A server holds it.
    Running(Running),
}

/// Opens the folder, or finds the server that has it open.
async fn open(folder: &Path, missing: Missing) -> Result<Opened, Error> {
    if missing == Missing::Fail && !folder.is_dir() {
        return Err(Error::NoFolder { folder: folder.to_owned() });
    }
    let begun = Instant::now();
    loop {
        match Embedded::start(Storage::Folder(folder.to_owned()), Addresses::any()).await {
            Ok(embedded) => {
                drop(Announcement::left_behind(folder));
                return Ok(Opened::Own(embedded));
            }
            Err(embedded::Error::FolderInUse { .. }) => {}
            Err(error) => return Err(Error::Embedded(error)),
        }
        let running = Running::in_folder(folder);
        let (folder, patience) = (|| PathBuf::from(folder), begun.elapsed());
        match running {
            Some(running) if running.answers().await => return Ok(Opened::Running(running)),
            Some(Running { dynamodb, .. }) if patience >= SHORT_PATIENCE => {
                return Err(Error::NotAnswering { folder: folder(), address: dynamodb });
            }
            None if patience >= PATIENCE => return Err(Error::InUse { folder: folder() }),
            _ => sleep(Duration::from_millis(100)).await,
        }
    }
}
