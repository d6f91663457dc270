use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;

use super::*;
use crate::jose::{Unverified, UnverifiedToken};

fn parse(value: &Value) -> Result<FederatedCredentials, CredentialsError> {
    FederatedCredentials::parse(value)
}

fn unverified(claims: &Value) -> Claims<Unverified> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let token = format!("{}.{}.AA", part(&json!({"alg": "ES256"})), part(claims));
    UnverifiedToken::parse(&token).expect("a JWT").unverified_claims().expect("claims")
}

/// F2: what is sent comes back, and can be read again.
#[test]
fn f2_a_list_of_credentials() {
    let list = json!([
        {"issuer": "https://token.actions.githubusercontent.com", "sub": "repo:org/app:ref:refs/heads/main"},
        {"issuer": "spiffe://example.org", "sub": "spiffe://example.org/a",
         "claims": {"kubernetes.io.namespace": "prod", "n": -1, "b": true, "s": ""}},
    ]);
    let parsed = parse(&list).expect("parses");
    assert_eq!(serde_json::to_value(&parsed).expect("serializes"), list);
    assert_eq!(parsed.iter().map(FederatedCredential::to_json).collect::<Value>(), list);
    assert_eq!(parsed.keys().len(), 2);
}

/// F2: every bound, and nothing that could be a condition which nobody checks.
#[test]
fn f2_malformed_credentials() {
    let good = json!({"issuer": "https://a.example", "sub": "b"});
    let with = |name: &str, value: Value| {
        let mut entry = good.clone();
        entry[name] = value;
        json!([entry])
    };
    let claims = |claims: Value| with("claims", claims);
    let many = (0..11).map(|n| (n.to_string(), json!(n))).collect::<Map<_, _>>();
    for (value, error) in [
        (json!({}), CredentialsError::Form),
        (json!(["a"]), CredentialsError::Form),
        (json!(vec![good.clone(); 11]), CredentialsError::TooMany),
        (with("subject", json!("b")), CredentialsError::UnknownMember),
        (with("sub", json!("")), CredentialsError::Subject),
        (with("sub", json!("x".repeat(513))), CredentialsError::Subject),
        (with("sub", json!(["b"])), CredentialsError::Subject),
        (with("issuer", json!(null)), CredentialsError::Subject),
        (json!([{"issuer": "https://a.example"}]), CredentialsError::Subject),
        (claims(json!([])), CredentialsError::Claims),
        (claims(json!(null)), CredentialsError::Claims),
        (claims(many.into()), CredentialsError::Claims),
        (claims(json!({"": "x"})), CredentialsError::Path),
        (claims(json!({"x".repeat(257): "x"})), CredentialsError::Path),
        (claims(json!({"a": "x".repeat(513)})), CredentialsError::Value),
        (claims(json!({"a": 1.0})), CredentialsError::Value),
        (claims(json!({"a": 1e3})), CredentialsError::Value),
        (claims(json!({"a": u64::MAX})), CredentialsError::Value),
        (claims(json!({"a": null})), CredentialsError::Value),
        (claims(json!({"a": ["x"]})), CredentialsError::Value),
        (claims(json!({"a": {"b": "x"}})), CredentialsError::Value),
    ] {
        assert_eq!(parse(&value), Err(error), "{value}");
    }
    assert_eq!(parse(&json!(vec![good; 10])).map(|list| list.0.len()), Ok(10));
}

/// F2: one more goes to the end, up to the bound; one that is there already changes nothing. One less leaves the others.
#[test]
fn f2_one_more_or_less() {
    let credential = |n: usize| {
        FederatedCredential::parse(&json!({"issuer": "https://a.example", "sub": n.to_string()})).expect("an entry")
    };
    let list = |range: std::ops::Range<usize>| FederatedCredentials(range.map(credential).collect());
    let mut grown = list(0..0);
    for n in 0..10 {
        grown = grown.with(credential(n)).expect("room");
        assert_eq!(grown, list(0..n + 1));
    }
    assert_eq!(grown.with(credential(9)), Ok(list(0..10)));
    assert_eq!(grown.with(credential(10)), Err(CredentialsError::TooMany));
    assert_eq!(grown.without(&credential(9)), list(0..9));
    assert_eq!(grown.without(&credential(0)), list(1..10));
    assert_eq!(grown.without(&credential(10)), list(0..10));
}

/// F2: issuer and subject belong to one entry, and so do its claims: those of several entries do not add up.
#[test]
fn f2_an_entry_matches_as_a_whole() {
    let (a, b) = ("https://a.example", "https://b.example");
    let list = parse(&json!([
        {"issuer": a, "sub": "1", "claims": {"x": 1, "y": 1}},
        {"issuer": a, "sub": "1", "claims": {"x": 2}},
        {"issuer": b, "sub": "2"},
    ]));
    let list = list.expect("parses");
    for (issuer, sub, claims, expected) in [
        (a, Some("1"), json!({"x": 1, "y": 1, "z": 1}), Ok(())),
        (a, Some("1"), json!({"x": 2, "y": 1}), Ok(())),
        (a, Some("1"), json!({"x": 1, "y": 2}), Err(FederationError::Claims)),
        (a, Some("1"), json!({"y": 1}), Err(FederationError::Claims)),
        (b, Some("2"), json!({}), Ok(())),
        (a, Some("2"), json!({"x": 2}), Err(FederationError::Subject)),
        (b, Some("1"), json!({"x": 2}), Err(FederationError::Subject)),
        (b, Some("1 "), json!({}), Err(FederationError::Subject)),
        (b, None, json!({}), Err(FederationError::Subject)),
    ] {
        assert_eq!(list.check(issuer, sub, &unverified(&claims)), expected, "{issuer} {sub:?} {claims}");
    }
}

/// F2: a value is compared by type and value.
#[test]
fn f2_values_are_exact() {
    let at = |own: Value, found: Value| {
        let (_, own) = ClaimValue::parse((&"a".to_owned(), &own)).expect("a value");
        own.is_at("a", json!({"a": found}).as_object().expect("an object"))
    };
    for same in [json!("x"), json!(true), json!(1), json!(-1), json!("")] {
        assert!(at(same.clone(), same.clone()), "{same}");
    }
    for (own, found) in [
        (json!("1"), json!(1)),
        (json!(1), json!("1")),
        (json!(1), json!(1.0)),
        (json!(1), json!(true)),
        (json!("true"), json!(true)),
        (json!("x"), json!(["x"])),
        (json!("x"), json!("X")),
        (json!("é"), json!("e\u{301}")),
        (json!("*"), json!("x")),
        (json!("x"), json!(null)),
    ] {
        assert!(!at(own.clone(), found.clone()), "{own} {found}");
    }
}

proptest! {
    /// F2: any JSON is a list or an error.
    #[test]
    fn f2_any_credentials(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}") {
        if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
            let _ = parse(&value);
        }
        let list = json!([{"issuer": text, "sub": text, "claims": {&text: text}}]);
        if let Ok(parsed) = parse(&list) {
            prop_assert_eq!(parse(&serde_json::to_value(&parsed).expect("serializes")), Ok(parsed));
        }
    }
}
