//! `tokenmint client rotate-secret`.

use std::io::{self, IsTerminal as _};

use serde::Serialize;
use tokenmint_aws::clients::WriteError;
use tokenmint_function::{Clock, random};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::registration::{Lifetimes, rotate_secret};
use tokenmint_oauth::secret::Secret;

use super::confirm;
use crate::cli::{RotateArguments, Target};
use crate::tables::{self, Tables};
use crate::text::{members, moment, visible};
use crate::{Error, output};

/// The number of attempts while the client itself changes its secrets.
const ATTEMPTS: u32 = 5;

/// The result for the operator, with the names of RFC 7591. It contains a secret, so it has no `Debug`.
#[derive(Serialize)]
struct Rotated<'s> {
    client_id: &'s str,
    client_secret: &'s str,
    client_secret_expires_at: EpochSeconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_client_secret_expires_at: Option<EpochSeconds>,
}

/// The result of an attempt.
enum Outcome {
    /// The client has a new secret.
    Rotated(Box<Client>, Secret),
    /// Nothing was changed: a new secret would revoke the previous one, which is valid until this time.
    Promised(ClientId, EpochSeconds),
}

pub(super) async fn run(target: &Target, rotate: RotateArguments) -> Result<(), Error> {
    let mut outcome = attempt(target, &rotate, rotate.yes).await?;
    if let Outcome::Promised(id, end) = &outcome {
        // The tables are closed while waiting for the answer, which may take long.
        permit(id, *end)?;
        outcome = attempt(target, &rotate, true).await?;
    }
    match outcome {
        Outcome::Rotated(client, secret) => show(&client, &secret, rotate.json),
        Outcome::Promised(id, end) => Err(Error::Usage(warning(&id, end))),
    }
}

/// Asks the operator for permission.
///
/// # Errors
/// The operator refused, or there is no terminal.
fn permit(id: &ClientId, end: EpochSeconds) -> Result<(), Error> {
    let warning = warning(id, end);
    if !io::stdin().is_terminal() {
        return Err(Error::Usage(format!("{warning}; give --yes to do so")));
    }
    output::say(format_args!("{warning}."));
    if confirm("Create a new secret?")? { Ok(()) } else { Err(Error::NotDone("the secret was not rotated".to_owned())) }
}

fn warning(id: &ClientId, end: EpochSeconds) -> String {
    let until = if end == 0 { "without end".to_owned() } else { format!("until {}", moment(end)) };
    format!(
        "the previous secret of the client {} is valid {until}, and a new secret would revoke it now",
        visible(id.as_str())
    )
}

async fn attempt(target: &Target, rotate: &RotateArguments, yes: bool) -> Result<Outcome, Error> {
    tables::with(target, async |tables| {
        let id = tables.resolve(&rotate.client.id).await?;
        let secret = rotate.secret_expires_in.unwrap_or(tables.lifetimes.secret);
        let overlap = rotate.overlap.unwrap_or(tables.lifetimes.overlap);
        store(tables, &id, Lifetimes { secret, overlap, ..tables.lifetimes }, yes).await
    })
    .await
}

/// Compares and sets, until no concurrent change interferes.
async fn store(tables: &Tables, id: &ClientId, lifetimes: Lifetimes, yes: bool) -> Result<Outcome, Error> {
    for _ in 0..ATTEMPTS {
        let (before, now) = (tables.client(id).await?, Clock::System.now());
        let method = before.metadata.token_endpoint_auth_method();
        if !method.has_secret() {
            return Err(Error::NotDone(format!("the client uses {}, which has no secret", method.as_str())));
        }
        // The overlap applies to the current secret. An older one would be revoked before the end of its own
        // overlap.
        let promised = before.client_secrets.iter().skip(1).find(|secret| secret.is_valid_at(now));
        if let Some(promised) = promised.filter(|_| !yes) {
            return Ok(Outcome::Promised(before.client_id, promised.expires_at));
        }
        let mut after = before.clone();
        let secret = rotate_secret(&mut after, now, lifetimes, random);
        match tables.clients.set_secrets(&before, &after, &tables.operator).await {
            Err(WriteError::Condition) => {}
            set => return Ok(set.map(|()| Outcome::Rotated(Box::new(after), secret))?),
        }
    }
    Err(Error::NotDone("another process is changing the client's secrets at the same time; try again".to_owned()))
}

fn show(client: &Client, secret: &Secret, json: bool) -> Result<(), Error> {
    let mut ends = client.client_secrets.iter().map(|secret| secret.expires_at);
    let rotated = Rotated {
        client_id: client.client_id.as_str(),
        client_secret: secret.reveal(),
        client_secret_expires_at: ends.next().unwrap_or_default(),
        previous_client_secret_expires_at: ends.next(),
    };
    let shown = if json { output::print_json(&rotated) } else { say(&rotated) };
    shown.map_err(|error| {
        let id = visible(client.client_id.as_str());
        Error::NotDone(format!(
            "the client {id} has a new secret, but it could not be written: {error}; create another one with \
             `tokenmint client rotate-secret {id} --yes`"
        ))
    })
}

fn say(rotated: &Rotated) -> io::Result<()> {
    let previous = match rotated.previous_client_secret_expires_at {
        None => {
            "All earlier secrets are revoked. Servers accept them for at most CLIENT_CACHE_TTL seconds (default: 30)\n\
                 from now. Tokens that were issued are valid until they expire."
                .to_owned()
        }
        Some(end) => format!("The previous secret is valid until {}.", moment(end)),
    };
    output::print(&format!(
        "{}\n{previous}\nKeep client_secret now: only its hash is stored, and it cannot be shown again.\n",
        members(&output::members(rotated)?)
    ))
}
