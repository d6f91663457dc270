//! Assertions as credentials: RFC 7523 §2.2 and §3, signed and proven.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;

use super::*;
use crate::certificate::CertificateError;
use crate::federation::FederationError;
use crate::issuer::Issuer;
use crate::jose::{PublicKeys, TokenError};

const NOW: EpochSeconds = 1_700_000_000;
const AS: &str = "https://as.example";
const JWT: &str = private_key_jwt::TYPE;

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn jwks(&self) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "sig", "x": x, "y": y}]})
    }

    fn keys(&self) -> PublicKeys {
        PublicKeys::parse(&self.jwks()).expect("keys")
    }

    fn sign(&self, claims: &Value) -> String {
        let parts = [&json!({"alg": "ES256"}), claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = parts.join(".");
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).expect("signs");
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    /// An assertion of the client itself.
    fn own(&self) -> String {
        self.sign(&json!({"iss": ID, "sub": ID, "aud": AS, "jti": "1", "exp": NOW + 60}))
    }

    /// An assertion of an issuer about a subject.
    fn about(&self, iss: &str, sub: &str) -> String {
        self.sign(&json!({"iss": iss, "sub": sub, "aud": AS, "jti": "1", "iat": NOW, "exp": NOW + 60}))
    }
}

fn registered(others: &Value, federated: Vec<Value>) -> Arc<Client> {
    let others = others.as_object().expect("an object").clone();
    let token_endpoint_auth_method = Method::PrivateKeyJwt;
    let federated_credentials = federated;
    let rest = StoredMetadata::default();
    with_metadata(StoredMetadata { token_endpoint_auth_method, federated_credentials, others, ..rest }, &[])
}

fn trusted(entries: &Value) -> TrustedIssuers {
    TrustedIssuers::parse(&entries.to_string(), &Issuer::parse(AS).expect("an issuer")).expect("issuers")
}

fn claim(trusted: &TrustedIssuers, kind: &str, token: &str, client_id: &str) -> Result<Claim, PresentError> {
    let body = format!("client_assertion_type={kind}&client_assertion={token}&client_id={client_id}");
    let (query, form) = (Form::parse(b"").expect("empty"), Form::parse(body.as_bytes()).expect("a form"));
    let certificate = Some(Err(CertificateError));
    Credentials::present(&Presented {
        authorization: &[],
        query: &query,
        form: &form,
        certificate,
        trusted_issuers: trusted,
    })
}

fn own(token: &str) -> Credentials {
    match claim(&TrustedIssuers::default(), JWT, token, "") {
        Ok(Claim::Client(credentials @ Credentials::PrivateKeyJwt(_))) => credentials,
        other => panic!("{other:?}"),
    }
}

fn first_use(proof: Proof) -> FirstUse {
    match proof {
        Proof::FirstUse(first) => first,
        Proof::Complete(_) => panic!("every use counts"),
    }
}

/// A6: the client's own assertion, signed by a key in its `jwks`, is remembered until it expires, and counts once.
#[test]
fn a6_own_assertion_with_inline_keys() {
    let (key, other) = (Key::new(), Key::new());
    let credentials = own(&key.own());
    assert_eq!(credentials.client_id().as_str(), ID);
    let client = registered(&json!({"jwks": key.jwks()}), vec![]);
    let prove = |client: Arc<Client>| {
        credentials.prove(Some(client), &at(NOW)).map(|progress| match progress {
            Progress::Proven(proof) => first_use(proof),
            Progress::NeedsKeys(needs) => panic!("{needs:?}"),
        })
    };
    let first = prove(client.clone()).expect("proves");
    // base64url of the SHA-256 of "1".
    assert_eq!(first.id(), format!("assertion#{ID}#a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s"));
    assert_eq!((first.checked_at(), first.expires_at()), (NOW, NOW + 120));
    assert_eq!(first.complete(true).expect("the first use").client(), client.as_ref());
    let replayed = prove(client.clone()).expect("proves").complete(false);
    assert_eq!(replayed.expect_err("a replay"), ProveError::Assertion(AssertionError::Replayed));
    let algorithm = |name: &str| json!({"jwks": key.jwks(), "token_endpoint_auth_signing_alg": name});
    prove(registered(&algorithm("ES256"), vec![])).expect("the registered algorithm");
    for (client, error) in [
        (registered(&json!({"jwks": other.jwks()}), vec![]), AssertionError::Token(TokenError::Signature).into()),
        (registered(&algorithm("RS256"), vec![]), AssertionError::Algorithm.into()),
        (registered(&json!({}), vec![json!({"issuer": "https://a.example", "sub": "1"})]), ProveError::NoKeys),
        (Arc::new(Client { disabled: true, ..Client::clone(&client) }), ProveError::Disabled),
    ] {
        assert_eq!(prove(client).expect_err("fails"), error);
    }
}

