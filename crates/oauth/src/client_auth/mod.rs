//! Client authentication at the token endpoint: RFC 6749 §2.3.
//!
//! Two steps. *Present*: [`Credentials::present`] finds out what the request claims and by which method. *Prove*:
//! [`Credentials::prove`] verifies it against the registered client; where the client's keys must be fetched first,
//! [`NeedsKeys::prove`] completes it. An assertion of a trusted issuer may leave out whose it is ([`Claim::Subject`]): the
//! client is then looked up in between. A new method adds one file with one of each, a variant of
//! [`Authentication`](crate::metadata::Authentication), and one line in the list of
//! [`Method`](crate::method::Method).

mod assertion;
mod basic;
mod by_key;
mod context;
mod credentials;
mod error;
mod federated;
mod jti;
mod post;
pub mod private_key_jwt;
mod proof;
mod secret_pair;
mod tls;

pub use assertion::SPIFFE_TYPE;
pub use by_key::{KeySource, NeedsKeys};
pub use context::ProofContext;
pub use credentials::{Claim, Credentials, Presented, Progress};
pub use error::{AssertionError, AssertionGrantError, PresentError, ProveError};
pub use federated::{FederatedAssertion, SubjectAssertion};
pub use proof::{AuthenticatedClient, FirstUse, Proof};
pub use secret_pair::IdAndSecret;
pub use tls::IdAndCertificate;

#[cfg(test)]
mod tests;
