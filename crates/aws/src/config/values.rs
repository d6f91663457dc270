//! What the values of settings may be. Each function gives the value or says what is wrong with it.

use tokenmint_oauth::discovery::MutualTls;
use tokenmint_oauth::grant::GrantPolicy;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::SigningAlgorithm;
use tokenmint_oauth::scope::Scope;
use url::Url;

use super::{AssertionAudience, Registration, RegistrationStatus, SigningKey, SigningKeySpec};

pub(super) fn issuer(text: &str) -> Result<Issuer, String> {
    Issuer::parse(text).map_err(|error| error.to_string())
}

/// A table's name or ARN.
pub(super) fn table_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-:/".contains(c);
    if (3..=1024).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("is not the name of a DynamoDB table".to_owned())
    }
}

pub(super) fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).map_err(|error| error.to_string())
}

/// `SIGNING_MODE`.
#[derive(Clone, Copy, Debug)]
pub(super) enum SigningMode {
    Kms,
    Sealed,
}

pub(super) fn signing_mode(text: &str) -> Result<SigningMode, String> {
    choose(text, &[("kms", SigningMode::Kms), ("sealed", SigningMode::Sealed)])
}

pub(super) fn signing_key_spec(text: &str) -> Result<SigningKeySpec, String> {
    choose(
        text,
        &[
            ("RSA_2048", SigningKeySpec::Rsa2048),
            ("ECC_NIST_P256", SigningKeySpec::EccNistP256),
            ("ECC_NIST_P384", SigningKeySpec::EccNistP384),
            ("ECC_NIST_EDWARDS25519", SigningKeySpec::EccNistEdwards25519),
        ],
    )
}

pub(super) fn signing_key_rotation(text: &str) -> Result<u32, String> {
    seconds(text, 3_600, 31_536_000)
}

pub(super) fn jwks_max_age(text: &str) -> Result<u32, String> {
    seconds(text, 60, 86_400)
}

pub(super) fn dpop_nonce_ttl(text: &str) -> Result<u32, String> {
    seconds(text, 0, 86_400)
}

pub(super) fn assertion_audience(text: &str) -> Result<AssertionAudience, String> {
    choose(text, &[("issuer", AssertionAudience::Issuer), ("token-endpoint", AssertionAudience::IssuerOrTokenEndpoint)])
}

pub(super) fn assertion_max_lifetime(text: &str) -> Result<u32, String> {
    seconds(text, 60, 86_400)
}

pub(super) fn mutual_tls(text: &str) -> Result<MutualTls, String> {
    match text {
        "off" => Ok(MutualTls::Off),
        "on" => Ok(MutualTls::AtIssuer),
        origin => Issuer::parse(origin)
            .map(MutualTls::At)
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
            // KMS signs what is hashed already, which EdDSA does not allow (RFC 8032 §5.1).
            let algorithm = SigningAlgorithm::from_name(name).filter(|algorithm| *algorithm != SigningAlgorithm::EdDsa);
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

pub(super) fn access_token_ttl(text: &str) -> Result<u32, String> {
    seconds(text, 60, 604_800)
}

/// Registrations per minute; the bound keeps the item that counts them small.
pub(super) fn registration_rate(text: &str) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| *number <= 3000);
    number.ok_or_else(|| "must be a whole number from 0 to 3000".to_owned())
}

pub(super) fn ten_years(text: &str) -> Result<u32, String> {
    seconds(text, 0, 315_360_000)
}

fn seconds(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("must be a whole number of seconds from {least} to {most}"))
}

pub(super) fn registration(text: &str) -> Result<Registration, String> {
    choose(
        text,
        &[("open", Registration::Open), ("protected", Registration::Protected), ("disabled", Registration::Disabled)],
    )
}

pub(super) fn registration_status(text: &str) -> Result<RegistrationStatus, String> {
    choose(text, &[("201", RegistrationStatus::Created), ("200", RegistrationStatus::Ok)])
}

pub(super) fn grant_policy(text: &str) -> Result<GrantPolicy, String> {
    choose(text, &[("server", GrantPolicy::Server), ("registered", GrantPolicy::Registered)])
}

fn choose<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    chosen.ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        format!("must be {}", names.join(" or "))
    })
}
