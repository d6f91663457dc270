//! `tokenmint client import`: takes over clients, a bounded number at a time. Only their identifiers are kept.

use std::cell::Cell;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokenmint_aws::Reason;
use tokenmint_aws::clients::{Change, WriteError};
use tokenmint_function::Clock;
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::operator::{Imported, Label, MAX_LINE_BYTES, ManagedBy};
use tokio::time::sleep;

use crate::cli::{ImportArguments, Target};
use crate::tables::{self, Tables};
use crate::text::visible;
use crate::{Error, output};

/// How many clients are written at once. DynamoDB may throttle beyond; the SDK then repeats.
const AT_ONCE: usize = 8;

/// How often a client is tried while the table does not respond in time, and the first pause between; it doubles.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(250);

/// How some editors begin a file of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What became of a line.
#[derive(Debug)]
enum Outcome {
    Created,
    Replaced,
    Unchanged,
    Failed(String),
}

/// How many lines there were of each outcome.
#[derive(Debug, Default)]
struct Counts {
    created: usize,
    replaced: usize,
    unchanged: usize,
    failed: usize,
}

pub(super) async fn run(target: &Target, arguments: ImportArguments) -> Result<(), Error> {
    let name = arguments.file.as_deref().map_or("-".to_owned(), |file| file.display().to_string());
    let reader = open(arguments.file.as_deref(), &name)?;
    let counts = tables::with(target, async |tables| {
        let (mut counts, mut seen, mut failure) = (Counts::default(), Seen::default(), None);
        let has_failed = Cell::new(false);
        // Lines are parsed in their order, and written several at once.
        let lines =
            Lines { reader, number: 0 }.map(|(at, line)| (at, line.map(|line| seen.parse(&line, tables.local))));
        // After a failure no line is begun; those that are, are finished and counted.
        let lines = stream::iter(lines.take_while(|_| !has_failed.get()));
        let done = lines.map(async |(number, line)| (number, outcome(tables, line, &arguments).await));
        let mut done = std::pin::pin!(done.buffer_unordered(AT_ONCE));
        while let Some((number, outcome)) = done.next().await {
            match outcome {
                Ok(outcome) => counts.add(number, outcome),
                Err(error) => {
                    has_failed.set(true);
                    failure.get_or_insert(error);
                }
            }
        }
        counts.print(arguments.plan)?;
        failure.map_or(Ok(counts), Err)
    });
    counts.await?.result(arguments.plan)
}

fn open(file: Option<&Path>, name: &str) -> Result<Box<dyn BufRead>, Error> {
    match file.filter(|file| *file != Path::new("-")) {
        None => Ok(Box::new(BufReader::new(io::stdin()))),
        Some(file) => match File::open(file) {
            Ok(file) => Ok(Box::new(BufReader::new(file))),
            Err(error) => Err(Error::NotDone(format!("cannot read {name}: {error}"))),
        },
    }
}

/// The lines that are not empty, with their numbers. A line that is too long is cut, which the parser notices.
struct Lines {
    reader: Box<dyn BufRead>,
    number: usize,
}

impl Iterator for Lines {
    type Item = (usize, io::Result<Vec<u8>>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut line = Vec::new();
            // One byte more than the parser accepts, and the end of the line.
            let limit = MAX_LINE_BYTES as u64 + 2;
            match self.reader.by_ref().take(limit).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some((self.number + 1, Err(error))),
            }
            self.number += 1;
            if line.last() != Some(&b'\n')
                && line.len() > MAX_LINE_BYTES
                && let Err(error) = skip_line(&mut *self.reader)
            {
                return Some((self.number, Err(error)));
            }
            let mark = if self.number == 1 { BYTE_ORDER_MARK } else { &[] };
            let text = line.strip_prefix(mark).unwrap_or(&line);
            if !text.trim_ascii().is_empty() {
                return Some((self.number, Ok(text.trim_ascii_end().to_owned())));
            }
        }
    }
}

/// Reads to the end of the line, without keeping it.
fn skip_line(reader: &mut dyn BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let (used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(used);
        if ended {
            return Ok(());
        }
    }
}

/// What the lines have named so far. Otherwise the last of two lines would win, or either, since several are written at once.
#[derive(Debug, Default)]
struct Seen {
    ids: HashSet<ClientId>,
    places: HashSet<(Label, Label)>,
}

