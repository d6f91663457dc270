//! Mutual TLS at `POST /token`: RFC 8705, with the certificate in API Gateway's request context.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::Algorithm;
use rcgen::{CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokenmint_tests::{Answer, Log, World, events};

use crate::client_key::{ClientKey, claims, parameters, register};

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
    fn new(names: &[(DnType, &str)], years: (i32, i32), authority: Option<&Issuer<'_, KeyPair>>) -> Self {
        Self::with(CertificateParams::default(), names, years, authority)
    }

    /// The same, with what else it is to hold.
    fn with(
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

    fn self_signed(name: &str) -> Self {
        Self::new(&[(DnType::CommonName, name)], YEARS, None)
    }

    /// The key as a client registers it.
    fn jwks(&self) -> Value {
        jwks(self.key.public_key_raw())
    }
}

/// A point of P-256 as a client registers it.
fn jwks(point: &[u8]) -> Value {
    let part = |at: std::ops::Range<usize>| BASE64_URL_SAFE_NO_PAD.encode(&point[at]);
    json!({"keys": [{"kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65)}]})
}

/// A world whose clients authenticate with self-signed certificates.
async fn self_signed_world() -> World {
    let mut world = World::new().await;
    world.set("MUTUAL_TLS_METHOD", "self_signed_tls_client_auth").await;
    world
}

/// The event over a connection with this certificate to the domain with mutual TLS of every world, the issuer's.
fn over(event: Value, pem: &str) -> Value {
    over_at("as.example", event, pem)
}

/// The event over a connection with this certificate to a domain.
fn over_at(domain: &str, event: Value, pem: &str) -> Value {
    let mut over = events::load("token-mutual-tls");
    let certificate = &mut over["requestContext"]["authentication"]["clientCert"];
    certificate["clientCertPem"] = pem.into();
    // What stands beside the certificate says nothing that counts.
    certificate["subjectDN"] = "CN=somebody else".into();
    let authentication = over["requestContext"]["authentication"].clone();
    let mut event = event;
    event["requestContext"]["authentication"] = authentication;
    event["requestContext"]["domainName"] = domain.into();
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
    // There is no domain for certificates any more, so that this is none.
    assert_eq!(log.requests().pop().expect("a line")["cause"], "no client authentication");
}

/// A7, J6: a certificate counts at the domain with mutual TLS only, for authentication and for bound tokens. At
/// another domain of the same API, whose trust store may be anybody's, it is none.
#[tokio::test]
async fn a7_j6_certificates_of_another_domain() {
    let (mut world, authority) = (World::new().await, authority());
    let shown = Shown::new(&SUBJECT, YEARS, Some(&authority));
    let client = register(&world, &by_subject("CN=client,O=Example\\, Inc.,C=DE")).await;
    let bound = world.client(json!({"tls_client_certificate_bound_access_tokens": true})).await;
    let by_certificate = events::token(&format!("{GRANT}&client_id={client}"));
    let by_secret = events::with_header(events::token(GRANT), "authorization", bound.basic());
    let mut nowhere = over(by_certificate.clone(), &shown.pem);
    nowhere["requestContext"].as_object_mut().expect("a context").remove("domainName");
    let other = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com";
    for (setting, good, bad) in [
        ("on", "as.example", ["mtls.as.example", "as.example.", "xas.example", other, "localhost"]),
        (
            "https://mtls.as.example",
            "mtls.as.example",
            ["as.example", "mtls.as.example:443", ".as.example", other, "localhost"],
        ),
        (
            "https://mtls.as.example:8443",
            "mtls.as.example",
            ["as.example", "mtls.as.example:8443", "x", other, "localhost"],
        ),
    ] {
        world.set("MUTUAL_TLS", setting).await;
        for domain in [good, &good.to_uppercase()] {
            let answer = world.token(&over_at(domain, by_certificate.clone(), &shown.pem)).await;
            assert_eq!(answer.status, 200, "{setting} {domain}");
            let answer = world.token(&over_at(domain, by_secret.clone(), &shown.pem)).await.json();
            let token = world.verify(answer["access_token"].as_str().expect("a token")).await;
            assert_eq!(token.claims["cnf"], json!({"x5t#S256": shown.thumbprint}), "{setting} {domain}");
        }
        let without = world.token(&by_certificate).await;
        for domain in bad {
            let mut event = over_at(domain, by_certificate.clone(), &shown.pem);
            // What the client writes into its request decides nothing.
            event["headers"]["host"] = good.into();
            let answer = world.token(&event).await;
            answer.expect_error(401, "invalid_client");
            assert_eq!((&answer.body, &answer.headers), (&without.body, &without.headers), "{setting} {domain}");
            let answer = world.token(&over_at(domain, by_secret.clone(), &shown.pem)).await;
            let error = answer.expect_error(400, "invalid_request").json()["error_description"].to_string();
            assert!(error.contains("came without one"), "{setting} {domain}: {error}");
        }
        world.token(&nowhere).await.expect_error(401, "invalid_client");
    }
}

/// A7: a self-signed certificate proves its key, and nothing else of it counts.
#[tokio::test]
async fn a7_self_signed() {
    let world = self_signed_world().await;
    let mut explicit = CertificateParams::default();
    explicit.is_ca = IsCa::ExplicitNoCa;
    let with_constraints = Shown::with(explicit.clone(), &[(DnType::CommonName, "anybody")], YEARS, None);
    let shown = Shown::self_signed("anybody");
    let other = Shown::self_signed("other");
    for good in [&with_constraints, &other, &shown] {
        let client = register(&world, &by_key(&good.jwks())).await;
        assert_eq!(ask(&world, &client, &good.pem).await.status, 200);
    }
    let client = register(&world, &by_key(&shown.jwks())).await;
    // Two of a kind, of which two readers might take different ones.
    let mut two = explicit;
    two.custom_extensions =
        vec![CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0x03, 0x01, 0x01, 0xff])];
    let log = Log::capture();
    for (pem, cause) in [
        (Shown::with(two, &[], YEARS, None).pem, "client certificate: malformed"),
        // The same subject with another key, and the same key past its time.
        (Shown::self_signed("anybody").pem, "client certificate: not a registered key"),
        (other.pem, "client certificate: not a registered key"),
        (
            Shown::new(&[(DnType::CommonName, "x")], (2019, 2020), None).pem,
            "client certificate: expired or not yet valid",
        ),
    ] {
        ask(&world, &client, &pem).await.expect_error(401, "invalid_client");
        assert_eq!(log.requests().pop().expect("a line")["cause"], cause);
    }
}

/// A7: the methods with certificates do not share a trust store. A self-signed client whose certificate may sign
/// others signs one with the subject of a client of the other method, at every deployment that knows either.
#[tokio::test]
async fn a7_a_self_signed_client_is_no_authority() {
    let mut world = World::new().await;
    let victim = register(&world, &by_subject("CN=client,O=Example\\, Inc.,C=DE")).await;

    let mut may_sign = CertificateParams::default();
    may_sign.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    may_sign.not_before = rcgen::date_time_ymd(YEARS.0, 1, 1);
    may_sign.not_after = rcgen::date_time_ymd(YEARS.1, 1, 1);
    let attacker = CertifiedIssuer::self_signed(may_sign, KeyPair::generate().expect("a key")).expect("a certificate");
    let point = attacker.key().public_key_raw().to_vec();
    let forged = Shown::new(&SUBJECT, YEARS, Some(&attacker));

    // Both methods at one domain is what made this an attack; now there is no such deployment.
    let answer = world.register(&events::register(&by_key(&jwks(&point)))).await;
    answer.expect_error(400, "invalid_client_metadata");
    world.set("MUTUAL_TLS_METHOD", "self_signed_tls_client_auth").await;
    let answer = world.register(&events::register(&by_subject("CN=client,O=Example\\, Inc.,C=DE"))).await;
    answer.expect_error(400, "invalid_client_metadata");

    let client = register(&world, &by_key(&jwks(&point))).await;
    let log = Log::capture();
    let reference = ask(&world, "11111111-1111-4111-8111-111111111111", &forged.pem).await;
    for (client, pem, cause) in [
        (&victim, &forged.pem, "this server does not offer the registered method"),
        (&client, &forged.pem, "client certificate: not a registered key"),
        (&client, &attacker.pem(), "client certificate: it may sign others (basicConstraints CA:TRUE)"),
    ] {
        let answer = ask(&world, client, pem).await;
        answer.expect_error(401, "invalid_client");
        assert_eq!((&answer.body, &answer.headers), (&reference.body, &reference.headers), "{cause}");
        assert_eq!(log.requests().pop().expect("a line")["cause"], cause);
    }
}

/// A7, A3, D1: whoever registered the method that is not offered any more gets no further than anybody else, and
/// may register the other one.
#[tokio::test]
async fn a7_a3_d1_one_method_is_offered() {
    let (mut world, authority) = (World::new().await, authority());
    let (signed, alone) = (Shown::new(&SUBJECT, YEARS, Some(&authority)), Shown::self_signed("x"));
    let methods = [
        ("tls_client_auth", by_subject("CN=client,O=Example\\, Inc.,C=DE"), &signed),
        ("self_signed_tls_client_auth", by_key(&alone.jwks()), &alone),
    ];
    let mut clients = Vec::new();
    for (method, metadata, shown) in &methods {
        world.set("MUTUAL_TLS_METHOD", method).await;
        let client = register(&world, metadata).await;
        assert_eq!(ask(&world, &client, &shown.pem).await.status, 200, "{method}");
        clients.push(client);
    }
    for (offered, (method, ..)) in methods.iter().enumerate() {
        world.set("MUTUAL_TLS_METHOD", method).await;
        let document = world.token(&events::load("token-metadata")).await.json();
        for endpoint in ["token", "introspection", "revocation"] {
            let listed = &document[format!("{endpoint}_endpoint_auth_methods_supported")];
            let listed = listed.as_array().expect("a list").iter().filter_map(Value::as_str);
            assert_eq!(listed.filter(|listed| listed.contains("tls")).collect::<Vec<_>>(), [*method], "{endpoint}");
        }
        for (at, (other, metadata, shown)) in methods.iter().enumerate() {
            let answer = ask(&world, &clients[at], &shown.pem).await;
            let again = world.register(&events::register(metadata)).await;
            if at == offered {
                assert_eq!((answer.status.as_u16(), again.status.as_u16()), (200, 201), "{other}");
            } else {
                answer.expect_error(401, "invalid_client");
                again.expect_error(400, "invalid_client_metadata");
            }
        }
    }
}

/// A2: a certificate beside another method is for the token alone; the other method decides.
#[tokio::test]
async fn a2_certificate_and_another_method() {
    let world = self_signed_world().await;
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
    let mut world = self_signed_world().await;
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
    world.set("MUTUAL_TLS_METHOD", "").await;
    world.set("MUTUAL_TLS", "off").await;
    world.token(&over(basic, &shown.pem)).await.expect_error(400, "invalid_request");
}

/// J6: introspection shows what a token is bound to (RFC 8705 §3.2), and takes certificates too.
#[tokio::test]
async fn j6_d3_introspection() {
    let world = self_signed_world().await;
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
