//! Federated client authentication: RFC 7523 §2.2 with an issuer that is not the client, and JWT-SVIDs
//! (draft-ietf-oauth-spiffe-client-auth).
//!
//! The operator trusts issuers ([`TrustedIssuers`]); a client names the subjects of these issuers that are itself
//! ([`FederatedCredentials`]). Both are compared byte for byte: no wildcard, expression or normalization decides who a
//! client is. [`Expected`] lists the rules for an assertion, [`SubjectKey`] finds the client of an assertion without
//! `client_id`.

mod claim_path;
mod credential;
mod error;
mod expected;
mod issuer;
mod spiffe;
mod subject;

pub use credential::{
    ClaimValue, CredentialsError, FederatedCredential, FederatedCredentials, MAX_CLAIMS, MAX_CREDENTIALS,
    MAX_PATH_BYTES, MAX_SUB_BYTES, MAX_VALUE_BYTES,
};
pub use error::FederationError;
pub use expected::{Accepted, Expected, Rule};
pub use issuer::{IssuerKeys, MAX_ISSUERS, Reuse, TrustedIssuer, TrustedIssuers};
pub use spiffe::trust_domain;
pub use subject::SubjectKey;
