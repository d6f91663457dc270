//! Authorization of registration and configuration requests: RFC 7591 §3, RFC 7592 §2, RFC 6750.

use axum::http::HeaderMap;
use tokenmint_aws::clients::{Author, Consistency};
use tokenmint_aws::config::Registration;
use tokenmint_aws::registrations::RegistrationsTable;
use tokenmint_function::{Failure, OrRefuse, RequestLog, request};
use tokenmint_oauth::bearer::{BearerError, BearerToken};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::metadata::{Federation, Policy, TokenPolicies};
use tokenmint_oauth::scope::Scope;

use crate::Register;

/// The authorization of a registration.
pub(crate) enum Permission {
    /// Open registration: no token is required.
    Open,
    /// An initial access token that was valid when it was read.
    Token(InitialAccessToken),
}

impl Permission {
    /// The policy for the metadata. With an initial access token, the token's scopes determine what is offered
    /// (R16), whether the client may name federated credentials (F4), and what it may get (P6).
    pub(crate) fn policy(&self, open: &Policy) -> Policy {
        match self {
            Self::Open => open.clone(),
            Self::Token(token) => {
                let allows_federation = token.allows_federation && open.profile.allows_federation();
                let federation = if allows_federation { Federation::Allowed } else { Federation::Refused };
                let token_policy = TokenPolicies::Fixed(token.token_policy.clone());
                Policy { federation, token_policy, ..open.within(&token.scope) }
            }
        }
    }

    /// The widest scope that the client may ever register; `None` for open registration.
    pub(crate) fn scope_ceiling(&self) -> Option<Scope> {
        match self {
            Self::Open => None,
            Self::Token(token) => Some(token.scope.clone()),
        }
    }

    /// Who registers, for the audit log.
    pub(crate) fn author(&self) -> Author {
        match self {
            Self::Open => Author::anyone(),
            Self::Token(token) => Author::initial_access_token(&RegistrationsTable::token_id(&token.hash)),
        }
    }
}

/// Authorizes a registration request (R15).
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

/// The client and the registration access token that a request presents (RFC 7592 §2); neither is checked yet.
pub(crate) fn presented<'r>(
    id: &str,
    authorization: &[&'r [u8]],
    log: &RequestLog,
) -> Result<(ClientId, BearerToken<'r>), Failure> {
    let presented = BearerToken::present(authorization).or_refuse()?;
    let id = ClientId::parse(id).map_err(|_| invalid("malformed client identifier"))?;
    log.client_id(&id);
    Ok((id, presented))
}

/// Authenticates the client by the registration access token in the request (RFC 7592 §2; M3). The read is
/// consistent, because later writes depend on it.
pub(crate) async fn configuration<'r>(
    state: &Register,
    id: &str,
    authorization: &[&'r [u8]],
    log: &RequestLog,
) -> Result<(Client, BearerToken<'r>), Failure> {
    let (id, presented) = presented(id, authorization, log)?;
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

fn invalid(why: &'static str) -> Failure {
    Failure::refused(BearerError::Invalid(why))
}
