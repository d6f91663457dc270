//! The metadata of a registered client: RFC 7591 §2.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::authentication::{self, Authentication};
use super::error::{MetadataError, wrong};
use super::policy::Policy;
use super::requested::RequestedMetadata;
use super::{federation, names, others, relations, token_policy};
use crate::federation::{FederatedCredential, FederatedCredentials};
use crate::grant_type::GrantType;
use crate::memory;
use crate::method::{Method, MethodChoice};
use crate::scope::Scope;
use crate::token_policy::TokenPolicy;

/// The metadata of a registered client, verified; serialises as the members of RFC 7591 §2.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientMetadata {
    authentication: Authentication,
    dpop_bound_access_tokens: bool,
    tls_client_certificate_bound_access_tokens: bool,
    /// The grant types it asked for, also ones that this server does not support (§2).
    pub grant_types: Vec<String>,
    /// The response types it asked for (§2).
    pub response_types: Vec<String>,
    /// The scope it may ask for.
    pub scope: Scope,
    federated_credentials: FederatedCredentials,
    /// Never an empty one. In a box, because few clients have any.
    token_policy: Option<Box<TokenPolicy>>,
    others: Map<String, Value>,
}

/// The parts of a client's metadata in the form in which they are stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredMetadata {
    /// The registered method of client authentication.
    pub token_endpoint_auth_method: Method,
    /// Whether the client named that method.
    pub method_choice: MethodChoice,
    /// See [`ClientMetadata::grant_types`].
    pub grant_types: Vec<String>,
    /// See [`ClientMetadata::response_types`].
    pub response_types: Vec<String>,
    /// See [`ClientMetadata::scope`].
    pub scope: Scope,
    /// See [`ClientMetadata::federated_credentials`].
    pub federated_credentials: Vec<Value>,
    /// See [`ClientMetadata::token_policy`].
    pub token_policy: Option<Value>,
    /// See [`ClientMetadata::others`].
    pub others: Map<String, Value>,
}

impl ClientMetadata {
    /// Decides what is registered: every member checked against its rule, defaults filled in (§2),
    /// the scope reduced to what is offered (§3.2.1), and what is not understood left out.
    ///
    /// # Errors
    /// [`MetadataError`] for the first member that cannot be registered.
    pub fn verify(requested: &RequestedMetadata, policy: &Policy) -> Result<Self, MetadataError> {
        let others = others::check(requested, policy)?;
        let (method, choice) = authentication::requested_method(requested, policy)?;
        let authentication = Authentication::parse(method, choice, &others)?;
        let federated = federation::credentials(requested, policy)?;
        authentication.check_federated(&federated)?;
        authentication.check(&others, policy)?;
        let (grant_types, response_types) = relations::grants_and_responses(requested)?;
        let scope = scope(requested, policy)?;
        let token_policy = token_policy::token_policy(requested, policy)?;
        Ok(Self { token_policy, ..Self::new(authentication, grant_types, response_types, scope, federated, others) })
    }

    /// Parses metadata that was verified when it was stored. Of the other members, only those that the method of
    /// authentication needs are parsed.
    ///
    /// # Errors
    /// [`MetadataError`] if one of these is missing or malformed.
    pub fn from_stored(stored: StoredMetadata) -> Result<Self, MetadataError> {
        let StoredMetadata {
            token_endpoint_auth_method: method,
            method_choice: choice,
            grant_types,
            response_types,
            scope,
            federated_credentials,
            token_policy,
            others,
        } = stored;
        let authentication = Authentication::parse(method, choice, &others)?;
        let federated = FederatedCredentials::parse(&federated_credentials.into())?;
        authentication.check_federated(&federated)?;
        let token_policy = token_policy.as_ref().map(TokenPolicy::parse).transpose()?;
        let metadata = Self::new(authentication, grant_types, response_types, scope, federated, others);
        Ok(metadata.with_token_policy(token_policy))
    }

    fn new(
        authentication: Authentication,
        grant_types: Vec<String>,
        response_types: Vec<String>,
        scope: Scope,
        federated_credentials: FederatedCredentials,
        others: Map<String, Value>,
    ) -> Self {
        let flag = |name| others.get(name) == Some(&Value::Bool(true));
        Self {
            authentication,
            dpop_bound_access_tokens: flag(names::DPOP_BOUND_ACCESS_TOKENS),
            tls_client_certificate_bound_access_tokens: flag(names::TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS),
            grant_types,
            response_types,
            scope,
            federated_credentials,
            token_policy: None,
            others,
        }
    }

