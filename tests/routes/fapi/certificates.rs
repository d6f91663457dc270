//! Certificates within the profile: FAPI 2.0 §5.3.2.1 item 6, §5.4.1 items 2 and 3.

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P521_SHA512};
use serde_json::json;
use tokenmint_tests::{Log, World, events};

use super::{GRANT, assertion, client, world};
use crate::client_key::{parameters, register};
use crate::mutual_tls::shown::{SUBJECT, Shown, YEARS, ask, authority, by_subject, over};

/// A certificate of `CN=client` with an RSA key of 1024 bits, valid in 2023. Its private key does not exist any more.
const RSA_1024: &str = "-----BEGIN CERTIFICATE-----
MIIBkDCB+gIBATANBgkqhkiG9w0BAQsFADARMQ8wDQYDVQQDDAZjbGllbnQwHhcN
MjMwMTAxMDAwMDAwWhcNMjQwMTAxMDAwMDAwWjARMQ8wDQYDVQQDDAZjbGllbnQw
gZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBANlzn2vrYzny6w6Gp78SWTg1+oN1
oYrZzsddiY3vNpOoNgyxA9wwGvdl3QZS2MDPgzqdmIqnQNXtpHqDZRFtOJvv+b1K
O6gHVO0xknLiiG3taBePFtMHdw41AVv4ouGpZ3zyv95U0xXW7DY9jTXP72kAY0VA
m0p8dB0+k4p/W++vAgMBAAEwDQYJKoZIhvcNAQELBQADgYEATQfgokdn1ePBkkdU
W3g8KHDqWOKxg0L3OpLDhNxdeOyiUW2e4cmJZcILm5f5OWboAzJ/eTXUPCQ4xf26
l0M/Cr5P6THm8ydNHTmviCEbZo/JpS/gOQEqK9No1L9TV4EgWKfcAeqkAVhpztFc
dlBKh/IJ5dUs5CdKsqszH5eQB2Q=
-----END CERTIFICATE-----
";

/// S2, A4: the certificate of another client, and a certificate with the identifier of another client.
#[tokio::test]
async fn s2_a4_certificate_of_another_client() {
    let (world, authority) = (world().await, authority());
    let own = Shown::new(&SUBJECT, YEARS, Some(&authority));
    let others = Shown::new(&[SUBJECT[0].clone(), SUBJECT[1].clone()], YEARS, Some(&authority));
    let client = register(&world, &by_subject("CN=client,O=Example\\, Inc.,C=DE")).await;
    let other = register(&world, &by_subject("O=Example\\, Inc.,C=DE")).await;
    for (id, shown) in [(&client, &own), (&other, &others)] {
        assert_eq!(ask(&world, id, &shown.pem).await.status, 200);
    }
    let reference = ask(&world, "11111111-1111-4111-8111-111111111111", &own.pem).await;
    for (id, shown) in [(&client, &others), (&other, &own)] {
        let answer = ask(&world, id, &shown.pem).await;
        answer.expect_error(401, "invalid_client");
        assert_eq!((&answer.body, &answer.headers), (&reference.body, &reference.headers));
    }
}

/// S3, A7: a certificate whose key is shorter than the profile allows, or of a kind that this server does not know, proves
/// no client and binds no token. Without the profile, whether it is accepted is a matter of API Gateway and the trust store.
#[tokio::test]
async fn s3_a7_keys_of_certificates() {
    let mut unknown = CertificateParams::default();
    unknown.distinguished_name = rcgen::DistinguishedName::new();
    unknown.distinguished_name.push(rcgen::DnType::CommonName, "client");
    unknown.not_before = rcgen::date_time_ymd(YEARS.0, 1, 1);
    unknown.not_after = rcgen::date_time_ymd(YEARS.1, 1, 1);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).expect("a key");
    let unknown = unknown.self_signed(&key).expect("a certificate").pem();
    let mut world = World::new().await;
    let by_tls = register(&world, &by_subject("CN=client")).await;
    for pem in [RSA_1024, &unknown] {
        world.set("SECURITY_PROFILE", "none").await;
        assert_eq!(ask(&world, &by_tls, pem).await.status, 200);

        world.set("SECURITY_PROFILE", "fapi2").await;
        let log = Log::capture();
        ask(&world, &by_tls, pem).await.expect_error(401, "invalid_client");
        let line = log.requests().pop().expect("a line");
        assert!(
            line["cause"].as_str().is_some_and(|cause| cause.starts_with("client certificate: the security profile")),
            "{line}"
        );
        let (key, id) = client(&world).await;
        let event = events::token(&format!("{GRANT}{}", parameters(&assertion(&world, &key, &id, "1"))));
        let answer = world.token(&over(event, pem)).await;
        let text = answer.expect_error(400, "invalid_request").json()["error_description"].to_string();
        assert!(text.contains("RSA of at least 2048 bits"), "{text}");
    }
    let authority = authority();
    let good = Shown::new(&[(rcgen::DnType::CommonName, "client")], YEARS, Some(&authority));
    let answer = ask(&world, &by_tls, &good.pem).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["token_type"]), (200, &json!("Bearer")));
}
