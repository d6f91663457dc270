//! Any bytes, any token, any proof.

use proptest::prelude::*;

use super::*;

/// The registered codes, in the form of RFC 6750 §3: every text can be quoted.
fn expect_registered(verifier: &Verifier, refusal: &Refusal) {
    let registered = [None, Some("invalid_request"), Some("invalid_token"), Some("invalid_dpop_proof")];
    assert!(registered.contains(&refusal.code()), "{refusal:?}");
    assert!(matches!(refusal.status(), 400 | 401), "{refusal:?}");
    let is_description = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    assert!(refusal.to_string().bytes().all(is_description), "{refusal}");
    assert_eq!(verifier.challenges(refusal).len(), 2);
}

proptest! {
    /// Any bytes for the headers and the certificate: no panic, a registered error.
    #[test]
    fn any_header(authorization: Vec<u8>, proof: Vec<u8>, certificate: String, scheme in "(Bearer|DPoP|) ?") {
        let (verifier, key) = (verifier(|_| ()), Key::new());
        let mut decision = Decision::new(&verifier, &key);
        decision.certificate = Some(&certificate);
        let header = [scheme.as_bytes(), &authorization].concat();
        let refusal = decision.at(NOW, &header, &[&proof]).expect_err("refused");
        expect_registered(&verifier, &refusal);
    }

    /// Any header and claims of a token with a valid signature, any proof and certificate: no panic, a registered error.
    #[test]
    fn any_token(
        member in "typ|alg|kid|iss|aud|exp|iat|nbf|jti|sub|client_id|scope|cnf",
        text: String,
        number: i64,
        kind in 0_u8..5,
        proof: Vec<u8>,
        certificate: String,
    ) {
        let (verifier, key) = (verifier(|_| ()), Key::new());
        let mut decision = Decision::new(&verifier, &key);
        decision.certificate = Some(&certificate);
        let value = match kind {
            0 => json!(text),
            1 => json!(number),
            2 => json!([text, number]),
            3 => json!({"jkt": text, "x5t#S256": text}),
            _ => json!({"x5t#S256": number, text: null}),
        };
        let header = changed(&json!({"typ": "at+jwt", "alg": "ES256", "kid": "1"}), &json!({member.as_str(): value}));
        let token = key.sign(&header, &changed(&claims(), &json!({member: value})));
        for scheme in ["Bearer", "DPoP"] {
            let header = format!("{scheme} {token}");
            if let Err(refusal) = decision.at(NOW, header.as_bytes(), &[&proof]) {
                expect_registered(&verifier, &refusal);
            }
        }
    }

    /// Any proof for a bound token, also one with members changed: no panic, a registered error.
    #[test]
    fn any_proof(bytes: Vec<u8>, member in "jti|htm|htu|iat|ath", text: String) {
        let (verifier, key, client) = (verifier(|_| ()), Key::new(), Key::new());
        let decision = Decision::new(&verifier, &key);
        let token = key.token(&json!({"cnf": {"jkt": client.thumbprint()}}));
        let header = format!("DPoP {token}");
        let refusal = decision.at(NOW, header.as_bytes(), &[&bytes]).expect_err("refused");
        expect_registered(&verifier, &refusal);
        if let Err(refusal) = decision.dpop(&token, &[&client.proof(&token, &json!({member: text}))]) {
            expect_registered(&verifier, &refusal);
        }
    }
}
