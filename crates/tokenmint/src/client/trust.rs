//! `tokenmint client trust`: which workloads are a client.

use serde_json::{Map, Value, json};
use tokenmint_aws::clients::WriteError;
use tokenmint_oauth::client::Client;
use tokenmint_oauth::federation::{FederatedCredential, trust_domain};

use super::view::View;
use crate::cli::{GithubArguments, Target, TrustCommand, Trusting};
use crate::tables::{self, Tables};
use crate::text::visible;
use crate::{Error, output};

/// How often a change is tried while others change the client.
const ATTEMPTS: u32 = 5;

pub(super) async fn run(target: &Target, command: TrustCommand) -> Result<(), Error> {
    let (trusting, credential) = credential(command)?;
    let changed = tables::with(target, async |tables| store(tables, &trusting, &credential).await).await?;
    if trusting.json {
        return Ok(output::print_json(&View::of(&changed))?);
    }
    let id = visible(changed.client_id.as_str());
    let (sub, issuer) = (visible(&credential.sub), visible(&credential.issuer));
    output::print(&if trusting.remove {
        format!(
            "{id} no longer trusts {sub} of {issuer}. Servers accept it for at most CLIENT_CACHE_TTL seconds (default: 30)\n\
             from now. Tokens that were issued are valid until they expire.\n"
        )
    } else {
        format!("{id} trusts {sub} of {issuer}. Servers must trust this issuer: see TRUSTED_ISSUERS.\n")
    })?;
    Ok(())
}

/// What is to be trusted.
fn credential(command: TrustCommand) -> Result<(Trusting, FederatedCredential), Error> {
    let (trusting, issuer, sub) = match command {
        TrustCommand::Github(github) => {
            let sub = github_sub(&github);
            (github.trusting, github.issuer, sub)
        }
        TrustCommand::Eks(eks) => {
            let sub = format!("system:serviceaccount:{}:{}", eks.namespace, eks.service_account);
            (eks.trusting, eks.issuer, sub)
        }
        TrustCommand::Aws(aws) => (aws.trusting, aws.issuer, aws.role_arn),
        TrustCommand::Spiffe(spiffe) => {
            let domain = trust_domain(&spiffe.id).unwrap_or_default().to_owned();
            (spiffe.trusting, domain, spiffe.id)
        }
        TrustCommand::Subject(subject) => (subject.trusting, subject.issuer, subject.sub),
    };
    let mut entry = json!({"issuer": issuer, "sub": sub});
    if !trusting.claim.is_empty() {
        entry["claims"] = Value::Object(trusting.claim.iter().cloned().collect::<Map<_, _>>());
    }
    let credential = FederatedCredential::parse(&entry);
    let credential = credential.map_err(|error| Error::Usage(format!("the federated credential {error}")))?;
    Ok((trusting, credential))
}

/// `sub` of a token of GitHub Actions.
fn github_sub(github: &GithubArguments) -> String {
    let which = match (&github.r#ref, &github.environment) {
        (Some(name), _) => format!("ref:{name}"),
        // GitHub escapes the colon, which separates the parts.
        (None, Some(name)) => format!("environment:{}", name.replace(':', "%3A")),
        (None, None) => "pull_request".to_owned(),
    };
    format!("repo:{}:{which}", github.repo)
}

/// Compares and sets, until no concurrent change interferes.
async fn store(tables: &Tables, trusting: &Trusting, credential: &FederatedCredential) -> Result<Client, Error> {
    let id = tables.resolve(&trusting.client).await?;
    for _ in 0..ATTEMPTS {
        let before = tables.client(&id).await?;
        let own = before.metadata.federated_credentials();
        let not_done = |error: &dyn std::fmt::Display| Error::NotDone(format!("the client was not changed: {error}"));
        let list = if trusting.remove {
            own.without(credential)
        } else {
            let with = own.with(credential.clone());
            with.map_err(|error| not_done(&format!("federated_credentials {error}")))?
        };
        if list == *own {
            if trusting.remove {
                return Err(not_done(&"it does not trust exactly this; see `tokenmint client show`"));
            }
            return Ok(before);
        }
        let metadata = before.metadata.clone().with_federated_credentials(list).map_err(|error| not_done(&error))?;
        let after = Client { metadata, ..before.clone() };
        match tables.clients.set_federated_credentials(&before, &after, &tables.operator).await {
            Err(WriteError::Condition) => {}
            set => return Ok(set.map(|()| after)?),
        }
    }
    Err(Error::NotDone("another process is changing the client at the same time; try again".to_owned()))
}
