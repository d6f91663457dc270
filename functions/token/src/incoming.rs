//! Request parsing shared by the form endpoints: RFC 6749 §2.3.1, §3.2.

use std::sync::OnceLock;

use axum::extract::Request;
use axum::http::request::Parts;
use tokenmint_aws::config::TokenConfig;
use tokenmint_function::{Failure, OrRefuse, request};
use tokenmint_oauth::certificate::{Certificate, CertificateError};
use tokenmint_oauth::client_auth::{Claim, Credentials, PresentError, Presented};
use tokenmint_oauth::error::ErrorCode;
use tokenmint_oauth::form::Form;
use tokenmint_oauth::token_request::MAX_BODY_BYTES;

/// A request with a form body that has been read.
pub(crate) struct Incoming {
    /// The request without its body.
    pub(crate) head: Parts,
    body: Vec<u8>,
    certificate: OnceLock<Option<Result<Certificate, CertificateError>>>,
}

impl Incoming {
    /// Reads the body.
    pub(crate) async fn read(request: Request) -> Result<Self, Failure> {
        let (head, body) = request.into_parts();
        let refused = |error: request::BodyError| Failure::refused(error.with_code(ErrorCode::InvalidRequest));
        let body = request::body(body, MAX_BODY_BYTES).await.map_err(refused)?;
        request::media_type(&head.headers, "application/x-www-form-urlencoded").map_err(refused)?;
        Ok(Self { head, body, certificate: OnceLock::new() })
    }

    /// The parameters of the body.
    pub(crate) fn form(&self) -> Result<Form<'_>, Failure> {
        Form::parse(&self.body).or_refuse()
    }

    /// Who the request claims to be, by a header, the body or the TLS connection; never by the URL.
    pub(crate) fn claim(&self, form: &Form<'_>, config: &TokenConfig) -> Result<Claim, Failure> {
        self.present(form, config, Credentials::present)
    }

    /// Who the request claims to be, if it says so beside the assertion that is its grant.
    pub(crate) fn claim_beside_grant(&self, form: &Form<'_>, config: &TokenConfig) -> Result<Option<Claim>, Failure> {
        self.present(form, config, Credentials::present_beside_grant)
    }

    fn present<T>(
        &self,
        form: &Form<'_>,
        config: &TokenConfig,
        find: impl FnOnce(&Presented<'_>) -> Result<T, PresentError>,
    ) -> Result<T, Failure> {
        let query = Form::parse(self.head.uri.query().unwrap_or_default().as_bytes()).or_refuse()?;
        let authorization = request::authorization(&self.head.headers);
        let certificate = self.certificate(config);
        let trusted_issuers = &config.trusted_issuers;
        let presented = Presented { authorization: &authorization, query: &query, form, certificate, trusted_issuers };
        find(&presented).or_refuse()
    }

    /// The client certificate, parsed once, if the request came through the mutual TLS domain.
    pub(crate) fn certificate(&self, config: &TokenConfig) -> Option<Result<&Certificate, CertificateError>> {
        let host = || config.mutual_tls.host(&config.issuer);
        let parse = || request::client_certificate(&self.head, host()).map(Certificate::parse);
        self.certificate.get_or_init(parse).as_ref().map(|parsed| parsed.as_ref().map_err(|error| *error))
    }
}
