//! `tokenmint registration-token`: initial access tokens (RFC 7591 §3) for protected registration.

use std::io;

use serde::Serialize;
use serde_json::{Map, Value};
use tokenmint_aws::registrations::RegistrationsTable;
use tokenmint_function::{Clock, random};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::{Secret, SecretHash};
use tokenmint_oauth::token_policy::TokenPolicy;

use crate::cli::{CreateTokenArguments, RevokeArguments, Target, TokenArguments, TokenCommand};
use crate::tables::{self, Tables};
use crate::text::{Table, cell, members, moment};
use crate::{Error, output, policy};

/// The page size of a scan.
const PAGE: i32 = 100;

pub(crate) async fn run(arguments: TokenArguments) -> Result<(), Error> {
    output::log_errors();
    let target = arguments.target.target()?;
    match arguments.command {
        TokenCommand::Create(create) => self::create(&target, *create).await,
        TokenCommand::List(list) => self::list(&target, list.json).await,
        TokenCommand::Revoke(revoke) => self::revoke(&target, &revoke).await,
    }
}

/// A token as shown to the operator.
#[derive(Serialize)]
struct View<'t> {
    id: String,
    /// The token in clear; present only in the output of `create`.
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_access_token: Option<&'t str>,
    name: &'t str,
    issued_at: EpochSeconds,
    expires_at: EpochSeconds,
    uses_left: u32,
    scope: &'t Scope,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allows_federation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_policy: Option<&'t TokenPolicy>,
    state: &'static str,
}

impl<'t> View<'t> {
    fn of(token: &'t InitialAccessToken, secret: Option<&'t Secret>, now: EpochSeconds) -> Self {
        Self {
            id: RegistrationsTable::token_id(&token.hash),
            initial_access_token: secret.map(Secret::reveal),
            name: &token.name,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            uses_left: token.uses_left,
            scope: &token.scope,
            allows_federation: token.allows_federation,
            token_policy: token.token_policy.as_deref(),
            state: state(token, now),
        }
    }

    fn row(self) -> [String; 6] {
        let (name, scope) = (cell(self.name, 24), cell(self.scope.as_str(), 32));
        [self.id, name, self.uses_left.to_string(), moment(self.expires_at), scope, self.state.to_owned()]
    }
}

const HEADS: [&str; 6] = ["ID", "NAME", "USES LEFT", "EXPIRES", "SCOPE", "STATE"];

const fn state(token: &InitialAccessToken, now: EpochSeconds) -> &'static str {
    if token.check(now).is_ok() {
        "active"
    } else if token.uses_left == 0 {
        "spent"
    } else {
        "expired"
    }
}

async fn create(target: &Target, create: CreateTokenArguments) -> Result<(), Error> {
    let token_policy = policy::apply(None, &[], &[], &create.policy)?.map(Box::new);
    let (secret, now) = (Secret::generate(random), Clock::System.now());
    let token = InitialAccessToken {
        hash: secret.hash(),
        name: create.name,
        issued_at: now,
        expires_at: now + EpochSeconds::from(create.expires_in),
        uses_left: create.uses,
        scope: create.scope.unwrap_or_default(),
        allows_federation: create.allow_federation,
        token_policy,
    };
    let stored = tables::with(target, async |tables| Ok(tables.registrations.insert_token(&token).await?));
    stored.await?;
    let view = View::of(&token, Some(&secret), now);
    let shown = if create.json {
        output::print_json(&view)
    } else {
        output::members(&view).and_then(|made| output::print(&said(&made, &token.scope)))
    };
    shown.map_err(|error| {
        let id = &view.id;
        Error::NotDone(format!(
            "the token was created, but it could not be written: {error}; revoke it with \
             `tokenmint registration-token revoke {id}`"
        ))
    })
}

