//! The settings that make the functions work on one machine.

use tokenmint_aws::Sdk;
use tokenmint_aws::config::Environment;
use tokenmint_aws::provision::{self, KeySpec};

/// The issuer where nobody says better: where `tokenmint serve` would be.
pub(crate) const ISSUER: &str = "http://127.0.0.1:9000";

/// The table of clients.
const CLIENTS_TABLE: &str = "tokenmint-clients";

/// The table of initial access tokens and registration counters.
const REGISTRATIONS_TABLE: &str = "tokenmint-registrations";

/// The table of revoked tokens and of assertions and proofs that were used.
const TOKENS_TABLE: &str = "tokenmint-tokens";

/// The table of sealed signing keys.
const KEYS_TABLE: &str = "tokenmint-keys";

/// The alias of the key under which signing keys are sealed.
const SEALING_ALIAS: &str = "alias/tokenmint-sealing";

/// Makes the tables that are missing, and for sealed keys what those need.
pub(crate) async fn tables(sdk: &Sdk, environment: &Environment) -> Result<(), provision::Error> {
    let dynamodb = sdk.dynamodb();
    for (setting, key) in [
        ("CLIENTS_TABLE", tokenmint_aws::clients::KEY),
        ("REGISTRATIONS_TABLE", tokenmint_aws::registrations::KEY),
        ("TOKENS_TABLE", tokenmint_aws::tokens::KEY),
    ] {
        provision::table(&dynamodb, environment.value(setting).unwrap_or_default(), key).await?;
    }
    if environment.value("SIGNING_MODE") == Some("sealed") {
        provision::keys_table(&dynamodb, environment.value("KEYS_TABLE").unwrap_or_default()).await?;
        provision::sealing_key(&sdk.kms(), environment.value("SEALING_KEY").unwrap_or_default()).await?;
    }
    Ok(())
}

/// The alias that finds the signing key again after a restart.
const SIGNING_ALIAS: &str = "alias/tokenmint-signing";

/// The signing key, made at the first start. RS256 is what every verifier takes (RFC 9068 §2.1).
/// Gives its ARN.
pub(crate) async fn signing_key(sdk: &Sdk) -> Result<String, provision::Error> {
    provision::signing_key(&sdk.kms(), SIGNING_ALIAS, KeySpec::Rsa2048).await
}

/// What `template.yaml` sets when it is deployed, and has no default; and no limit on registration, which on
/// one machine would only be in the way.
pub(crate) fn settings<'a>(issuer: &'a str, signing_key: &'a str) -> [(&'static str, &'a str); 9] {
    [
        ("ISSUER", issuer),
        ("CLIENTS_TABLE", CLIENTS_TABLE),
        ("REGISTRATIONS_TABLE", REGISTRATIONS_TABLE),
        ("TOKENS_TABLE", TOKENS_TABLE),
        ("SIGNING_KEYS", signing_key),
        ("SCOPES", "client-scope"),
        ("REGISTRATION", "open"),
        ("REGISTRATION_RATE", "0"),
        ("REGISTRATION_RATE_TOTAL", "0"),
    ]
}

/// The settings, completed by those above.
pub(crate) fn with_defaults(environment: Environment, issuer: &str, signing_key: &str) -> Environment {
    settings(issuer, signing_key)
        .into_iter()
        .chain([("SEALING_KEY", SEALING_ALIAS), ("KEYS_TABLE", KEYS_TABLE)])
        .fold(environment, |environment, (name, value)| environment.with_default(name, value))
}
