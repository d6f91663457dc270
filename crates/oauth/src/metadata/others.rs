//! The members that are checked and kept as sent: RFC 7591 §2.

use serde_json::{Map, Value};

use super::authentication::UNKNOWN_ALGORITHM;
use super::error::{MetadataError, wrong};
use super::members::{self, Kind, MAX_URI_BYTES, Member};
use super::policy::Policy;
use super::requested::RequestedMetadata;
use super::values::{string, strings};
use super::{keys, names, uri};
use crate::jose;

/// The members of the table that were given and on which the server does not decide, each checked.
pub(super) fn check(requested: &RequestedMetadata, policy: &Policy) -> Result<Map<String, Value>, MetadataError> {
    if given(requested, names::JWKS) && given(requested, names::JWKS_URI) {
        return Err(wrong(names::JWKS, "must not be sent together with jwks_uri"));
    }
    let mut kept = Map::new();
    for (name, value) in requested.iter() {
        if let Some(member) = members::find(name)
            && !value.is_null()
            && let Some(value) = registered(member, name, value, policy)?
        {
            kept.insert(name.to_owned(), value);
        }
    }
    Ok(kept)
}

/// Whether a member was sent with a value that means something.
fn given(requested: &RequestedMetadata, name: &str) -> bool {
    requested.sent(name).is_some_and(|value| value != "")
}

/// Checks one member; gives what is registered of it, `None` when its value means "not given" (R2).
fn registered(member: &Member, name: &str, value: &Value, policy: &Policy) -> Result<Option<Value>, MetadataError> {
    let wrong = |reason| wrong(name, reason);
    let is_given = match member.kind {
        Kind::DecidedText(_) | Kind::DecidedTexts(..) | Kind::FederatedCredentials | Kind::TokenPolicy => false,
        Kind::Text(max_bytes) => !string(name, value, max_bytes)?.is_empty(),
        Kind::Flag => {
            value.as_bool().ok_or_else(|| MetadataError::Type { member: name.to_owned(), expected: "true or false" })?
        }
        Kind::WebUri => {
            let text = string(name, value, MAX_URI_BYTES)?;
            if !text.is_empty() {
                uri::web(text, policy.local).map_err(wrong)?;
            }
            // Ours (R2): the exchange this server grew out of sends `client_uri: ""` and gets it back.
            !text.is_empty() || name == names::CLIENT_URI
        }
        Kind::Texts(max_entries, max_bytes) => {
            strings(name, value, max_entries, max_bytes)?;
            true
        }
        Kind::Jwks => {
            let keys = keys::registered(value);
            return keys.map(Some).map_err(|error| MetadataError::Keys { member: name.to_owned(), error });
        }
        Kind::Algorithm => {
            let text = string(name, value, 16)?;
            let is_allowed = jose::algorithm(text).is_some_and(|algorithm| policy.profile.allows(algorithm));
            if !text.is_empty() && !is_allowed {
                return Err(wrong(UNKNOWN_ALGORITHM));
            }
            !text.is_empty()
        }
        Kind::CertificateName(form, max_bytes) => {
            let text = string(name, value, max_bytes)?;
            if !text.is_empty() {
                form.parse(text).map_err(wrong)?;
            }
            !text.is_empty()
        }
        Kind::RedirectUris(max_entries) => {
            let entries = strings(name, value, max_entries, MAX_URI_BYTES)?;
            // Ours (R2): `[""]` is that exchange's way to give none, and comes back as sent.
            if entries != [""] {
                entries.iter().try_for_each(|entry| uri::redirect(entry).map_err(MetadataError::RedirectUri))?;
            }
            true
        }
    };
    Ok(is_given.then(|| value.clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::metadata::tests::{jwks, policy};

    fn check(body: &Value) -> Result<Value, MetadataError> {
        let requested = RequestedMetadata::parse(body.to_string().as_bytes())?;
        super::check(&requested, &policy()).map(Value::from)
    }

    /// R8, R2: `jwks` and `jwks_uri` exclude each other, unless one of them means "not given".
    #[test]
    fn r8_r2_one_source_of_keys() {
        let uri = "https://a.example/jwks";
        let error = check(&json!({"jwks": jwks(), "jwks_uri": uri})).expect_err("both");
        assert_eq!(error, wrong("jwks", "must not be sent together with jwks_uri"));
        assert_eq!(check(&json!({"jwks": jwks(), "jwks_uri": ""})), Ok(json!({"jwks": jwks()})));
        assert_eq!(check(&json!({"jwks": jwks(), "jwks_uri": null})), Ok(json!({"jwks": jwks()})));
        assert_eq!(check(&json!({"jwks": null, "jwks_uri": uri})), Ok(json!({"jwks_uri": uri})));
    }

    /// R8, A7, R2: an algorithm and each name of a certificate is kept as sent if it is well-formed; empty, it is not given.
    #[test]
    fn r8_a7_r2_algorithms_and_certificate_names() {
        for (member, good, bad) in [
            ("token_endpoint_auth_signing_alg", "ES256", "HS256"),
            ("tls_client_auth_subject_dn", "CN=a", "CN"),
            ("tls_client_auth_san_dns", "a.example", "a b"),
            ("tls_client_auth_san_uri", "urn:a", "a"),
            ("tls_client_auth_san_ip", "10.0.0.1", "10.0.0"),
            ("tls_client_auth_san_email", "a@a.example", "a"),
        ] {
            assert_eq!(check(&json!({member: good})), Ok(json!({member: good})));
            assert_eq!(check(&json!({member: ""})), Ok(json!({})), "{member}");
            let error = check(&json!({member: bad})).expect_err(member);
            assert!(matches!(error, MetadataError::Value { member: named, .. } if named == member), "{member}");
        }
    }
}
