//! Certificates, and requests over connections that present them.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokenmint_tests::{Answer, World, events};

pub(crate) const GRANT: &str = "grant_type=client_credentials";

/// The start time of every world: 2023-11-14.
pub(crate) const YEARS: (i32, i32) = (2023, 2024);

/// A certificate and its key.
pub(crate) struct Shown {
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
    pub(crate) thumbprint: String,
}

impl Shown {
    /// A certificate for a subject, valid in the given years, signed by an authority or by itself.
    pub(crate) fn new(names: &[(DnType, &str)], years: (i32, i32), authority: Option<&Issuer<'_, KeyPair>>) -> Self {
        Self::with(CertificateParams::default(), names, years, authority)
    }

    /// The same, with additional contents.
    pub(crate) fn with(
        mut parameters: CertificateParams,
        names: &[(DnType, &str)],
        (first, last): (i32, i32),
        authority: Option<&Issuer<'_, KeyPair>>,
    ) -> Self {
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, name) in names {
            parameters.distinguished_name.push(kind.clone(), *name);
        }
        parameters.not_before = rcgen::date_time_ymd(first, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(last, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = match authority {
            Some(authority) => parameters.signed_by(&key, authority),
            None => parameters.self_signed(&key),
        };
        let certificate = certificate.expect("a certificate");
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der());
        let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(hash);
        Self { pem: certificate.pem(), key, thumbprint }
    }

    pub(crate) fn self_signed(name: &str) -> Self {
        Self::new(&[(DnType::CommonName, name)], YEARS, None)
    }

    /// The key in the form that a client registers.
    pub(crate) fn jwks(&self) -> Value {
        jwks(self.key.public_key_raw())
    }
}

/// A P-256 point in the form that a client registers.
pub(crate) fn jwks(point: &[u8]) -> Value {
    let part = |at: std::ops::Range<usize>| BASE64_URL_SAFE_NO_PAD.encode(&point[at]);
    json!({"keys": [{"kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65)}]})
}

/// A world whose clients authenticate with self-signed certificates.
pub(crate) async fn self_signed_world() -> World {
    let mut world = World::new().await;
    world.set("MUTUAL_TLS_METHOD", "self_signed_tls_client_auth").await;
    world
}

/// The event over a connection that presents this certificate to the mutual TLS domain of every world, the issuer's
/// domain.
pub(crate) fn over(event: Value, pem: &str) -> Value {
    over_at("as.example", event, pem)
}

/// The event over a connection that presents this certificate to a domain.
pub(crate) fn over_at(domain: &str, event: Value, pem: &str) -> Value {
    let mut over = events::load("token-mutual-tls");
    let certificate = &mut over["requestContext"]["authentication"]["clientCert"];
    certificate["clientCertPem"] = pem.into();
    // The fields beside the certificate are ignored.
    certificate["subjectDN"] = "CN=somebody else".into();
    let authentication = over["requestContext"]["authentication"].clone();
    let mut event = event;
    event["requestContext"]["authentication"] = authentication;
    event["requestContext"]["domainName"] = domain.into();
    event
}

pub(crate) async fn ask(world: &World, client: &str, pem: &str) -> Answer {
    world.token(&over(events::token(&format!("{GRANT}&client_id={client}")), pem)).await
}

pub(crate) fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority")
}

pub(crate) const SUBJECT: [(DnType, &str); 3] =
    [(DnType::CountryName, "DE"), (DnType::OrganizationName, "Example, Inc."), (DnType::CommonName, "client")];

pub(crate) fn by_subject(subject: &str) -> Value {
    json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": subject})
}

pub(crate) fn by_key(keys: &Value) -> Value {
    json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": keys})
}