/// A6: keys at a `jwks_uri` are asked for last, and decide alone.
#[test]
fn a6_own_assertion_with_keys_to_fetch() {
    let (key, other) = (Key::new(), Key::new());
    let client = registered(&json!({"jwks_uri": "https://client.example/jwks"}), vec![]);
    let credentials = own(&key.own());
    let Ok(Progress::NeedsKeys(needs)) = credentials.prove(Some(client.clone()), &at(NOW)) else {
        panic!("needs no keys")
    };
    assert_eq!((needs.source(), needs.url()), (KeySource::Client, "https://client.example/jwks"));
    assert_eq!(first_use(needs.prove(&key.keys()).expect("proves")).checked_at(), NOW);
    let error = needs.prove(&other.keys()).expect_err("another key");
    assert_eq!(error, AssertionError::Token(TokenError::Signature).into());
    assert!(error.is_about_the_key());
    let error = credentials.prove(Some(client), &at(NOW + 120)).expect_err("expired, whatever the keys are");
    assert_eq!(error, AssertionError::Expired.into());
}

/// A6, F1: newer keys are worth a fetch only for what another key could make valid.
#[test]
fn a6_f1_errors_that_are_about_the_key() {
    for (error, expected) in [
        (ProveError::WrongKey, true),
        (AssertionError::Token(TokenError::NoKey).into(), true),
        (AssertionError::Token(TokenError::Signature).into(), true),
        (FederationError::Token(TokenError::NoKey).into(), true),
        (FederationError::Token(TokenError::Signature).into(), true),
        (AssertionError::Token(TokenError::Malformed).into(), false),
        (FederationError::Token(TokenError::Malformed).into(), false),
        (AssertionError::Expired.into(), false),
        (FederationError::Expired.into(), false),
        (ProveError::WrongName, false),
        (ProveError::Disabled, false),
    ] {
        assert_eq!(error.is_about_the_key(), expected, "{error}");
    }
}

