//! The tables of the operator's commands: those of the local data, also while a server uses them, or those of a
//! deployed server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokenmint_aws::clients::{Author, ClientsTable, Consistency, FindError};
use tokenmint_aws::config::{Environment, RegisterConfig};
use tokenmint_aws::registrations::RegistrationsTable;
use tokenmint_aws::{Reason, Sdk, Unavailable};
use tokenmint_embedded::{self as embedded, Addresses, Embedded, Storage};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::registration::Lifetimes;
use tokenmint_oauth::secret::SecretHash;
use tokio::time::{Instant, sleep};

use crate::cli::Target;
use crate::running::{Announcement, Running};
use crate::text::visible;
use crate::{Error, local};

/// How long to wait for another process that has locked the folder without an announcement. Another command finishes
/// within this time.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long to wait for a server at its announced address. After that it has crashed, or is about to start.
const SHORT_PATIENCE: Duration = Duration::from_secs(1);

/// The shortest prefix that distinguishes clients or tokens: 32 bits of a client's identifier.
const SHORTEST_PREFIX: usize = 8;

/// The length of this server's identifiers, which are UUIDs. An identifier of this length is not a prefix.
const WHOLE: usize = 36;

/// The tables, and what is known about their server.
pub(crate) struct Tables {
    /// The clients.
    pub(crate) clients: ClientsTable,
    /// The initial access tokens.
    pub(crate) registrations: RegistrationsTable,
    /// The issuer, if known.
    pub(crate) issuer: Option<Issuer>,
    /// The lifetimes of new clients and secrets from the settings.
    pub(crate) lifetimes: Lifetimes,
    /// Whether the server runs on this machine, so that plain http on loopback is allowed.
    pub(crate) local: bool,
    /// Who uses this program, for the audit log.
    pub(crate) operator: Author,
}

impl Tables {
    /// Reads a client that must exist.
    pub(crate) async fn client(&self, id: &ClientId) -> Result<Client, Error> {
        self.clients.find(id, Consistency::Strong).await?.ok_or_else(|| Error::NoClient(id.clone()))
    }

    /// The identifier that is meant: the given one, or the only one with this prefix.
    pub(crate) async fn resolve(&self, given: &ClientId) -> Result<ClientId, Error> {
        let prefix = given.as_str();
        if prefix.len() >= WHOLE {
            return Ok(given.clone());
        }
        // Identifiers made by another system may be shorter. An invalid item also counts as existing.
        match self.clients.find(given, Consistency::Strong).await {
            Ok(None) => {}
            Ok(Some(_)) | Err(FindError::Damaged(..)) => return Ok(given.clone()),
            Err(FindError::Unavailable(error)) => return Err(error.into()),
        }
        check_prefix(prefix, "client_id")?;
        only(self.clients.beginning_with(prefix).await?, "client", prefix)?
            .ok_or_else(|| Error::NoClient(given.clone()))
    }

    /// Checks that an empty table is a table of clients, because a `Scan` succeeds on any table.
    pub(crate) async fn check_clients(&self) -> Result<(), Error> {
        let nobody = ClientId::from_random([0; 16]);
        match self.clients.find(&nobody, Consistency::Eventual).await {
            Err(FindError::Unavailable(error)) => unless_permitted(error),
            _ => Ok(()),
        }
    }

    /// The same for a table of initial access tokens.
    pub(crate) async fn check_registrations(&self) -> Result<(), Error> {
        match self.registrations.find_token(&SecretHash::from_bytes([0; 32])).await {
            Err(error) => unless_permitted(error),
            Ok(_) => Ok(()),
        }
    }
}

/// Fails if the table has another schema. Other errors are ignored: the command does not otherwise need `GetItem`.
fn unless_permitted(error: Unavailable) -> Result<(), Error> {
    if matches!(error.reason(), Reason::Shape(_)) { Err(error.into()) } else { Ok(()) }
}

/// Checks that a prefix is long enough for a search.
///
/// # Errors
/// [`Error::Usage`].
pub(crate) fn check_prefix(prefix: &str, what: &str) -> Result<(), Error> {
    if prefix.len() >= SHORTEST_PREFIX {
        return Ok(());
    }
    Err(Error::Usage(format!("give at least the first {SHORTEST_PREFIX} characters of the {what}")))
}

