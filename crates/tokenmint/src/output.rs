//! The two streams of the terminal. Nothing else in this program writes to them but the log.

use std::fmt::Display;
use std::io::{self, Write as _};

use tokenmint_http::telemetry::{self, Format};

/// Writes to standard output what the program was asked for, in one piece: who reads it sees all or nothing.
///
/// # Errors
/// Nobody reads it any more, or the disk is full.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes a line to standard error, for a person. When that fails there is nobody to tell.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Starts the log on standard error, at the level that `RUST_LOG` names.
pub(crate) fn log() {
    let level = std::env::var("RUST_LOG").ok();
    telemetry::init(Format::Text, level.as_deref());
}
