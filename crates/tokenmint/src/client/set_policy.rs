//! `tokenmint client set-policy`: what a client may get.

use tokenmint_aws::clients::WriteError;
use tokenmint_oauth::client::Client;

use super::view::View;
use crate::cli::{SetPolicyArguments, Target};
use crate::tables::{self, Tables};
use crate::text::visible;
use crate::{Error, output, policy};

/// How often a change is tried while others change the policy.
const ATTEMPTS: u32 = 5;

pub(super) async fn run(target: &Target, set: SetPolicyArguments) -> Result<(), Error> {
    let changed = tables::with(target, async |tables| store(tables, &set).await).await?;
    if set.json {
        return Ok(output::print_json(&View::of(&changed))?);
    }
    let id = visible(changed.client_id.as_str());
    let policy = changed.metadata.token_policy().map(|policy| visible(&policy.to_json().to_string()));
    output::print(&match policy {
        Some(policy) => format!("The token policy of {id} is now {policy}\n"),
        None => format!("{id} has no token policy\n"),
    })?;
    Ok(())
}

/// Compares and sets, until no concurrent change interferes.
async fn store(tables: &Tables, set: &SetPolicyArguments) -> Result<Client, Error> {
    let id = tables.resolve(&set.client.id).await?;
    for _ in 0..ATTEMPTS {
        let before = tables.client(&id).await?;
        let own = before.metadata.token_policy();
        let policy = policy::apply(own, &set.clear, &set.remove_claim, &set.policy)?;
        if policy.as_ref() == own {
            return Ok(before);
        }
        let after = Client { metadata: before.metadata.clone().with_token_policy(policy), ..before.clone() };
        match tables.clients.set_token_policy(&before, &after, &tables.operator).await {
            Err(WriteError::Condition) => {}
            set => return Ok(set.map(|()| after)?),
        }
    }
    Err(Error::NotDone("another process is changing the client at the same time; try again".to_owned()))
}
