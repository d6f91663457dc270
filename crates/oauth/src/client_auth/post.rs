//! `client_secret_post`: RFC 6749 §2.3.1.

use super::error::PresentError;
use super::secret_pair::IdAndSecret;
use crate::form::Form;

/// Reads `client_id` beside the `client_secret` that was found.
pub(super) fn present(form: &Form<'_>, secret: &str) -> Result<IdAndSecret, PresentError> {
    let client_id = form.value("client_id").ok_or(PresentError::MissingClientId)?;
    IdAndSecret::new(client_id, secret)
}
