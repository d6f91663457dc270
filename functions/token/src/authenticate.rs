//! Client authentication: RFC 6749 §2.3.

use std::sync::Arc;

use tokenmint_aws::clients::Consistency;
use tokenmint_fetch::FetchError;
use tokenmint_function::{Failure, RequestLog, random_id};
use tokenmint_oauth::EpochSeconds;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::client_auth::{
    AssertionGrantError, AuthenticatedClient, Claim, Credentials, FirstUse, KeySource, NeedsKeys, Progress, Proof,
    ProofContext, ProveError, SubjectAssertion,
};
use tokenmint_oauth::client_document::DocumentUrl;
use tokenmint_oauth::token_request::PresentedGrant;

use crate::Token;

/// What credentials are for: it decides what the client is told if they prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Client authentication.
    Authentication,
    /// The grant: they are an assertion (RFC 7523 §2.1).
    Grant,
}

impl Purpose {
    /// What the credentials in a token request are for.
    pub(crate) const fn of(grant: PresentedGrant<'_>) -> Self {
        match grant {
            PresentedGrant::ClientCredentials => Self::Authentication,
            PresentedGrant::JwtBearer(_) => Self::Grant,
        }
    }

    pub(crate) fn refuse(self, error: ProveError) -> Failure {
        match self {
            Self::Authentication => Failure::refused(error),
            Self::Grant => Failure::refused(AssertionGrantError::from(error)),
        }
    }
}

/// The credentials of the client that a request claims to be of. A request without `client_id` whose assertion is by a
/// trusted issuer takes one more read, of the clients that trust its subject. What is found only says which client to look
/// at: whether it trusts the subject, its own registration decides (F3).
pub(crate) async fn identify(
    state: &Token,
    claim: Claim,
    purpose: Purpose,
    log: &RequestLog,
) -> Result<Credentials, Failure> {
    let credentials = match claim {
        Claim::Client(credentials) => credentials,
        Claim::Subject(assertion) => {
            let ids = state.clients.trusting(&assertion.key()).await?;
            let id = the_one(state, &assertion, ids, purpose).await?;
            Credentials::federated(id, assertion)
        }
    };
    let id = credentials.client_id();
    match state.documents.url(id) {
        Some(_) => log.client_document(id),
        None => log.client_id(id),
    }
    Ok(credentials)
}

/// The most clients that are looked at to find the one that a subject is.
const MAX_CANDIDATES: usize = 8;

/// The one client among those that are listed for a subject. Of several, only those count that exist and trust the subject
/// still: a client that expired stays in the list.
async fn the_one(
    state: &Token,
    assertion: &SubjectAssertion,
    ids: Vec<ClientId>,
    purpose: Purpose,
) -> Result<ClientId, Failure> {
    if ids.len() > MAX_CANDIDATES {
        return Err(purpose.refuse(ProveError::AmbiguousSubject));
    }
    let is_only = ids.len() == 1;
    let mut found = Vec::new();
    for id in ids {
        let counts = is_only || {
            let client = state.clients.find(&id, Consistency::Strong).await?;
            client.is_some_and(|client| client.is_live_at(state.clock.now()) && assertion.is_of(&client))
        };
        found.extend(counts.then_some(id));
    }
    match (found.pop(), found.is_empty()) {
        (Some(id), true) => Ok(id),
        (Some(_), false) => Err(purpose.refuse(ProveError::AmbiguousSubject)),
        (None, _) => Err(purpose.refuse(ProveError::UnknownSubject)),
    }
}

/// Why credentials prove no client.
pub(crate) enum Unproven {
    /// They are invalid.
    Refused(ProveError),
    /// Whether they are valid cannot be told: the keys of a trusted issuer cannot be fetched, and none are kept, or the
    /// client's document was not fetched.
    Unknown(String),
}

impl From<ProveError> for Unproven {
    fn from(error: ProveError) -> Self {
        Self::Refused(error)
    }
}

impl Unproven {
    /// The response to credentials that were for this.
    pub(crate) fn failure(self, purpose: Purpose) -> Failure {
        match self {
            Self::Refused(error) => purpose.refuse(error),
            Self::Unknown(cause) => Failure::unavailable(cause),
        }
    }
}

