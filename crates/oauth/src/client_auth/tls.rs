//! `tls_client_auth` and `self_signed_tls_client_auth`: RFC 8705 §2.
//!
//! API Gateway terminates TLS: it verifies that the client holds the certificate's private key, and that the
//! certificate chains to one in the deployment's trust store. What remains is to check its time and whose it is.

use super::context::ProofContext;
use super::error::{PresentError, ProveError};
use crate::certificate::{Certificate, CertificateError};
use crate::certificate_name::CertificateName;
use crate::client::ClientId;
use crate::form::Form;
use crate::jose::PublicKeys;
use crate::method::CertificateMethod;

/// A client identifier, and the certificate of the connection over which it came.
#[derive(Debug)]
pub struct IdAndCertificate {
    pub(super) client_id: ClientId,
    certificate: Certificate,
}

/// Reads `client_id` (RFC 8705 §2) beside the certificate.
pub(super) fn present(
    form: &Form<'_>,
    certificate: Option<Result<&Certificate, CertificateError>>,
) -> Result<IdAndCertificate, PresentError> {
    // On a domain with mutual TLS every request has a certificate: without an identifier it claims nothing.
    let (Some(certificate), Some(id)) = (certificate, form.value("client_id")) else { return Err(PresentError::None) };
    let client_id = ClientId::parse(id).map_err(|_| PresentError::MalformedClientId)?;
    Ok(IdAndCertificate { client_id, certificate: certificate?.clone() })
}

impl IdAndCertificate {
    /// `tls_client_auth`: one of the certificate's names is the one registered (§2.1).
    pub(super) fn prove_name(&self, registered: &CertificateName, at: &ProofContext<'_>) -> Result<(), ProveError> {
        self.check(CertificateMethod::TlsClientAuth, at)?;
        if self.certificate.is_for(registered) { Ok(()) } else { Err(ProveError::WrongName) }
    }

    /// `self_signed_tls_client_auth`, as far as it can be checked without the client's keys. A certificate that may
    /// sign others is refused.
    pub(super) fn check_self_signed(&self, at: &ProofContext<'_>) -> Result<PlausibleCertificate<'_>, ProveError> {
        self.check(CertificateMethod::SelfSignedTlsClientAuth, at)?;
        // It is in the trust store, where it would let in whatever it signs.
        if self.certificate.is_authority() {
            return Err(ProveError::Authority);
        }
        // No client can have registered a key of a kind that this server does not know.
        Ok(PlausibleCertificate { key: self.certificate.key_thumbprint().ok_or(ProveError::UnknownKey)? })
    }

    /// What both methods ask for: that this deployment offers the method, and that the certificate is valid and
    /// has a key that the security profile allows.
    fn check(&self, method: CertificateMethod, at: &ProofContext<'_>) -> Result<(), ProveError> {
        if at.certificate_method != Some(method) {
            return Err(ProveError::MethodNotOffered);
        }
        if at.profile.requires_long_certificate_keys() && !self.certificate.has_long_key() {
            return Err(ProveError::ShortKey);
        }
        if self.certificate.is_valid_at(at.now) { Ok(()) } else { Err(ProveError::CertificateTime) }
    }
}

/// A certificate that is valid if its key is one of the client's.
pub(super) struct PlausibleCertificate<'a> {
    key: &'a str,
}

impl PlausibleCertificate<'_> {
    /// The certificate's key is one of the client's (§2.2). Who signed the certificate, and for whom, means
    /// nothing: its key does.
    pub(super) fn prove(&self, keys: &PublicKeys) -> Result<(), ProveError> {
        if keys.thumbprints().any(|own| own == self.key) { Ok(()) } else { Err(ProveError::WrongKey) }
    }
}
