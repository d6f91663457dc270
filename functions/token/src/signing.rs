//! The keys that verify what this server signed.

use tokenmint_http::{Failure, Record};
use tokenmint_oauth::jose::PublicKeys;

use crate::Token;

/// The keys as they are published now: what a verifier would use.
pub(crate) async fn published_keys(state: &Token, record: &mut Record) -> Result<PublicKeys, Failure> {
    record.kms(state.signer.public_keys(state.clock.now())).await.map_err(Failure::unavailable)
}
