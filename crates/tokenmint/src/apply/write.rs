//! Makes the changes of a plan, one client after the other.

use std::fmt;

use tokenmint_aws::clients::{Change, WriteError};
use tokenmint_function::{Clock, random};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::operator::lacks_secret;
use tokenmint_oauth::registration::rotate_secret;
use tokenmint_oauth::secret::Secret;

use super::plan::{Changed, Plan, Step};
use super::secrets::{NewSecret, Secrets};
use crate::tables::Tables;
use crate::text::visible;
use crate::{Error, output};

/// Makes all changes. A client that somebody else has changed meanwhile is left as it is, and the others are done.
///
/// # Errors
/// Some changes were not made. The text says which, or how many were made has been said.
pub(super) async fn all(tables: &Tables, plan: Plan, secrets: &mut Secrets<'_>) -> Result<(), Error> {
    let total = plan.steps.len();
    let mut conflicts = Vec::new();
    for (done, step) in plan.steps.into_iter().enumerate() {
        let name = step.name().clone();
        match one(tables, step, secrets).await {
            Ok(()) => {}
            Err(Failure::Conflict) => conflicts.push(name.to_string()),
            Err(Failure::Error(error)) => {
                let made = done - conflicts.len();
                output::say(format_args!("{name}: {made} of {total} changes were made, run the command again"));
                // As it is: whoever knows the table adds the remedy.
                return Err(error);
            }
        }
    }
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Error::NotDone(format!(
        "{} of {total} changes were not made, because somebody else has changed these clients meanwhile: {}; nothing was \
         overwritten, run the command again",
        conflicts.len(),
        conflicts.join(", ")
    )))
}

/// Why a change was not made.
enum Failure {
    Conflict,
    Error(Error),
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Condition => Self::Conflict,
            error => Self::Error(error.into()),
        }
    }
}

async fn one(tables: &Tables, step: Step, secrets: &mut Secrets<'_>) -> Result<(), Failure> {
    let name = step.name().clone();
    let (client, secret, done) = match step {
        Step::Create(declared) => {
            let mut client = declared.created(Clock::System.now());
            let secret = secret(tables, &mut client);
            let written = tables.clients.create(&client, Some(&declared.managed), &tables.operator).await;
            arrived(tables, &client, written).await?;
            (client, secret, Done::Created)
        }
        Step::Change(changed) => {
            let Changed { before, mut after, managed } = *changed;
            let secret = secret(tables, &mut after);
            let done = Done::Changed(Change::between(&before.client, &after));
            let written =
                tables.clients.replace(&before, &after, Some(&managed), done.change(), &tables.operator).await;
            arrived(tables, &after, written).await?;
            (after, secret, done)
        }
    };
    let id = &client.client_id;
    let said = format!("{done}  {name}  {}\n", visible(id.as_str()));
    if secrets.is_beside_the_report() {
        output::print(&said).map_err(|error| lost(id, secret.as_ref(), &error))?;
    } else {
        output::say(said.trim_end());
    }
    if let Some(secret) = &secret {
        let new = NewSecret {
            name: name.as_str(),
            client_id: id.as_str(),
            client_secret: secret.reveal(),
            client_secret_expires_at: client.client_secrets.first().map_or(0, |secret| secret.expires_at),
        };
        secrets.write(&new).map_err(|error| lost(id, Some(secret), &error))?;
    }
    Ok(())
}

/// Generates the secret that the client lacks.
fn secret(tables: &Tables, client: &mut Client) -> Option<Secret> {
    lacks_secret(client).then(|| rotate_secret(client, Clock::System.now(), tables.lifetimes, random))
}

/// If the response of a write was lost, the client itself says whether it was written: its secret must not be lost.
async fn arrived(tables: &Tables, written: &Client, outcome: Result<(), WriteError>) -> Result<(), Failure> {
    match outcome {
        Err(WriteError::Unavailable(error)) => match tables.clients.record(&written.client_id).await {
            Ok(Some(record)) if record.client == *written => Ok(()),
            Ok(_) => Err(Failure::Error(error.into())),
            Err(_) => {
                say_unknown(written);
                Err(Failure::Error(error.into()))
            }
        },
        outcome => Ok(outcome?),
    }
}

fn say_unknown(client: &Client) {
    let id = visible(client.client_id.as_str());
    let secret = if client.client_secrets.is_empty() {
        String::new()
    } else {
        format!("; if it is new, give it another secret with `tokenmint client rotate-secret {id}`")
    };
    output::say(format_args!("it is not known whether the client {id} was written{secret}"));
}

/// The client is written, but this cannot be told.
fn lost(id: &ClientId, secret: Option<&Secret>, error: &std::io::Error) -> Failure {
    let id = visible(id.as_str());
    Failure::Error(Error::NotDone(match secret {
        None => format!("the client {id} was written, but this could not be printed: {error}"),
        Some(_) => format!(
            "the client {id} was written, but its secret could not be: {error}; create a new secret with `tokenmint client \
             rotate-secret {id}`"
        ),
    }))
}

/// What was done.
#[derive(Clone, Copy)]
enum Done {
    Created,
    Changed(Change),
}

impl Done {
    const fn change(self) -> Change {
        match self {
            Self::Created => Change::Registered,
            Self::Changed(change) => change,
        }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Changed(Change::Disabled) => "disabled",
            Self::Changed(Change::Enabled) => "enabled",
            Self::Changed(_) => "changed",
        })
    }
}
