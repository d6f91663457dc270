//! The member `federated_credentials` (ours): who may set it, and for which clients.

use super::error::{MetadataError, wrong};
use super::names::FEDERATED_CREDENTIALS;
use super::policy::{Federation, Policy};
use super::requested::RequestedMetadata;
use crate::federation::FederatedCredentials;

/// The federated credentials that are registered (F4). `[]` counts as not given (R2).
pub(super) fn credentials(
    requested: &RequestedMetadata,
    policy: &Policy,
) -> Result<FederatedCredentials, MetadataError> {
    let sent = requested.sent(FEDERATED_CREDENTIALS).map(FederatedCredentials::parse).transpose()?;
    let sent = sent.filter(|sent| !sent.is_empty());
    Ok(match (&policy.federation, sent) {
        (Federation::Kept(own), None) => own.clone(),
        (Federation::Kept(own), Some(sent)) if sent == *own => sent,
        (Federation::Kept(_), Some(_)) => {
            return Err(wrong(
                FEDERATED_CREDENTIALS,
                "must be the registered value or be left out; only an operator changes it",
            ));
        }
        (Federation::Allowed, sent) => sent.unwrap_or_default(),
        (Federation::Refused, None) => FederatedCredentials::default(),
        (Federation::Refused, Some(_)) => {
            let reason = "may be set only by an operator, or with an initial access token that allows it";
            return Err(wrong(FEDERATED_CREDENTIALS, reason));
        }
    })
}
