//! Client ID metadata documents: draft-ietf-oauth-client-id-metadata-document-02.
//!
//! The identifier of such a client is an https URL, and the document there is its registration. [`MetadataHosts`] are the
//! hosts that the operator allows, [`DocumentUrl`] is an identifier on one of them, and [`DocumentUrl::client`] makes a
//! [`Client`](crate::client::Client) of what the URL returns. Only `private_key_jwt` proves such a client: a document holds
//! no secret (§4.1).

mod document;
mod hosts;

pub use document::{DocumentError, DocumentTerms, MAX_DOCUMENT_BYTES};
pub use hosts::{DocumentUrl, MetadataHosts};
