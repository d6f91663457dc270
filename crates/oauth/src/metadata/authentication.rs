//! The method of client authentication and what it needs: RFC 7591 §2, RFC 8705 §2.1.2 and §2.2.2.

use serde_json::{Map, Value};

use super::{MetadataError, Policy, RequestedMetadata, members};
use crate::client_auth::{Method, MethodChoice, private_key_jwt, tls};
use crate::jose::PublicKeys;

const METHOD: &str = "token_endpoint_auth_method";

/// The flag of tokens that are bound to the client's certificate (RFC 8705 §3.4).
pub(crate) const BOUND: &str = "tls_client_certificate_bound_access_tokens";

/// The other members that could say whose certificate it is (RFC 8705 §2.1.2); this server knows the subject only.
const OTHER_SUBJECTS: [&str; 4] =
    ["tls_client_auth_san_dns", "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email"];

/// The method of authentication, and whether it was named; `client_secret_basic` when it was not (§2). `none` is
/// refused with the unknown ones: only confidential clients may use the client-credentials grant
/// (RFC 6749 §4.4).
pub(super) fn method(requested: &RequestedMetadata, policy: &Policy) -> Result<(Method, MethodChoice), MetadataError> {
    let Some(name) = members::text(requested, METHOD)? else {
        return Ok((Method::default(), MethodChoice::Defaulted));
    };
    let method = Method::offered(policy.mutual_tls).find(|method| method.as_str() == name);
    let method =
        method.ok_or_else(|| wrong(METHOD, "is not a method this server supports; see its metadata document"))?;
    Ok((method, MethodChoice::Named))
}

/// Checks that the other members hold enough for the method chosen (R8).
pub(super) fn check(
    method: Method,
    kept: &Map<String, Value>,
    requested: &RequestedMetadata,
    policy: &Policy,
) -> Result<(), MetadataError> {
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
        if let Some(other) = OTHER_SUBJECTS.into_iter().find(|name| requested.sent(name).is_some_and(|sent| sent != ""))
        {
            return Err(wrong(
                other,
                "is not supported; tls_client_auth_subject_dn must be sent, and nothing else of its kind",
            ));
        }
        if !kept.contains_key(tls::SUBJECT) {
            return Err(wrong(METHOD, "needs tls_client_auth_subject_dn"));
        }
    }
    if kept.contains_key(BOUND) && !policy.mutual_tls {
        return Err(wrong(BOUND, "needs mutual TLS, which this server does not have"));
    }
    Ok(())
}

fn wrong(member: &str, reason: &'static str) -> MetadataError {
    MetadataError::Value { member: member.to_owned(), reason }
}
