//! What a client may get, by the operator's decision: the member `token_policy` (ours; P1 to P6).
//!
//! The policy is part of the client's record, so a token request reads nothing more for it. It only ever takes away from
//! what the deployment allows, and adds claims that no verifier gives a meaning of its own ([`StaticClaims`]).

mod claims;

use std::ops::RangeInclusive;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ACCESS_TOKEN_LIFETIMES as LIFETIMES;
use crate::memory;
use crate::resource::{is_resource, is_same};

pub use claims::{ClaimsError, MAX_BYTES, MAX_DEPTH, MAX_NAME_BYTES, RESERVED, StaticClaims};

/// The most resources that a policy can name.
pub const MAX_RESOURCES: usize = 16;

/// The longest resource, in bytes.
pub const MAX_RESOURCE_BYTES: usize = 512;

/// How many tokens an hour a policy can allow.
pub const TOKENS_PER_HOUR: RangeInclusive<u32> = 1..=1_000_000;

/// The names of the members.
const MEMBERS: [&str; 5] = ["claims", "access_token_ttl", "resources", "default_resource", "tokens_per_hour"];

/// What a client may get. Whatever is absent is as the deployment has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TokenPolicy {
    /// Claims of each of its tokens (P1).
    #[serde(skip_serializing_if = "StaticClaims::is_empty")]
    pub claims: StaticClaims,
    /// The longest lifetime of its tokens, in seconds, within [`LIFETIMES`] (P2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_ttl: Option<u32>,
    /// The only resources that it may ask for (P3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// The resource of a request that names none (P3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_resource: Option<String>,
    /// How many tokens it gets an hour, within [`TOKENS_PER_HOUR`] (P5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_hour: Option<u32>,
}

/// Why a value is not a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not an object.
    #[error(
        "must be an object with some of `claims`, `access_token_ttl`, `resources`, `default_resource` and `tokens_per_hour`"
    )]
    Form,
    /// A member of another name: a rule that nobody would apply.
    #[error(
        "has a member other than `claims`, `access_token_ttl`, `resources`, `default_resource` and `tokens_per_hour`"
    )]
    UnknownMember,
    /// The claims cannot be in a token.
    #[error("has `claims` {0}")]
    Claims(#[from] ClaimsError),
    /// The lifetime is no number within [`LIFETIMES`].
    #[error("has an `access_token_ttl` that is not a whole number of seconds from {} to {}", LIFETIMES.start(), LIFETIMES.end())]
    Ttl,
    /// The resources are no list of resources.
    #[error(
        "has `resources` that are not 1 to {MAX_RESOURCES} absolute URIs without fragment, of at most {MAX_RESOURCE_BYTES} bytes each"
    )]
    Resources,
    /// The default resource is no resource.
    #[error(
        "has a `default_resource` that is not an absolute URI without fragment, of at most {MAX_RESOURCE_BYTES} bytes"
    )]
    DefaultResource,
    /// The default resource is not among the resources.
    #[error("has a `default_resource` that is not among its `resources`")]
    OtherDefault,
    /// The number of tokens is none within [`TOKENS_PER_HOUR`].
    #[error("has `tokens_per_hour` that are not a whole number from {} to {}", TOKENS_PER_HOUR.start(), TOKENS_PER_HOUR.end())]
    TokensPerHour,
}

impl TokenPolicy {
    /// Reads the value of the member.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn parse(value: &Value) -> Result<Self, PolicyError> {
        let members = value.as_object().ok_or(PolicyError::Form)?;
        if members.keys().any(|name| !MEMBERS.contains(&name.as_str())) {
            return Err(PolicyError::UnknownMember);
        }
        let claims = members.get("claims").map(StaticClaims::parse).transpose()?.unwrap_or_default();
        let access_token_ttl = number(members, "access_token_ttl", LIFETIMES).map_err(|NotWithin| PolicyError::Ttl)?;
        let resources = members.get("resources").map(resources).transpose()?;
        let default_resource = members.get("default_resource").map(resource).transpose();
        let policy = Self {
            claims,
            access_token_ttl,
            resources,
            default_resource: default_resource.map_err(|NotAResource| PolicyError::DefaultResource)?,
            tokens_per_hour: number(members, "tokens_per_hour", TOKENS_PER_HOUR)
                .map_err(|NotWithin| PolicyError::TokensPerHour)?,
        };
        match &policy.default_resource {
            Some(default) if !policy.allows(default) => Err(PolicyError::OtherDefault),
            _ => Ok(policy),
        }
    }

    /// Whether it says nothing.
    pub const fn is_empty(&self) -> bool {
        self.claims.is_empty()
            && self.access_token_ttl.is_none()
            && self.resources.is_none()
            && self.default_resource.is_none()
            && self.tokens_per_hour.is_none()
    }

    /// Whether the client may ask for the resource. Whether the server knows it, the deployment says.
    pub fn allows(&self, resource: &str) -> bool {
        self.resources.as_ref().is_none_or(|own| own.iter().any(|own| is_same(own, resource)))
    }

    /// The policy as it was sent.
    pub fn to_json(&self) -> Value {
        json!(self)
    }

    /// An upper estimate of the memory that it takes, in bytes, itself included.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + memory::ALLOCATION
            + self.claims.memory_bytes()
            + self.resources.as_ref().map_or(0, memory::texts)
            + self.default_resource.as_ref().map_or(0, memory::text)
    }
}

struct NotWithin;

fn number(members: &Map<String, Value>, name: &str, bounds: RangeInclusive<u32>) -> Result<Option<u32>, NotWithin> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| bounds.contains(number)).map(Some).ok_or(NotWithin)
}

struct NotAResource;

fn resource(value: &Value) -> Result<String, NotAResource> {
    let text = value.as_str().filter(|text| text.len() <= MAX_RESOURCE_BYTES && is_resource(text));
    text.map(str::to_owned).ok_or(NotAResource)
}

fn resources(value: &Value) -> Result<Vec<String>, PolicyError> {
    let list = value.as_array().filter(|list| (1..=MAX_RESOURCES).contains(&list.len()));
    let list = list.ok_or(PolicyError::Resources)?.iter();
    list.map(resource).collect::<Result<_, _>>().map_err(|NotAResource| PolicyError::Resources)
}

#[cfg(test)]
mod tests;
