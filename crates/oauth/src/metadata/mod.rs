//! Client metadata: RFC 7591 §2, from what was asked to what is registered.
//!
//! [`RequestedMetadata`] is the JSON object of a request; [`ClientMetadata::verify`] turns it into the
//! [`ClientMetadata`] of a registered client, and [`ClientMetadata::from_stored`] loads that again.
//! [`members::MEMBERS`] lists every member with its bounds.

mod authentication;
mod error;
mod federation;
mod keys;
pub mod members;
pub(crate) mod names;
mod others;
mod policy;
mod relations;
mod requested;
mod token_policy;
mod uri;
mod values;
mod verified;

pub use authentication::{Authentication, ClientKeys};
pub use error::MetadataError;
pub use policy::{Federation, Policy, TokenPolicies};
pub use requested::RequestedMetadata;
pub use verified::{ClientMetadata, StoredMetadata};

#[cfg(test)]
pub(crate) mod tests;
