use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(value: &Value) -> Result<TokenPolicy, PolicyError> {
    TokenPolicy::parse(value)
}

fn claims(value: &Value) -> Result<TokenPolicy, PolicyError> {
    parse(&json!({"claims": value}))
}

/// P1, P2, P3, P5: what is sent comes back, and can be read again.
#[test]
fn p1_p2_p3_p5_a_policy() {
    let all = json!({
        "claims": {"tenant": "acme", "https://example.com/plan": {"seats": 5, "trial": false}, "none": null},
        "access_token_ttl": 900, "resources": ["https://api.example", "urn:example:b"],
        "default_resource": "https://api.example/", "tokens_per_hour": 60,
    });
    let parsed = parse(&all).expect("a policy");
    assert_eq!(parsed.to_json(), all);
    assert!(!parsed.is_empty());
    for (name, value) in all.as_object().expect("an object") {
        let alone = json!({name: value});
        assert_eq!(parse(&alone).map(|policy| (policy.is_empty(), policy.to_json())), Ok((false, alone)));
    }
    assert_eq!(parse(&json!({})), Ok(TokenPolicy::default()));
    assert!(parse(&json!({"claims": {}})).expect("a policy").is_empty());
    for bad in [json!(null), json!([]), json!("x"), json!(1)] {
        assert_eq!(parse(&bad), Err(PolicyError::Form));
    }
    for bad in [json!({"claim": {}}), json!({"ttl": 60}), json!({"Claims": {}}), json!({"": 1})] {
        assert_eq!(parse(&bad), Err(PolicyError::UnknownMember));
    }
}

/// P1: no claim takes the place of one that verifiers know, in any case; the list is in order, so that it has no name twice.
#[test]
fn p1_reserved_claims() {
    assert!(RESERVED.is_sorted());
    for name in [
        "_claim_names",
        "_claim_sources",
        "name",
        "updated_at",
        "iss",
        "sub",
        "aud",
        "exp",
        "nbf",
        "iat",
        "jti",
        "client_id",
        "scope",
        "cnf",
        "auth_time",
        "acr",
        "amr",
        "act",
        "may_act",
        "azp",
        "sid",
        "roles",
        "groups",
        "entitlements",
        "htm",
        "htu",
        "ath",
        "nonce",
        "events",
        "active",
        "token_type",
        "username",
    ] {
        for name in [name.to_owned(), name.to_uppercase(), name.replacen('a', "A", 1)] {
            assert!(
                matches!(claims(&json!({&name: "x"})), Err(PolicyError::Claims(ClaimsError::Reserved(_)))),
                "{name}"
            );
        }
    }
    // A name that looks like one, or is one with something else.
    for name in ["su\u{17f}b", "\u{17f}ub", "sub ", " sub", "sub\u{0}", "s\u{200b}ub", "\u{ff53}ub", "", "a b", "é"] {
        assert_eq!(claims(&json!({name: "x"})), Err(PolicyError::Claims(ClaimsError::Name)), "{name}");
    }
    for good in ["subject", "tenant", "sub.x", "https://example.com/sub", "a\"b\\"] {
        assert!(claims(&json!({good: "x"})).is_ok(), "{good}");
    }
    // Within a claim they mean what the operator says.
    assert!(claims(&json!({"tenant": {"sub": "x", "iss": "y"}})).is_ok());
}

/// P1: every bound of a claim, exactly.
#[test]
fn p1_bounds_of_claims() {
    let refused = |value: Value| match claims(&value) {
        Err(PolicyError::Claims(error)) => Some(error),
        _ => None,
    };
    for bad in [json!([]), json!(null), json!("tenant=acme"), json!(1)] {
        assert_eq!(refused(bad), Some(ClaimsError::Form));
    }
    // {"a":""} are 8 bytes.
    assert!(claims(&json!({"a": "x".repeat(MAX_BYTES - 8)})).is_ok());
    assert_eq!(refused(json!({"a": "x".repeat(MAX_BYTES - 7)})), Some(ClaimsError::TooLarge));
    assert_eq!(refused(json!({"a": "\u{1}".repeat(MAX_BYTES / 6)})), Some(ClaimsError::TooLarge), "as it is escaped");
    assert!(claims(&json!({"a".repeat(MAX_NAME_BYTES): 1})).is_ok());
    assert_eq!(refused(json!({"a".repeat(MAX_NAME_BYTES + 1): 1})), Some(ClaimsError::Name));
    assert_eq!(refused(json!({"a": {"": 1}})), Some(ClaimsError::Name));
    assert_eq!(refused(json!({"a": [{"b": {"é": 1}}]})), Some(ClaimsError::Name));
    for number in [json!(i64::MAX), json!(i64::MIN), json!(0)] {
        assert!(claims(&json!({"a": number})).is_ok());
    }
    for number in [json!(0.5), json!(1e300), json!(u64::MAX), json!([1.5])] {
        assert_eq!(refused(json!({"a": number})), Some(ClaimsError::Number));
    }
    for wrap in [|value: Value| json!([value]), |value: Value| json!({"b": value})] {
        let nested = |levels: usize| (0..levels).fold(json!(1), |value, _| wrap(value));
        assert!(claims(&json!({"a": nested(MAX_DEPTH)})).is_ok());
        assert_eq!(refused(json!({"a": nested(MAX_DEPTH + 1)})), Some(ClaimsError::TooDeep));
        assert_eq!(refused(json!({"a": nested(100)})), Some(ClaimsError::TooDeep));
    }
}

