//! The token in an introspection or revocation request: RFC 7662 §2.1, RFC 7009 §2.1.

use tokenmint_function::Failure;
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tokenmint_oauth::form::Form;
use tokenmint_oauth::introspection::OwnToken;
use tokenmint_oauth::jose::PublicKeys;

use crate::Token;

/// The parameter `token`. `token_type_hint` is ignored, because there is only one type.
pub(crate) fn parameter<'f>(form: &'f Form<'_>) -> Result<&'f str, Failure> {
    let missing = || Failure::refused(OAuthError::new(ErrorCode::InvalidRequest, "token is missing"));
    form.value("token").ok_or_else(missing)
}

/// The token, if it is a valid token of this server: its format, its signature by a currently published key, and its
/// lifetime.
pub(crate) async fn verify(state: &Token, token: &str) -> Result<Option<OwnToken>, Failure> {
    let now = state.clock.now();
    let keys: PublicKeys = state.signer.public_keys(now).await?;
    Ok(OwnToken::verify(token, &keys, &state.config.issuer, now).ok())
}
