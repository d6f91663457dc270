//! The decision about a request: which scope its route needs, and whether its token has it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use tokenmint_oauth::scope::Scope;
use tokenmint_verify::{AccessToken, Refusal, Request, ResourceServer};

/// Decides about requests. One per process: it caches keys, and remembers proofs.
#[derive(Debug)]
pub struct Gate {
    server: ResourceServer,
    routes: BTreeMap<String, Scope>,
    origins: Vec<String>,
}

/// What a request says of itself, from API Gateway's event or from the HTTP server.
pub struct Caller<'a> {
    /// The method and the path of the route, with its parameters in braces: `GET /items/{id}`.
    pub route: String,
    /// The method.
    pub method: &'a str,
    /// The origin that the request was sent to, if API Gateway says it.
    pub origin: Option<String>,
    /// The path that the client sent, percent-encoded.
    pub path: Cow<'a, str>,
    /// The values of all `Authorization` headers.
    pub authorization: Vec<&'a [u8]>,
    /// The values of all `DPoP` headers.
    pub dpop: Vec<&'a [u8]>,
    /// The client's certificate, in PEM.
    pub certificate: Option<&'a str>,
}

/// Why a request is denied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The table has no such route: what is not listed is not allowed.
    #[error("the route is not in ROUTES")]
    Route,
    /// The token does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Gate {
    /// A gate for these routes. The URLs of requests begin with one of `origins`; if there are none, with the origin that
    /// API Gateway says.
    pub const fn new(server: ResourceServer, routes: BTreeMap<String, Scope>, origins: Vec<String>) -> Self {
        Self { server, routes, origins }
    }

    /// Decides about a request, and logs the decision.
    ///
    /// # Errors
    /// [`Denied`].
    pub async fn decide(&self, caller: &Caller<'_>, now: u64) -> Result<AccessToken, Denied> {
        let decision = self.check(caller, now).await;
        match &decision {
            Ok(token) => {
                tracing::info!(
                    http.route = caller.route,
                    client.id = token.client_id,
                    token.jti = token.jti,
                    "allowed"
                );
            }
            Err(Denied::Refused(Refusal::Unavailable(cause))) => {
                tracing::error!(http.route = caller.route, %cause, "unavailable");
            }
            Err(denied) => tracing::info!(http.route = caller.route, cause = %denied, "denied"),
        }
        decision
    }

    async fn check(&self, caller: &Caller<'_>, now: u64) -> Result<AccessToken, Denied> {
        let scope = self.routes.get(&caller.route).ok_or(Denied::Route)?;
        let origins = if self.origins.is_empty() { caller.origin.as_slice() } else { &self.origins };
        let urls: Vec<_> = origins.iter().map(|origin| format!("{origin}{}", caller.path)).collect();
        let request = Request {
            method: caller.method,
            urls: &urls.iter().map(String::as_str).collect::<Vec<_>>(),
            authorization: &caller.authorization,
            dpop: &caller.dpop,
            certificate: caller.certificate,
        };
        Ok(self.server.authorize(request, scope, now).await?)
    }

    /// The values of the `WWW-Authenticate` headers for a refusal.
    pub fn challenges(&self, refusal: &Refusal) -> Vec<String> {
        self.server.challenges(refusal)
    }
}

impl fmt::Debug for Caller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("route", &self.route).finish_non_exhaustive()
    }
}
