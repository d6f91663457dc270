//! Claims, headers and challenges.

use super::*;
use crate::presented::MAX_TOKEN_BYTES;

/// V1: what an access token of this issuer for this resource is, and its scope.
#[test]
fn v1_a_token_and_its_scope() {
    let (verifier, key) = (verifier(|_| ()), Key::new());
    let decision = Decision::new(&verifier, &key);
    let token = decision.bearer(&key.token(&json!({"more": 1}))).expect("valid");
    assert_eq!((token.client_id.as_str(), token.subject.as_str(), token.jti.as_str()), ("client", "client", "1"));
    assert_eq!((token.expires_at, token.claim("more")), (NOW + 60, Some(&json!(1))));
    let scope = |text| Scope::parse(text).expect("a scope");
    assert_eq!(token.require(&scope("write")), Ok(()));
    assert_eq!(token.require(&scope("")), Ok(()));
    assert_eq!(token.require(&scope("read admin")), Err(Refusal::Scope(Scheme::Bearer, scope("read admin"))));
    let without = decision.bearer(&key.token(&json!({"scope": null}))).expect("valid");
    assert!(without.scope.is_empty() && without.require(&scope("read")).is_err());
    assert!(!format!("{token:?}").contains("scope"), "claims are not for the log");
    for aud in [json!(["https://other.example", "https://api.example"]), json!(["https://api.example"])] {
        decision.bearer(&key.token(&json!({"aud": aud}))).expect("for this resource too");
    }
}

/// V1: every other token is refused, by name.
#[test]
fn v1_hostile_tokens() {
    let (verifier, key, other) = (verifier(|_| ()), Key::new(), Key::new());
    let decision = Decision::new(&verifier, &key);
    for (changes, refusal) in [
        (json!({"iss": "https://as.exampl"}), TokenRefusal::Issuer),
        (json!({"iss": "https://as.example/"}), TokenRefusal::Issuer),
        (json!({"iss": "https://as.example.org"}), TokenRefusal::Issuer),
        (json!({"iss": ["https://as.example"]}), TokenRefusal::Issuer),
        (json!({"iss": null}), TokenRefusal::Issuer),
        (json!({"aud": "https://api.example/"}), TokenRefusal::Audience),
        (json!({"aud": "https://as.example"}), TokenRefusal::Audience),
        (json!({"aud": []}), TokenRefusal::Audience),
        (json!({"aud": [["https://api.example"]]}), TokenRefusal::Audience),
        (json!({"aud": {"https://api.example": 1}}), TokenRefusal::Audience),
        (json!({"aud": null}), TokenRefusal::Audience),
        (json!({"exp": NOW - 10}), TokenRefusal::Expired),
        (json!({"exp": null}), TokenRefusal::Claim("exp")),
        (json!({"exp": "9999999999"}), TokenRefusal::Claim("exp")),
        (json!({"iat": NOW + 11}), TokenRefusal::NotYet),
        (json!({"iat": null}), TokenRefusal::Claim("iat")),
        (json!({"nbf": NOW + 11}), TokenRefusal::NotYet),
        (json!({"nbf": "now"}), TokenRefusal::Claim("nbf")),
        (json!({"sub": null}), TokenRefusal::Claim("sub")),
        (json!({"client_id": 1}), TokenRefusal::Claim("client_id")),
        (json!({"jti": null}), TokenRefusal::Claim("jti")),
        (json!({"scope": ["read"]}), TokenRefusal::Claim("scope")),
        (json!({"scope": "read  write"}), TokenRefusal::Claim("scope")),
        (json!({"cnf": {}}), TokenRefusal::Confirmation),
        (json!({"cnf": "x"}), TokenRefusal::Confirmation),
        (json!({"cnf": {"jwk": {}}}), TokenRefusal::Confirmation),
        (json!({"cnf": {"jkt": 1}}), TokenRefusal::Confirmation),
    ] {
        assert_eq!(decision.bearer(&key.token(&changes)), Err(bearer(refusal)), "{changes}");
    }
    for good in [json!({"exp": NOW - 9}), json!({"iat": NOW + 10, "nbf": NOW + 10}), json!({"exp": 1e300})] {
        decision.bearer(&key.token(&good)).expect("within the leeway");
    }
    let sign = |header: Value| key.sign(&header, &claims());
    for (header, refusal) in [
        (json!({"typ": "JWT", "alg": "ES256", "kid": "1"}), TokenRefusal::Type),
        (json!({"typ": "jwt+at", "alg": "ES256", "kid": "1"}), TokenRefusal::Type),
        (json!({"typ": "text/at+jwt", "alg": "ES256", "kid": "1"}), TokenRefusal::Type),
        (json!({"alg": "ES256", "kid": "1"}), TokenRefusal::Type),
        (json!({"typ": "at+jwt", "alg": "none", "kid": "1"}), TokenRefusal::Algorithm),
        (json!({"typ": "at+jwt", "alg": "HS256", "kid": "1"}), TokenRefusal::Algorithm),
        (json!({"typ": "at+jwt", "alg": "RS512", "kid": "1"}), TokenRefusal::Algorithm),
        (json!({"typ": "at+jwt", "alg": "ES384", "kid": "1"}), TokenRefusal::UnknownKey),
        (json!({"typ": "at+jwt", "alg": "ES256", "kid": "2"}), TokenRefusal::UnknownKey),
        (json!({"typ": "at+jwt", "alg": "ES256"}), TokenRefusal::UnknownKey),
        (json!({"typ": "at+jwt", "alg": "ES256", "kid": "1", "crit": ["x"]}), TokenRefusal::Critical),
    ] {
        assert_eq!(decision.bearer(&sign(header.clone())), Err(bearer(refusal)), "{header}");
    }
    decision.bearer(&sign(json!({"typ": "application/AT+JWT", "alg": "ES256", "kid": "1"}))).expect("the long form");
    assert_eq!(decision.bearer(&other.token(&json!({}))), Err(bearer(TokenRefusal::Signature)));
    for malformed in ["", "x", "x.y.z", "a b", &"a".repeat(MAX_TOKEN_BYTES + 1)] {
        assert_eq!(decision.bearer(malformed), Err(bearer(TokenRefusal::Malformed)), "{malformed}");
    }
}

