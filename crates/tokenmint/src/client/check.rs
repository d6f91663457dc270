//! `tokenmint client check-assertion`: which rule of federated client authentication an assertion violates.

use std::fmt::Display;

use serde::Serialize;
use tokenmint_aws::config::Environment;
use tokenmint_fetch::Fetcher;
use tokenmint_function::Clock;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::federation::{
    Expected, FederatedCredentials, FederationError, IssuerKeys, Rule, SubjectKey, TrustedIssuer, TrustedIssuers,
};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jose::{PublicKeys, UnverifiedToken};
use tokenmint_oauth::token_request::MAX_BODY_BYTES;

use super::create::read;
use crate::cli::{CheckArguments, Target};
use crate::tables::{self, Tables};
use crate::text::{Table, cell, visible};
use crate::{Error, output};

/// A rule, and whether the assertion satisfies it.
#[derive(Serialize)]
struct Line {
    rule: String,
    ok: bool,
    reason: String,
}

impl Line {
    fn ok(rule: &dyn Display, reason: &dyn Display) -> Self {
        Self { rule: rule.to_string(), ok: true, reason: reason.to_string() }
    }

    fn failed(rule: &dyn Display, reason: &dyn Display) -> Self {
        Self { rule: rule.to_string(), ok: false, reason: reason.to_string() }
    }

    fn of(rule: Rule, outcome: Result<(), FederationError>) -> Self {
        match outcome {
            Ok(()) => Self::ok(&rule, &""),
            Err(error) => Self::failed(&rule, &error),
        }
    }
}

pub(super) async fn run(target: &Target, check: CheckArguments) -> Result<(), Error> {
    let text = String::from_utf8(read(&check.file, MAX_BODY_BYTES)?)
        .map_err(|_| Error::NotDone("the assertion is not a JWT".to_owned()))?;
    let lines = tables::with(target, async |tables| lines(tables, text.trim(), check.client.as_ref()).await).await?;
    let failed = lines.iter().filter(|line| !line.ok).count();
    output::print(&if check.json { output::json_lines(lines.iter())? } else { said(&lines) })?;
    match failed {
        0 => Ok(()),
        1 => Err(Error::NotDone("the assertion is refused: a rule is violated".to_owned())),
        _ => Err(Error::NotDone(format!("the assertion is refused: {failed} rules are violated"))),
    }
}

fn said(lines: &[Line]) -> String {
    let row = |line: &Line| {
        let state = if line.ok { "ok" } else { "failed" };
        [cell(&line.rule, 24), state.to_owned(), cell(&line.reason, usize::MAX)]
    };
    Table::new(["RULE", "STATE", "REASON"]).page(&lines.iter().map(row).collect::<Vec<_>>())
}

/// Every rule, as far as those before it leave something to check.
async fn lines(tables: &Tables, text: &str, client: Option<&ClientId>) -> Result<Vec<Line>, Error> {
    let own = tables.issuer.as_ref().ok_or_else(|| Error::Usage("set ISSUER to the server's issuer".to_owned()))?;
    let environment = Environment::from_process();
    let setting = environment.value("TRUSTED_ISSUERS").unwrap_or("[]");
    let trusted = TrustedIssuers::parse(setting, own)
        .map_err(|mistakes| Error::Usage(format!("TRUSTED_ISSUERS {}", visible(&mistakes))))?;
    let token = UnverifiedToken::parse(text).and_then(|token| token.unverified_claims().map(|claims| (token, claims)));
    let (token, claims) = match token {
        Ok(read) => read,
        Err(error) => return Ok(vec![Line::failed(&"form", &error)]),
    };
    let (iss, sub) = (claims.text("iss").unwrap_or_default(), claims.text("sub").unwrap_or_default());
    let Some(issuer) = trusted.by_iss(iss).or_else(|| trusted.by_spiffe_id(sub)) else {
        let reason = format!("TRUSTED_ISSUERS has neither {iss:?} nor the trust domain of {sub:?}");
        return Ok(vec![Line::failed(&Rule::Issuer, &reason)]);
    };
    let (line, client) = find(tables, client, &SubjectKey::new(&issuer.issuer, sub)).await?;
    let mut lines = vec![line];
    let none = FederatedCredentials::default();
    let credentials = client.as_ref().map_or(&none, |client| client.metadata.federated_credentials());
    let expected = Expected { issuer, credentials, now: Clock::System.now() };
    lines.extend(expected.header_rules(&token).map(|(rule, outcome)| Line::of(rule, outcome)));
    lines.extend(expected.claims_rules(&claims).map(|(rule, outcome)| Line::of(rule, outcome)));
    lines.push(if lines.iter().all(|line| line.ok) {
        signature(issuer, own, &token).await
    } else {
        Line {
            rule: Rule::Signature.to_string(),
            ok: true,
            reason: "not checked, because another rule fails".to_owned(),
        }
    });
    Ok(lines)
}

/// The client: the one that is named, or the only one that trusts the subject.
async fn find(
    tables: &Tables,
    named: Option<&ClientId>,
    subject: &SubjectKey,
) -> Result<(Line, Option<Client>), Error> {
    const RULE: &str = "client";
    let ids = match named {
        Some(given) => vec![tables.resolve(given).await?],
        None => tables.clients.trusting(subject).await?,
    };
    let mut clients = Vec::new();
    for id in ids {
        match tables.client(&id).await {
            Ok(client) => clients.push(client),
            Err(Error::NoClient(_)) if named.is_none() => {}
            Err(error) => return Err(error),
        }
    }
    let line = match &clients[..] {
        [] => Line::failed(&RULE, &"no client trusts this issuer and subject; see `tokenmint client trust --help`"),
        [client] if client.disabled => Line::failed(&RULE, &format!("{} is disabled", client.client_id.as_str())),
        [client] if !client.is_live_at(Clock::System.now()) => {
            Line::failed(&RULE, &format!("{} has expired", client.client_id.as_str()))
        }
        [client] => Line::ok(&RULE, &client.client_id.as_str()),
        _ => Line::failed(&RULE, &"several clients trust this subject; send client_id, and give --client here"),
    };
    Ok((line, clients.pop().filter(|_| clients.is_empty())))
}

async fn signature(issuer: &TrustedIssuer, own: &Issuer, token: &UnverifiedToken<'_>) -> Line {
    let local = own.is_local();
    let fetched: Result<PublicKeys, String> = match &issuer.keys {
        IssuerKeys::Inline(keys) => Ok(keys.clone()),
        IssuerKeys::JwksUri(url) => Fetcher::new(local).keys(url).await.map_err(|error| format!("jwks_uri {error}")),
        IssuerKeys::BundleUrl(url) => {
            Fetcher::of_spiffe_bundles(local).keys(url).await.map_err(|error| format!("spiffe_bundle {error}"))
        }
    };
    match fetched.map(|keys| token.verify(&keys)) {
        Ok(Ok(_)) => Line::ok(&Rule::Signature, &""),
        Ok(Err(error)) => Line::failed(&Rule::Signature, &error),
        Err(error) => Line::failed(&Rule::Signature, &error),
    }
}
