//! The method of client authentication and what it needs: RFC 7591 §2, RFC 8705 §2.1.2 and §2.2.2.

use serde_json::{Map, Value};

use super::{MetadataError, Policy, RequestedMetadata, members};
use crate::client_auth::private_key_jwt;
use crate::jose::PublicKeys;
use crate::method::{Method, MethodChoice};

const METHOD: &str = "token_endpoint_auth_method";

/// The flag of tokens that are bound to the client's certificate (RFC 8705 §3.4).
pub(crate) const BOUND: &str = "tls_client_certificate_bound_access_tokens";

/// The method of authentication, and whether it was named; `client_secret_basic` when it was not (§2). `none` is
/// refused with the unknown ones: only confidential clients may use the client-credentials grant
/// (RFC 6749 §4.4).
pub(super) fn method(requested: &RequestedMetadata, policy: &Policy) -> Result<(Method, MethodChoice), MetadataError> {
    let Some(name) = members::text(requested, METHOD)? else {
        return Ok((Method::default(), MethodChoice::Defaulted));
    };
    let method = policy.methods.iter().copied().find(|method| method.as_str() == name);
    let method =
        method.ok_or_else(|| wrong(METHOD, "is not a method this server supports; see its metadata document"))?;
    Ok((method, MethodChoice::Named))
}

/// Checks that the other members hold enough for the method chosen (R8).
pub(super) fn check(method: Method, kept: &Map<String, Value>, policy: &Policy) -> Result<(), MetadataError> {
    if method.has_keys() && !kept.contains_key("jwks") && !kept.contains_key("jwks_uri") {
        return Err(wrong(METHOD, "needs the client's keys, in jwks or at jwks_uri"));
    }
    if method == Method::PrivateKeyJwt
        && let Some(algorithm) = kept.get(private_key_jwt::ALGORITHM).and_then(Value::as_str)
        && let Some(keys) = kept.get("jwks").and_then(|jwks| PublicKeys::parse(jwks).ok())
        && !keys.can_verify(algorithm)
    {
        return Err(wrong("jwks", "holds no key for token_endpoint_auth_signing_alg"));
    }
    if method == Method::TlsClientAuth {
        let mut names = members::certificate_names().map(|(name, _)| name).filter(|name| kept.contains_key(*name));
        match (names.next(), names.next()) {
            (None, _) => {
                return Err(wrong(
                    METHOD,
                    "needs tls_client_auth_subject_dn or one of tls_client_auth_san_dns, tls_client_auth_san_uri, \
                     tls_client_auth_san_ip and tls_client_auth_san_email",
                ));
            }
            (Some(_), Some(second)) => {
                return Err(wrong(second, "must not be sent together with another name of the client's certificates"));
            }
            (Some(_), None) => {}
        }
    }
    if kept.contains_key(BOUND) && !policy.methods.iter().any(|method| method.has_certificate()) {
        return Err(wrong(BOUND, "needs mutual TLS, which this server does not have"));
    }
    Ok(())
}

fn wrong(member: &str, reason: &'static str) -> MetadataError {
    MetadataError::Value { member: member.to_owned(), reason }
}