    /// The parts to store.
    pub fn to_stored(&self) -> StoredMetadata {
        StoredMetadata {
            token_endpoint_auth_method: self.token_endpoint_auth_method(),
            method_choice: self.method_choice(),
            grant_types: self.grant_types.clone(),
            response_types: self.response_types.clone(),
            scope: self.scope.clone(),
            federated_credentials: self.federated_credentials.iter().map(FederatedCredential::to_json).collect(),
            token_policy: self.token_policy().map(TokenPolicy::to_json),
            others: self.others.clone(),
        }
    }

    /// How the client authenticates.
    pub const fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    /// The registered method of client authentication.
    pub const fn token_endpoint_auth_method(&self) -> Method {
        self.authentication.method()
    }

    /// Whether the client named that method; no member of the metadata.
    pub const fn method_choice(&self) -> MethodChoice {
        self.authentication.choice()
    }

    /// Whether the client's tokens are always bound to a key (RFC 9449 §5.2).
    pub const fn dpop_bound_access_tokens(&self) -> bool {
        self.dpop_bound_access_tokens
    }

    /// Whether the client's tokens are bound to its certificate (J6, RFC 8705 §3.4).
    pub const fn tls_client_certificate_bound_access_tokens(&self) -> bool {
        self.tls_client_certificate_bound_access_tokens
    }

    /// The subjects of trusted issuers that are the client (F2).
    pub const fn federated_credentials(&self) -> &FederatedCredentials {
        &self.federated_credentials
    }

    /// The metadata with these federated credentials instead, which an operator sets.
    ///
    /// # Errors
    /// [`MetadataError`] if the client's method has no use for them, or if it has no keys and they are none.
    pub fn with_federated_credentials(
        self,
        federated_credentials: FederatedCredentials,
    ) -> Result<Self, MetadataError> {
        self.authentication.check_federated(&federated_credentials)?;
        Ok(Self { federated_credentials, ..self })
    }

    /// What the client may get, if its operator decided on that (P6).
    pub fn token_policy(&self) -> Option<&TokenPolicy> {
        self.token_policy.as_deref()
    }

    /// The metadata with this policy instead, which an operator sets. An empty one is none.
    #[must_use]
    pub fn with_token_policy(self, token_policy: Option<TokenPolicy>) -> Self {
        Self { token_policy: token_policy.filter(|policy| !policy.is_empty()).map(Box::new), ..self }
    }

    /// The members that have no field of their own in a response, checked and kept as sent; of `jwks`, the members
    /// that are known. They are for storage and for responses.
    pub const fn others(&self) -> &Map<String, Value> {
        &self.others
    }

    /// An upper estimate of the memory that it takes beside itself, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.authentication.memory_bytes()
            + memory::texts(&self.grant_types)
            + memory::texts(&self.response_types)
            + self.scope.memory_bytes()
            + self.federated_credentials.memory_bytes()
            + self.token_policy().map_or(0, TokenPolicy::memory_bytes)
            + memory::members(&self.others)
    }

    /// Whether the client registered the grant type.
    pub fn registered(&self, grant_type: GrantType) -> bool {
        self.grant_types.iter().any(|own| own == grant_type.as_str())
    }
}

impl Serialize for ClientMetadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Members<'m> {
            token_endpoint_auth_method: Method,
            grant_types: &'m [String],
            response_types: &'m [String],
            #[serde(skip_serializing_if = "Scope::is_empty")]
            scope: &'m Scope,
            #[serde(skip_serializing_if = "FederatedCredentials::is_empty")]
            federated_credentials: &'m FederatedCredentials,
            #[serde(skip_serializing_if = "Option::is_none")]
            token_policy: Option<&'m TokenPolicy>,
            #[serde(flatten)]
            others: &'m Map<String, Value>,
        }
        let members = Members {
            token_endpoint_auth_method: self.token_endpoint_auth_method(),
            grant_types: &self.grant_types,
            response_types: &self.response_types,
            scope: &self.scope,
            federated_credentials: &self.federated_credentials,
            token_policy: self.token_policy(),
            others: &self.others,
        };
        members.serialize(serializer)
    }
}

