//! Authorization server metadata: RFC 8414 §2.

use serde::Serialize;

use crate::authorization_endpoint::AuthorizationEndpoint;
use crate::client_document::MetadataHosts;
use crate::grant_type::{GrantType, JwtBearerGrant};
use crate::issuer::{Issuer, path};
use crate::method::Method;
use crate::mutual_tls::MutualTls;
use crate::scope::Scope;
use crate::security_profile::SecurityProfile;

/// The endpoints at which clients authenticate, where they can do so with certificates (RFC 8705 §5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are RFC 8414's")]
struct Aliases {
    token_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
}

impl Aliases {
    fn at(origin: &Issuer) -> Self {
        Self {
            token_endpoint: origin.url(path::TOKEN),
            introspection_endpoint: origin.url(path::INTROSPECT),
            revocation_endpoint: origin.url(path::REVOKE),
        }
    }
}

/// The metadata document. Every list comes from the data that the endpoints themselves use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServerMetadata {
    issuer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_endpoint: Option<String>,
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
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls_endpoint_aliases: Option<Aliases>,
    dpop_signing_alg_values_supported: Vec<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    client_id_metadata_document_supported: bool,
}

impl ServerMetadata {
    /// Describes a server. `registration` tells whether clients can register (R15), `jwt_bearer` whether it runs that
    /// grant (F5), `profile` what it requires of clients (S7).
    pub fn new(
        issuer: &Issuer,
        authorization_endpoint: &AuthorizationEndpoint,
        offered: &Scope,
        registration: bool,
        mutual_tls: &MutualTls,
        jwt_bearer: JwtBearerGrant,
        profile: SecurityProfile,
    ) -> Self {
        let methods: Vec<_> = profile.methods(mutual_tls.method()).map(Method::as_str).collect();
        let algorithms: Vec<_> = profile.algorithms().iter().map(|(name, _)| *name).collect();
        Self {
            issuer: issuer.as_str().to_owned(),
            authorization_endpoint: authorization_endpoint.url(issuer),
            token_endpoint: issuer.url(path::TOKEN),
            jwks_uri: issuer.url(path::JWKS),
            introspection_endpoint: issuer.url(path::INTROSPECT),
            revocation_endpoint: issuer.url(path::REVOKE),
            registration_endpoint: registration.then(|| issuer.url(path::REGISTER)),
            scopes_supported: offered.tokens().map(str::to_owned).collect(),
            // Required by §2. No grant of this server has a response type, whatever authorization endpoint is named.
            response_types_supported: Vec::new(),
            grant_types_supported: GrantType::offered(jwt_bearer).map(GrantType::as_str).collect(),
            // All three endpoints authenticate clients in the same way.
            introspection_endpoint_auth_methods_supported: methods.clone(),
            revocation_endpoint_auth_methods_supported: methods.clone(),
            token_endpoint_auth_methods_supported: methods,
            token_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
            introspection_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
            revocation_endpoint_auth_signing_alg_values_supported: algorithms.clone(),
            tls_client_certificate_bound_access_tokens: mutual_tls.is_on(),
            mtls_endpoint_aliases: mutual_tls.alias(issuer).map(Aliases::at),
            dpop_signing_alg_values_supported: algorithms,
            client_id_metadata_document_supported: false,
        }
    }

    /// The same, with whether identifiers may be URLs of documents: where any host may have some (C1).
    #[must_use]
    pub fn with_client_documents(self, hosts: &MetadataHosts) -> Self {
        Self { client_id_metadata_document_supported: !hosts.is_empty(), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C1, D1: the metadata says that identifiers may be URLs of documents where any host may have some, and changes in
    /// nothing else.
    #[test]
    fn c1_d1_whether_there_are_documents() {
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        let metadata = ServerMetadata::new(
            &issuer,
            &AuthorizationEndpoint::default(),
            &Scope::default(),
            true,
            &MutualTls::Off,
            JwtBearerGrant::Off,
            SecurityProfile::None,
        );
        let with = |hosts| metadata.clone().with_client_documents(&MetadataHosts::parse(hosts).expect("hosts"));
        assert_eq!(with("{}"), metadata);
        let mut expected = serde_json::to_value(&metadata).expect("serialises");
        assert_eq!(expected.get("client_id_metadata_document_supported"), None);
        expected["client_id_metadata_document_supported"] = true.into();
        let documents = serde_json::to_value(with(r#"{"a.example":"read"}"#)).expect("serialises");
        assert_eq!(documents, expected);
    }
}
