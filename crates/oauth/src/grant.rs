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
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::client::{Client, ClientId, StoredSecret};
    use crate::client_auth::{Claim, Credentials, Presented, Progress, Proof, ProofContext};
    use crate::federation::TrustedIssuers;
    use crate::form::Form;
    use crate::metadata::{ClientMetadata, StoredMetadata};
    use crate::secret::SecretHash;

    /// A client with this policy that has authenticated.
    fn client(token_policy: Option<Value>, grant_types: &[&str]) -> AuthenticatedClient {
        let metadata = StoredMetadata {
            scope: Scope::parse("read write").expect("a scope"),
            grant_types: grant_types.iter().map(|name| (*name).to_owned()).collect(),
            token_policy,
            ..StoredMetadata::default()
        };
        let client = Client {
            client_id: ClientId::from_random([7; 16]),
            client_id_issued_at: 1,
            client_secrets: vec![StoredSecret { sha256: SecretHash::of("s"), expires_at: 0 }],
            registration_access_token: None,
            scope_ceiling: None,
            disabled: false,
            expires_at: None,
            metadata: ClientMetadata::from_stored(metadata).expect("metadata"),
        };
        let (query, trusted_issuers) = (Form::parse(b"").expect("empty"), TrustedIssuers::default());
        // base64 of 07070707-0707-4707-8707-070707070707:s
        let authorization: &[&[u8]] = &[b"Basic MDcwNzA3MDctMDcwNy00NzA3LTg3MDctMDcwNzA3MDcwNzA3OnM="];
        let presented = Presented {
            authorization,
            query: &query,
            form: &query,
            certificate: None,
            trusted_issuers: &trusted_issuers,
        };
        let Ok(Claim::Client(credentials)) = Credentials::present(&presented) else { panic!("presents") };
        let at = ProofContext { now: 1, audiences: &[], assertion_max_lifetime: 0, certificate_method: None };
        let Ok(Progress::Proven(Proof::Complete(client))) = credentials.prove(Some(Arc::new(client)), &at) else {
            panic!("proves")
        };
        client
    }

    const A: &str = "https://a.example/";
    const AS: &str = "https://as.example";

    fn granted(client: &AuthenticatedClient, resources: &[&str], scope: Option<&str>) -> Result<Granted, GrantError> {
        let configured = r#"{"https://a.example/":{"scope":"read","ttl":300},"https://b.example/":"read write"}"#;
        let configured = Resources::parse(configured).expect("resources");
        let policy = GrantPolicy::Server;
        let terms = Terms { policy, resources: &configured, default_audience: AS, access_token_ttl: 600 };
        let scope = scope.map(|text| Scope::parse(text).expect("a scope"));
        decide(GrantType::ClientCredentials, client, Asked { scope: scope.as_ref(), resources }, &terms)
    }

    /// P2: the shortest lifetime counts.
    #[test]
    fn p2_the_shortest_of_three() {
        let ttl =
            |policy, resources: &[&str]| granted(&client(policy, &[]), resources, None).map(|granted| granted.ttl);
        assert_eq!(ttl(None, &[]), Ok(600));
        assert_eq!(ttl(None, &[A]), Ok(300));
        assert_eq!(ttl(Some(json!({"access_token_ttl": 60})), &[A]), Ok(60));
        assert_eq!(ttl(Some(json!({"access_token_ttl": 400})), &[A]), Ok(300));
        assert_eq!(ttl(Some(json!({"access_token_ttl": 400})), &[]), Ok(400));
        assert_eq!(ttl(Some(json!({"access_token_ttl": 6000})), &[]), Ok(600));
    }

    /// P3, P4: what a client may ask for, what it gets if it does not ask, and which refusal depends on its own record.
    #[test]
    fn p3_p4_resources_of_a_client() {
        let audience = |client: &AuthenticatedClient, resources: &[&str]| {
            granted(client, resources, None).map(|granted| match granted.audience {
                Audience::One(one) => one,
                Audience::Many(many) => many.join(" "),
            })
        };
        let free = client(None, &[]);
        assert_eq!(audience(&free, &["https://unknown.example"]), Err(GrantError::Target));
        let own = client(Some(json!({"resources": ["https://a.example", "https://gone.example"]})), &[]);
        assert_eq!(audience(&own, &["https://a.example"]), Ok(A.to_owned()));
        for other in [&[][..], &["https://b.example"], &[AS], &[A, "https://b.example"], &["https://unknown.example"]] {
            assert_eq!(audience(&own, other), Err(GrantError::ClientTarget), "{other:?}");
        }
        // The client may, but the deployment does not have it.
        assert_eq!(audience(&own, &["https://gone.example"]), Err(GrantError::Target));
        let default = client(Some(json!({"default_resource": "https://b.example"})), &[]);
        assert_eq!(audience(&default, &[]), Ok("https://b.example/".to_owned()));
        assert_eq!(audience(&default, &[AS]), Ok(AS.to_owned()));
        let unknown = client(Some(json!({"default_resource": "https://gone.example"})), &[]);
        assert_eq!(audience(&unknown, &[]), Err(GrantError::ClientTarget));
        assert_eq!(audience(&unknown, &["https://gone.example"]), Err(GrantError::Target));
        let scope = |resources: &[&str], scope| granted(&free, resources, scope).map(|granted| granted.scope.into());
        assert_eq!(scope(&[A], None), Ok("read".to_owned()));
        assert_eq!(scope(&[A], Some("read write")), Err(GrantError::Scope));
        assert_eq!(scope(&[], Some("read write")), Ok("read write".to_owned()));
        assert_eq!(scope(&[], Some("admin")), Err(GrantError::Scope));
    }

    /// F5, R5: where the policy asks for it, a client has registered the very grant that it uses.
    #[test]
    fn f5_r5_each_grant_is_registered_by_itself() {
        let resources = Resources::default();
        let policy = GrantPolicy::Registered;
        let terms = Terms { policy, resources: &resources, default_audience: AS, access_token_ttl: 600 };
        let asked = Asked { scope: None, resources: &[] };
        for own in GrantType::ALL {
            let client = client(None, &[own.as_str()]);
            for used in GrantType::ALL {
                let expected = if own == used { Ok(()) } else { Err(GrantError::Unauthorized) };
                assert_eq!(decide(*used, &client, asked, &terms).map(drop), expected);
            }
        }
    }
}

#[cfg(test)]
mod tests;
