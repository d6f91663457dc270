//! Where the operator's commands find what they manage.

use std::path::PathBuf;

use clap::Args;

use super::values;
use crate::Error;

/// Not the name of the option, which `serve` has too: the default that it has there would be global as well.
const DATA: &str = "managed-data";

/// Where clients or tokens are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this folder, the local data.
    Folder(PathBuf),
    /// In this table of a deployed server.
    Table(String),
}

/// Where the clients are.
#[derive(Args, Debug, PartialEq)]
#[command(next_help_heading = "Where they are")]
pub struct ClientsPlace {
    /// The folder of the local data, also while a server runs on it [default: .tokenmint].
    #[arg(id = DATA, long = "data", global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// The clients' table of a deployed server, by name or ARN, instead of local data.
    #[arg(long, global = true, value_name = "NAME", value_parser = values::table)]
    table: Option<String>,
}

impl ClientsPlace {
    /// The place.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are two.
    pub fn place(self) -> Result<Place, Error> {
        place(self.data, self.table)
    }
}

/// Where the initial access tokens are.
#[derive(Args, Debug, PartialEq)]
#[command(next_help_heading = "Where they are")]
pub struct TokensPlace {
    /// The folder of the local data, also while a server runs on it [default: .tokenmint].
    #[arg(id = DATA, long = "data", global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// The registrations' table of a deployed server, by name or ARN, instead of local data.
    #[arg(long, global = true, value_name = "NAME", value_parser = values::table)]
    registrations_table: Option<String>,
}

impl TokensPlace {
    /// The place.
    ///
    /// # Errors
    /// [`Error::Usage`] where there are two.
    pub fn place(self) -> Result<Place, Error> {
        place(self.data, self.registrations_table)
    }
}

/// Whoever names both is told, wherever they stand on the line: it must be certain what is about to be changed.
fn place(data: Option<PathBuf>, table: Option<String>) -> Result<Place, Error> {
    match (data, table) {
        (Some(_), Some(_)) => Err(Error::Usage("it is the local data (--data) or a deployed table, not both")),
        (data, None) => Ok(Place::Folder(data.unwrap_or_else(|| ".tokenmint".into()))),
        (None, Some(table)) => Ok(Place::Table(table)),
    }
}
