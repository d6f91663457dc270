//! The JWT bearer grant: RFC 7523 §2.1 and §3.1, over RFC 7521 §4.1 (F5).

use tokenmint_function::{Failure, OrRefuse, RequestLog};
use tokenmint_oauth::client_auth::{AssertionGrantError, Credentials};
use tokenmint_oauth::form::Form;

use crate::Token;
use crate::authenticate::{Purpose, authenticate, identify};
use crate::incoming::Incoming;

/// The assertion as the credentials of the client that it is for. A client that authenticates beside it is read and
/// authenticated first, and must be the same.
pub(crate) async fn credentials(
    state: &Token,
    incoming: &Incoming,
    form: &Form<'_>,
    assertion: &str,
    log: &RequestLog,
) -> Result<Credentials, Failure> {
    let authenticated = match incoming.claim_beside_grant(form, &state.config)? {
        Some(claim) => {
            let credentials = identify(state, claim, Purpose::Authentication, log).await?;
            Some(authenticate(state, &credentials).await?)
        }
        None => None,
    };
    let claim = Credentials::present_grant(assertion, form.value("client_id"), &state.config.trusted_issuers);
    let credentials = identify(state, claim.or_refuse()?, Purpose::Grant, log).await?;
    if authenticated.is_some_and(|client| client.client().client_id != *credentials.client_id()) {
        return Err(Failure::refused(AssertionGrantError::OtherClient));
    }
    Ok(credentials)
}
