//! Certificates as credentials: RFC 8705 §2.

use super::*;
use crate::certificate::Certificate;
use crate::certificate::tests::{AUTHORITY, EXAMPLE, SHORT};

/// A second at which the example of RFC 8705 Appendix A is valid, and one at which the authority is.
const NOW: EpochSeconds = 1_539_866_229;
const LATER: EpochSeconds = 1_795_549_708;

fn registered(method: Method, others: &serde_json::Value) -> Arc<Client> {
    let others = others.as_object().expect("an object").clone();
    with_metadata(StoredMetadata { token_endpoint_auth_method: method, others, ..StoredMetadata::default() }, &[])
}

fn prove(pem: &str, client: Arc<Client>, method: Option<CertificateMethod>, now: u64) -> Result<String, ProveError> {
    prove_at(pem, client, &ProofContext { certificate_method: method, ..at(now) })
}

fn prove_at(pem: &str, client: Arc<Client>, at: &ProofContext<'_>) -> Result<String, ProveError> {
    let certificate = Certificate::parse(pem).expect("a certificate");
    let (query, form) = (Form::parse(b"").expect("empty"), format!("client_id={ID}"));
    let form = Form::parse(form.as_bytes()).expect("a form");
    let trusted_issuers = &TrustedIssuers::default();
    let certificate = Some(Ok(&certificate));
    let presented = Presented { authorization: &[], query: &query, form: &form, certificate, trusted_issuers };
    let Ok(Claim::Client(credentials)) = Credentials::present(&presented) else { panic!("presents") };
    match credentials.prove(Some(client), at)? {
        Progress::Proven(Proof::Complete(proven)) => Ok(proven.client().client_id.as_str().to_owned()),
        other => panic!("{other:?}"),
    }
}

/// A7: by name: the registered one, where the method is offered, while the certificate is valid.
#[test]
fn a7_by_name() {
    let client = |name| registered(Method::TlsClientAuth, &json!({"tls_client_auth_subject_dn": name}));
    let offered = Some(CertificateMethod::TlsClientAuth);
    assert_eq!(prove(EXAMPLE, client("CN=mtls"), offered, NOW), Ok(ID.to_owned()));
    for (name, method, now, error) in [
        ("CN=other", offered, NOW, ProveError::WrongName),
        ("CN=mtls", offered, NOW - 1, ProveError::CertificateTime),
        ("CN=mtls", Some(CertificateMethod::SelfSignedTlsClientAuth), NOW, ProveError::MethodNotOffered),
        ("CN=mtls", None, NOW, ProveError::MethodNotOffered),
    ] {
        assert_eq!(prove(EXAMPLE, client(name), method, now), Err(error), "{name} {method:?} {now}");
    }
}

/// A7: by key: a registered one, of a certificate that may not sign others.
#[test]
fn a7_by_key() {
    let key = |x: &str, y: &str| json!({"keys": [{"kty": "EC", "crv": "P-256", "x": x, "y": y}]});
    let own = key("1yfLHCpXqFjxCeHHHMVDTcLscpb07KUxudBmOMn8C7Q", "8_coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8");
    let other = key("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU");
    let authority = key("RTeoI1aYQsSOp-acK8tLaYFrzR8SAtYjcDN6cVmH62w", "A9wO0IXdSObNcMk3ryWrbfOW_EImZcslWQNAxIRs2uA");
    let client = |keys| registered(Method::SelfSignedTlsClientAuth, &json!({"jwks": keys}));
    let offered = Some(CertificateMethod::SelfSignedTlsClientAuth);
    assert_eq!(prove(EXAMPLE, client(own.clone()), offered, NOW), Ok(ID.to_owned()));
    for (pem, keys, method, now, error) in [
        (EXAMPLE, other, offered, NOW, ProveError::WrongKey),
        (EXAMPLE, own.clone(), offered, NOW - 1, ProveError::CertificateTime),
        (EXAMPLE, own, Some(CertificateMethod::TlsClientAuth), NOW, ProveError::MethodNotOffered),
        (AUTHORITY, authority, offered, LATER, ProveError::Authority),
    ] {
        assert_eq!(prove(pem, client(keys), method, now), Err(error));
    }
}

/// S3, A7: with FAPI 2.0 an RSA key of less than 2048 bits proves no client, by either method.
#[test]
fn s3_a7_certificates_with_short_keys() {
    let now = 1_795_897_193;
    let jwks = json!({"jwks_uri": "https://client.example/jwks"});
    for (method, registered_method, others) in [
        (CertificateMethod::TlsClientAuth, Method::TlsClientAuth, json!({"tls_client_auth_subject_dn": "CN=short"})),
        (CertificateMethod::SelfSignedTlsClientAuth, Method::SelfSignedTlsClientAuth, jwks),
    ] {
        let client = registered(registered_method, &others);
        let at = ProofContext { certificate_method: Some(method), profile: SecurityProfile::Fapi2, ..at(now) };
        assert_eq!(prove_at(SHORT, client, &at), Err(ProveError::ShortKey), "{method:?}");
    }
    let client = |name| registered(Method::TlsClientAuth, &json!({"tls_client_auth_subject_dn": name}));
    let without = at(now);
    assert_eq!(prove_at(SHORT, client("CN=short"), &without), Ok(ID.to_owned()));
    let within = ProofContext { profile: SecurityProfile::Fapi2, ..at(NOW) };
    assert_eq!(prove_at(EXAMPLE, client("CN=mtls"), &within), Ok(ID.to_owned()));
}
