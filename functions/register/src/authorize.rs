//! Who may register, and who may change a registration: RFC 7591 §3, RFC 7592 §2, RFC 6750.

use axum::http::HeaderMap;
use tokenmint_aws::clients::Consistency;
use tokenmint_aws::config::Registration;
use tokenmint_http::{Failure, OrRefuse, RequestLog, request};
use tokenmint_oauth::bearer::{BearerError, BearerToken};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::metadata::Policy;
use tokenmint_oauth::scope::Scope;

use crate::Register;

/// What allows a registration.
pub(crate) enum Permission {
    /// Anyone may register.
    Open,
    /// An initial access token that was good when it was read.
    Token(InitialAccessToken),
}

impl Permission {
    /// The policy for what is registered: with a token, its scopes decide what is offered (R16).
    pub(crate) fn policy(&self, open: &Policy) -> Policy {
        match self {
            Self::Open => open.clone(),
            Self::Token(token) => open.within(&token.scope),
        }
    }

    /// The most scope that the client may ever register; `None` where anyone may register.
    pub(crate) fn scope_ceiling(&self) -> Option<Scope> {
        match self {
            Self::Open => None,
            Self::Token(token) => Some(token.scope.clone()),
        }
    }
}

/// Finds out whether a request may register a client (R15).
pub(crate) async fn registration(state: &Register, headers: &HeaderMap) -> Result<Permission, Failure> {
    if state.config.registration != Registration::Protected {
        return Ok(Permission::Open);
    }
    let authorization = request::authorization(headers);
    let presented = BearerToken::present(&authorization).or_refuse()?;
    let found = state.registrations.find_token(presented.hash()).await?;
    let token = found.ok_or(BearerError::Invalid("unknown initial access token")).or_refuse()?;
    token.check(state.clock.now()).or_refuse()?;
    Ok(Permission::Token(token))
}

/// The client whose registration access token the request presents (RFC 7592 §2; M3). The read sees every
/// write: what follows may build on it.
pub(crate) async fn configuration<'r>(
    state: &Register,
    id: &str,
    authorization: &[&'r [u8]],
    log: &RequestLog,
) -> Result<(Client, BearerToken<'r>), Failure> {
    let presented = BearerToken::present(authorization).or_refuse()?;
    let invalid = |why| Failure::refused(BearerError::Invalid(why));
    let id = ClientId::parse(id).map_err(|_| invalid("malformed client identifier"))?;
    log.client_id(&id);
    let now = state.clock.now();
    let found = state.clients.find(&id, Consistency::Strong).await?;
    let client = found.filter(|client| client.is_live_at(now)).ok_or_else(|| invalid("unknown client"))?;
    if client.registration_access_token.as_ref() != Some(presented.hash()) {
        return Err(invalid("wrong registration access token"));
    }
    if client.disabled {
        return Err(invalid("disabled client"));
    }
    Ok((client, presented))
}