/// A2, F1, F3: who presents what: the client itself, a subject of a trusted issuer, with or without the client's name.
#[test]
fn a2_f1_f3_whose_assertion() {
    let key = Key::new();
    let issuers = trusted(&json!([
        {"issuer": "https://ci.example", "jwks": key.jwks()},
        {"issuer": "spiffe://prod.example", "spiffe_bundle": "https://prod.example/bundle"},
    ]));
    let svid = key.about("", "spiffe://prod.example/w");
    let (by_ci, by_other) = (key.about("https://ci.example", "1"), key.about("https://other.example", ID));
    for (kind, token) in [(JWT, &by_ci), (SPIFFE_TYPE, &svid)] {
        assert!(matches!(claim(&issuers, kind, token, ""), Ok(Claim::Subject(_))), "{kind}");
        let named = claim(&issuers, kind, token, ID);
        let Ok(Claim::Client(credentials @ Credentials::Federated(_))) = named else { panic!("{named:?}") };
        assert_eq!(credentials.client_id().as_str(), ID);
    }
    assert!(matches!(claim(&issuers, JWT, &key.own(), ID), Ok(Claim::Client(Credentials::PrivateKeyJwt(_)))));
    let no_sub = key.sign(&json!({"iss": "https://ci.example", "aud": AS}));
    for (kind, token, client_id, error) in [
        (JWT, key.own(), "other", PresentError::ClientIdMismatch),
        (JWT, by_other, "other", PresentError::UntrustedIssuer),
        (JWT, by_ci.clone(), "a%0A", PresentError::MalformedClientId),
        (JWT, no_sub.clone(), "", PresentError::AssertionWithoutSubject),
        (SPIFFE_TYPE, no_sub, "", PresentError::AssertionWithoutSubject),
        (SPIFFE_TYPE, by_ci, "", PresentError::UntrustedIssuer),
        (SPIFFE_TYPE, key.about("", "spiffe://other.example/w"), ID, PresentError::UntrustedIssuer),
        ("urn:other", svid, "", PresentError::UnsupportedAssertion),
    ] {
        assert_eq!(claim(&issuers, kind, &token, client_id).expect_err("refused"), error, "{kind} {client_id}");
    }
}

/// F1, F2, F3: the assertion of an issuer proves the clients that list its subject, with the issuer's keys; its `reuse`
/// decides whether it counts once.
#[test]
fn f1_f2_f3_assertions_of_an_issuer() {
    let (key, other) = (Key::new(), Key::new());
    let client = registered(&json!({}), vec![json!({"issuer": "https://ci.example", "sub": "1"})]);
    let stranger = registered(&json!({"jwks": key.jwks()}), vec![json!({"issuer": "https://ci.example", "sub": "2"})]);
    let entry = |more: &Value| {
        let mut entry = json!({"issuer": "https://ci.example"});
        entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        trusted(&json!([entry]))
    };
    let subject = |issuers: &TrustedIssuers| match claim(issuers, JWT, &key.about("https://ci.example", "1"), "") {
        Ok(Claim::Subject(assertion)) => assertion,
        other => panic!("{other:?}"),
    };
    let inline = entry(&json!({"jwks": key.jwks()}));
    let assertion = subject(&inline);
    assert!(assertion.is_of(&client) && !assertion.is_of(&stranger));
    assert_eq!(client.metadata.federated_credentials().keys().into_iter().collect::<Vec<_>>(), [assertion.key()]);

    let named = |issuers: &TrustedIssuers| Credentials::federated(client.client_id.clone(), subject(issuers));
    let once = named(&inline);
    let Ok(Progress::Proven(Proof::FirstUse(first))) = once.prove(Some(client.clone()), &at(NOW)) else {
        panic!("no first use")
    };
    assert!(first.id().starts_with("federated#"));
    assert_eq!((first.checked_at(), first.expires_at()), (NOW, NOW + 120));
    let error = once.prove(Some(stranger), &at(NOW)).expect_err("not its subject");
    assert_eq!(error, FederationError::Subject.into());
    let reused = named(&entry(&json!({"jwks": key.jwks(), "reuse": "until-exp"})));
    let proven = reused.prove(Some(client.clone()), &at(NOW));
    let Ok(Progress::Proven(Proof::Complete(proven))) = proven else { panic!("{proven:?}") };
    assert_eq!(proven.client(), client.as_ref());

    for (issuers, error) in [
        (entry(&json!({"jwks": other.jwks()})), FederationError::Token(TokenError::Signature)),
        (entry(&json!({"jwks": key.jwks(), "algorithms": ["RS256"]})), FederationError::Algorithm),
        (entry(&json!({"jwks": key.jwks(), "max_lifetime": 59})), FederationError::TooLong),
    ] {
        assert_eq!(named(&issuers).prove(Some(client.clone()), &at(NOW)).expect_err("fails"), error.into());
    }
    let fetched = named(&entry(&json!({"jwks_uri": "https://ci.example/jwks"})));
    let Ok(Progress::NeedsKeys(needs)) = fetched.prove(Some(client), &at(NOW)) else { panic!("needs no keys") };
    assert_eq!((needs.source(), needs.url()), (KeySource::Issuer, "https://ci.example/jwks"));
    assert!(needs.prove(&key.keys()).is_ok() && needs.prove(&other.keys()).is_err());
}

