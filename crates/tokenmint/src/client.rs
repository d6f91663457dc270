//! `tokenmint client`: the operator's management of clients.

mod check;
mod create;
mod export;
mod import;
mod list;
mod rotate;
mod set_policy;
mod trust;
mod view;

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde_json::Map;
use tokenmint_aws::clients::WriteError;
use tokenmint_function::Clock;
use tokenmint_oauth::client::{Client, ClientId};

pub(crate) use self::create::read;
use self::view::View;
use crate::cli::{ClientArguments, ClientCommand, Target};
use crate::tables;
use crate::text::visible;
use crate::{Error, output, text};

/// When a change takes effect that removes access: servers keep the clients that they know for a while.
const TAKES_EFFECT: &str = "Servers issue tokens to it for at most CLIENT_CACHE_TTL seconds (default: 30) from now.\n\
                            Tokens that were issued are valid until they expire.";

pub(crate) async fn run(arguments: ClientArguments) -> Result<(), Error> {
    output::log_errors();
    let target = arguments.target.target()?;
    match arguments.command {
        ClientCommand::List(list) => list::run(&target, list).await,
        ClientCommand::Show(show) => self::show(&target, &show.client.id, show.json).await,
        ClientCommand::Create(create) => create::run(&target, *create).await,
        ClientCommand::Disable(client) => set_disabled(&target, &client.id, true).await,
        ClientCommand::Enable(client) => set_disabled(&target, &client.id, false).await,
        ClientCommand::Delete(delete) => self::delete(&target, &delete.client.id, delete.yes).await,
        ClientCommand::RotateSecret(rotate) => rotate::run(&target, rotate).await,
        ClientCommand::Trust(trust) => trust::run(&target, trust.command).await,
        ClientCommand::SetPolicy(set) => set_policy::run(&target, *set).await,
        ClientCommand::CheckAssertion(check) => check::run(&target, check).await,
        ClientCommand::Export(export) => export::run(&target, export).await,
        ClientCommand::Import(import) => import::run(&target, import).await,
    }
}

/// Reads the named client.
async fn find(target: &Target, given: &ClientId) -> Result<Client, Error> {
    tables::with(target, async |tables| tables.client(&tables.resolve(given).await?).await).await
}

async fn show(target: &Target, given: &ClientId, json: bool) -> Result<(), Error> {
    let client = find(target, given).await?;
    let view = View::of(&client);
    if json {
        output::print_json(&view)?;
    } else {
        let mut members = Map::from_iter([("state".to_owned(), view::state(&client, Clock::System.now()).into())]);
        members.extend(output::members(&view)?.into_iter().filter(|(name, _)| name != "disabled"));
        output::print(&text::members(&members))?;
    }
    Ok(())
}

async fn set_disabled(target: &Target, given: &ClientId, disabled: bool) -> Result<(), Error> {
    let set = tables::with(target, async |tables| {
        let id = tables.resolve(given).await?;
        match tables.clients.set_disabled(&id, disabled, &tables.operator).await {
            Err(WriteError::Condition) => Err(Error::NoClient(id)),
            set => Ok(set.map(|()| id)?),
        }
    });
    let id = set.await?;
    let id = visible(id.as_str());
    // What grants access works at once.
    output::print(&if disabled {
        format!("{id} is disabled. {TAKES_EFFECT}\n")
    } else {
        format!("{id} is enabled\n")
    })?;
    Ok(())
}

async fn delete(target: &Target, given: &ClientId, yes: bool) -> Result<(), Error> {
    let id = if yes {
        tables::with(target, async |tables| tables.resolve(given).await).await?
    } else {
        let asked = "the command asks for confirmation, but standard input is not a terminal; give --yes to delete \
                     the client";
        if !io::stdin().is_terminal() {
            return Err(Error::Usage(asked.to_owned()));
        }
        // The tables are closed while waiting for the answer, which may take long.
        let client = find(target, given).await?;
        let (name, id) = (text::cell(view::name(&client), usize::MAX), visible(client.client_id.as_str()));
        if !confirm(&format!("Delete the client {id} ({name}) permanently?"))? {
            return Err(Error::NotDone("the client was not deleted".to_owned()));
        }
        client.client_id
    };
    if !tables::with(target, async |tables| Ok(tables.clients.remove(&id, &tables.operator).await?)).await? {
        return Err(Error::NoClient(id));
    }
    output::print(&format!("{} is deleted. {TAKES_EFFECT}\n", visible(id.as_str())))?;
    Ok(())
}

/// Asks for confirmation at the terminal.
pub(crate) fn confirm(question: &str) -> io::Result<bool> {
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for answer in ["y\n", "Y", "yes\r\n", " Yes "] {
            assert!(is_yes(answer), "{answer:?}");
        }
        for answer in ["", "\n", "n\n", "no", "yep", "y y", "ja"] {
            assert!(!is_yes(answer), "{answer:?}");
        }
    }
}
