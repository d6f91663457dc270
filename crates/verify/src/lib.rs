//! For resource servers: verifies the access tokens of Tokenmint (RFC 9068 §4).
//!
//! [`ResourceServer`] is all that most servers need: it fetches the keys of the issuer, and decides about a request.
//! The decision itself is [`Verifier`], a pure function of the request, the keys, the time and the proofs seen before.
//!
//! | what | RFC | module |
//! |---|---|---|
//! | the `Authorization` header | 6750 §2.1, 9449 §7.1 | `presented.rs`, `scheme.rs` |
//! | the token: type, signature, issuer, audience, times, claims | 9068 §4 | `access_token.rs`, `verifier.rs` |
//! | the keys and certificates that it is bound to | 9449 §4.3 and §7, 8705 §3 | `binding.rs`, `replays.rs` |
//! | errors and challenges | 6750 §3, 9449 §7.1, 9728 §5.1 | `refusal.rs`, `challenge.rs` |
//! | metadata and keys of the issuer | 8414, 7517 | `issuer_documents.rs` |
//! | revocation | 7662 | `issuer_documents.rs` |

mod access_token;
mod binding;
mod challenge;
mod issuer_documents;
mod presented;
mod refusal;
mod replays;
mod request;
mod resource_server;
mod scheme;
mod settings;
mod verifier;

pub use access_token::AccessToken;
pub use issuer_documents::{ClientCredentials, IssuerDocuments};
pub use presented::{MAX_TOKEN_BYTES, Presented};
pub use refusal::{ProofRefusal, Refusal, TokenRefusal, Unavailable};
pub use replays::{MAX_PROOFS, Replays};
pub use request::Request;
pub use resource_server::ResourceServer;
pub use scheme::Scheme;
pub use settings::{MAX_LEEWAY, Settings, SettingsError};
pub use tokenmint_fetch::{MAX_LIFETIME, MAX_STALE, MIN_LIFETIME, NEWER_AFTER, RETRY_AFTER};
pub use verifier::Verifier;