/// V1: the allowed algorithms and the binding are as configured.
#[test]
fn v1_settings_decide() {
    let key = Key::new();
    let rsa_only = verifier(|settings| settings.algorithms = vec![Algorithm::RS256]);
    let decided = Decision::new(&rsa_only, &key).bearer(&key.token(&json!({})));
    assert_eq!(decided, Err(bearer(TokenRefusal::Algorithm)));
    let strict = verifier(|settings| settings.require_bound = true);
    let mut decision = Decision::new(&strict, &key);
    assert_eq!(decision.bearer(&key.token(&json!({}))), Err(bearer(TokenRefusal::Unbound)));
    decision.certificate = Some(CERTIFICATE);
    decision.bearer(&key.token(&json!({"cnf": {"x5t#S256": THUMBPRINT}}))).expect("bound");
    let exact = verifier(|settings| settings.leeway = 0);
    let decision = Decision::new(&exact, &key);
    decision.bearer(&key.token(&json!({"exp": NOW + 1}))).expect("its last second");
    assert_eq!(decision.bearer(&key.token(&json!({"exp": NOW}))), Err(bearer(TokenRefusal::Expired)));
}

/// S3, S4, V1: within FAPI 2.0, tokens have its algorithms and are bound, whatever the other settings allow. The challenge
/// names the algorithms of proofs.
#[test]
fn s3_s4_v1_the_security_profile() {
    let key = Key::new();
    let fapi2 = verifier(|settings| settings.security_profile = SecurityProfile::Fapi2);
    let mut decision = Decision::new(&fapi2, &key);
    let refusal = decision.bearer(&key.token(&json!({}))).expect_err("unbound");
    assert_eq!(refusal, bearer(TokenRefusal::Unbound));
    assert_eq!(fapi2.challenges(&refusal)[1], "DPoP algs=\"PS256 ES256 EdDSA Ed25519\"");
    for alg in ["RS256", "ES384"] {
        let token = key.sign(&json!({"typ": "at+jwt", "alg": alg, "kid": "1"}), &claims());
        assert_eq!(decision.bearer(&token), Err(bearer(TokenRefusal::Algorithm)), "{alg}");
    }
    decision.certificate = Some(CERTIFICATE);
    decision.bearer(&key.token(&json!({"cnf": {"x5t#S256": THUMBPRINT}}))).expect("bound");
}

/// V3: exactly one `Authorization` header, of a known scheme, and what the challenges say.
#[test]
fn v3_headers_and_challenges() {
    let verifier = verifier(|settings| {
        settings.resource_metadata = Some("https://api.example/.well-known/oauth-protected-resource".to_owned());
    });
    let key = Key::new();
    let decision = Decision::new(&verifier, &key);
    let metadata = "resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\"";
    let algs = "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA Ed25519\"";
    let plain = [format!("Bearer {metadata}"), format!("DPoP {algs}, {metadata}")];
    for header in ["", "Basic eDp5", "Token x", "Bearerx"] {
        let refusal = decision.at(NOW, header.as_bytes(), &[]).expect_err("refused");
        assert_eq!((&refusal, refusal.status(), refusal.code()), (&Refusal::NoToken, 401, None), "{header}");
        assert_eq!(verifier.challenges(&refusal), plain, "{header}");
    }
    let token = key.token(&json!({}));
    let twice = format!("Bearer {token}, DPoP {token}");
    let refusal = decision.at(NOW, twice.as_bytes(), &[]).expect_err("refused");
    assert_eq!((&refusal, refusal.status()), (&Refusal::Repeated, 400));
    let error =
        "error=\"invalid_request\", error_description=\"send exactly one access token, in one Authorization header\"";
    let expected = [format!("Bearer {error}, {metadata}"), format!("DPoP {error}, {algs}, {metadata}")];
    assert_eq!(verifier.challenges(&refusal), expected);
    // The scheme that was used has the error (RFC 9449 §7.2).
    let refusal = decision.bearer("x").expect_err("refused");
    let error = "error=\"invalid_token\", error_description=\"the access token is malformed\"";
    assert_eq!(verifier.challenges(&refusal), [format!("Bearer {error}, {metadata}"), plain[1].clone()]);
    let refusal = decision.dpop(&token, &[]).expect_err("refused");
    let text = "the access token is not bound to a key; send it with the Bearer scheme";
    let error = format!("error=\"invalid_token\", error_description=\"{text}\"");
    assert_eq!(verifier.challenges(&refusal), [plain[0].clone(), format!("DPoP {error}, {algs}, {metadata}")]);
    let token = decision.bearer(&token).expect("valid");
    let refusal = token.require(&Scope::parse("admin read").expect("a scope")).expect_err("refused");
    let error = "error=\"insufficient_scope\", error_description=\"the access token lacks the scope of this request; ask for a token with it\"";
    assert_eq!((refusal.status(), refusal.code()), (403, Some("insufficient_scope")));
    assert_eq!(verifier.challenges(&refusal)[0], format!("Bearer {error}, scope=\"admin read\", {metadata}"));
    let refusal = Refusal::Unavailable(Unavailable::OtherMetadata);
    assert_eq!((refusal.status(), verifier.challenges(&refusal)), (503, Vec::new()));
}