/// F1: a JWT-SVID is proven with the keys of its trust domain's bundle.
#[test]
fn f1_keys_of_a_trust_domain() {
    let key = Key::new();
    let issuers =
        trusted(&json!([{"issuer": "spiffe://prod.example", "spiffe_bundle": "https://prod.example/bundle"}]));
    let id = "spiffe://prod.example/w";
    let client = registered(&json!({}), vec![json!({"issuer": "spiffe://prod.example", "sub": id})]);
    let Ok(Claim::Client(credentials)) = claim(&issuers, SPIFFE_TYPE, &key.about("", id), ID) else {
        panic!("presents")
    };
    let Ok(Progress::NeedsKeys(needs)) = credentials.prove(Some(client), &at(NOW)) else { panic!("needs no keys") };
    assert_eq!((needs.source(), needs.url()), (KeySource::Bundle, "https://prod.example/bundle"));
    assert_eq!(first_use(needs.prove(&key.keys()).expect("proves")).expires_at(), NOW + 120);
}

/// F5, A2: beside an assertion that is the grant there may be credentials, as elsewhere; a certificate is none.
#[test]
fn f5_a2_credentials_beside_an_assertion() {
    let beside = |authorization: &[&[u8]], query: &str, body: &str| {
        let (query, form) =
            (Form::parse(query.as_bytes()).expect("a query"), Form::parse(body.as_bytes()).expect("a form"));
        let (certificate, trusted_issuers) = (Some(Err(CertificateError)), &TrustedIssuers::default());
        let presented = Presented { authorization, query: &query, form: &form, certificate, trusted_issuers };
        Credentials::present_beside_grant(&presented)
    };
    let header = basic("i:s");
    let header = header.as_bytes();
    for body in ["", "client_id=i", "assertion=x&client_id=i", "client_secret="] {
        assert!(matches!(beside(&[], "", body), Ok(None)), "{body}");
    }
    let client = |claim| match claim {
        Ok(Some(Claim::Client(credentials))) => credentials,
        other => panic!("{other:?}"),
    };
    assert!(matches!(client(beside(&[header], "", "")), Credentials::ClientSecretBasic(_)));
    assert!(matches!(client(beside(&[], "", "client_id=i&client_secret=s")), Credentials::ClientSecretPost(_)));
    let own = format!("client_assertion_type={JWT}&client_assertion={}", Key::new().own());
    assert!(matches!(client(beside(&[], "", &own)), Credentials::PrivateKeyJwt(_)));
    for (authorization, body, error) in [
        (&[][..], "client_secret=s", PresentError::MissingClientId),
        (&[], "client_assertion=x", PresentError::IncompleteAssertion),
        (&[], "client_assertion_type=x", PresentError::IncompleteAssertion),
        (&[header], "client_secret=s", PresentError::TwoMethods),
        (&[header], "client_id=j", PresentError::ClientIdMismatch),
        (&[header, header], "", PresentError::RepeatedAuthorization),
    ] {
        assert_eq!(beside(authorization, "", body).expect_err(body), error, "{body}");
    }
    for name in CREDENTIAL_PARAMETERS.iter().chain(&["assertion"]) {
        assert_eq!(beside(&[], &format!("{name}=x"), "").expect_err(name), PresentError::InUrl);
    }
    assert!(matches!(beside(&[], "scope=x", ""), Ok(None)));
}

