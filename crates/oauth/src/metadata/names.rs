//! Names of members to which code refers: RFC 7591 §2 and §3.2.1, RFC 7592 §3, RFC 8705 §3.4, RFC 9449 §5.2, OpenID
//! Connect Dynamic Client Registration 1.0 §2.

pub(crate) const CLIENT_ID: &str = "client_id";
pub(crate) const CLIENT_ID_ISSUED_AT: &str = "client_id_issued_at";
pub(crate) const CLIENT_SECRET: &str = "client_secret";
pub(crate) const CLIENT_SECRET_EXPIRES_AT: &str = "client_secret_expires_at";
pub(crate) const CLIENT_URI: &str = "client_uri";
pub(crate) const DPOP_BOUND_ACCESS_TOKENS: &str = "dpop_bound_access_tokens";
pub(crate) const FEDERATED_CREDENTIALS: &str = "federated_credentials";
pub(crate) const GRANT_TYPES: &str = "grant_types";
pub(crate) const JWKS: &str = "jwks";
pub(crate) const JWKS_URI: &str = "jwks_uri";
pub(crate) const REGISTRATION_ACCESS_TOKEN: &str = "registration_access_token";
pub(crate) const REGISTRATION_CLIENT_URI: &str = "registration_client_uri";
pub(crate) const RESPONSE_TYPES: &str = "response_types";
pub(crate) const SCOPE: &str = "scope";
pub(crate) const SOFTWARE_STATEMENT: &str = "software_statement";
pub(crate) const TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS: &str = "tls_client_certificate_bound_access_tokens";
pub(crate) const TOKEN_ENDPOINT_AUTH_METHOD: &str = "token_endpoint_auth_method";
pub(crate) const TOKEN_ENDPOINT_AUTH_SIGNING_ALG: &str = "token_endpoint_auth_signing_alg";
pub(crate) const TOKEN_POLICY: &str = "token_policy";

/// The member that asks for a new secret (ours, M5): RFC 7592 §2.2 lets a server issue one with an update, but does
/// not say how a client asks for it. It is not metadata: it is neither stored nor part of a response.
pub(crate) const ROTATE_CLIENT_SECRET: &str = "rotate_client_secret";

/// Members of a request or a response that are not metadata of the client: a software statement cannot state them
/// (RFC 7591 §2.3).
pub(crate) const NOT_METADATA: [&str; 7] = [
    CLIENT_ID,
    CLIENT_SECRET,
    REGISTRATION_ACCESS_TOKEN,
    REGISTRATION_CLIENT_URI,
    CLIENT_SECRET_EXPIRES_AT,
    CLIENT_ID_ISSUED_AT,
    ROTATE_CLIENT_SECRET,
];
