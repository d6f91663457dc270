//! How a client authenticates, and what it registered for that: RFC 7591 §2, RFC 8705 §2.1.2 and §2.2.2.

use serde_json::{Map, Value};
use url::Url;

use super::error::{MetadataError, wrong};
use super::members;
use super::names::{
    FEDERATED_CREDENTIALS, JWKS, JWKS_URI, TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS, TOKEN_ENDPOINT_AUTH_METHOD,
    TOKEN_ENDPOINT_AUTH_SIGNING_ALG,
};
use super::policy::Policy;
use super::requested::RequestedMetadata;
use crate::certificate_name::CertificateName;
use crate::federation::FederatedCredentials;
use crate::jose::{self, Algorithm, PublicKeys};
use crate::method::{Method, MethodChoice};

/// What is wrong with an algorithm that is not in [`jose::ALGORITHMS`].
pub(super) const UNKNOWN_ALGORITHM: &str = "is not an algorithm this server supports; see its metadata document";

/// The registered method of client authentication, with what proves the client by that method.
#[derive(Clone, Debug, PartialEq)]
pub enum Authentication {
    /// `client_secret_basic` (RFC 6749 §2.3.1).
    SecretBasic {
        /// Whether the client named this method.
        choice: MethodChoice,
    },
    /// `client_secret_post` (RFC 6749 §2.3.1).
    SecretPost,
    /// `private_key_jwt` (RFC 7523 §2.2).
    PrivateKeyJwt {
        /// The client's keys.
        keys: ClientKeys,
        /// The one algorithm that the client uses, if it registered one.
        algorithm: Option<Algorithm>,
    },
    /// `tls_client_auth`: the name in the client's certificates (RFC 8705 §2.1.2).
    Tls(CertificateName),
    /// `self_signed_tls_client_auth` (RFC 8705 §2.2).
    SelfSignedTls {
        /// The keys of the client's certificates.
        keys: ClientKeys,
    },
}

/// Where a client's keys are (RFC 7591 §2).
#[derive(Clone, Debug, PartialEq)]
pub enum ClientKeys {
    /// In `jwks`.
    Inline(PublicKeys),
    /// At `jwks_uri`.
    At(Url),
    /// Nowhere: the client authenticates by its federated credentials alone.
    None,
}

impl Authentication {
    /// Parses what a client registered for its method. Members that the method does not need are not read.
    ///
    /// # Errors
    /// [`MetadataError`] if a member that the method needs is missing or malformed.
    pub(super) fn parse(
        method: Method,
        choice: MethodChoice,
        members: &Map<String, Value>,
    ) -> Result<Self, MetadataError> {
        Ok(match method {
            Method::ClientSecretBasic => Self::SecretBasic { choice },
            Method::ClientSecretPost => Self::SecretPost,
            Method::PrivateKeyJwt => {
                let keys = ClientKeys::parse(members)?.unwrap_or(ClientKeys::None);
                Self::PrivateKeyJwt { keys, algorithm: algorithm(members)? }
            }
            Method::TlsClientAuth => Self::Tls(certificate_name(members)?),
            Method::SelfSignedTlsClientAuth => {
                Self::SelfSignedTls { keys: ClientKeys::parse(members)?.ok_or_else(no_keys)? }
            }
        })
    }

    /// The method.
    pub const fn method(&self) -> Method {
        match self {
            Self::SecretBasic { .. } => Method::ClientSecretBasic,
            Self::SecretPost => Method::ClientSecretPost,
            Self::PrivateKeyJwt { .. } => Method::PrivateKeyJwt,
            Self::Tls(_) => Method::TlsClientAuth,
            Self::SelfSignedTls { .. } => Method::SelfSignedTlsClientAuth,
        }
    }

    /// An upper estimate of the memory that it takes beside itself, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Self::SecretBasic { .. } | Self::SecretPost => 0,
            Self::PrivateKeyJwt { keys, .. } | Self::SelfSignedTls { keys } => match keys {
                ClientKeys::Inline(keys) => keys.memory_bytes(),
                ClientKeys::At(url) => 2 * url.as_str().len(),
                ClientKeys::None => 0,
            },
            Self::Tls(name) => name.memory_bytes(),
        }
    }

    /// Whether the client named the method.
    pub const fn choice(&self) -> MethodChoice {
        match self {
            Self::SecretBasic { choice } => *choice,
            _ => MethodChoice::Named,
        }
    }

    /// Checks that these federated credentials go with the method: only `private_key_jwt` has any, and it needs keys or them.
    pub(super) fn check_federated(&self, federated: &FederatedCredentials) -> Result<(), MetadataError> {
        match self {
            Self::PrivateKeyJwt { keys: ClientKeys::None, .. } if federated.is_empty() => Err(no_keys()),
            Self::PrivateKeyJwt { .. } => Ok(()),
            _ if federated.is_empty() => Ok(()),
            _ => Err(wrong(FEDERATED_CREDENTIALS, "needs token_endpoint_auth_method private_key_jwt")),
        }
    }

    /// Checks what only registration decides, beside what [`Self::parse`] needs (R8).
    pub(super) fn check(&self, members: &Map<String, Value>, policy: &Policy) -> Result<(), MetadataError> {
        if let Self::PrivateKeyJwt { keys: ClientKeys::Inline(keys), algorithm: Some(algorithm) } = self
            && !keys.can_verify(*algorithm)
        {
            return Err(wrong(JWKS, "holds no key for token_endpoint_auth_signing_alg"));
        }
        if let Self::PrivateKeyJwt { keys: ClientKeys::Inline(keys), algorithm: None } = self
            && !policy.profile.algorithms().iter().any(|(_, algorithm)| keys.can_verify(*algorithm))
        {
            return Err(wrong(JWKS, "holds no key for an algorithm this server supports; see its metadata document"));
        }
        let certificates = || policy.methods.iter().any(|method| method.has_certificate());
        if members.contains_key(TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS) && !certificates() {
            let reason = "needs mutual TLS, which this server does not have";
            return Err(wrong(TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS, reason));
        }
        Ok(())
    }
}

