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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::metadata::tests::policy;

    /// F4, R2: what is registered under each policy, whether the member is sent or not. `[]` is as if it were not sent.
    #[test]
    fn f4_r2_who_may_set_them() {
        let list = |sub: &str| json!([{"issuer": "https://a.example", "sub": sub}]);
        let parsed = |list: &Value| FederatedCredentials::parse(list).expect("credentials");
        let (own, other, none) = (list("own"), list("other"), json!([]));
        let kept = |list: &Value| Federation::Kept(parsed(list));
        for (federation, sent, registered) in [
            (Federation::Refused, Value::Null, Some(&none)),
            (Federation::Refused, none.clone(), Some(&none)),
            (Federation::Refused, own.clone(), None),
            (Federation::Allowed, Value::Null, Some(&none)),
            (Federation::Allowed, none.clone(), Some(&none)),
            (Federation::Allowed, own.clone(), Some(&own)),
            (kept(&own), Value::Null, Some(&own)),
            (kept(&own), none.clone(), Some(&own)),
            (kept(&own), own.clone(), Some(&own)),
            (kept(&own), other.clone(), None),
            (kept(&none), Value::Null, Some(&none)),
            (kept(&none), other.clone(), None),
        ] {
            let body = json!({"federated_credentials": sent}).to_string();
            let requested = RequestedMetadata::parse(body.as_bytes()).expect("an object");
            let found = credentials(&requested, &Policy { federation: federation.clone(), ..policy() }).ok();
            assert_eq!(found, registered.map(parsed), "{federation:?} {sent}");
        }
    }
}
