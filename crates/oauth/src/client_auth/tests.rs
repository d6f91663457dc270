mod assertions;
mod certificates;

use std::sync::{Arc, LazyLock};

use base64::prelude::{BASE64_STANDARD, Engine};
use proptest::prelude::*;
use serde_json::json;

use super::credentials::CREDENTIAL_PARAMETERS;
use super::error::authentication_failed;
use super::*;
use crate::EpochSeconds;
use crate::certificate::CertificateError;
use crate::client::{Client, ClientId, StoredSecret};
use crate::error::{ErrorCode, OAuthError};
use crate::federation::TrustedIssuers;
use crate::form::Form;
use crate::metadata::{ClientMetadata, StoredMetadata};
use crate::method::{CertificateMethod, Method, MethodChoice};
use crate::secret::SecretHash;
use crate::security_profile::SecurityProfile;

const ID: &str = "07070707-0707-4707-8707-070707070707";

fn client(method: Method, secrets: &[(&str, u64)]) -> Arc<Client> {
    with_metadata(StoredMetadata { token_endpoint_auth_method: method, ..StoredMetadata::default() }, secrets)
}

fn with_metadata(metadata: StoredMetadata, secrets: &[(&str, u64)]) -> Arc<Client> {
    let stored =
        |(secret, expires_at): &(&str, u64)| StoredSecret { sha256: SecretHash::of(secret), expires_at: *expires_at };
    Arc::new(Client {
        client_id: ClientId::parse(ID).expect("a UUID"),
        client_id_issued_at: 1,
        client_secrets: secrets.iter().map(stored).collect(),
        registration_access_token: None,
        scope_ceiling: None,
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::from_stored(metadata).expect("metadata"),
    })
}

fn present(authorization: &[&[u8]], body: &str) -> Result<Credentials, PresentError> {
    present_over(authorization, body, None)
}

fn present_over(
    authorization: &[&[u8]],
    body: &str,
    certificate: Option<CertificateError>,
) -> Result<Credentials, PresentError> {
    let (query, form) = (Form::parse(b"").expect("empty"), Form::parse(body.as_bytes()).expect("a form"));
    let trusted_issuers = &TrustedIssuers::default();
    let certificate = certificate.map(Err);
    let presented = Presented { authorization, query: &query, form: &form, certificate, trusted_issuers };
    match Credentials::present(&presented)? {
        Claim::Client(credentials) => Ok(credentials),
        Claim::Subject(assertion) => panic!("no issuer is trusted: {assertion:?}"),
    }
}

fn at(now: EpochSeconds) -> ProofContext<'static> {
    static AUDIENCES: LazyLock<[String; 1]> = LazyLock::new(|| ["https://as.example".to_owned()]);
    let certificate_method = Some(CertificateMethod::TlsClientAuth);
    ProofContext {
        now,
        audiences: &*AUDIENCES,
        assertion_max_lifetime: 600,
        certificate_method,
        profile: SecurityProfile::None,
    }
}

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

/// A1: RFC 6749 §2.3.1, the example header.
#[test]
fn a1_rfc6749_example() {
    let credentials = present(&[b"Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"], "").expect("presents");
    assert_eq!(credentials.client_id().as_str(), "s6BhdRkqt3");
    let Credentials::ClientSecretBasic(pair) = credentials else { panic!("another method") };
    assert_eq!(pair.secret, SecretHash::of("7Fjfp0ZBr1KtDRbnfVdmIw"));
}

/// A1: the scheme in any case; the first colon splits; both halves are form-decoded.
#[test]
fn a1_basic() {
    for scheme in ["basic", "BASIC", "bAsIc"] {
        present(&[basic("id:secret").replacen("Basic", scheme, 1).as_bytes()], "").expect(scheme);
    }
    let Ok(Credentials::ClientSecretBasic(pair)) = present(&[basic("a+b%3A:x:y%25").as_bytes()], "") else {
        panic!("does not present")
    };
    assert_eq!((pair.client_id.as_str(), pair.secret), ("a b:", SecretHash::of("x:y%")));
    for bad in ["Basic", "Basic ", "Basic !!!", "Basic aWQ", "Basic aWQ6JQ==", "Basic /zo="] {
        assert_eq!(present(&[bad.as_bytes()], "").expect_err(bad), PresentError::MalformedBasic);
    }
    for other in ["Bearer x", "", "Digest x", "Basicx aWQ6eA=="] {
        assert_eq!(present(&[other.as_bytes()], "").expect_err(other), PresentError::UnsupportedScheme);
    }
}

