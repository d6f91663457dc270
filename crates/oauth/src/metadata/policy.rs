//! What a deployment allows clients to register.

use serde_json::Value;

use super::names;
use super::requested::RequestedMetadata;
use crate::federation::FederatedCredentials;
use crate::method::Method;
use crate::scope::Scope;
use crate::security_profile::SecurityProfile;
use crate::token_policy::TokenPolicy;

/// What the operator decided about registrations.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The scope this server offers.
    pub offered: Scope,
    /// The scope of a client that does not ask for one.
    pub default: Scope,
    /// Whether http on loopback is accepted where https is required.
    pub local: bool,
    /// The methods of authentication that clients may register. One with certificates is among them where
    /// clients can show certificates (RFC 8705).
    pub methods: Vec<Method>,
    /// What it requires of clients beyond the RFCs.
    pub profile: SecurityProfile,
    /// Who may set `federated_credentials` (F4).
    pub federation: Federation,
    /// Who may set `token_policy` (P6).
    pub token_policy: TokenPolicies,
}

/// Whose `token_policy` a client gets (P6): whoever sets it decides what the client's tokens say and where they are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPolicies {
    /// That of the request: an operator makes it.
    Allowed,
    /// This one, or none: that of the initial access token, or what the client has. A request repeats it or leaves it out.
    Fixed(Option<Box<TokenPolicy>>),
}

impl Default for TokenPolicies {
    fn default() -> Self {
        Self::Fixed(None)
    }
}

/// Whether a client's federated credentials may be set (F4): whoever sets them decides which workloads are the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Federation {
    /// They may not.
    #[default]
    Refused,
    /// They may: by an operator, or with an initial access token that allows it.
    Allowed,
    /// They stay as they are, whether the request repeats them or leaves them out.
    Kept(FederatedCredentials),
}

impl Policy {
    /// The policy for what an operator says: every scope that is named, none by default, every method of authentication,
    /// and federated credentials. Which method with certificates the server offers is a setting of its functions, and so is
    /// its security profile.
    pub fn of_operator(requested: &RequestedMetadata, local: bool) -> Self {
        // A scope that is malformed is refused later.
        let named = requested.sent(names::SCOPE).and_then(Value::as_str).map(Scope::parse);
        let offered = named.and_then(Result::ok).unwrap_or_default();
        let (methods, federation) = (Method::ALL.to_vec(), Federation::Allowed);
        let (default, token_policy) = (Scope::default(), TokenPolicies::Allowed);
        Self { offered, default, local, methods, profile: SecurityProfile::None, federation, token_policy }
    }

    /// The policy for a client that may register these scopes at most.
    #[must_use]
    pub fn within(&self, ceiling: &Scope) -> Self {
        Self { offered: ceiling.clone(), default: self.default.reduced_to(ceiling), ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::policy;

    /// R10, R16: a ceiling limits what is offered and what a client gets that names no scope.
    #[test]
    fn r10_r16_within_a_ceiling() {
        let scope = |text: &str| if text.is_empty() { Scope::default() } else { Scope::parse(text).expect("a scope") };
        for (ceiling, default) in [("read write", "read"), ("read other", "read"), ("write", ""), ("", "")] {
            let within = policy().within(&scope(ceiling));
            assert_eq!((within.offered, within.default), (scope(ceiling), scope(default)), "{ceiling}");
        }
    }
}
