//! `tokenmint apply`: makes the clients what a list says.

mod document;
mod plan;
mod secrets;
mod write;

use std::io::{self, IsTerminal as _};
use std::path::Path;

use tokenmint_oauth::operator::List;

use self::plan::Plan;
use self::secrets::Secrets;
use crate::cli::{ApplyArguments, Target};
use crate::client::confirm;
use crate::tables::{self, Tables};
use crate::{Error, output};

/// Reads the list, shows what is to change, asks, and makes the changes.
pub(crate) async fn run(arguments: ApplyArguments) -> Result<(), Error> {
    output::log_errors();
    let target = arguments.target.target()?;
    let file = arguments.file.display().to_string();
    // Before anything is opened, because reading standard input may block.
    let document = document::read(&arguments.file)?;
    let plan = tables::with(&target, async |tables| {
        let list =
            List::parse(document, tables.local).map_err(|mistakes| Error::File { file: file.clone(), mistakes })?;
        Plan::of(tables, list, &file).await
    });
    let plan = plan.await?;
    if arguments.secrets_file.as_deref() == Some(Path::new("-")) {
        output::say(plan.to_string().trim_end());
    } else {
        output::print(&plan.to_string())?;
    }
    if plan.is_empty() {
        return Ok(());
    }
    if arguments.plan {
        return Err(Error::Changes);
    }
    let mut secrets = secrets_of(&plan, arguments.secrets_file.as_deref())?;
    // The tables are closed while waiting for the answer, which may take long.
    permit(arguments.yes)?;
    secrets.open()?;
    apply(&target, plan, &mut secrets).await
}

async fn apply(target: &Target, plan: Plan, secrets: &mut Secrets<'_>) -> Result<(), Error> {
    tables::with(target, async |tables: &Tables| write::all(tables, plan, secrets).await).await
}

/// Where new secrets go.
///
/// # Errors
/// [`Error::Usage`] if they would go to the log of a pipeline, or the file exists.
fn secrets_of<'a>(plan: &Plan, file: Option<&'a Path>) -> Result<Secrets<'a>, Error> {
    let are_needed = plan.needs_secrets();
    match file {
        Some(file) => Secrets::to(file, are_needed),
        None if are_needed && !io::stdout().is_terminal() => Err(Error::Usage(
            "new secrets are generated, and standard output is not a terminal; say where they go with --secrets-file FILE, \
             or --secrets-file - for standard output"
                .to_owned(),
        )),
        None => Ok(Secrets::shown()),
    }
}

/// Asks the operator for permission.
///
/// # Errors
/// The operator refused, or there is no terminal.
fn permit(yes: bool) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(Error::Usage(
            "the command asks for confirmation, but standard input is not a terminal; give --yes to make these changes, or \
             --plan to show them only"
                .to_owned(),
        ));
    }
    if confirm("Make these changes?")? { Ok(()) } else { Err(Error::NotDone("nothing was changed".to_owned())) }
}
