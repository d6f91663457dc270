//! `client_secret_basic`: RFC 6749 §2.3.1 with Appendix B, over RFC 7617 §2.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::error::PresentError;
use super::secret_pair::IdAndSecret;
use crate::form;

/// Standard base64; the padding may be missing, as some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads `Basic <base64 of id:secret>`: the scheme in any case, split at the first colon, then both
/// halves form-decoded.
pub(super) fn present(header: &[u8]) -> Result<IdAndSecret, PresentError> {
    let at = header.iter().position(|byte| *byte == b' ').unwrap_or(header.len());
    let (scheme, rest) = header.split_at(at);
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return Err(PresentError::UnsupportedScheme);
    }
    let pair = BASE64.decode(rest.trim_ascii()).map_err(|_| PresentError::MalformedBasic)?;
    let colon = pair.iter().position(|byte| *byte == b':').ok_or(PresentError::MalformedBasic)?;
    let half = |bytes| form::decode(bytes).map_err(|_| PresentError::MalformedBasic);
    IdAndSecret::new(&half(&pair[..colon])?, &half(&pair[colon + 1..])?)
}
