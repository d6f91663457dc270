//! Mutual TLS at `POST /token`: RFC 8705, with the certificate in API Gateway's request context.

mod bound;
mod one_method;
pub(crate) mod shown;

use rcgen::{CertificateParams, DnType, SanType};
use serde_json::json;
use tokenmint_tests::{Log, World, events};

use self::shown::{GRANT, SUBJECT, Shown, YEARS, ask, authority, by_key, by_subject, over, over_at, self_signed_world};
use crate::client_key::register;
use crate::site::{Site, ok};

/// A7: the certificate's subject equals the registered one, in any notation.
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

/// A7: the certificate contains the registered alternative name, of the same kind (RFC 8705 §2.1.2). Its other names
/// are ignored.
#[tokio::test]
async fn a7_alternative_names_of_certificates() {
    let (world, authority) = (World::new().await, authority());
    let text = |text: &str| text.try_into().expect("ASCII");
    let certificate = |names: Vec<SanType>| {
        let mut parameters = CertificateParams::default();
        parameters.subject_alt_names = names;
        Shown::with(parameters, &SUBJECT, YEARS, Some(&authority)).pem
    };
    let v6 = "2001:db8::1".parse().expect("an address");
    let whole = certificate(vec![
        SanType::DnsName(text("other.example")),
        SanType::DnsName(text("Client.example")),
        SanType::URI(text("https://client.example/x")),
        SanType::IpAddress([192, 0, 2, 1].into()),
        SanType::IpAddress(v6),
        SanType::Rfc822Name(text("client@Example.com")),
    ]);
    // Each name as another kind, and names that only resemble the registered ones.
    let confused = certificate(vec![
        SanType::DnsName(text("*.example")),
        SanType::DnsName(text("client.example.evil.example")),
        SanType::DnsName(text("192.0.2.1")),
        SanType::DnsName(text("2001:db8::1")),
        SanType::DnsName(text("client@example.com")),
        SanType::DnsName(text("https://client.example/x")),
        SanType::URI(text("client.example")),
        SanType::URI(text("https://CLIENT.example/x")),
        SanType::URI(text("https://client.example/x?")),
        SanType::IpAddress([192, 0, 2, 2].into()),
        SanType::Rfc822Name(text("client.example")),
        SanType::Rfc822Name(text("Client@example.com")),
    ]);
    let without = certificate(Vec::new());
    let named = Shown::new(&[(DnType::CommonName, "client.example")], YEARS, Some(&authority)).pem;
    let log = Log::capture();
    for (member, name) in [
        ("tls_client_auth_san_dns", "client.example"),
        ("tls_client_auth_san_dns", "CLIENT.EXAMPLE"),
        ("tls_client_auth_san_uri", "https://client.example/x"),
        ("tls_client_auth_san_ip", "192.0.2.1"),
        ("tls_client_auth_san_ip", "2001:db8::1"),
        ("tls_client_auth_san_ip", "2001:0DB8:0000::0:1"),
        ("tls_client_auth_san_email", "client@EXAMPLE.com"),
    ] {
        let metadata = json!({"token_endpoint_auth_method": "tls_client_auth", member: name});
        let client = register(&world, &metadata).await;
        assert_eq!(ask(&world, &client, &whole).await.status, 200, "{name}");
        for other in [&confused, &without, &named] {
            ask(&world, &client, other).await.expect_error(401, "invalid_client");
            let line = log.requests().pop().expect("a line");
            assert_eq!(line["cause"], "client certificate: not the registered name", "{name}");
        }
    }
    // The distinguished name remains valid for a client that registered it.
    let client = register(&world, &by_subject("CN=client,O=Example\\, Inc.,C=DE")).await;
    assert_eq!(ask(&world, &client, &whole).await.status, 200);
}

/// A7, A4: a certificate that is not the client's, or not valid now, gets the same error as any other failure.
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
        (client.as_str(), of(&[(DnType::CommonName, "other")], YEARS), "not the registered name"),
        (&client, of(&SUBJECT[1..], YEARS), "not the registered name"),
        (&client, of(&turned, YEARS), "not the registered name"),
        (&client, of(&longer, YEARS), "not the registered name"),
        (&client, of(&in_one, YEARS), "not the registered name"),
        (&client, of(&[], YEARS), "not the registered name"),
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
    // A missing certificate, or one in a header, is not accepted.
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
    // The mutual TLS domain no longer exists, so the certificate is ignored.
    assert_eq!(log.requests().pop().expect("a line")["cause"], "no client authentication");
}

/// A7: a certificate that no key could make valid causes no request to the client's host.
#[tokio::test]
async fn a7_no_fetch_for_a_certificate_that_cannot_be_valid() {
    let mut world = self_signed_world().await;
    world.set("ISSUER", "http://localhost:9000").await;
    let good = Shown::self_signed("x");
    let site = Site::start(ok(&good.jwks())).await;
    let metadata = json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks_uri": site.url});
    let client = register(&world, &metadata).await;
    let ask = async |world: &World, pem: &str| {
        let event = events::token(&format!("{GRANT}&client_id={client}"));
        world.token(&over_at("localhost", event, pem)).await
    };
    for years in [(2019, 2020), (2024, 2025)] {
        let shown = Shown::new(&[(DnType::CommonName, "x")], years, None);
        ask(&world, &shown.pem).await.expect_error(401, "invalid_client");
    }
    world.set("MUTUAL_TLS_METHOD", "tls_client_auth").await;
    ask(&world, &good.pem).await.expect_error(401, "invalid_client");
    assert_eq!(site.asked(), 0);
    world.set("MUTUAL_TLS_METHOD", "self_signed_tls_client_auth").await;
    assert_eq!(ask(&world, &good.pem).await.status, 200);
    assert_eq!(site.asked(), 1);
}

/// A2: with another method, a certificate only binds the token; the other method authenticates.
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

/// A7: any text as a certificate: no panic, and the same error.
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