/// Authenticates the caller of introspection or revocation, or a client beside a JWT bearer grant, with one read, and one
/// write for an assertion after all other checks. If authentication fails, it repeats with a consistent read, because the
/// client may have registered a moment ago (O2). It reads the table each time, so that a disabled client is refused at
/// once, or nearly so. A client with a metadata document is not in the table: its document is what counts.
pub(crate) async fn authenticate(state: &Token, credentials: &Credentials) -> Result<AuthenticatedClient, Failure> {
    let (id, purpose) = (credentials.client_id(), Purpose::Authentication);
    let proof = if let Some(url) = state.documents.url(id) {
        let found = of_document(state, &url, credentials).await.map_err(|error| error.failure(purpose))?;
        match prove(state, credentials, Some(found.clone())).await {
            Err(Unproven::Refused(error)) => match state.documents.newer(&url, &found, state.clock.now()).await {
                Some(newer) => prove(state, credentials, Some(newer)).await,
                None => Err(error.into()),
            },
            proof => proof,
        }
    } else {
        let read = |consistency| state.clients.find(id, consistency);
        let found = read(Consistency::Eventual).await?.map(Arc::new);
        match prove(state, credentials, found).await {
            Err(Unproven::Refused(_)) => {
                prove(state, credentials, read(Consistency::Strong).await?.map(Arc::new)).await
            }
            proof => proof,
        }
    };
    UseOfAssertion::default().complete(state, proof.map_err(|error| error.failure(purpose))?, purpose).await
}

/// The client that its document describes, if these credentials could be its own: nothing is fetched for others (C4).
pub(crate) async fn of_document(
    state: &Token,
    url: &DocumentUrl<'_>,
    credentials: &Credentials,
) -> Result<Arc<Client>, Unproven> {
    let at = context(state);
    credentials.check_before_document(&at)?;
    state.documents.client(url, at.now).await.map_err(|error| match error {
        FetchError::Busy | FetchError::Ended => Unproven::Unknown(format!("the client's metadata document {error}")),
        error => ProveError::Document(format!("the URL {error}")).into(),
    })
}

/// Verifies the credentials against the client that was found. Keys are fetched only after all other checks have passed.
pub(crate) async fn prove(
    state: &Token,
    credentials: &Credentials,
    found: Option<Arc<Client>>,
) -> Result<Proof, Unproven> {
    let at = context(state);
    let client = found.filter(|client| client.is_live_at(at.now));
    match credentials.prove(client, &at)? {
        Progress::Proven(proof) => Ok(proof),
        Progress::NeedsKeys(credentials) => prove_with_fetched(state, &credentials, at.now).await,
    }
}

/// What credentials are verified against now, beside the client.
fn context(state: &Token) -> ProofContext<'_> {
    ProofContext {
        now: state.clock.now(),
        audiences: &state.assertion_audiences,
        assertion_max_lifetime: state.config.assertion_max_lifetime,
        certificate_method: state.config.mutual_tls.method(),
        profile: state.config.security_profile,
    }
}

/// Verifies the credentials with the keys at the URL of the client, or of the issuer of its assertion.
async fn prove_with_fetched(state: &Token, credentials: &NeedsKeys<'_>, now: EpochSeconds) -> Result<Proof, Unproven> {
    let cache = match credentials.source() {
        KeySource::Client => &state.client_keys,
        KeySource::Issuer => &state.issuer_keys,
        KeySource::Bundle => &state.spiffe_bundles,
    };
    let url = credentials.url();
    let keys = cache.keys(url, now).await.map_err(|error| match credentials.source() {
        // A client's own keys are its own affair. An issuer's are not: its clients have done nothing wrong.
        KeySource::Client => ProveError::Keys(format!("jwks_uri {error}")).into(),
        KeySource::Issuer => Unproven::Unknown(format!("the trusted issuer's keys: jwks_uri {error}")),
        KeySource::Bundle => Unproven::Unknown(format!("the trust domain's keys: spiffe_bundle {error}")),
    })?;
    let outcome = credentials.prove(&keys);
    if !outcome.as_ref().is_err_and(ProveError::is_about_the_key) {
        return Ok(outcome?);
    }
    // There may be a new key since the keys were fetched.
    Ok(match cache.newer(url, &keys, now).await {
        Some(keys) => credentials.prove(&keys),
        None => outcome,
    }?)
}

/// The use of the assertion that a request carries. It is recorded once, also if the client is authenticated again
/// with newer data.
#[derive(Debug, Default)]
pub(crate) struct UseOfAssertion {
    is_first: Option<bool>,
}

impl UseOfAssertion {
    /// Records the use of an assertion with one conditional `PutItem`. Of two concurrent uses, exactly one succeeds.
    pub(crate) async fn complete(
        &mut self,
        state: &Token,
        proof: Proof,
        purpose: Purpose,
    ) -> Result<AuthenticatedClient, Failure> {
        let assertion = match proof {
            Proof::Complete(client) => return Ok(client),
            Proof::FirstUse(assertion) => assertion,
        };
        let is_first = match self.is_first {
            Some(is_first) => is_first,
            None => record(state, &assertion).await?,
        };
        self.is_first = Some(is_first);
        assertion.complete(is_first).map_err(|error| purpose.refuse(error))
    }
}

async fn record(state: &Token, assertion: &FirstUse) -> Result<bool, Failure> {
    let (id, expires_at) = (assertion.id().to_owned(), assertion.expires_at());
    Ok(state.tokens.use_once(id, &random_id(), expires_at, assertion.checked_at()).await?)
}
