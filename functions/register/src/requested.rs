//! Parsing the requested metadata: RFC 7591 §3.1, §3.1.1.

use axum::http::HeaderMap;
use tokenmint_function::{Failure, OrRefuse, request};
use tokenmint_oauth::error::ErrorCode;
use tokenmint_oauth::metadata::RequestedMetadata;
use tokenmint_oauth::software_statement;

use crate::Register;

/// An invalid body, with its error code in RFC 7591 §3.2.2.
pub(crate) fn refused(error: request::BodyError) -> Failure {
    Failure::refused(error.with_code(ErrorCode::InvalidClientMetadata))
}

/// Parses the metadata. Values of a trusted software statement take precedence over values beside it (R17).
pub(crate) fn parse(state: &Register, headers: &HeaderMap, body: &[u8]) -> Result<RequestedMetadata, Failure> {
    request::media_type(headers, "application/json").map_err(refused)?;
    let requested = RequestedMetadata::parse(body).or_refuse()?;
    let Some(statement) = requested.software_statement().or_refuse()? else { return Ok(requested) };
    let trusted = &state.config.software_statement_issuers;
    let (issuer, profile) = (&state.config.issuer, state.config.security_profile);
    let verified = software_statement::verify(statement, trusted, issuer, state.clock.now(), profile);
    let members = verified.or_refuse()?;
    Ok(requested.overridden_by(members))
}