/// A1: `client_secret_post`.
#[test]
fn a1_post() {
    let credentials = present(&[], "client_id=i&client_secret=s").expect("presents");
    assert!(matches!(credentials, Credentials::ClientSecretPost(_)));
    assert_eq!(present(&[], "client_secret=s").expect_err("no id"), PresentError::MissingClientId);
    assert_eq!(present(&[], "client_id=i").expect_err("no secret"), PresentError::None);
    assert_eq!(present(&[], "client_id=i&client_secret=").expect_err("empty"), PresentError::None);
}

/// A2: one method, one header, one identifier.
#[test]
fn a2_doubled() {
    let header = basic("i:s");
    let header = header.as_bytes();
    assert_eq!(present(&[header], "client_secret=s").expect_err("two"), PresentError::TwoMethods);
    assert_eq!(present(&[header], "client_id=j").expect_err("other"), PresentError::ClientIdMismatch);
    present(&[header], "client_id=i").expect("the same");
    assert_eq!(present(&[header, header], "").expect_err("two"), PresentError::RepeatedAuthorization);
    let joined = [header, b", ", header].concat();
    assert_eq!(present(&[&joined], "").expect_err("joined"), PresentError::RepeatedAuthorization);
    for name in CREDENTIAL_PARAMETERS {
        let query = format!("{name}=x");
        let query = Form::parse(query.as_bytes()).expect("a query");
        let form = Form::parse(b"").expect("empty");
        let trusted_issuers = &TrustedIssuers::default();
        let presented =
            Presented { authorization: &[header], query: &query, form: &form, certificate: None, trusted_issuers };
        let error = Credentials::present(&presented);
        assert_eq!(error.expect_err(name), PresentError::InUrl);
    }
}

/// A3, A4, A5: method and secret must both be the registered ones, and every failure looks the same.
#[test]
fn a4_failures_look_the_same() {
    let by_basic = present(&[basic(&format!("{ID}:s")).as_bytes()], "").expect("presents");
    let by_post = present(&[], &format!("client_id={ID}&client_secret=s")).expect("presents");
    let registered = client(Method::ClientSecretBasic, &[("s", 0)]);
    let disabled = Arc::new(Client { disabled: true, ..Client::clone(&registered) });
    by_basic.prove(Some(registered.clone()), &at(5)).expect("proves");
    by_basic.prove(Some(client(Method::ClientSecretBasic, &[("new", 0), ("s", 6)])), &at(5)).expect("the older secret");
    let failures = [
        (by_basic.prove(None, &at(5)), ProveError::UnknownClient),
        (by_post.prove(Some(registered), &at(5)), ProveError::WrongMethod),
        (by_basic.prove(Some(client(Method::ClientSecretPost, &[("s", 0)])), &at(5)), ProveError::WrongMethod),
        (by_basic.prove(Some(client(Method::ClientSecretBasic, &[("S", 0)])), &at(5)), ProveError::WrongSecret),
        (by_basic.prove(Some(client(Method::ClientSecretBasic, &[])), &at(5)), ProveError::WrongSecret),
        (by_basic.prove(Some(client(Method::ClientSecretBasic, &[("s", 5)])), &at(5)), ProveError::ExpiredSecret),
        (by_basic.prove(Some(disabled), &at(5)), ProveError::Disabled),
    ];
    for (outcome, why) in failures {
        let error = outcome.expect_err("fails");
        assert_eq!(error, why);
        assert_eq!(OAuthError::from(error), authentication_failed());
    }
}

/// A3: a client that named no method may use either secret method, and no other.
#[test]
fn a3_a_client_that_named_no_method() {
    let stored = StoredMetadata { method_choice: MethodChoice::Defaulted, ..StoredMetadata::default() };
    let defaulted = with_metadata(stored.clone(), &[("s", 0)]);
    let by_basic = present(&[basic(&format!("{ID}:s")).as_bytes()], "").expect("presents");
    let by_post = present(&[], &format!("client_id={ID}&client_secret=s")).expect("presents");
    let wrong = present(&[], &format!("client_id={ID}&client_secret=S")).expect("presents");
    by_basic.prove(Some(defaulted.clone()), &at(5)).expect("proves");
    by_post.prove(Some(defaulted.clone()), &at(5)).expect("proves");
    assert_eq!(wrong.prove(Some(defaulted.clone()), &at(5)).expect_err("fails"), ProveError::WrongSecret);
    // The choice is about the default method: with another one it means nothing.
    let keys = json!({"keys": [{
        "kty": "EC", "crv": "P-256",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    }]});
    for method in Method::ALL.iter().filter(|method| !method.has_secret()) {
        let mut other = StoredMetadata { token_endpoint_auth_method: *method, ..stored.clone() };
        let member =
            if method.has_keys() { ("jwks", keys.clone()) } else { ("tls_client_auth_san_dns", json!("a.example")) };
        other.others.insert(member.0.to_owned(), member.1);
        let other = with_metadata(other, &[("s", 0)]);
        for credentials in [&by_basic, &by_post] {
            let error = credentials.prove(Some(other.clone()), &at(5)).expect_err("fails");
            assert_eq!(error, ProveError::WrongMethod, "{method:?}");
        }
    }
}

