//! The keys that verify what this server signed.

use tokenmint_http::{Failure, Record};
use tokenmint_oauth::jose::PublicKeys;

use crate::Token;

/// The keys as they are published now: what a verifier would use.
pub(crate) async fn published_keys(state: &Token, record: &mut Record) -> Result<PublicKeys, Failure> {
    let keys = record.kms(state.signer.keys()).await.map_err(Failure::unavailable)?;
    let document = serde_json::to_value(keys.jwk_set()).map_err(Failure::broken)?;
    PublicKeys::parse(&document).map_err(Failure::broken)
}
