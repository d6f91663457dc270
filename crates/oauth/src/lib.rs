//! The OAuth 2.0 protocol of Tokenmint: what a request means, what may be granted, what is answered.
//!
//! Nothing here does I/O, reads a clock, the environment or randomness: they come in as arguments.
//! Each module opens with the section of the RFC it implements.
//!
//! | a request for | goes through |
//! |---|---|
//! | registration | [`bearer`] → [`software_statement`] → [`metadata`] → [`registration`] → [`client`] |
//! | a change of a registration | [`bearer`] → [`client_configuration`] → [`metadata`] → [`client`] |
//! | an operator's file of clients | [`operator`] → [`metadata`] → [`client`] |
//! | the document of a client | [`client_document`] → [`metadata`] → [`client`] |
//! | a token | [`form`] → [`token_request`] → [`client_auth`] → [`grant`] → [`access_token`] |
//! | the server's description | [`discovery`], [`mutual_tls`], [`jwk`], [`key_schedule`] |

pub mod access_token;
pub mod authorization_endpoint;
pub mod bearer;
pub mod certificate;
pub mod certificate_name;
pub mod client;
pub mod client_auth;
pub mod client_configuration;
pub mod client_document;
pub mod cors;
pub mod discovery;
pub mod distinguished_name;
pub mod dpop;
pub mod error;
pub mod federation;
pub mod form;
pub mod grant;
pub mod grant_type;
pub mod initial_access_token;
pub mod introspection;
pub mod issuer;
pub mod jose;
pub mod jwk;
pub mod key_schedule;
mod memory;
pub mod metadata;
pub mod method;
pub mod mutual_tls;
pub mod operator;
pub mod registration;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod security_profile;
pub mod software_statement;
pub mod token_policy;
pub mod token_request;

/// A point in time: whole seconds since 1970-01-01T00:00:00Z (RFC 7519 §2, `NumericDate`).
pub type EpochSeconds = u64;

/// How long an access token may be valid, in seconds: whoever decides it, the deployment, a resource or a client.
pub const ACCESS_TOKEN_LIFETIMES: std::ops::RangeInclusive<u32> = 60..=604_800;
