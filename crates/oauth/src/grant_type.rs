//! The grant types that this server supports: RFC 6749 §4.4, RFC 7523 §2.1.

/// A grant type, by its registered name (RFC 7591 §2). The one list: the token endpoint, registration and the metadata
/// document all read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// The client acts for itself (RFC 6749 §4.4).
    ClientCredentials,
    /// The same, by an assertion alone (RFC 7523 §2.1).
    JwtBearer,
}

/// Whether a deployment runs [`GrantType::JwtBearer`] (F5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JwtBearerGrant {
    /// It does not.
    #[default]
    Off,
    /// It does.
    On,
}

impl GrantType {
    /// All grant types that this server supports.
    pub const ALL: &'static [Self] = &[Self::ClientCredentials, Self::JwtBearer];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }

    /// Whether the server redirects a user to one of the client's redirect URIs (RFC 6749 §3.1.2).
    pub const fn redirects(self) -> bool {
        match self {
            Self::ClientCredentials | Self::JwtBearer => false,
        }
    }

    /// The grant types that a deployment runs.
    pub fn offered(jwt_bearer: JwtBearerGrant) -> impl Iterator<Item = Self> {
        let is_offered = move |grant: &Self| *grant != Self::JwtBearer || jwt_bearer == JwtBearerGrant::On;
        Self::ALL.iter().copied().filter(is_offered)
    }

    /// The grant type with this name, if the deployment runs it.
    pub fn from_name(name: &str, jwt_bearer: JwtBearerGrant) -> Option<Self> {
        Self::offered(jwt_bearer).find(|grant| grant.as_str() == name)
    }
}
