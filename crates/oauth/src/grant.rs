//! What each grant decides: RFC 6749 §4.4, RFC 7523 §2.1.

use crate::client_auth::AuthenticatedClient;
use crate::error::{ErrorCode, OAuthError};
use crate::grant_type::GrantType;
use crate::resource::{Audience, ResourceError, Resources, ScopeOf, shorter};
use crate::scope::Scope;

/// Which clients may use a grant (R5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GrantPolicy {
    /// Every confidential client, whatever it listed: which grants the *server* runs decides.
    #[default]
    Server,
    /// Only a client that registered the grant.
    Registered,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The scope; `None` if it left that to the server.
    pub scope: Option<&'a Scope>,
    /// The resources (RFC 8707 §2); empty if it left that to the server.
    pub resources: &'a [&'a str],
}

/// What a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The scope; empty if the client registered none.
    pub scope: Scope,
    /// The resources that the token is for.
    pub audience: Audience,
    /// How long the token is valid at most, in seconds: the shortest lifetime of the deployment, the resources and the
    /// client (P2).
    pub ttl: u32,
}

/// What a deployment grants, before a client's own policy.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'t> {
    /// Which clients may use a grant.
    pub policy: GrantPolicy,
    /// The resources that may be asked for.
    pub resources: &'t Resources,
    /// The resource of a request that names none.
    pub default_audience: &'t str,
    /// The lifetime of a token, in seconds.
    pub access_token_ttl: u32,
}

/// Why a client gets nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The client did not register the grant, and the policy asks for that.
    #[error("the client did not register this grant type")]
    Unauthorized,
    /// More scope than the client registered, or than the resources allow.
    #[error("the scope exceeds what the client registered or what the resource allows; ask for less")]
    Scope,
    /// A resource that this server does not know.
    #[error("the resource is unknown")]
    Target,
    /// A resource that this client may not ask for (P3), or none where it must ask for one.
    #[error("the client must request a resource that its token_policy allows")]
    ClientTarget,
}

impl From<ResourceError> for GrantError {
    fn from(error: ResourceError) -> Self {
        match error {
            ResourceError::Unknown => Self::Target,
            ResourceError::Scope => Self::Scope,
        }
    }
}

impl From<GrantError> for OAuthError {
    fn from(error: GrantError) -> Self {
        let code = match error {
            GrantError::Unauthorized => ErrorCode::UnauthorizedClient,
            GrantError::Scope => ErrorCode::InvalidScope,
            GrantError::Target | GrantError::ClientTarget => ErrorCode::InvalidTarget,
        };
        Self::new(code, error.to_string())
    }
}

/// Decides what a client gets that has proven who it is: by its credentials (RFC 6749 §4.4.2), or by the assertion that is
/// the grant (RFC 7523 §2.1). Both get the same. The client's policy only takes away.
///
/// # Errors
/// [`GrantError`] if it may not use the grant, or asks for more than it registered (§3.3), or for a
/// resource that is not known (RFC 8707 §2).
pub fn decide(
    grant_type: GrantType,
    client: &AuthenticatedClient,
    asked: Asked<'_>,
    terms: &Terms<'_>,
) -> Result<Granted, GrantError> {
    let registered = &client.client().metadata;
    if terms.policy == GrantPolicy::Registered && !registered.registered(grant_type) {
        return Err(GrantError::Unauthorized);
    }
    let scope = match asked.scope {
        Some(scope) if scope.is_subset_of(&registered.scope) => ScopeOf::Request(scope),
        Some(_) => return Err(GrantError::Scope),
        None => ScopeOf::Client(&registered.scope),
    };
    let choose = |resources: &[&str]| terms.resources.choose(resources, terms.default_audience, scope);
    let (chosen, own_ttl) = match registered.token_policy() {
        None => (choose(asked.resources)?, None),
        Some(own) => {
            let default = own.default_resource.as_deref().unwrap_or(terms.default_audience);
            let resources = if asked.resources.is_empty() { &[default] } else { asked.resources };
            if !resources.iter().all(|resource| own.allows(resource)) {
                return Err(GrantError::ClientTarget);
            }
            let chosen = choose(resources).map_err(|error| match error {
                // The client's own default, which the deployment does not have.
                ResourceError::Unknown if asked.resources.is_empty() => GrantError::ClientTarget,
                error => error.into(),
            });
            (chosen?, own.access_token_ttl)
        }
    };
    let ttl = shorter(chosen.ttl, own_ttl).map_or(terms.access_token_ttl, |ttl| ttl.min(terms.access_token_ttl));
    Ok(Granted { scope: chosen.scope, audience: chosen.audience, ttl })
}

#[cfg(test)]
mod tests;