/// The scope asked for, reduced to what is offered, in the order asked (§2, §3.2.1).
fn scope(requested: &RequestedMetadata, policy: &Policy) -> Result<Scope, MetadataError> {
    let Some(text) = requested.decided_text(names::SCOPE)? else {
        return Ok(policy.default.clone());
    };
    let wrong = |reason| wrong(names::SCOPE, reason);
    let asked = Scope::parse(text).map_err(|_| wrong("does not follow the grammar of RFC 6749 section 3.3"))?;
    let reduced = asked.reduced_to(&policy.offered);
    if reduced.is_empty() {
        return Err(wrong("contains no scope that this client may register"));
    }
    Ok(reduced)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::metadata::tests::{jwks, policy};

    fn verify(body: &Value) -> Result<ClientMetadata, MetadataError> {
        let requested = RequestedMetadata::parse(body.to_string().as_bytes()).expect("an object");
        ClientMetadata::verify(&requested, &policy())
    }

    /// J5, J6, R2: each flag binds tokens if it is `true`, and on its own; `false` counts as not given.
    #[test]
    fn j5_j6_r2_flags_that_bind_tokens() {
        let flags = |body: Value| {
            let metadata = verify(&body).expect("registers");
            let names = metadata.others().keys().cloned().collect::<Vec<_>>();
            (metadata.dpop_bound_access_tokens(), metadata.tls_client_certificate_bound_access_tokens(), names)
        };
        let (dpop, tls) = (names::DPOP_BOUND_ACCESS_TOKENS, names::TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS);
        assert_eq!(flags(json!({dpop: true})), (true, false, vec![dpop.to_owned()]));
        assert_eq!(flags(json!({tls: true, dpop: false})), (false, true, vec![tls.to_owned()]));
        assert_eq!(flags(json!({tls: null})), (false, false, vec![]));
        for bad in [json!({dpop: "true"}), json!({tls: 1})] {
            assert!(matches!(verify(&bad), Err(MetadataError::Type { .. })), "{bad}");
        }
    }

    /// J6: without mutual TLS no client can ask for tokens that are bound to its certificate.
    #[test]
    fn j6_no_binding_without_mutual_tls() {
        let secrets = [Method::ClientSecretBasic, Method::ClientSecretPost];
        for (more, is_accepted) in [(Method::PrivateKeyJwt, false), (Method::SelfSignedTlsClientAuth, true)] {
            let policy = Policy { methods: [&secrets[..], &[more]].concat(), ..policy() };
            for (body, is_accepted) in [
                (json!({}), true),
                (json!({"tls_client_certificate_bound_access_tokens": false}), true),
                (json!({"tls_client_certificate_bound_access_tokens": true}), is_accepted),
            ] {
                let requested = RequestedMetadata::parse(body.to_string().as_bytes()).expect("an object");
                assert_eq!(ClientMetadata::verify(&requested, &policy).is_ok(), is_accepted, "{more:?} {body}");
            }
        }
    }

    /// R4, R5: a grant type is registered if it is in the list, byte for byte.
    #[test]
    fn r4_r5_registered_grant_types() {
        for (grants, expected) in [
            (json!(["client_credentials"]), true),
            (json!(["refresh_token", "client_credentials"]), true),
            (json!(["refresh_token"]), false),
            (json!(["Client_Credentials", "client_credentials "]), false),
        ] {
            let metadata = verify(&json!({"grant_types": grants})).expect("registers");
            assert_eq!(metadata.registered(GrantType::ClientCredentials), expected, "{grants}");
        }
    }

    /// F4, R8: what an operator sets replaces all that was there. Only `private_key_jwt` has credentials, and without
    /// keys it keeps at least one.
    #[test]
    fn f4_r8_an_operator_replaces_the_credentials() {
        let stored = |sub: &str| vec![json!({"issuer": "https://a.example", "sub": sub})];
        let list = |sub: &str| FederatedCredentials::parse(&stored(sub).into()).expect("credentials");
        for (keys, credentials, is_accepted) in [
            (json!({"jwks": jwks()}), list("new"), true),
            (json!({"jwks": jwks()}), FederatedCredentials::default(), true),
            (json!({}), list("new"), true),
            (json!({}), FederatedCredentials::default(), false),
        ] {
            let client = ClientMetadata::from_stored(StoredMetadata {
                token_endpoint_auth_method: Method::PrivateKeyJwt,
                federated_credentials: stored("old"),
                others: keys.as_object().expect("an object").clone(),
                ..StoredMetadata::default()
            });
            let client = client.expect("loads");
            assert_eq!(client.federated_credentials(), &list("old"));
            let changed = client.with_federated_credentials(credentials.clone()).ok();
            let expected = is_accepted.then_some(&credentials);
            assert_eq!(changed.as_ref().map(ClientMetadata::federated_credentials), expected, "{keys} {credentials:?}");
        }
        verify(&json!({}))
            .expect("registers")
            .with_federated_credentials(list("new"))
            .expect_err("a client with a secret");
    }
}
