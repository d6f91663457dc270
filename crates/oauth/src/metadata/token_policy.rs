//! The member `token_policy` (ours): who may set it (P6).

use super::error::{MetadataError, wrong};
use super::names::TOKEN_POLICY;
use super::policy::{Policy, TokenPolicies};
use super::requested::RequestedMetadata;
use crate::token_policy::TokenPolicy;

/// The policy that is registered. `{}` counts as not given (R2).
pub(super) fn token_policy(
    requested: &RequestedMetadata,
    policy: &Policy,
) -> Result<Option<Box<TokenPolicy>>, MetadataError> {
    let sent = requested.sent(TOKEN_POLICY).map(TokenPolicy::parse).transpose()?;
    let sent = sent.filter(|sent| !sent.is_empty()).map(Box::new);
    match (&policy.token_policy, sent) {
        (TokenPolicies::Allowed, sent) => Ok(sent),
        (TokenPolicies::Fixed(own), None) => Ok(own.clone()),
        (TokenPolicies::Fixed(own), sent) if sent == *own => Ok(sent),
        (TokenPolicies::Fixed(Some(_)), Some(_)) => {
            Err(wrong(TOKEN_POLICY, "must be the registered value or be left out; only an operator changes it"))
        }
        (TokenPolicies::Fixed(None), Some(_)) => {
            Err(wrong(TOKEN_POLICY, "may be set only by an operator, or by the initial access token"))
        }
    }
}