/// An empty secret is the hash that absent secrets are compared with: it must prove nothing.
#[test]
fn a4_an_empty_secret_proves_nothing() {
    let credentials = present(&[basic(&format!("{ID}:")).as_bytes()], "").expect("presents");
    let error = credentials.prove(Some(client(Method::ClientSecretBasic, &[("s", 0)])), &at(5));
    assert_eq!(error.expect_err("fails"), ProveError::WrongSecret);
}

#[test]
fn r19_debug_shows_no_secret() {
    let credentials = present(&[basic(&format!("{ID}:hush")).as_bytes()], "").expect("presents");
    assert_eq!(
        format!("{credentials:?}"),
        format!("ClientSecretBasic(IdAndSecret {{ client_id: ClientId({ID}), .. }})")
    );
}

/// A2: one method, whichever two are sent; a certificate that is there beside one is none.
#[test]
fn a2_two_methods() {
    let assertion = "client_assertion=x&client_assertion_type=y";
    let header = basic("i:s");
    for (authorization, body) in [
        (&[header.as_bytes()][..], assertion),
        (&[header.as_bytes()], "client_assertion=x"),
        (&[header.as_bytes()], "client_assertion_type=x"),
        (&[], "client_id=i&client_secret=s&client_assertion=x&client_assertion_type=y"),
    ] {
        assert_eq!(present(authorization, body).expect_err(body), PresentError::TwoMethods);
    }
    for half in ["client_assertion=x", "client_assertion_type=x", "client_assertion=&client_assertion_type=x"] {
        assert_eq!(present(&[], half).expect_err(half), PresentError::IncompleteAssertion);
    }
    assert_eq!(present(&[], assertion).expect_err("another type"), PresentError::UnsupportedAssertion);
    let credentials = present_over(&[header.as_bytes()], "client_id=i", Some(CertificateError)).expect("presents");
    assert!(matches!(credentials, Credentials::ClientSecretBasic(_)));
    let error = present_over(&[], "client_id=i", Some(CertificateError)).expect_err("malformed");
    assert_eq!(OAuthError::from(error), authentication_failed());
    assert_eq!(present_over(&[], "", Some(CertificateError)).expect_err("nobody"), PresentError::None);
}

proptest! {
    /// Any assertion, also one that looks like one: no panic, a registered error code.
    #[test]
    fn any_assertion(text: String, header: Vec<u8>, claims: Vec<u8>, json in "\\{\"(sub|alg|crit)\":\\PC{0,9}\\}") {
        let part = |bytes: &[u8]| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let (es256, json) = (part(b"{\"alg\":\"ES256\"}"), part(json.as_bytes()));
        for token in [
            text,
            format!("{}.{}.AA", part(&header), part(&claims)),
            format!("{es256}.{}.AA", part(&claims)),
            format!("{es256}.{json}.AA"),
            format!("{json}.{json}.AA"),
        ] {
            let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
            let body = format!("client_assertion_type={}&client_assertion={encoded}", private_key_jwt::TYPE);
            if let Err(error) = present(&[], &body) {
                let code = OAuthError::from(error).code;
                prop_assert!(matches!(code, ErrorCode::InvalidClient | ErrorCode::InvalidRequest));
            }
        }
    }

    /// Any header: no panic, a registered error code.
    #[test]
    fn any_header(header: Vec<u8>) {
        if let Err(error) = present(&[&header], "") {
            let code = OAuthError::from(error).code;
            prop_assert!(matches!(code, ErrorCode::InvalidClient | ErrorCode::InvalidRequest));
        }
    }

    /// Any bytes behind a good scheme: likewise.
    #[test]
    fn any_credentials(bytes: Vec<u8>) {
        let header = [b"Basic ".to_vec(), BASE64_STANDARD.encode(bytes).into_bytes()].concat();
        if let Err(error) = present(&[&header], "") {
            prop_assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidClient);
        }
    }

    /// What a client encodes as the RFC says is what is read.
    #[test]
    fn round_trip(id in "[ -~]{1,30}", secret in "\\PC{0,30}") {
        let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let header = basic(&format!("{}:{}", encode(&id), encode(&secret)));
        let Ok(Credentials::ClientSecretBasic(pair)) = present(&[header.as_bytes()], "") else { panic!("presents") };
        prop_assert_eq!(pair.client_id.as_str(), id);
        prop_assert_eq!(pair.secret, SecretHash::of(&secret));
    }
}
