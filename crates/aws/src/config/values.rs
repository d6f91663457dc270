//! Parsers of setting values. Each function returns the value or describes what is wrong with it.

use tokenmint_oauth::authorization_endpoint::AuthorizationEndpoint;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::SigningAlgorithm;
use tokenmint_oauth::mutual_tls::Domain;
use tokenmint_oauth::scope::Scope;
use url::Url;

use super::{Metrics, SigningKey};

pub(super) fn issuer(text: &str) -> Result<Issuer, String> {
    Issuer::parse(text).map_err(|error| error.to_string())
}

/// The name or ARN of a table.
pub(super) fn table_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-:/".contains(c);
    if (3..=1024).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("is not the name of a DynamoDB table".to_owned())
    }
}

/// `off`, or a name for the metrics' dimension. The characters are those of stacks and functions, a part of what
/// CloudWatch allows.
pub(super) fn metrics(text: &str) -> Result<Metrics, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match text {
        "off" => Ok(Metrics::Off),
        name if (1..=255).contains(&name.len()) && name.chars().all(allowed) => Ok(Metrics::On(name.to_owned())),
        _ => Err("must be off, or 1 to 255 letters, digits, '-', '_' or '.'".to_owned()),
    }
}

pub(super) fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).map_err(|error| error.to_string())
}

pub(super) fn authorization_endpoint(text: &str) -> Result<AuthorizationEndpoint, String> {
    AuthorizationEndpoint::parse(text).map_err(|error| error.to_string())
}

/// The mutual TLS domain, if any.
pub(super) fn mutual_tls(text: &str) -> Result<Option<Domain>, String> {
    match text {
        "off" => Ok(None),
        "on" => Ok(Some(Domain::OfIssuer)),
        origin => Issuer::parse(origin)
            .map(|origin| Some(Domain::Other(origin)))
            .map_err(|error| format!("must be off or on, or an origin: it {error}")),
    }
}

/// Exactly one scope token.
pub(super) fn scope_token(text: &str) -> Result<String, String> {
    let scope = scope(text)?;
    if scope.tokens().count() == 1 { Ok(scope.into()) } else { Err("must be one scope".to_owned()) }
}

/// A KMS key: its id, ARN or alias.
pub(super) fn kms_key(text: &str) -> Result<String, String> {
    if text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not a KMS key"))
    }
}

/// `key[=ALG],…`
pub(super) fn signing_keys(text: &str) -> Result<Vec<SigningKey>, String> {
    text.split(',').map(|entry| signing_key(entry.trim())).collect()
}

fn signing_key(entry: &str) -> Result<SigningKey, String> {
    let (id, algorithm) = match entry.split_once('=') {
        Some((id, name)) => {
            // Ed25519 is not supported: KMS signs a digest here, and Ed25519 signs the message (RFC 8032 §5.1).
            let algorithm = SigningAlgorithm::from_name(name)
                .filter(|algorithm| !matches!(algorithm, SigningAlgorithm::EdDsa | SigningAlgorithm::Ed25519));
            (id, Some(algorithm.ok_or_else(|| format!("{name:?} is not one of RS256, PS256, ES256, ES384"))?))
        }
        None => (entry, None),
    };
    if id.is_empty() {
        return Err(format!("{entry:?} is not a KMS key"));
    }
    Ok(SigningKey { id: kms_key(id)?, algorithm })
}

/// A resource: an absolute URI without fragment (RFC 8707 §2).
pub(super) fn audience(text: &str) -> Result<String, String> {
    match Url::parse(text) {
        Ok(url) if url.fragment().is_none() && text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(text.to_owned()),
        _ => Err("must be an absolute URI without fragment".to_owned()),
    }
}
