//! Where the operator's commands find the data.

use std::path::PathBuf;

use clap::Args;

use super::values;
use crate::Error;

/// Not the option's name, which `serve` also has: otherwise the default of that option would be global too.
const DATA: &str = "managed-data";

/// Where clients or tokens are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// In this folder, the local data.
    Folder(PathBuf),
    /// In this table of a deployed server.
    Table(Table),
}

/// A table of a deployed server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name or ARN.
    pub name: String,
    /// What it is a table of.
    pub holds: Holds,
}

/// What a table is a table of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Clients.
    Clients,
    /// Initial access tokens and registration counters.
    Registrations,
}

/// Where the clients are.
#[derive(Args, Debug, PartialEq)]
#[command(next_help_heading = "Data")]
pub struct ClientsTarget {
    /// The folder with the local data, whether or not a server is running on it [default: .tokenmint].
    #[arg(id = DATA, long = "data", global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// The name or ARN of a deployed server's table of clients, instead of the local data.
    #[arg(long, global = true, value_name = "NAME", value_parser = values::table)]
    table: Option<String>,
}

impl ClientsTarget {
    /// The target.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are two.
    pub fn target(self) -> Result<Target, Error> {
        target(self.data, self.table, Holds::Clients)
    }
}

/// Where the initial access tokens are.
#[derive(Args, Debug, PartialEq)]
#[command(next_help_heading = "Data")]
pub struct TokensTarget {
    /// The folder with the local data, whether or not a server is running on it [default: .tokenmint].
    #[arg(id = DATA, long = "data", global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// The name or ARN of a deployed server's table of registrations, instead of the local data.
    #[arg(long, global = true, value_name = "NAME", value_parser = values::table)]
    registrations_table: Option<String>,
}

impl TokensTarget {
    /// The target.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are two.
    pub fn target(self) -> Result<Target, Error> {
        target(self.data, self.registrations_table, Holds::Registrations)
    }
}

impl Holds {
    /// The option that names such a table.
    pub(crate) const fn option(self) -> &'static str {
        match self {
            Self::Clients => "--table",
            Self::Registrations => "--registrations-table",
        }
    }
}

/// An error if both are given, at any position, so that the target of a change is unambiguous.
fn target(data: Option<PathBuf>, table: Option<String>, holds: Holds) -> Result<Target, Error> {
    match (data, table) {
        (Some(_), Some(_)) => Err(Error::Usage(format!("give either --data or {}, not both", holds.option()))),
        (data, None) => Ok(Target::Folder(data.unwrap_or_else(|| ".tokenmint".into()))),
        (None, Some(name)) => Ok(Target::Table(Table { name, holds })),
    }
}
