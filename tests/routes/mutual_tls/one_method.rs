//! A deployment offers one method with certificates, because both would share its trust store.

use rcgen::{CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair};
use serde_json::Value;
use tokenmint_tests::{Log, World, events};

use super::shown::{SUBJECT, Shown, YEARS, ask, authority, by_key, by_subject, jwks, self_signed_world};
use crate::client_key::register;

/// A7: a self-signed certificate proves only its key; its other contents are ignored.
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
    // Duplicate entries, which two parsers might resolve differently.
    let mut two = explicit;
    two.custom_extensions =
        vec![CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0x03, 0x01, 0x01, 0xff])];
    let log = Log::capture();
    for (pem, cause) in [
        (Shown::with(two, &[], YEARS, None).pem, "client certificate: malformed"),
        // The same subject with another key, and the same key after its expiry.
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

/// A7: the certificate methods do not share a trust store. A self-signed client whose certificate may sign others
/// signs one with the subject of a `tls_client_auth` client, at every deployment that supports either method.
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

    // The attack required both methods at one domain, which no deployment allows any more.
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

/// A7, A3, D1: a client of the method that is no longer offered gets the same error as any other, and may register
/// the other method.
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