impl ClientKeys {
    fn parse(members: &Map<String, Value>) -> Result<Option<Self>, MetadataError> {
        if let Some(url) = text(members, JWKS_URI)? {
            let url = Url::parse(url).map_err(|_| wrong(JWKS_URI, "must be an absolute URI"))?;
            return Ok(Some(Self::At(url)));
        }
        let Some(keys) = members.get(JWKS) else { return Ok(None) };
        let keys = PublicKeys::parse(keys);
        keys.map(Self::Inline).map(Some).map_err(|error| MetadataError::Keys { member: JWKS.to_owned(), error })
    }
}

/// The error of a client without the keys that its method needs.
fn no_keys() -> MetadataError {
    wrong(TOKEN_ENDPOINT_AUTH_METHOD, "needs the client's keys, in jwks or at jwks_uri")
}

/// The requested method of authentication, and whether it was named; `client_secret_basic` when it was not (§2).
/// `none` is refused with the unknown ones: only confidential clients may use the client-credentials grant
/// (RFC 6749 §4.4).
pub(super) fn requested_method(
    requested: &RequestedMetadata,
    policy: &Policy,
) -> Result<(Method, MethodChoice), MetadataError> {
    let Some(name) = requested.decided_text(TOKEN_ENDPOINT_AUTH_METHOD)? else {
        if !policy.methods.contains(&Method::default()) {
            let reason = "must be sent: the default, client_secret_basic, is not a method this server supports; see its \
                          metadata document";
            return Err(wrong(TOKEN_ENDPOINT_AUTH_METHOD, reason));
        }
        return Ok((Method::default(), MethodChoice::Defaulted));
    };
    let method = policy.methods.iter().copied().find(|method| method.as_str() == name);
    let unknown =
        || wrong(TOKEN_ENDPOINT_AUTH_METHOD, "is not a method this server supports; see its metadata document");
    Ok((method.ok_or_else(unknown)?, MethodChoice::Named))
}

/// The one algorithm that the client uses (OpenID Connect Dynamic Client Registration 1.0 §2).
fn algorithm(members: &Map<String, Value>) -> Result<Option<Algorithm>, MetadataError> {
    let Some(name) = text(members, TOKEN_ENDPOINT_AUTH_SIGNING_ALG)? else { return Ok(None) };
    let unknown = || wrong(TOKEN_ENDPOINT_AUTH_SIGNING_ALG, UNKNOWN_ALGORITHM);
    jose::algorithm(name).map(Some).ok_or_else(unknown)
}

/// The name in the client's certificates, of which exactly one is registered (RFC 8705 §2.1.2).
fn certificate_name(members: &Map<String, Value>) -> Result<CertificateName, MetadataError> {
    let mut names = members::certificate_names().filter(|(name, _)| members.contains_key(*name));
    let (member, form) = names.next().ok_or_else(|| {
        wrong(
            TOKEN_ENDPOINT_AUTH_METHOD,
            "needs tls_client_auth_subject_dn or one of tls_client_auth_san_dns, tls_client_auth_san_uri, \
             tls_client_auth_san_ip and tls_client_auth_san_email",
        )
    })?;
    if let Some((second, _)) = names.next() {
        return Err(wrong(second, "must not be sent together with another name of the client's certificates"));
    }
    form.parse(text(members, member)?.unwrap_or_default()).map_err(|reason| wrong(member, reason))
}

/// A member that is a text, if it is registered.
fn text<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, MetadataError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let malformed = || MetadataError::Type { member: name.to_owned(), expected: "a string" };
    value.as_str().map(Some).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::metadata::ClientMetadata;
    use crate::metadata::tests::{jwks, policy};

    /// R8: of keys that are sent with an algorithm, one can verify it. Those at a URL are not fetched to find out.
    #[test]
    fn r8_a_key_for_the_algorithm() {
        for (keys, algorithm, is_accepted) in [
            (("jwks", jwks()), "ES256", true),
            (("jwks", jwks()), "RS256", false),
            (("jwks", jwks()), "", true),
            (("jwks_uri", json!("https://a.example/jwks")), "RS256", true),
        ] {
            let body = json!({
                TOKEN_ENDPOINT_AUTH_METHOD: "private_key_jwt", TOKEN_ENDPOINT_AUTH_SIGNING_ALG: algorithm, keys.0: keys.1,
            });
            let requested = RequestedMetadata::parse(body.to_string().as_bytes()).expect("an object");
            let found = ClientMetadata::verify(&requested, &policy()).err();
            let refused = wrong(JWKS, "holds no key for token_endpoint_auth_signing_alg");
            assert_eq!(found, (!is_accepted).then_some(refused), "{body}");
        }
    }
}
