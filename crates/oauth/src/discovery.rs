//! Authorization server metadata: RFC 8414 §2.

use serde::Serialize;

use crate::client_auth::Method;
use crate::grant::Grant;
use crate::issuer::{Issuer, path};
use crate::jose;
use crate::scope::Scope;

/// The metadata document. Every list comes from the data that the endpoints themselves use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerMetadata {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    introspection_endpoint: String,
    revocation_endpoint: String,
    scopes_supported: Vec<String>,
    response_types_supported: Vec<&'static str>,
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    dpop_signing_alg_values_supported: Vec<&'static str>,
}

impl ServerMetadata {
    /// Describes a server. `registration` tells whether clients can register (R15).
    pub fn new(issuer: &Issuer, offered: &Scope, registration: bool) -> Self {
        let methods: Vec<_> = Method::ALL.iter().map(|method| method.as_str()).collect();
        Self {
            issuer: issuer.as_str().to_owned(),
            token_endpoint: issuer.url(path::TOKEN),
            jwks_uri: issuer.url(path::JWKS),
            introspection_endpoint: issuer.url(path::INTROSPECT),
            revocation_endpoint: issuer.url(path::REVOKE),
            registration_endpoint: registration.then(|| issuer.url(path::REGISTER)),
            scopes_supported: offered.tokens().map(str::to_owned).collect(),
            // Required by §2; there is no authorization endpoint, so there is no response type.
            response_types_supported: Vec::new(),
            grant_types_supported: Grant::ALL.iter().map(|grant| grant.as_str()).collect(),
            // All three endpoints authenticate clients in the same way.
            introspection_endpoint_auth_methods_supported: methods.clone(),
            revocation_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_methods_supported: methods,
            dpop_signing_alg_values_supported: jose::ALGORITHMS.iter().map(|(name, _)| *name).collect(),
        }
    }
}