/// The created token, and what the operator must know before the terminal is closed.
fn said(made: &Map<String, Value>, scope: &Scope) -> String {
    let mut said = members(made) + "\n";
    if scope.is_empty() {
        said +=
            "The clients of this token will have no scope, and neither will their tokens. Give it one with --scope.\n";
    }
    said + "Keep initial_access_token now: only its hash is stored, and it cannot be shown again.\n"
}

async fn list(target: &Target, json: bool) -> Result<(), Error> {
    tables::with(target, async |tables| {
        let (mut table, mut none) = (Table::new(HEADS), true);
        each_page(tables, |tokens| {
            none &= tokens.is_empty();
            let now = Clock::System.now();
            let views = tokens.iter().map(|token| View::of(token, None, now));
            let lines =
                if json { output::json_lines(views)? } else { table.page(&views.map(View::row).collect::<Vec<_>>()) };
            output::print_more(&lines)
        })
        .await?;
        if none {
            tables.check_registrations().await?;
            if !json {
                output::say("there are no registration tokens");
            }
        }
        Ok(())
    })
    .await
}

async fn revoke(target: &Target, revoke: &RevokeArguments) -> Result<(), Error> {
    let id = &revoke.id;
    let none = || Error::NoToken(id.clone());
    let revoked = tables::with(target, async |tables| {
        // A complete identifier needs no search, which could miss a token created a moment ago.
        let hash = match RegistrationsTable::token_hash(id) {
            Some(hash) => hash,
            None => search(tables, id).await?.ok_or_else(none)?,
        };
        let removed = tables.registrations.remove_token(&hash).await?;
        removed.then(|| RegistrationsTable::token_id(&hash)).ok_or_else(none)
    });
    let id = revoked.await?;
    output::print(&format!("{id} is revoked\n"))?;
    Ok(())
}

/// The only token whose identifier has this prefix.
async fn search(tables: &Tables, prefix: &str) -> Result<Option<SecretHash>, Error> {
    tables::check_prefix(prefix, "token's identifier")?;
    let mut found = Vec::new();
    each_page(tables, |tokens| {
        let hashes = tokens.iter().map(|token| token.hash);
        found.extend(hashes.filter(|hash| RegistrationsTable::token_id(hash).starts_with(prefix)));
        Ok(true)
    })
    .await?;
    tables::only(found, "token", prefix)
}

/// Reads all tokens page by page, until the callback stops.
async fn each_page(
    tables: &Tables,
    mut act: impl FnMut(&[InitialAccessToken]) -> io::Result<bool>,
) -> Result<(), Error> {
    let mut cursor = None;
    loop {
        let page = tables.registrations.token_page(cursor, PAGE).await?;
        cursor = page.next;
        if !act(&page.tokens)? || cursor.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token() -> InitialAccessToken {
        InitialAccessToken {
            hash: SecretHash::from_bytes([255; 32]),
            name: "Audit\u{7}".to_owned(),
            issued_at: 0,
            expires_at: 60,
            uses_left: 2,
            scope: Scope::parse("a b").expect("a scope"),
            allows_federation: false,
            token_policy: None,
        }
    }

    #[test]
    fn states() {
        let state = |uses_left, expires_at| state(&InitialAccessToken { uses_left, expires_at, ..token() }, 50);
        assert_eq!([state(1, 51), state(0, 51), state(1, 50), state(0, 50)], ["active", "spent", "expired", "spent"]);
    }

    #[test]
    fn a_token_is_listed_by_its_identifier() {
        let token = token();
        let id = "__________________________________________8";
        assert_eq!(
            View::of(&token, None, 1).row(),
            [id, "Audit\u{fffd}", "2", "1970-01-01T00:01:00Z", "a b", "active"]
        );
        assert_eq!(
            serde_json::to_value(View::of(&token, None, 1)).expect("serialises"),
            json!({
                "id": id, "name": "Audit\u{7}", "issued_at": 0, "expires_at": 60, "uses_left": 2, "scope": "a b",
                "state": "active",
            })
        );
        assert_eq!(RegistrationsTable::token_hash(id), Some(token.hash));
    }
}