/// F5, F1, F3: whose grant an assertion is: the client's own, or its subject's, or that of the client that is named.
#[test]
fn f5_f1_f3_whose_grant() {
    let key = Key::new();
    let issuers = trusted(&json!([
        {"issuer": "https://ci.example", "jwks": key.jwks()},
        {"issuer": "spiffe://prod.example", "spiffe_bundle": "https://prod.example/bundle"},
    ]));
    let grant = |token: &str, client_id| Credentials::present_grant(token, client_id, &issuers);
    for client_id in [None, Some(ID)] {
        assert!(matches!(grant(&key.own(), client_id), Ok(Claim::Client(Credentials::PrivateKeyJwt(_)))));
    }
    assert_eq!(grant(&key.own(), Some("other")).expect_err("refused"), AssertionGrantError::OtherClient);
    for token in [key.about("https://ci.example", "1"), key.about("", "spiffe://prod.example/w")] {
        assert!(matches!(grant(&token, None), Ok(Claim::Subject(_))));
        let named = grant(&token, Some("other"));
        let Ok(Claim::Client(credentials @ Credentials::Federated(_))) = named else { panic!("{named:?}") };
        assert_eq!(credentials.client_id().as_str(), "other");
        let malformed = AssertionGrantError::Present(PresentError::MalformedClientId);
        assert_eq!(grant(&token, Some("a\n")).expect_err("refused"), malformed);
    }
    let no_sub = key.sign(&json!({"iss": "https://ci.example", "aud": AS}));
    assert_eq!(grant(&no_sub, None).expect_err("refused"), PresentError::AssertionWithoutSubject.into());
    let error = OAuthError::from(AssertionGrantError::OtherClient);
    assert_eq!((error.code, error.description.as_str()), (ErrorCode::InvalidGrant, "the assertion is invalid"));
}

/// F5: what an assertion proves ends with it, the allowed difference between clocks included; what a secret proves has no
/// such end.
#[test]
fn f5_end_of_an_assertion() {
    let key = Key::new();
    let client = registered(&json!({"jwks": key.jwks()}), vec![]);
    let Ok(Progress::Proven(proof)) = own(&key.own()).prove(Some(client), &at(NOW)) else { panic!("needs keys") };
    let proven = first_use(proof).complete(true).expect("the first use");
    assert_eq!(proven.assertion_expires_at(), Some(NOW + 120));
    let issuers = trusted(&json!([{"issuer": "https://ci.example", "jwks": key.jwks(), "reuse": "until-exp"}]));
    let client = registered(&json!({}), vec![json!({"issuer": "https://ci.example", "sub": "1"})]);
    let Ok(Claim::Client(credentials)) = claim(&issuers, JWT, &key.about("https://ci.example", "1"), ID) else {
        panic!("presents")
    };
    let proven = credentials.prove(Some(client), &at(NOW));
    let Ok(Progress::Proven(Proof::Complete(proven))) = proven else { panic!("{proven:?}") };
    assert_eq!(proven.assertion_expires_at(), Some(NOW + 120));
    let by_secret = present(&[basic(&format!("{ID}:s")).as_bytes()], "").expect("presents");
    let proven = by_secret.prove(Some(super::client(Method::ClientSecretBasic, &[("s", 0)])), &at(NOW));
    let Ok(Progress::Proven(Proof::Complete(proven))) = proven else { panic!("{proven:?}") };
    assert_eq!(proven.assertion_expires_at(), None);
}

/// C4: before a document is fetched, the credentials are an assertion of the client, valid but for its signature.
#[test]
fn c4_before_a_document_is_fetched() {
    let check = |credentials: &Credentials, now| credentials.check_before_document(&at(now));
    let assertion = own(&Key::new().own());
    assert_eq!(check(&assertion, NOW + 119), Ok(()));
    assert_eq!(check(&assertion, NOW + 120), Err(AssertionError::Expired.into()));
    let by_secret = present(&[basic(&format!("{ID}:s")).as_bytes()], "").expect("presents");
    assert_eq!(check(&by_secret, NOW), Err(ProveError::WrongMethod));
}
