//! `tokenmint client rotate-secret`.

use std::io;

use serde::Serialize;
use tokenmint_aws::clients::WriteError;
use tokenmint_http::{Clock, random};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::registration::{Lifetimes, rotate_secret};
use tokenmint_oauth::secret::Secret;

use crate::cli::{Place, RotateArguments};
use crate::tables::{self, Tables};
use crate::text::{members, moment, visible};
use crate::{Error, output};

/// How often it is tried while the client itself changes its secrets.
const ATTEMPTS: u32 = 5;

/// What the operator is told, in the names of RFC 7591. It carries a secret, so it has no `Debug`.
#[derive(Serialize)]
struct Rotated<'s> {
    client_id: &'s str,
    client_secret: &'s str,
    client_secret_expires_at: EpochSeconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_client_secret_expires_at: Option<EpochSeconds>,
}

pub(super) async fn run(place: &Place, rotate: RotateArguments) -> Result<(), Error> {
    let given = &rotate.client.id;
    let rotated = tables::with(place, async |tables| {
        let id = tables.resolve(given).await?;
        let secret = rotate.secret_expires_in.unwrap_or(tables.lifetimes.secret);
        let overlap = rotate.overlap.unwrap_or(tables.lifetimes.overlap);
        store(tables, &id, Lifetimes { secret, overlap, ..tables.lifetimes }).await
    });
    let (client, secret) = rotated.await?;
    let mut ends = client.client_secrets.iter().map(|secret| secret.expires_at);
    let rotated = Rotated {
        client_id: client.client_id.as_str(),
        client_secret: secret.reveal(),
        client_secret_expires_at: ends.next().unwrap_or_default(),
        previous_client_secret_expires_at: ends.next(),
    };
    let shown = if rotate.json { output::print_json(&rotated) } else { say(&rotated) };
    shown.map_err(|error| {
        let id = visible(given.as_str());
        Error::NotDone(format!(
            "the client {id} has a new secret, but it could not be written: {error}; rotate it once more"
        ))
    })
}

/// Compares and sets, until nobody comes between.
async fn store(tables: &Tables, id: &ClientId, lifetimes: Lifetimes) -> Result<(Client, Secret), Error> {
    for _ in 0..ATTEMPTS {
        let before = tables.client(id).await?;
        let method = before.metadata.token_endpoint_auth_method;
        if !method.has_secret() {
            return Err(Error::NotDone(format!("the client uses {}, which has no secret", method.as_str())));
        }
        let mut after = before.clone();
        let secret = rotate_secret(&mut after, Clock::System.now(), lifetimes, random);
        match tables.clients.set_secrets(&before, &after).await {
            Err(WriteError::Condition) => {}
            set => return Ok(set.map(|()| (after, secret))?),
        }
    }
    Err(Error::NotDone("the client's secrets are being changed by somebody else; try again".to_owned()))
}

fn say(rotated: &Rotated) -> io::Result<()> {
    let previous = match rotated.previous_client_secret_expires_at {
        None => "No earlier secret is good any more.".to_owned(),
        Some(end) => format!("The previous secret is good until {}.", moment(end)),
    };
    output::print(&format!(
        "{}\n{previous}\nKeep client_secret now: only its hash is stored, and it cannot be shown again.\n",
        members(&output::members(rotated)?)
    ))
}