impl Seen {
    /// Parses a line, or says why it fails.
    fn parse(&mut self, line: &[u8], local: bool) -> Result<Imported, String> {
        let parsed = Imported::parse(line, local);
        let id = parsed.as_ref().map_or_else(|error| error.client_id.as_ref(), |imported| Some(imported.client_id()));
        let is_repeated = id.is_some_and(|id| !self.ids.insert(id.clone()));
        let id = id.cloned();
        let imported = parsed.map_err(|error| named(id.as_ref(), &error))?;
        if is_repeated {
            return Err(named(id.as_ref(), &"the client_id is on an earlier line too"));
        }
        if let Some(ManagedBy { owner, name, .. }) = imported.managed(None)
            && !self.places.insert((owner.clone(), name.clone()))
        {
            return Err(named(id.as_ref(), &format!("{name} of the owner {owner} is on an earlier line too")));
        }
        Ok(imported)
    }
}

/// Imports one line.
///
/// # Errors
/// The file cannot be read further, or the table cannot be used at all.
async fn outcome(
    tables: &Tables,
    line: io::Result<Result<Imported, String>>,
    arguments: &ImportArguments,
) -> Result<Outcome, Error> {
    let imported = match line? {
        Ok(imported) => imported,
        Err(why) => return Ok(Outcome::Failed(why)),
    };
    let id = imported.client_id();
    let mut done = one(tables, &imported, arguments).await;
    for attempt in 1..ATTEMPTS {
        if !matches!(&done, Err(Error::Unavailable(error)) if matches!(error.reason(), Reason::Unreachable(_))) {
            break;
        }
        sleep(PAUSE * 2_u32.pow(attempt - 1)).await;
        done = one(tables, &imported, arguments).await;
    }
    done.or_else(|error| match error {
        // Another table, permissions or a connection is needed, not another line.
        Error::Unavailable(error) if !matches!(error.reason(), Reason::Other(_)) => Err(error.into()),
        error => Ok(Outcome::Failed(named(Some(id), &error))),
    })
}

fn named(id: Option<&ClientId>, error: &dyn std::fmt::Display) -> String {
    id.map_or_else(|| error.to_string(), |id| format!("{}: {error}", id.as_str()))
}

async fn one(tables: &Tables, imported: &Imported, arguments: &ImportArguments) -> Result<Outcome, Error> {
    let refused = |why: &str| Ok(Outcome::Failed(named(Some(imported.client_id()), &why)));
    let before = tables.clients.record(imported.client_id()).await?;
    let client = imported.client(before.as_ref().map(|before| &before.client), Clock::System.now());
    let client = match client {
        Ok(client) => client,
        Err(error) => return refused(&error.to_string()),
    };
    let managed = imported.managed(before.as_ref().and_then(|before| before.managed.as_ref()));
    let (outcome, written) = match &before {
        Some(before) if before.client == client && before.managed == managed => return Ok(Outcome::Unchanged),
        Some(_) if !arguments.replace => return refused("the client exists and differs; give --replace to change it"),
        _ if arguments.plan => {
            return Ok(if before.is_some() { Outcome::Replaced } else { Outcome::Created });
        }
        Some(before) => {
            let change = Change::between(&before.client, &client);
            (
                Outcome::Replaced,
                tables.clients.replace(before, &client, managed.as_ref(), change, &tables.operator).await,
            )
        }
        None => (Outcome::Created, tables.clients.create(&client, managed.as_ref(), &tables.operator).await),
    };
    match written {
        Ok(()) => Ok(outcome),
        Err(WriteError::Condition) => refused("somebody else has written the client meanwhile; import it again"),
        Err(error) => Err(error.into()),
    }
}

impl Counts {
    /// Counts a line, and says why it failed.
    fn add(&mut self, number: usize, outcome: Outcome) {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Replaced => self.replaced += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Failed(why) => {
                self.failed += 1;
                output::say(format_args!("line {number}: {}", visible(&why)));
            }
        }
    }

    fn print(&self, plan: bool) -> io::Result<()> {
        let Self { created, replaced, unchanged, failed } = self;
        let to = if plan { ["to create", "to replace"] } else { ["created", "replaced"] };
        output::print(&format!("{created} {}, {replaced} {}, {unchanged} unchanged, {failed} failed\n", to[0], to[1]))
    }

    fn result(&self, plan: bool) -> Result<(), Error> {
        match (self.failed, self.created + self.replaced) {
            (1, _) => Err(Error::NotDone("one line was not imported".to_owned())),
            (failed @ 2.., _) => Err(Error::NotDone(format!("{failed} lines were not imported"))),
            (0, 1..) if plan => Err(Error::Changes),
            _ => Ok(()),
        }
    }
}