/// P2, P5: numbers within their bounds.
#[test]
fn p2_p5_bounds_of_numbers() {
    let numbers = |name: &'static str, error: PolicyError, good: [u64; 2]| {
        for good in good {
            assert!(parse(&json!({name: good})).is_ok(), "{name} {good}");
        }
        let outside = [json!(good[0] - 1), json!(good[1] + 1), json!(0), json!(u64::MAX), json!(-60), json!(60.5)];
        for bad in outside.into_iter().chain([json!("60"), json!(null), json!([60]), json!(true), json!(1e300)]) {
            assert_eq!(parse(&json!({name: bad})), Err(error.clone()), "{name} {bad}");
        }
    };
    numbers("access_token_ttl", PolicyError::Ttl, [60, 604_800]);
    numbers("tokens_per_hour", PolicyError::TokensPerHour, [1, 1_000_000]);
}

/// P3: resources are absolute URIs, the default is one of them, and a bare origin is the same with its slash.
#[test]
fn p3_resources() {
    let long = format!("https://a.example/{}", "x".repeat(MAX_RESOURCE_BYTES - 18));
    for good in [json!([long]), json!(vec!["https://a.example"; MAX_RESOURCES])] {
        assert!(parse(&json!({"resources": good})).is_ok(), "{good}");
    }
    for bad in [
        json!([]),
        json!(["x"]),
        json!(["https://a.example#b"]),
        json!(["https://a.example", 1]),
        json!([format!("{long}x")]),
        json!(vec!["https://a.example"; MAX_RESOURCES + 1]),
        json!("https://a.example"),
        json!(null),
    ] {
        assert_eq!(parse(&json!({"resources": bad})), Err(PolicyError::Resources), "{bad}");
    }
    for bad in [json!(""), json!("x"), json!(["https://a.example"]), json!(null)] {
        assert_eq!(parse(&json!({"default_resource": bad})), Err(PolicyError::DefaultResource), "{bad}");
    }
    let both = |default: &str| parse(&json!({"resources": ["https://a.example/"], "default_resource": default}));
    assert!(both("https://a.example").is_ok() && both("https://a.example/").is_ok());
    assert_eq!(both("https://b.example"), Err(PolicyError::OtherDefault));
    let policy = both("https://a.example").expect("a policy");
    assert!(policy.allows("https://a.example") && !policy.allows("https://a.example/x") && !policy.allows(""));
    assert!(TokenPolicy::default().allows("https://anything.example"));
}

/// The claims are put into a token as they are here: an object without its braces.
#[test]
fn p1_the_json_of_claims() {
    let policy = claims(&json!({"a": "x}\",\"iss\":\"y", "b": {"c": [1]}})).expect("a policy");
    let object: Value = serde_json::from_str(&format!("{{{}}}", policy.claims.as_json_members())).expect("JSON");
    assert_eq!(object.as_object(), Some(policy.claims.members()));
    assert_eq!(TokenPolicy::default().claims.as_json_members(), "");
}

proptest! {
    /// P1, P2, P3, P5: any JSON is a policy or an error. A policy can be read again, and its claims are one JSON object
    /// without a reserved name.
    #[test]
    fn p1_p2_p3_p5_any_policy(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}", n in any::<i64>()) {
        if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
            let _ = parse(&value);
            let _ = claims(&value);
        }
        for value in [json!(text), json!(n), json!([text]), json!({&text: {&text: n}}), json!({"a": text})] {
            for name in MEMBERS {
                if let Ok(policy) = parse(&json!({name: value})) {
                    prop_assert_eq!(parse(&policy.to_json()), Ok(policy.clone()));
                    let object: Value = serde_json::from_str(&format!("{{{}}}", policy.claims.as_json_members())).expect("JSON");
                    prop_assert_eq!(object.as_object(), Some(policy.claims.members()));
                    prop_assert!(policy.claims.members().keys().all(|name| !RESERVED.contains(&name.as_str())));
                }
            }
        }
    }
}
