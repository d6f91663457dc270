//! Client authentication at the token endpoint: RFC 6749 §2.3.
//!
//! Two steps. *Present*: [`Credentials::present`] finds out what the request claims and by which method. *Prove*:
//! [`Credentials::prove`] verifies it against the registered client; where the client's keys must be fetched first,
//! [`NeedsKeys::prove`] completes it. A new method adds one file with one of each, a variant of
//! [`Authentication`](crate::metadata::Authentication), and one line in the list of
//! [`Method`](crate::method::Method).

mod basic;
mod by_key;
mod context;
mod credentials;
mod error;
mod post;
pub mod private_key_jwt;
mod proof;
mod secret_pair;
mod tls;

pub use by_key::NeedsKeys;
pub use context::ProofContext;
pub use credentials::{Credentials, Presented, Progress};
pub use error::{AssertionError, PresentError, ProveError};
pub use proof::{AuthenticatedClient, FirstUse, Proof};
pub use secret_pair::IdAndSecret;
pub use tls::IdAndCertificate;

#[cfg(test)]
mod tests;
