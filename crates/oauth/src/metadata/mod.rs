//! Client metadata: RFC 7591 §2, from what was asked to what is registered.
//!
//! [`RequestedMetadata`] is the JSON object that came in; [`ClientMetadata::verify`] makes of it the
//! [`ClientMetadata`] that a client has registered. Every member and its bounds stand in
//! [`members::MEMBERS`].

mod authentication;
mod error;
mod keys;
pub mod members;
pub(crate) mod names;
mod others;
mod policy;
mod relations;
mod requested;
mod uri;
mod values;
mod verified;

pub use authentication::{Authentication, ClientKeys};
pub use error::MetadataError;
pub use policy::Policy;
pub use requested::RequestedMetadata;
pub use verified::{ClientMetadata, StoredMetadata};

#[cfg(test)]
mod tests;
