//! The settings that make the functions work on one machine.

use tokenmint_aws::Sdk;
use tokenmint_aws::provision::{self, KeySpec};

/// The table of clients.
pub(crate) const CLIENTS_TABLE: &str = "tokenmint-clients";

/// The table of initial access tokens and registration counters.
pub(crate) const REGISTRATIONS_TABLE: &str = "tokenmint-registrations";

/// Makes the tables that are missing.
pub(crate) async fn tables(sdk: &Sdk, clients: &str, registrations: &str) -> Result<(), provision::Error> {
    let dynamodb = sdk.dynamodb();
    provision::table(&dynamodb, clients, tokenmint_aws::clients::KEY).await?;
    provision::table(&dynamodb, registrations, tokenmint_aws::registrations::KEY).await
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
pub(crate) fn settings<'a>(issuer: &'a str, signing_key: &'a str) -> [(&'static str, &'a str); 8] {
    [
        ("ISSUER", issuer),
        ("CLIENTS_TABLE", CLIENTS_TABLE),
        ("REGISTRATIONS_TABLE", REGISTRATIONS_TABLE),
        ("SIGNING_KEYS", signing_key),
        ("SCOPES", "client-scope"),
        ("REGISTRATION", "open"),
        ("REGISTRATION_RATE", "0"),
        ("REGISTRATION_RATE_TOTAL", "0"),
    ]
}
