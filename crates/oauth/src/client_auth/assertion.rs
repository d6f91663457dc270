//! Whose assertion a request presents: RFC 7521 §4.1 and §4.2.

use std::sync::Arc;

use super::error::PresentError;
use super::federated::SubjectAssertion;
use super::private_key_jwt::{self, Assertion};
use crate::federation::{TrustedIssuer, TrustedIssuers};
use crate::form::Form;
use crate::jose::{Claims, Unverified, UnverifiedToken};

/// `client_assertion_type` of a JWT-SVID (draft-ietf-oauth-spiffe-client-auth §3.1).
pub const SPIFFE_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe";

/// An assertion, by who claims to have issued it.
pub(super) enum PresentedAssertion {
    /// The client itself.
    Own(Assertion),
    /// A trusted issuer.
    Federated(SubjectAssertion),
}

/// Whether the body has any part of an assertion.
pub(super) fn is_presented(form: &Form<'_>) -> bool {
    form.value("client_assertion").is_some() || form.value("client_assertion_type").is_some()
}

/// Reads an assertion as far as its issuer and its subject.
pub(super) fn present(form: &Form<'_>, trusted: &TrustedIssuers) -> Result<PresentedAssertion, PresentError> {
    let (Some(token), Some(kind)) = (form.value("client_assertion"), form.value("client_assertion_type")) else {
        return Err(PresentError::IncompleteAssertion);
    };
    if ![private_key_jwt::TYPE, SPIFFE_TYPE].contains(&kind) {
        return Err(PresentError::UnsupportedAssertion);
    }
    let claims = UnverifiedToken::parse(token)?.unverified_claims()?;
    let issuer = if kind == SPIFFE_TYPE {
        let domain = trusted.by_spiffe_id(claims.text("sub").ok_or(PresentError::AssertionWithoutSubject)?);
        Some(domain.ok_or(PresentError::UntrustedIssuer)?)
    } else {
        claims.text("iss").and_then(|iss| trusted.by_iss(iss))
    };
    of_issuer(issuer, token, claims)
}

/// Reads an assertion that is a grant (RFC 7523 §2.1) as far as its issuer and its subject. Nothing beside it says of which
/// kind it is: what is not by a trusted `iss` may be a JWT-SVID, and is else the client's own.
pub(super) fn present_grant(token: &str, trusted: &TrustedIssuers) -> Result<PresentedAssertion, PresentError> {
    let claims = UnverifiedToken::parse(token)?.unverified_claims()?;
    let by_iss = claims.text("iss").and_then(|iss| trusted.by_iss(iss));
    let issuer = by_iss.or_else(|| claims.text("sub").and_then(|sub| trusted.by_spiffe_id(sub)));
    of_issuer(issuer, token, claims)
}

fn of_issuer(
    issuer: Option<&Arc<TrustedIssuer>>,
    token: &str,
    claims: Claims<Unverified>,
) -> Result<PresentedAssertion, PresentError> {
    match issuer.cloned() {
        Some(issuer) => SubjectAssertion::present(issuer, token, claims).map(PresentedAssertion::Federated),
        None => Assertion::present(token, claims).map(PresentedAssertion::Own),
    }
}
