//! `tls_client_auth` and `self_signed_tls_client_auth`: RFC 8705 §2.
//!
//! TLS itself, and with it that the client holds the certificate's key, is API Gateway's business, and so is
//! that the certificate leads to one in the deployment's trust store; what is left is whose it is, and when.

use super::{Circumstances, PresentError, ProveError};
use crate::certificate::Certificate;
use crate::client::{Client, ClientId};
use crate::distinguished_name::DistinguishedName;
use crate::form::Form;
use crate::jose::PublicKeys;

/// The member that holds the subject of a client's certificates (RFC 8705 §2.1.2).
pub(crate) const SUBJECT: &str = "tls_client_auth_subject_dn";

/// A client identifier, and the certificate of the connection over which it came.
#[derive(Debug)]
pub struct IdAndCertificate {
    pub(super) client_id: ClientId,
    certificate: Certificate,
}

/// Reads `client_id` (RFC 8705 §2) beside the certificate, in PEM.
pub(super) fn present(form: &Form<'_>, certificate: Option<&str>) -> Result<IdAndCertificate, PresentError> {
    // On a domain with mutual TLS every request has a certificate: without an identifier it claims nothing.
    let (Some(pem), Some(id)) = (certificate, form.value("client_id")) else { return Err(PresentError::None) };
    let client_id = ClientId::parse(id).map_err(|_| PresentError::MalformedClientId)?;
    Ok(IdAndCertificate { client_id, certificate: Certificate::parse(pem)? })
}

impl IdAndCertificate {
    /// `tls_client_auth`: the certificate's subject is the one registered (§2.1).
    pub(super) fn prove_subject(&self, client: &Client, at: &Circumstances<'_>) -> Result<(), ProveError> {
        self.prove_time(at)?;
        let registered = client.metadata.text(SUBJECT).and_then(|text| DistinguishedName::parse(text).ok());
        if registered.is_some_and(|subject| self.certificate.is_for(&subject)) {
            Ok(())
        } else {
            Err(ProveError::WrongSubject)
        }
    }

    /// `self_signed_tls_client_auth`, as far as it can be checked without the client's keys.
    pub(super) fn check(&self, at: &Circumstances<'_>) -> Result<PlausibleCertificate<'_>, ProveError> {
        self.prove_time(at)?;
        // No client can have registered a key of a kind that this server does not know.
        Ok(PlausibleCertificate { key: self.certificate.key_thumbprint().ok_or(ProveError::UnknownKey)? })
    }

    fn prove_time(&self, at: &Circumstances<'_>) -> Result<(), ProveError> {
        if !at.mutual_tls {
            return Err(ProveError::MutualTlsOff);
        }
        if self.certificate.is_good_at(at.now) { Ok(()) } else { Err(ProveError::CertificateTime) }
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
