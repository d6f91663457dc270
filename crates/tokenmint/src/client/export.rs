//! `tokenmint client export`: all clients as lines of JSON, with one page in memory at a time.

use std::fs::File;
use std::io::{self, Write as _};

use tokenmint_function::Clock;
use tokenmint_oauth::operator::{Hashes, export};

use crate::cli::{ExportArguments, Target};
use crate::text::visible;
use crate::{Error, output, tables};

/// How many clients are read at a time.
const PAGE: i32 = 200;

pub(super) async fn run(target: &Target, arguments: ExportArguments) -> Result<(), Error> {
    let mut file = arguments.file.as_deref().map(output::private_file).transpose()?;
    let hashes = if arguments.with_secret_hashes { Hashes::Included } else { Hashes::Left };
    let damaged = tables::with(target, async |tables| {
        let (mut cursor, mut none, mut damaged) = (None, true, 0_usize);
        loop {
            let page = tables.clients.records(None, cursor, PAGE).await?;
            none &= page.records.is_empty();
            let mut lines = Vec::new();
            for record in page.records {
                match record {
                    Ok(record) if !record.client.is_live_at(Clock::System.now()) => {}
                    Ok(record) => lines.push(export(&record.client, record.managed.as_ref(), hashes)),
                    Err(error) => {
                        damaged += 1;
                        output::say(visible(&Error::from(error).to_string()));
                    }
                }
            }
            if !write(file.as_mut(), &output::json_lines(lines.iter())?)? {
                break;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        if none {
            tables.check_clients().await?;
        }
        Ok(damaged)
    });
    let damaged = damaged.await?;
    if let Some(file) = file {
        file.sync_all()?;
    }
    match damaged {
        0 => Ok(()),
        1 => Err(Error::NotDone("one client cannot be read and was not exported; the others were".to_owned())),
        _ => Err(Error::NotDone(format!("{damaged} clients cannot be read and were not exported; the others were"))),
    }
}

/// Writes lines. Returns `false` if the reader of standard output has closed it.
fn write(file: Option<&mut File>, lines: &str) -> io::Result<bool> {
    match file {
        Some(file) => file.write_all(lines.as_bytes()).map(|()| true),
        None => output::print_more(lines),
    }
}
