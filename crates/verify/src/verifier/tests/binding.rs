//! Keys, proofs and certificates that tokens are bound to.

use super::*;

/// V4: the proof in the example of RFC 9449 §7.1, with a token that is bound to its key. Its `ath` is that of the example's
/// opaque token, which is no JWT, so it counts for no other one.
#[test]
fn v4_rfc9449_example() {
    const PROOF: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    const AT: EpochSeconds = 1_562_262_618;
    let urls = ["https://resource.example.org/protectedresource"];
    let expected = tokenmint_oauth::dpop::Expected {
        method: "GET",
        urls: &urls,
        now: AT,
        nonce: None,
        profile: SecurityProfile::None,
    };
    let proof = tokenmint_oauth::dpop::verify(&[PROOF.as_bytes()], expected).expect("valid").expect("a proof");
    assert_eq!(proof.jkt, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    assert_eq!(proof.ath.as_deref(), Some("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"));

    let (verifier, key) = (verifier(|_| ()), Key::new());
    let cnf = json!({"cnf": {"jkt": proof.jkt}, "iat": AT, "exp": AT + 60});
    let authorization = format!("DPoP {}", key.token(&cnf));
    let request = Request {
        method: "GET",
        urls: &urls,
        authorization: &[authorization.as_bytes()],
        dpop: &[PROOF.as_bytes()],
        certificate: None,
    };
    let presented = verifier.present(request, AT).expect("an access token");
    let decided = verifier.verify(&presented, &key.keys(), &Scope::default(), &Replays::default(), AT);
    assert_eq!(decided, Err(Refusal::Proof(ProofRefusal::OtherToken)));
}

/// V4: a bound token needs a proof of its key, for this request and this token; one that is not bound has none.
#[test]
fn v4_proofs() {
    let (verifier, key, client, other) = (verifier(|_| ()), Key::new(), Key::new(), Key::new());
    let decision = Decision::new(&verifier, &key);
    let bound = key.token(&json!({"cnf": {"jkt": client.thumbprint(), "future": 1}}));
    let unbound = key.token(&json!({}));
    let dpop = |refusal| Refusal::Token(Scheme::Dpop, refusal);
    assert_eq!(decision.bearer(&bound), Err(bearer(TokenRefusal::Downgraded)));
    assert_eq!(decision.dpop(&bound, &[]), Err(Refusal::Proof(ProofRefusal::Missing)));
    let proof = client.proof(&unbound, &json!({}));
    assert_eq!(decision.dpop(&unbound, &[&proof]), Err(dpop(TokenRefusal::NotBoundToKey)));
    assert_eq!(decision.dpop(&bound, &[&proof]), Err(Refusal::Proof(ProofRefusal::OtherToken)));
    assert_eq!(decision.dpop(&bound, &[&other.proof(&bound, &json!({}))]), Err(dpop(TokenRefusal::OtherKey)));
    for changes in [
        json!({"htm": "POST"}),
        json!({"htu": "https://api.example/other"}),
        json!({"htu": "https://other.example/items"}),
        json!({"htu": "https://api.example/items/"}),
        json!({"iat": NOW + 61}),
        json!({"iat": null}),
        json!({"jti": null}),
        json!({"ath": null}),
        json!({"ath": 1}),
        json!({"iat": NOW - 61}),
    ] {
        let refusal = decision.dpop(&bound, &[&client.proof(&bound, &changes)]).expect_err("refused");
        assert!(matches!(refusal, Refusal::Proof(_)), "{changes}: {refusal:?}");
        assert_eq!((refusal.status(), refusal.code()), (401, Some("invalid_dpop_proof")), "{changes}");
    }
    let proof = client.proof(&bound, &json!({"htu": "https://API.example:443/items?x#y"}));
    let refusal = decision.dpop(&bound, &[&proof, &proof]).expect_err("two");
    assert_eq!(refusal.code(), Some("invalid_dpop_proof"));
    // None of them used the valid proof up, although they have the same identifier.
    assert_eq!(decision.dpop(&bound, &[&proof]).map(|token| token.scheme), Ok(Scheme::Dpop));
    assert_eq!(decision.dpop(&bound, &[&proof]), Err(Refusal::Proof(ProofRefusal::Replayed)));
    // An identifier is that of one key.
    let token = key.token(&json!({"cnf": {"jkt": other.thumbprint()}}));
    decision.dpop(&token, &[&other.proof(&token, &json!({}))]).expect("another key");
    let old = client.proof(&bound, &json!({"iat": NOW - 60, "jti": "old"}));
    decision.dpop(&bound, &[&old]).expect("its last second");
}

/// V4, V6: a `cnf` that is not understood as a whole is not taken for none, or for the part that is understood.
#[test]
fn v4_v6_a_confirmation_is_read_as_a_whole() {
    let (verifier, key, client) = (verifier(|_| ()), Key::new(), Key::new());
    let mut decision = Decision::new(&verifier, &key);
    decision.certificate = Some(CERTIFICATE);
    let jkt = client.thumbprint();
    for cnf in [
        json!(null),
        json!({"jkt": jkt, "x5t#S256": 1}),
        json!({"jkt": jkt, "x5t#S256": null}),
        json!({"jkt": null, "x5t#S256": THUMBPRINT}),
        json!({"jkt": [jkt]}),
        json!([{"jkt": jkt}]),
    ] {
        let mut claims = claims();
        claims["cnf"] = cnf.clone();
        let token = key.sign(&json!({"typ": "at+jwt", "alg": "ES256", "kid": "1"}), &claims);
        assert_eq!(decision.bearer(&token), Err(bearer(TokenRefusal::Confirmation)), "{cnf}");
        let decided = decision.dpop(&token, &[&client.proof(&token, &json!({}))]);
        assert_eq!(decided, Err(Refusal::Token(Scheme::Dpop, TokenRefusal::Confirmation)), "{cnf}");
    }
}

/// V5: a proof is not used up by a request that is refused for another reason, and one that cannot be remembered is not
/// accepted.
#[test]
fn v5_what_uses_a_proof_up() {
    let (verifier, key, client) = (verifier(|_| ()), Key::new(), Key::new());
    let mut decision = Decision::new(&verifier, &key);
    let cnf = json!({"cnf": {"jkt": client.thumbprint(), "x5t#S256": THUMBPRINT}});
    let token = key.token(&cnf);
    let proof = client.proof(&token, &json!({}));
    assert_eq!(decision.dpop(&token, &[&proof]), Err(Refusal::Token(Scheme::Dpop, TokenRefusal::NoCertificate)));
    decision.certificate = Some(CERTIFICATE);
    decision.scope = Scope::parse("admin").expect("a scope");
    let refusal = Refusal::Scope(Scheme::Dpop, decision.scope.clone());
    assert_eq!(decision.dpop(&token, &[&proof]), Err(refusal.clone()));
    decision.scope = Scope::parse("read").expect("a scope");
    decision.dpop(&token, &[&proof]).expect("bound to both");
    decision.replays = Replays::new(0);
    let another = client.proof(&token, &json!({"jti": "2"}));
    assert_eq!(decision.dpop(&token, &[&another]), Err(Refusal::Unavailable(Unavailable::Proofs)));
    decision.scope = Scope::parse("admin").expect("a scope");
    assert_eq!(decision.dpop(&token, &[&another]), Err(refusal), "it needs no memory");
}

/// V5: a proof may be a minute ahead of the clock and a minute old, so it is valid for two minutes and remembered as long.
/// A process that has not seen it accepts it until then.
#[test]
fn v5_a_proof_of_a_clock_that_is_ahead() {
    let (verifier, key, client) = (verifier(|_| ()), Key::new(), Key::new());
    let mut decision = Decision::new(&verifier, &key);
    let token = key.token(&json!({"cnf": {"jkt": client.thumbprint()}, "exp": NOW + 300}));
    let proof = client.proof(&token, &json!({"iat": NOW + 60}));
    let authorization = format!("DPoP {token}");
    let at = |decision: &Decision<'_>, now| decision.at(now, authorization.as_bytes(), &[proof.as_bytes()]).map(drop);
    assert_eq!(at(&decision, NOW), Ok(()));
    assert_eq!(at(&decision, NOW + 120), Err(Refusal::Proof(ProofRefusal::Replayed)));
    decision.replays = Replays::default();
    assert_eq!(at(&decision, NOW + 120), Ok(()), "another process");
    decision.replays = Replays::default();
    assert_eq!(at(&decision, NOW + 121), Err(Refusal::Proof(ProofRefusal::Old)));
}

/// V6: a token that is bound to a certificate needs a connection with it: RFC 8705 §3.1, with the certificate and the
/// thumbprint of Appendix A.
#[test]
fn v6_rfc8705_certificates() {
    let (verifier, key) = (verifier(|_| ()), Key::new());
    let mut decision = Decision::new(&verifier, &key);
    let token = key.token(&json!({"cnf": {"x5t#S256": THUMBPRINT}}));
    assert_eq!(decision.bearer(&token), Err(bearer(TokenRefusal::NoCertificate)));
    let (changed, two) = (CERTIFICATE.replace("ODEy", "ODEz"), format!("{CERTIFICATE}\n{CERTIFICATE}"));
    for other in ["", "x", "CERT_CONTENT", &changed, &two] {
        decision.certificate = Some(other);
        assert_eq!(decision.bearer(&token), Err(bearer(TokenRefusal::OtherCertificate)), "{other}");
    }
    decision.certificate = Some(CERTIFICATE);
    decision.bearer(&token).expect("bound to this certificate");
    decision.bearer(&key.token(&json!({}))).expect("bound to none");
    let upper = key.token(&json!({"cnf": {"x5t#S256": THUMBPRINT.to_uppercase()}}));
    assert_eq!(decision.bearer(&upper), Err(bearer(TokenRefusal::OtherCertificate)));
}
