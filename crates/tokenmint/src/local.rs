//! The settings that make the functions work on one machine.

use tokenmint_aws::Sdk;
use tokenmint_aws::provision::{self, KeySpec};

/// The table of clients.
pub(crate) const CLIENTS_TABLE: &str = "tokenmint-clients";

/// The alias that finds the signing key again after a restart.
const SIGNING_ALIAS: &str = "alias/tokenmint-signing";

/// The signing key, made at the first start. RS256 is what every verifier takes (RFC 9068 §2.1).
/// Gives its ARN.
pub(crate) async fn signing_key(sdk: &Sdk) -> Result<String, provision::Error> {
    provision::signing_key(&sdk.kms(), SIGNING_ALIAS, KeySpec::Rsa2048).await
}

/// What `template.yaml` sets when it is deployed, and has no default.
pub(crate) fn settings<'a>(issuer: &'a str, signing_key: &'a str) -> [(&'static str, &'a str); 5] {
    [
        ("ISSUER", issuer),
        ("CLIENTS_TABLE", CLIENTS_TABLE),
        ("SIGNING_KEYS", signing_key),
        ("SCOPES", "client-scope"),
        ("REGISTRATION", "open"),
    ]
}
