//! `POST /token`: RFC 6749 §3.2 and §4.4, RFC 7523 §2.1.
//!
//! The flow is [`issue`]: parse → authenticate and decide → sign → answer. It makes one `GetItem`, unless the client is
//! known, and one signature. A client's first token, an assertion, a proof of possession and a limit of tokens per hour each
//! add one write.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokenmint_aws::clients::WriteError;
use tokenmint_function::{Failure, OrRefuse, RequestLog, json, random_id};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::access_token::{Claims, Confirmation, TokenResponse};
use tokenmint_oauth::client_auth::{AssertionGrantError, AuthenticatedClient, ProveError};
use tokenmint_oauth::token_request::{PresentedGrant, TokenRequest};

use crate::Token;
use crate::authenticate::Purpose;
use crate::decide::{Asked, Grant, decide};
use crate::incoming::Incoming;
use crate::{authenticate, jwt_bearer, proof};

/// Issues an access token.
pub(crate) async fn issue(
    State(state): State<Arc<Token>>,
    Extension(log): Extension<RequestLog>,
    request: Request,
) -> Result<Response<Body>, Failure> {
    let incoming = Incoming::read(request).await?;
    let form = incoming.form()?;
    let request = TokenRequest::parse(&form, state.config.jwt_bearer_grant).or_refuse()?;
    let credentials = match request.grant {
        PresentedGrant::ClientCredentials => {
            let claim = incoming.claim(&form, &state.config)?;
            authenticate::identify(&state, claim, Purpose::Authentication, &log).await?
        }
        PresentedGrant::JwtBearer(assertion) => {
            jwt_bearer::credentials(&state, &incoming, &form, assertion, &log).await?
        }
    };
    let asked = Asked { incoming: &incoming, credentials: &credentials, request: &request };
    let Grant { client, granted, proof, certificate } = decide(&state, asked).await?;
    let jti = random_id();
    if let Some(proof) = &proof {
        proof::consume(&state, proof, &jti).await?;
    }
    let bound_to =
        Confirmation { jkt: proof.as_ref().map(|proof| proof.jkt.as_str()), x5t_s256: certificate.as_deref() };
    let now = state.clock.now();
    let ttl = lifetime(granted.ttl, request.grant, &client, now).or_refuse()?;
    let more = client.client().metadata.token_policy().map(|policy| &policy.claims);
    let claims = Claims::new(&state.config.issuer, &client.client().client_id, &granted, &jti, now, ttl);
    let token = state.signer.sign(&Claims { cnf: bound_to, more, ..claims }, now).await?;
    clear_expiry(&state, &client).await?;

    let mut response = json(
        StatusCode::OK,
        &TokenResponse {
            access_token: &token,
            token_type: if proof.is_some() { "DPoP" } else { "Bearer" },
            expires_in: ttl,
            scope: granted.scope.as_str(),
        },
    );
    if proof.is_some()
        && let Some(nonce) = proof::next_nonce(&state).await?
    {
        response.headers_mut().insert(proof::DPOP_NONCE, nonce);
    }
    Ok(response)
}

/// Clears the expiry of a client when it receives its first token; later tokens write nothing (R20).
async fn clear_expiry(state: &Token, client: &AuthenticatedClient) -> Result<(), Failure> {
    if client.client().expires_at.is_none() {
        return Ok(());
    }
    state.clients.clear_expiry(&client.client().client_id).await.map_err(|error| match error {
        WriteError::Condition => Failure::refused(ProveError::UnknownClient),
        error => error.into(),
    })
}

/// How long the token is valid: of what an assertion alone gets, no longer than the assertion itself is accepted (F5).
fn lifetime(
    ttl: u32,
    grant: PresentedGrant<'_>,
    client: &AuthenticatedClient,
    now: EpochSeconds,
) -> Result<u32, AssertionGrantError> {
    let PresentedGrant::JwtBearer(_) = grant else { return Ok(ttl) };
    // Only an assertion proves the client of this grant, and it had not expired when it was verified.
    let left = client.assertion_expires_at().map_or(0, |end| end.saturating_sub(now));
    match u32::try_from(left).unwrap_or(u32::MAX).min(ttl) {
        0 => Err(AssertionGrantError::Expired),
        ttl => Ok(ttl),
    }
}
