//! The metadata that a request asks for: RFC 7591 §3.1, §3.1.1.

use axum::http::HeaderMap;
use tokenmint_http::{Failure, OrRefuse, request};
use tokenmint_oauth::error::ErrorCode;
use tokenmint_oauth::metadata::RequestedMetadata;
use tokenmint_oauth::software_statement;

use crate::Register;

/// An error in the body, with the code that RFC 7591 §3.2.2 has for it.
pub(crate) fn refused(error: request::BodyError) -> Failure {
    Failure::refused(error.with_code(ErrorCode::InvalidClientMetadata))
}

/// Reads the metadata; what a trusted software statement says counts more than what stands beside it (R17).
pub(crate) fn parse(state: &Register, headers: &HeaderMap, body: &[u8]) -> Result<RequestedMetadata, Failure> {
    request::media_type(headers, "application/json").map_err(refused)?;
    let requested = RequestedMetadata::parse(body).or_refuse()?;
    let Some(statement) = requested.software_statement().or_refuse()? else { return Ok(requested) };
    let trusted = &state.config.software_statement_issuers;
    let verified = software_statement::verify(statement, trusted, &state.config.issuer, state.clock.now());
    let members = verified.or_refuse()?;
    Ok(requested.overridden_by(members))
}
