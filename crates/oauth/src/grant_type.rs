//! The grant types that this server supports: RFC 6749 §4.4.

/// A grant type, by its registered name (RFC 7591 §2). The one list: the token endpoint, registration and the metadata
/// document all read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// The client acts for itself (RFC 6749 §4.4).
    ClientCredentials,
}

impl GrantType {
    /// All grant types that this server supports.
    pub const ALL: &'static [Self] = &[Self::ClientCredentials];

    /// The value of `grant_type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
        }
    }

    /// Whether the server redirects a user to one of the client's redirect URIs (RFC 6749 §3.1.2).
    pub const fn redirects(self) -> bool {
        match self {
            Self::ClientCredentials => false,
        }
    }

    /// The grant type with this name, if this server supports it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|grant| grant.as_str() == name)
    }
}
