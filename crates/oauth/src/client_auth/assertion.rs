//! Whose assertion a request presents: RFC 7521 §4.2.

use super::error::PresentError;
use super::federated::SubjectAssertion;
use super::private_key_jwt::{self, Assertion};
use crate::federation::TrustedIssuers;
use crate::form::Form;
use crate::jose::UnverifiedToken;

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
    let (iss, sub) = (claims.text("iss"), claims.text("sub"));
    let issuer = if kind == SPIFFE_TYPE {
        let domain = trusted.by_spiffe_id(sub.ok_or(PresentError::AssertionWithoutSubject)?);
        Some(domain.ok_or(PresentError::UntrustedIssuer)?)
    } else {
        iss.and_then(|iss| trusted.by_iss(iss))
    };
    match issuer.cloned() {
        Some(issuer) => SubjectAssertion::present(issuer, token, claims).map(PresentedAssertion::Federated),
        None => Assertion::present(token, claims).map(PresentedAssertion::Own),
    }
}
