//! The two output streams, and files that the program creates. Apart from the log, only this module writes to the streams.

use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use tokenmint_function::telemetry;

use crate::Error;
use crate::log::Log;
use crate::text::visible_json;

/// Writes the result of the program to standard output in one piece, so that a reader sees all or nothing.
///
/// # Errors
/// The reader closed the pipe, or the disk is full.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes a part of a long output. Returns `false` if the reader closed the pipe, as `| head` does, which is not an
/// error.
///
/// # Errors
/// The disk is full.
pub(crate) fn print_more(text: &str) -> io::Result<bool> {
    match print(text) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes one JSON object, indented, and safe for a terminal.
pub(crate) fn print_json(object: &impl Serialize) -> io::Result<()> {
    print(&(visible_json(&serde_json::to_string_pretty(object)?) + "\n"))
}

/// The members of an object, in their order.
pub(crate) fn members(object: &impl Serialize) -> io::Result<Map<String, Value>> {
    match serde_json::to_value(object)? {
        Value::Object(members) => Ok(members),
        other => Ok(Map::from_iter([(String::new(), other)])),
    }
}

/// JSON objects, one per line, and safe for a terminal.
pub(crate) fn json_lines(objects: impl Iterator<Item = impl Serialize>) -> io::Result<String> {
    let mut lines = String::new();
    for object in objects {
        lines += &visible_json(&serde_json::to_string(&object)?);
        lines.push('\n');
    }
    Ok(lines)
}

/// Creates a file that only its owner can read, and that was not there.
///
/// # Errors
/// It exists, or cannot be created.
pub(crate) fn private_file(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| Error::NotDone(format!("cannot create {}: {error}", path.display())))
}

/// Writes a line to standard error. A failure is ignored, because it cannot be reported.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Starts the log on standard error, at the level that `RUST_LOG` names. Lines are written a hundred times a second; the
/// last ones when what is returned is dropped.
///
/// # Errors
/// The thread that writes cannot be started.
pub(crate) fn log() -> io::Result<impl Drop> {
    let level = std::env::var("RUST_LOG").ok();
    let (log, rest) = Log::start(io::stderr())?;
    telemetry::init_text(level.as_deref(), io::stderr().is_terminal(), move || log.clone());
    Ok(rest)
}

/// The same for a command that reports its own errors: only errors are logged, unless `RUST_LOG` selects more, and each
/// line is written at once.
pub(crate) fn log_errors() {
    let level = std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned());
    telemetry::init_text(Some(&level), io::stderr().is_terminal(), io::stderr);
}
