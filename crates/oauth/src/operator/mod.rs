//! What operators say about clients in files, beside the metadata of RFC 7591.
//!
//! | file | here |
//! |---|---|
//! | a list of clients that are to be so (`tokenmint apply`) | [`List`], of [`Declared`] clients, which are [`ManagedBy`] it |
//! | one client a line (`tokenmint client export`, `import`) | [`export()`], [`Imported`] |
//!
//! Both have the members of registration, checked by the same parser with the rights of an operator, and those that only
//! operators set: [`OperatorMembers`]. What is not understood is an error, since a person wrote it for this program.

mod chosen;
mod export;
mod import;
mod list;
mod managed;
mod members;

pub use chosen::{ChosenSecretError, MIN_SECRET_BITS, chosen_client_id, chosen_secret};
pub use export::{Hashes, export};
pub use import::{ImportError, Imported, MAX_LINE_BYTES};
pub use list::{Declared, List, MAX_CLIENTS};
pub use managed::{Label, LabelError, MAX_LABEL_BYTES, ManagedBy};
pub use members::{OperatorMembers, shown};

/// Whether a client authenticates with a secret and has none.
pub fn lacks_secret(client: &crate::client::Client) -> bool {
    client.metadata.token_endpoint_auth_method().has_secret() && client.client_secrets.is_empty()
}
