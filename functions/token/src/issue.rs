//! `POST /token`: RFC 6749 §3.2 and §4.4.
//!
//! The flow is [`issue`]: parse → authenticate → decide → sign → answer. One `GetItem`, one signature; a
//! client's first token and a proof of possession each add one write.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use tokenmint_aws::clients::WriteError;
use tokenmint_aws::signer::SignError;
use tokenmint_http::{Failure, Record, json, random};
use tokenmint_oauth::access_token::{Claims, Confirmation, TokenResponse};
use tokenmint_oauth::certificate;
use tokenmint_oauth::client_auth::{AuthenticatedClient, ProveError};
use tokenmint_oauth::grant::{self, Grant, Granted};
use tokenmint_oauth::token_request::TokenRequest;

use crate::Token;
use crate::authenticate::authenticate;
use crate::incoming::Incoming;
use crate::proof;

/// The token endpoint.
pub(crate) async fn endpoint(State(state): State<Arc<Token>>, request: Request) -> Response<Body> {
    let mut record = Record::default();
    let outcome = issue(&state, request, &mut record).await;
    record.answer(outcome)
}

/// Issues an access token.
async fn issue(state: &Token, request: Request, record: &mut Record) -> Result<Response<Body>, Failure> {
    let incoming = Incoming::read(request).await?;
    let form = incoming.form()?;
    let request = TokenRequest::parse(&form).map_err(Failure::refused)?;
    let client = authenticate(state, &incoming.credentials(&form, &state.config)?, record).await?;
    let proof = proof::check(state, &incoming, &client, record).await?;
    let certificate = certificate(state, &incoming, &client)?;
    let granted = match request.grant {
        Grant::ClientCredentials => {
            let config = &state.config;
            grant::client_credentials(
                &client,
                request.asked(),
                config.grant_policy,
                &config.resources,
                &config.audience,
            )
        }
    }
    .map_err(Failure::refused)?;
    let jti = identifier();
    if let Some(proof) = &proof {
        proof::use_up(state, proof, &jti, record).await?;
    }
    let bound_to =
        Confirmation { jkt: proof.as_ref().map(|proof| proof.jkt.as_str()), x5t_s256: certificate.as_deref() };
    let token = sign(state, &client, &granted, &jti, bound_to, record).await?;
    keep(state, &client, record).await?;

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
        && let Some(nonce) = proof::next_nonce(state, record).await?
    {
        response.headers_mut().insert(proof::DPOP_NONCE, nonce);
    }
    Ok(response)
}

/// The thumbprint of the client's certificate, if the client wants its tokens bound to it (J6, RFC 8705 §3).
fn certificate(state: &Token, incoming: &Incoming, client: &AuthenticatedClient) -> Result<Option<String>, Failure> {
    if !client.client().metadata.certificate_bound() {
        return Ok(None);
    }
    let presented = incoming.certificate(&state.config);
    certificate::bind(presented, state.clock.now()).map(Some).map_err(Failure::refused)
}

/// An identifier for a token, a UUID.
fn identifier() -> String {
    let mut bytes = [0; 16];
    random(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

/// Lets a client stay that would go unused: its first token takes its end away, and no later one writes
/// anything (R20).
async fn keep(state: &Token, client: &AuthenticatedClient, record: &mut Record) -> Result<(), Failure> {
    if client.client().expires_at.is_none() {
        return Ok(());
    }
    record.dynamodb(state.clients.clear_expiry(&client.client().client_id)).await.map_err(|error| match error {
        WriteError::Condition => Failure::refused(ProveError::UnknownClient),
        WriteError::Unavailable(error) => Failure::unavailable(error),
        WriteError::Item(_) => Failure::broken(error),
    })
}

/// Makes and signs the token (RFC 9068).
async fn sign(
    state: &Token,
    client: &AuthenticatedClient,
    granted: &Granted,
    jti: &str,
    bound_to: Confirmation<'_>,
    record: &mut Record,
) -> Result<String, Failure> {
    let (issuer, ttl) = (&state.config.issuer, state.config.access_token_ttl);
    let now = state.clock.now();
    let claims = Claims::new(issuer, &client.client().client_id, granted, jti, now, ttl);
    let claims = Claims { cnf: bound_to, ..claims };
    record.kms(state.signer.sign(&claims, now)).await.map_err(|error| match error {
        SignError::Load(_) | SignError::Unavailable(_) => Failure::unavailable(error),
        SignError::Malformed => Failure::broken(error),
    })
}
