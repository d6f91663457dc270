//! Mutual TLS at `POST /token`: RFC 8705, with the certificate in API Gateway's request context.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::Algorithm;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokenmint_tests::{Answer, Log, World, events};

use crate::client_key::{ClientKey, claims, parameters, register};
use crate::site::{Site, ok};

const GRANT: &str = "grant_type=client_credentials";

/// The time of every world: 2023-11-14.
const YEARS: (i32, i32) = (2023, 2024);

/// A certificate and its key.
struct Shown {
    pem: String,
    key: KeyPair,
    thumbprint: String,
}

impl Shown {
    /// The certificate of a subject, in the given years, signed by an authority or by itself.
    fn new(names: &[(DnType, &str)], (first, last): (i32, i32), authority: Option<&Issuer<'_, KeyPair>>) -> Self {
        let mut parameters = CertificateParams::default();
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

    fn self_signed(name: &str) -> Self {
        Self::new(&[(DnType::CommonName, name)], YEARS, None)
    }

    /// The key as a client registers it.
    fn jwks(&self) -> Value {
        let point = self.key.public_key_raw();
        let part = |at: std::ops::Range<usize>| BASE64_URL_SAFE_NO_PAD.encode(&point[at]);
        json!({"keys": [{"kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65)}]})
    }
}

/// The event over a connection with this certificate.
fn over(event: Value, pem: &str) -> Value {
    let mut over = events::load("token-mutual-tls");
    let certificate = &mut over["requestContext"]["authentication"]["clientCert"];
    certificate["clientCertPem"] = pem.into();
    // What stands beside the certificate says nothing that counts.
    certificate["subjectDN"] = "CN=somebody else".into();
    let authentication = over["requestContext"]["authentication"].clone();
    let mut event = event;
    event["requestContext"]["authentication"] = authentication;
    event
}

async fn ask(world: &World, client: &str, pem: &str) -> Answer {
    world.token(&over(events::token(&format!("{GRANT}&client_id={client}")), pem)).await
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority")
}

const SUBJECT: [(DnType, &str); 3] =
    [(DnType::CountryName, "DE"), (DnType::OrganizationName, "Example, Inc."), (DnType::CommonName, "client")];

fn by_subject(subject: &str) -> Value {
    json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": subject})
}

fn by_key(keys: &Value) -> Value {
    json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": keys})
}

/// A7: the certificate's subject is the one that is registered, however that is spelled.
#[tokio::test]
async fn a7_subject() {
    let (world, authority) = (World::new().await, authority());
    let shown = Shown::new(&SUBJECT, YEARS, Some(&authority));
    for subject in [
        "CN=client,O=Example\\, Inc.,C=DE",
        "cn=client, o=Example\\2C Inc., c=DE",
        "2.5.4.3=#0c06636c69656e74,O=Example\\, Inc.,C=DE",
    ] {
        let client = register(&world, &by_subject(subject)).await;
        let answer = ask(&world, &client, &shown.pem).await;
        assert_eq!(answer.status, 200, "{subject}: {:?}", answer.json());
        let token = world.verify(answer.json()["access_token"].as_str().expect("a token")).await;
        assert_eq!((&token.claims["sub"], token.claims.get("cnf")), (&json!(client), None));
    }
}

/// A7, A4: what is not the client's certificate, at this time, is told like any other failure.
#[tokio::test]
async fn a7_a4_hostile_certificates() {
    let (mut world, authority) = (World::new().await, authority());
    let good = Shown::new(&SUBJECT, YEARS, Some(&authority));
    let of = |names: &[(DnType, &str)], years| Shown::new(names, years, Some(&authority)).pem;
    let client = register(&world, &by_subject("CN=client,O=Example\\, Inc.,C=DE")).await;
    let with_secret = world.client(json!({})).await;
    let mut turned = SUBJECT.to_vec();
    turned.reverse();
    let mut longer = SUBJECT.to_vec();
    longer.push((DnType::OrganizationalUnitName, "x"));
    let in_one = [(DnType::CommonName, "client,O=Example\\, Inc.,C=DE")];
    let log = Log::capture();
    let reference = world.token(&events::load("token-wrong-secret")).await;
    let cases = [
        (client.as_str(), of(&[(DnType::CommonName, "other")], YEARS), "not the registered subject"),
        (&client, of(&SUBJECT[1..], YEARS), "not the registered subject"),
        (&client, of(&turned, YEARS), "not the registered subject"),
        (&client, of(&longer, YEARS), "not the registered subject"),
        (&client, of(&in_one, YEARS), "not the registered subject"),
        (&client, of(&[], YEARS), "not the registered subject"),
        (&client, of(&SUBJECT, (2020, 2023)), "expired or not yet valid"),
        (&client, of(&SUBJECT, (2024, 2025)), "expired or not yet valid"),
        (&client, String::new(), "malformed"),
        (&client, "CERT_CONTENT".to_owned(), "malformed"),
        (&client, good.pem.replace("MII", "MIJ"), "malformed"),
        (&client, format!("{}{}", good.pem, good.pem), "malformed"),
        (&client, good.key.serialize_pem(), "malformed"),
        (&with_secret.id, good.pem.clone(), "not the registered method"),
        ("11111111-1111-4111-8111-111111111111", good.pem.clone(), "unknown client"),
        ("a%0Ab", good.pem.clone(), "malformed client identifier"),
    ];
    for (client, pem, cause) in &cases {
        let answer = ask(&world, client, pem).await;
        answer.expect_error(401, "invalid_client");
        assert_eq!((&answer.body, &answer.headers), (&reference.body, &reference.headers), "{cause}");
        let line = log.requests().pop().expect("a line");
        assert!(line["cause"].as_str().is_some_and(|logged| logged.ends_with(cause)), "{line}: {cause}");
    }
    // Without a certificate, or with one that stands in a header, there is nothing.
    let form = events::token(&format!("{GRANT}&client_id={client}"));
    let encoded: String = good.pem.replace('\n', "%0A");
    let mut events = vec![form.clone(), over(events::token(GRANT), &good.pem), events::load("token-mutual-tls")];
    for name in ["x-amzn-mtls-clientcert", "x-client-cert", "client-cert", "x-forwarded-client-cert"] {
        events.push(events::with_header(form.clone(), name, encoded.clone()));
    }
    for event in &events {
        world.token(event).await.expect_error(401, "invalid_client");
    }
    assert!(!log.text().contains("BEGIN") && !log.text().contains("Example"), "{}", log.text());
    assert_eq!(ask(&world, &client, &good.pem).await.status, 200);
    world.set("MUTUAL_TLS", "off").await;
    ask(&world, &client, &good.pem).await.expect_error(401, "invalid_client");
    assert_eq!(log.requests().pop().expect("a line")["cause"], "mutual TLS is off");
}

/// A7: a self-signed certificate proves its key, and nothing else of it counts.
#[tokio::test]
async fn a7_self_signed() {
    let world = World::new().await;
    let shown = Shown::self_signed("anybody");
    let client = register(&world, &by_key(&shown.jwks())).await;
    assert_eq!(ask(&world, &client, &shown.pem).await.status, 200);
    let log = Log::capture();
    for (pem, cause) in [
        // The same subject with another key, and the same key past its time.
        (Shown::self_signed("anybody").pem, "client certificate: not a registered key"),
        (
            Shown::new(&[(DnType::CommonName, "x")], (2019, 2020), None).pem,
            "client certificate: expired or not yet valid",
        ),
    ] {
        ask(&world, &client, &pem).await.expect_error(401, "invalid_client");
        assert_eq!(log.requests().pop().expect("a line")["cause"], cause);
    }
    // A certificate of another client, each with its own method.
    let other = Shown::self_signed("other");
    let by_name = register(&world, &by_subject("CN=anybody")).await;
    assert_eq!(ask(&world, &by_name, &shown.pem).await.status, 200, "API Gateway trusts it, and so it is the client's");
    ask(&world, &by_name, &other.pem).await.expect_error(401, "invalid_client");
    ask(&world, &client, &other.pem).await.expect_error(401, "invalid_client");
}

/// A7: a certificate that no key could make valid makes no request to the client's host.
#[tokio::test]
async fn a7_no_fetch_for_a_certificate_that_cannot_be_valid() {
    let mut world = World::new().await;
    world.set("ISSUER", "http://localhost:9000").await;
    let good = Shown::self_signed("x");
    let site = Site::start(ok(&good.jwks())).await;
    let metadata = json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks_uri": site.url});
    let client = register(&world, &metadata).await;
    for years in [(2019, 2020), (2024, 2025)] {
        let shown = Shown::new(&[(DnType::CommonName, "x")], years, None);
        ask(&world, &client, &shown.pem).await.expect_error(401, "invalid_client");
    }
    world.set("MUTUAL_TLS", "off").await;
    ask(&world, &client, &good.pem).await.expect_error(401, "invalid_client");
    assert_eq!(site.asked(), 0);
    world.set("MUTUAL_TLS", "on").await;
    assert_eq!(ask(&world, &client, &good.pem).await.status, 200);
    assert_eq!(site.asked(), 1);
}

/// A2: a certificate beside another method is for the token alone; the other method decides.
#[tokio::test]
async fn a2_certificate_and_another_method() {
    let world = World::new().await;
    let shown = Shown::self_signed("x");
    let by_tls = register(&world, &by_key(&shown.jwks())).await;
    let with_secret = world.client(json!({})).await;
    let basic = |event, header: String| over(events::with_header(event, "authorization", header), &shown.pem);
    assert_eq!(world.token(&basic(events::token(GRANT), with_secret.basic())).await.status, 200);
    world.token(&basic(events::token(GRANT), events::basic(&by_tls, "x"))).await.expect_error(401, "invalid_client");
    let form = events::token(&format!("{GRANT}&client_id={by_tls}"));
    world.token(&basic(form, with_secret.basic())).await.expect_error(400, "invalid_request");
    let doubled = events::token(&format!("{GRANT}&client_id={by_tls}&client_id={by_tls}"));
    world.token(&over(doubled, &shown.pem)).await.expect_error(400, "invalid_request");
    let query = events::with_query(events::token(GRANT), &format!("client_id={by_tls}"));
    world.token(&over(query, &shown.pem)).await.expect_error(400, "invalid_request");
}

/// J6: a client that wants it gets tokens bound to the certificate of the request, whichever way it
/// authenticates; one that does not gets none (RFC 8705 §3).
#[tokio::test]
async fn j6_bound_tokens() {
    let mut world = World::new().await;
    let (shown, key) = (Shown::self_signed("x"), ClientKey::new(Algorithm::ES256));
    let bound = |mut metadata: Value| {
        metadata["tls_client_certificate_bound_access_tokens"] = true.into();
        metadata
    };
    let with_secret = world.client(bound(json!({}))).await;
    let by_tls = register(&world, &bound(by_key(&shown.jwks()))).await;
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()});
    let by_assertion = register(&world, &bound(metadata)).await;
    let request = |jti| {
        let assertion = key.sign(&claims(&world, &by_assertion, jti));
        events::token(&format!("{GRANT}{}", parameters(&assertion)))
    };
    let basic = events::with_header(events::token(GRANT), "authorization", with_secret.basic());
    let by_client_id = events::token(&format!("{GRANT}&client_id={by_tls}"));
    for event in [&basic, &request("1"), &by_client_id] {
        let answer = world.token(&over(event.clone(), &shown.pem)).await.json();
        assert_eq!(answer["token_type"], "Bearer", "{answer}");
        let token = world.verify(answer["access_token"].as_str().expect("a token")).await;
        assert_eq!(token.claims["cnf"], json!({"x5t#S256": shown.thumbprint}));
    }
    let log = Log::capture();
    let expired = Shown::new(&[], (2019, 2020), None);
    for (event, what) in [
        (basic.clone(), "came without one"),
        (request("2"), "came without one"),
        (over(basic.clone(), "garbage"), "cannot be read"),
        (over(basic.clone(), &expired.pem), "expired or not yet valid"),
    ] {
        let answer = world.token(&event).await;
        let description = answer.expect_error(400, "invalid_request").json()["error_description"].to_string();
        assert!(description.contains(what), "{description}");
        assert!(log.requests().pop().expect("a line")["cause"].as_str().is_some_and(|cause| cause.contains(what)));
    }
    world.set("MUTUAL_TLS", "off").await;
    world.token(&over(basic, &shown.pem)).await.expect_error(400, "invalid_request");
}

/// J6: introspection shows what a token is bound to (RFC 8705 §3.2), and takes certificates too.
#[tokio::test]
async fn j6_d3_introspection() {
    let world = World::new().await;
    let shown = Shown::self_signed("x");
    let mut metadata = by_key(&shown.jwks());
    metadata["tls_client_certificate_bound_access_tokens"] = true.into();
    let client = register(&world, &metadata).await;
    let token = ask(&world, &client, &shown.pem).await.json()["access_token"].as_str().expect("a token").to_owned();
    let form = |path| over(events::form(path, &format!("token={token}&client_id={client}")), &shown.pem);
    let seen = world.token(&form("/introspect")).await.json();
    assert_eq!((&seen["active"], &seen["cnf"]), (&json!(true), &json!({"x5t#S256": shown.thumbprint})));
    assert_eq!(world.token(&form("/revoke")).await.status, 200);
    assert_eq!(world.token(&form("/introspect")).await.json(), json!({"active": false}));
}

/// A7: any text for a certificate: no panic, and the one answer.
#[test]
fn a7_any_certificate() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let world = runtime.block_on(World::new());
    let certificate = "(-----BEGIN CERTIFICATE-----)?[A-Za-z0-9+/=\n]{0,80}\\PC{0,9}(-----END CERTIFICATE-----)?";
    let mut runner = proptest::test_runner::TestRunner::default();
    let outcome = runner.run(&certificate, |pem| {
        let answer = runtime.block_on(ask(&world, "0b7d2c5e-6f1a-4c3d-8e9f-a1b2c3d4e5f6", &pem));
        answer.expect_error(401, "invalid_client");
        Ok(())
    });
    outcome.expect("every answer is the one");
}
