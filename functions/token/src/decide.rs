//! What a client gets, decided by what is known of it.
//!
//! The token function keeps clients for a while ([`KnownClients`]). A refusal that depends on the client is therefore
//! not final until newer data has confirmed it. The same holds for cached documents of clients (`document.rs`).
//!
//! [`KnownClients`]: tokenmint_aws::clients::known::KnownClients

use std::ops::ControlFlow;
use std::sync::Arc;

use tokenmint_aws::clients::known::Refused;
use tokenmint_aws::tokens::Uncounted;
use tokenmint_function::{Failure, OrRefuse};
use tokenmint_oauth::certificate;
use tokenmint_oauth::client::Client;
use tokenmint_oauth::client_auth::{AuthenticatedClient, Credentials};
use tokenmint_oauth::dpop::{self, ProofError};
use tokenmint_oauth::grant::{self, GrantError, Granted, Terms};
use tokenmint_oauth::token_request::TokenRequest;

use crate::authenticate::{Purpose, Unproven, UseOfAssertion};
use crate::incoming::Incoming;
use crate::{Token, authenticate, proof};

/// A request for a token, as far as it is parsed.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'r> {
    pub(crate) incoming: &'r Incoming,
    pub(crate) credentials: &'r Credentials,
    pub(crate) request: &'r TokenRequest<'r>,
}

/// What an authenticated client gets.
pub(crate) struct Grant {
    pub(crate) client: AuthenticatedClient,
    pub(crate) granted: Granted,
    /// The proof to which the token is bound.
    pub(crate) proof: Option<dpop::Proof>,
    /// The thumbprint of the certificate to which the token is bound.
    pub(crate) certificate: Option<String>,
}

/// Why an authenticated client gets nothing.
struct Refusal {
    failure: Failure,
    /// Whether it depends on what the client has registered.
    depends_on_client: bool,
}

impl Refusal {
    fn by_client(failure: Failure) -> Self {
        Self { failure, depends_on_client: true }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { failure, depends_on_client: false }
    }
}

/// Finds the client, authenticates it and decides. What is refused because of the client is decided again with newer
/// data, as long as there is any.
pub(crate) async fn decide(state: &Token, asked: Asked<'_>) -> Result<Grant, Failure> {
    let id = asked.credentials.client_id();
    let mut decision = Decision { state, asked, use_of_assertion: UseOfAssertion::default() };
    if let Some(url) = state.documents.url(id) {
        let found = authenticate::of_document(state, &url, asked.credentials).await;
        let found = found.map_err(|error| error.failure(Purpose::of(asked.request.grant)))?;
        let (failure, _) = match decision.about(Some(found.clone())).await {
            ControlFlow::Break(decided) => return decided,
            ControlFlow::Continue(refused) => refused,
        };
        let newer = state.documents.newer(&url, &found, state.clock.now()).await.ok_or(failure)?;
        return match decision.about(Some(newer)).await {
            ControlFlow::Break(decided) => decided,
            ControlFlow::Continue((failure, _)) => Err(failure),
        };
    }
    let mut found = state.known.find(id, state.clock.now()).await?;
    loop {
        let (failure, refused) = match decision.about(found.client.clone()).await {
            ControlFlow::Break(decided) => return decided,
            ControlFlow::Continue(refused) => refused,
        };
        found = state.known.newer(id, &found, refused, state.clock.now()).await?.ok_or(failure)?;
    }
}

/// The decision about one request, which may be made more than once, with ever newer data of its client.
struct Decision<'r> {
    state: &'r Token,
    asked: Asked<'r>,
    use_of_assertion: UseOfAssertion,
}

impl Decision<'_> {
    /// Decides with what was found of the client. It breaks if newer data cannot change the outcome.
    async fn about(&mut self, client: Option<Arc<Client>>) -> ControlFlow<Result<Grant, Failure>, (Failure, Refused)> {
        let Self { state, asked, ref mut use_of_assertion } = *self;
        let purpose = Purpose::of(asked.request.grant);
        let proof = match authenticate::prove(state, asked.credentials, client).await {
            Ok(proof) => proof,
            Err(error @ Unproven::Refused(_)) => {
                return ControlFlow::Continue((error.failure(purpose), Refused::Credentials));
            }
            Err(error @ Unproven::Unknown(_)) => return ControlFlow::Break(Err(error.failure(purpose))),
        };
        let client = match use_of_assertion.complete(state, proof, purpose).await {
            Ok(client) => client,
            Err(failure) => return ControlFlow::Break(Err(failure)),
        };
        match grant(state, asked, client).await {
            Ok(grant) => ControlFlow::Break(Ok(grant)),
            Err(Refusal { failure, depends_on_client: true }) => ControlFlow::Continue((failure, Refused::Request)),
            Err(Refusal { failure, .. }) => ControlFlow::Break(Err(failure)),
        }
    }
}

/// Checks proof, certificate and grant.
async fn grant(state: &Token, asked: Asked<'_>, client: AuthenticatedClient) -> Result<Grant, Refusal> {
    let proof = proof::check(state, asked.incoming).await?;
    if proof.is_none() && client.client().metadata.dpop_bound_access_tokens() {
        return Err(Refusal::by_client(Failure::refused(ProofError::NeedsProof)));
    }
    let certificate = certificate(state, asked.incoming, &client, proof.is_some()).map_err(Refusal::by_client)?;
    if proof.is_none() && certificate.is_none() && state.config.security_profile.requires_bound_tokens() {
        return Err(Failure::refused(ProofError::NeedsBinding).into());
    }
    let (config, request) = (&state.config, asked.request);
    let terms = Terms {
        policy: config.grant_policy,
        resources: &config.resources,
        default_audience: &config.audience,
        access_token_ttl: config.access_token_ttl,
    };
    let granted = grant::decide(request.grant.grant_type(), &client, request.asked(), &terms);
    let granted = granted.map_err(|error| Refusal {
        depends_on_client: error != GrantError::Target,
        failure: Failure::refused(error),
    })?;
    count(state, &client).await?;
    Ok(Grant { client, granted, proof, certificate })
}

/// Counts the token of a client that may get so many an hour (P5), after all that could refuse it but the second use of a
/// proof. No other client causes a call.
async fn count(state: &Token, client: &AuthenticatedClient) -> Result<(), Refusal> {
    let client = client.client();
    let Some(limit) = client.metadata.token_policy().and_then(|policy| policy.tokens_per_hour) else { return Ok(()) };
    state.tokens.count(&client.client_id, limit, state.clock.now()).await.map_err(|error| match error {
        Uncounted::Exceeded { retry_after } => Refusal::by_client(Failure::throttled(error, retry_after)),
        Uncounted::Unavailable(error) => Failure::from(error).into(),
    })
}

/// The thumbprint of the client's certificate, if the client registered for certificate-bound tokens (J6, RFC 8705
/// §3). Where every token is bound, a certificate also binds the token of any other client that sends no proof (S4).
fn certificate(
    state: &Token,
    incoming: &Incoming,
    client: &AuthenticatedClient,
    has_proof: bool,
) -> Result<Option<String>, Failure> {
    let (config, profile) = (&state.config, state.config.security_profile);
    let presented = incoming.certificate(config);
    let is_needed = profile.requires_bound_tokens() && !has_proof;
    let is_registered = client.client().metadata.tls_client_certificate_bound_access_tokens();
    let binds = is_registered || (is_needed && presented.is_some());
    if !binds {
        return Ok(None);
    }
    certificate::bind(presented, state.clock.now(), profile).map(Some).or_refuse()
}
