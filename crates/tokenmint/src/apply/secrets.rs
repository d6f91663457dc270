//! Where new secrets go: the terminal, or a file that only its owner can read.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;
use tokenmint_oauth::EpochSeconds;

use crate::{Error, output};

/// The destination.
#[derive(Debug)]
pub(super) enum Secrets<'a> {
    /// Shown to a person.
    Shown,
    /// A line of JSON each, on standard output.
    Printed,
    /// A line of JSON each, in a new file, which is created if a secret is generated.
    Kept { path: &'a Path, file: Option<File>, are_needed: bool },
}

/// A secret, with the names of RFC 7591. It has no `Debug`.
#[derive(Serialize)]
pub(super) struct NewSecret<'s> {
    pub(super) name: &'s str,
    pub(super) client_id: &'s str,
    pub(super) client_secret: &'s str,
    pub(super) client_secret_expires_at: EpochSeconds,
}

impl<'a> Secrets<'a> {
    pub(super) const fn shown() -> Self {
        Self::Shown
    }

    /// To this file.
    ///
    /// # Errors
    /// [`Error::Usage`] if it exists: others may be able to read it.
    pub(super) fn to(path: &'a Path, are_needed: bool) -> Result<Self, Error> {
        if path == Path::new("-") {
            return Ok(Self::Printed);
        }
        if are_needed && path.symlink_metadata().is_ok() {
            let file = path.display();
            return Err(Error::Usage(format!("the file {file} exists; name a new one with --secrets-file")));
        }
        Ok(Self::Kept { path, file: None, are_needed })
    }

    /// Creates the file, if there is one to be, before the first secret is generated.
    ///
    /// # Errors
    /// It cannot be created.
    pub(super) fn open(&mut self) -> Result<(), Error> {
        match self {
            Self::Kept { path, file, are_needed: true } => *file = Some(output::private_file(path)?),
            Self::Shown | Self::Printed | Self::Kept { .. } => {}
        }
        Ok(())
    }

    /// Writes a secret.
    ///
    /// # Errors
    /// The file cannot be written, or the reader of standard output has closed it.
    pub(super) fn write(&mut self, secret: &NewSecret<'_>) -> io::Result<()> {
        let line = || serde_json::to_string(secret).map(|line| line + "\n");
        match self {
            Self::Shown => output::print(&format!("    client_secret: {}\n", secret.client_secret)),
            Self::Printed => output::print(&line()?),
            Self::Kept { file: Some(file), .. } => {
                file.write_all(line()?.as_bytes())?;
                file.sync_data()
            }
            Self::Kept { .. } => Err(io::Error::other("no file was opened")),
        }
    }

    /// Whether the rest of the output can be on standard output, since that is not for lines of JSON.
    pub(super) const fn is_beside_the_report(&self) -> bool {
        !matches!(self, Self::Printed)
    }
}
