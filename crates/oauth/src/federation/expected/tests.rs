use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::federation::{IssuerKeys, TrustedIssuers};
use crate::issuer::Issuer;
use crate::jose::Unverified;

const NOW: EpochSeconds = 1_700_000_000;

fn trusted(more: &Value) -> TrustedIssuers {
    let mut entry = json!({"issuer": "https://a.example", "jwks_uri": "https://a.example/jwks", "max_lifetime": 600});
    entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let own = Issuer::parse("https://as.example").expect("an issuer");
    TrustedIssuers::parse(&json!([entry]).to_string(), &own).expect("parses")
}

fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.AA", part(header), part(claims))
}

fn claims(claims: &Value) -> Claims<Unverified> {
    let token = token(&json!({"alg": "ES256"}), claims);
    UnverifiedToken::parse(&token).expect("a JWT").unverified_claims().expect("claims")
}

fn check_as(more: &Value, change: impl FnOnce(&mut Map<String, Value>)) -> Result<Accepted, FederationError> {
    let mut members = json!({
        "iss": "https://a.example", "sub": "s", "aud": "https://as.example", "jti": "1", "iat": NOW, "exp": NOW + 300,
    });
    change(members.as_object_mut().expect("an object"));
    let trusted = trusted(more);
    let credentials =
        FederatedCredentials::parse(&json!([{"issuer": "https://a.example", "sub": "s"}])).expect("credentials");
    let issuer = trusted.by_iss("https://a.example").expect("the issuer");
    let expected = Expected { issuer, credentials: &credentials, now: NOW };
    expected.check_claims(&claims(&members))
}

fn check(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Accepted, FederationError> {
    check_as(&json!({}), change)
}

/// F1: every time at its exact edge, with and without `iat`.
#[test]
fn f1_edges_of_time() {
    let with = |iat: Value, exp: Value| {
        let change = |claims: &mut Map<String, Value>| {
            claims.insert("exp".to_owned(), exp);
            claims.insert("iat".to_owned(), iat);
            claims.retain(|_, value| !value.is_null());
        };
        check(change).map(|accepted| accepted.expires_at)
    };
    for (iat, exp, expected) in [
        (json!(NOW - 600), json!(NOW), Ok(NOW + 60)),
        (json!(NOW - 600), json!(NOW - 59), Ok(NOW + 1)),
        (json!(NOW - 600), json!(NOW - 60), Err(FederationError::Expired)),
        (json!(NOW), json!(NOW + 600), Ok(NOW + 660)),
        (json!(NOW), json!(NOW + 601), Err(FederationError::TooLong)),
        (json!(NOW - 1), json!(NOW + 600), Err(FederationError::TooLong)),
        (json!(NOW + 60), json!(NOW + 660), Ok(NOW + 720)),
        (json!(NOW + 61), json!(NOW + 120), Err(FederationError::NotYet)),
        (json!(0), json!(NOW + 1), Err(FederationError::TooLong)),
        (json!(null), json!(NOW + 660), Ok(NOW + 720)),
        (json!(null), json!(NOW + 661), Err(FederationError::TooLong)),
        (json!(null), json!(u64::MAX), Err(FederationError::TooLong)),
        (json!(null), json!(1e300), Err(FederationError::TooLong)),
        (json!("now"), json!(NOW + 1), Err(FederationError::Claim("iat"))),
        (json!(NOW), json!("later"), Err(FederationError::Claim("exp"))),
        (json!(NOW), json!(null), Err(FederationError::Claim("exp"))),
    ] {
        assert_eq!(with(iat.clone(), exp.clone()), expected, "{iat} {exp}");
    }
    let nbf = |nbf| check(|claims| drop(claims.insert("nbf".to_owned(), nbf))).map(drop);
    assert_eq!(nbf(json!(NOW + 60)), Ok(()));
    assert_eq!(nbf(json!(NOW + 61)), Err(FederationError::NotYet));
    assert_eq!(nbf(json!([])), Err(FederationError::Claim("nbf")));
}

/// F1: the record of a use depends on issuer and `jti`, and there is none where an assertion may be used again.
#[test]
fn f1_records_of_uses() {
    let once = check(|_| ()).expect("accepted").once.expect("a record");
    let other = check(|claims| drop(claims.insert("jti".to_owned(), json!("2")))).expect("accepted").once;
    assert!(once.starts_with("federated#") && other.is_some_and(|other| other != once));
    let reuse = json!({"reuse": "until-exp"});
    let again = check_as(&reuse, |claims| drop(claims.remove("jti")));
    assert_eq!(again, Ok(Accepted { expires_at: NOW + 360, once: None }));
    assert_eq!(check(|claims| drop(claims.remove("jti"))), Err(FederationError::Claim("jti")));
}

/// F1: the kinds of JWTs, and the algorithms that the issuer may use.
#[test]
fn f1_headers() {
    let trusted = trusted(&json!({"algorithms": ["ES256"]}));
    let issuer = trusted.by_iss("https://a.example").expect("the issuer");
    assert!(matches!(issuer.keys, IssuerKeys::JwksUri(_)));
    let credentials = FederatedCredentials::default();
    let expected = Expected { issuer, credentials: &credentials, now: NOW };
    let check = |header: Value| {
        let token = token(&header, &json!({}));
        expected.check_header(&UnverifiedToken::parse(&token).expect("a JWT"))
    };
    for typ in ["JWT", "jwt", "JOSE", "jose"] {
        assert_eq!(check(json!({"alg": "ES256", "typ": typ})), Ok(()), "{typ}");
    }
    assert_eq!(check(json!({"alg": "ES256"})), Ok(()));
    for typ in [json!("at+jwt"), json!("application/jwt"), json!(""), json!(1), json!(null), json!(["JWT"])] {
        assert_eq!(check(json!({"alg": "ES256", "typ": typ})), Err(FederationError::Type), "{typ}");
    }
    assert_eq!(check(json!({"alg": "RS256"})), Err(FederationError::Algorithm));
}

/// F1: the outcome of every rule is told, not only of the first that is violated.
#[test]
fn f1_every_rule_has_its_outcome() {
    let trusted = trusted(&json!({}));
    let issuer = trusted.by_iss("https://a.example").expect("the issuer");
    let credentials = FederatedCredentials::default();
    let expected = Expected { issuer, credentials: &credentials, now: NOW };
    let violated =
        expected.claims_rules(&claims(&json!({}))).map(|(rule, outcome)| (rule.to_string(), outcome.is_err()));
    let names = ["issuer", "audience", "time", "lifetime", "jti", "credential"];
    assert_eq!(violated, names.map(|name| (name.to_owned(), true)));
}

proptest! {
    /// F1: any claims are refused or accepted, without a panic.
    #[test]
    fn f1_any_claims(
        name in prop::sample::select(vec!["iss", "sub", "aud", "exp", "iat", "nbf", "jti"]),
        text in "\\PC{0,20}", number in any::<f64>(),
    ) {
        for value in [json!(text), json!(number), json!([text]), json!({&text: number})] {
            let _ = check(|claims| drop(claims.insert(name.to_owned(), value)));
        }
    }
}
