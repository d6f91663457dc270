//! The token that a request for introspection or revocation is about: RFC 7662 §2.1, RFC 7009 §2.1.

use tokenmint_http::Failure;
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tokenmint_oauth::form::Form;
use tokenmint_oauth::introspection::OwnToken;
use tokenmint_oauth::jose::PublicKeys;

use crate::Token;

/// The parameter `token`. A hint about its type has no effect: there is one type.
pub(crate) fn parameter<'f>(form: &'f Form<'_>) -> Result<&'f str, Failure> {
    let missing = || Failure::refused(OAuthError::new(ErrorCode::InvalidRequest, "token is missing"));
    form.value("token").ok_or_else(missing)
}

/// The token, if it is a valid one of ours: by its form, its signature, made with a key that is published now, and
/// its lifetime.
pub(crate) async fn verify(state: &Token, token: &str) -> Result<Option<OwnToken>, Failure> {
    let now = state.clock.now();
    let keys: PublicKeys = state.signer.public_keys(now).await?;
    Ok(OwnToken::verify(token, &keys, &state.config.issuer, now).ok())
}
