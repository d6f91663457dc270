//! `POST /token`: RFC 6749 §3.2 and §4.4.
//!
//! The flow is [`issue`]: parse → authenticate and decide → sign → answer. It makes one `GetItem`, unless the client is
//! known, and one signature. A client's first token, an assertion and a proof of possession each add one write.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokenmint_aws::clients::WriteError;
use tokenmint_function::{Failure, OrRefuse, RequestLog, json, random_id};
use tokenmint_oauth::access_token::{Claims, Confirmation, TokenResponse};
use tokenmint_oauth::client_auth::{AuthenticatedClient, ProveError};
use tokenmint_oauth::grant::Granted;
use tokenmint_oauth::token_request::TokenRequest;

use crate::Token;
use crate::decide::{Asked, Grant, decide};
use crate::incoming::Incoming;
use crate::{authenticate, proof};

/// Issues an access token.
pub(crate) async fn issue(
    State(state): State<Arc<Token>>,
    Extension(log): Extension<RequestLog>,
    request: Request,
) -> Result<Response<Body>, Failure> {
    let incoming = Incoming::read(request).await?;
    let form = incoming.form()?;
    let request = TokenRequest::parse(&form).or_refuse()?;
    let credentials = authenticate::identify(&state, incoming.claim(&form, &state.config)?, &log).await?;
    let asked = Asked { incoming: &incoming, credentials: &credentials, request: &request };
    let Grant { client, granted, proof, certificate } = decide(&state, asked).await?;
    let jti = random_id();
    if let Some(proof) = &proof {
        proof::consume(&state, proof, &jti).await?;
    }
    let bound_to =
        Confirmation { jkt: proof.as_ref().map(|proof| proof.jkt.as_str()), x5t_s256: certificate.as_deref() };
    let token = sign(&state, &client, &granted, &jti, bound_to).await?;
    clear_expiry(&state, &client).await?;

    let mut response = json(
        StatusCode::OK,
        &TokenResponse {
            access_token: &token,
            token_type: if proof.is_some() { "DPoP" } else { "Bearer" },
            expires_in: state.config.access_token_ttl,
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

/// Makes and signs the token (RFC 9068).
async fn sign(
    state: &Token,
    client: &AuthenticatedClient,
    granted: &Granted,
    jti: &str,
    bound_to: Confirmation<'_>,
) -> Result<String, Failure> {
    let (issuer, ttl) = (&state.config.issuer, state.config.access_token_ttl);
    let now = state.clock.now();
    let claims = Claims::new(issuer, &client.client().client_id, granted, jti, now, ttl);
    Ok(state.signer.sign(&Claims { cnf: bound_to, ..claims }, now).await?)
}