/// The only match, if any.
///
/// # Errors
/// [`Error::NotDone`] if there is more than one.
pub(crate) fn only<T>(mut found: Vec<T>, what: &str, prefix: &str) -> Result<Option<T>, Error> {
    if found.len() > 1 {
        let (count, prefix) = (found.len(), visible(prefix));
        return Err(Error::NotDone(format!(
            "{prefix} is ambiguous: {count} {what}s begin with it; give more characters"
        )));
    }
    Ok(found.pop())
}

/// Opens the tables, runs the operation, and closes them.
pub(crate) async fn with<T>(target: &Target, act: impl AsyncFnOnce(&Tables) -> Result<T, Error>) -> Result<T, Error> {
    match target {
        Target::Table(table) => {
            let sdk = Sdk::load_account().await?;
            let done = act(&deployed(&table.name, &sdk)?).await;
            done.map_err(|error| error.at_table(table, sdk.region().unwrap_or_default()))
        }
        Target::Folder(folder) => {
            let done = match open(folder).await? {
                Opened::Running(running) => act(&served(running).await?).await,
                Opened::Own(embedded) => {
                    let done = match own(&embedded).await {
                        Ok(tables) => act(&tables).await,
                        Err(error) => Err(error),
                    };
                    embedded.stop().await;
                    done
                }
            };
            done.map_err(|error| error.at_folder(folder))
        }
    }
}

/// A table of a deployed server, with the settings from the environment.
fn deployed(table: &str, sdk: &Sdk) -> Result<Tables, Error> {
    let environment = Environment::from_process();
    let issuer_is_known = environment.value("ISSUER").is_some();
    // A command uses one kind of table; the name of the other is not used.
    let environment = environment.with("CLIENTS_TABLE", table).with("REGISTRATIONS_TABLE", table);
    let mut tables = tables(sdk, &config(environment)?);
    if !issuer_is_known {
        tables.issuer = None;
    }
    tables.local = tables.issuer.as_ref().is_some_and(Issuer::is_local);
    Ok(tables)
}

/// The tables of a running server. Its announcement takes precedence over this process's environment.
async fn served(running: Running) -> Result<Tables, Error> {
    let sdk = Sdk::local(&format!("http://{}", running.dynamodb), &format!("http://{}", running.kms)).await;
    let environment = Environment::from_process()
        .with("ISSUER", running.issuer)
        .with("CLIENTS_TABLE", running.clients_table)
        .with("REGISTRATIONS_TABLE", running.registrations_table);
    Ok(tables(&sdk, &config(environment)?))
}

/// The tables of a folder that this process has locked, created if they do not exist.
async fn own(embedded: &Embedded) -> Result<Tables, Error> {
    let sdk = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await;
    let config = config(Environment::from_process())?;
    local::operators_tables(&sdk, &config).await?;
    Ok(tables(&sdk, &config))
}

/// The settings of registration, as `serve` uses them.
fn config(environment: Environment) -> Result<RegisterConfig, Error> {
    Ok(RegisterConfig::from_environment(&local::with_defaults(environment, local::ISSUER))?)
}

fn tables(sdk: &Sdk, config: &RegisterConfig) -> Tables {
    Tables {
        clients: ClientsTable::new(sdk.dynamodb(), config.clients_table.clone()),
        registrations: RegistrationsTable::new(sdk, config.registrations_table.clone()),
        issuer: Some(config.issuer.clone()),
        lifetimes: config.lifetimes,
        local: true,
        operator: operator(),
    }
}

/// The name in `TOKENMINT_OPERATOR`, or else that of the user of this machine. It proves nothing: AWS records the IAM
/// identity of each call, if the trail of the account has the data events of the table.
fn operator() -> Author {
    let variables = ["TOKENMINT_OPERATOR", "USER", "LOGNAME", "USERNAME"];
    let names = variables.iter().filter_map(|name| std::env::var(name).ok());
    Author::operator(&names.into_iter().find(|name| !name.is_empty()).unwrap_or_default())
}

enum Opened {
    /// This process has locked the folder.
    Own(Embedded),
    /// A server has locked it.
    Running(Running),
}

/// Opens the folder, or finds the server that has locked it.
async fn open(folder: &Path) -> Result<Opened, Error> {
    // A folder that does not exist or contains other files is a usage error.
    if !embedded::has_data(folder) {
        return Err(Error::NoData { folder: folder.to_owned() });
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
