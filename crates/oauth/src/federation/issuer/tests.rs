use proptest::prelude::*;
use serde_json::json;

use super::*;

fn own() -> Issuer {
    Issuer::parse("https://as.example").expect("an issuer")
}

fn key(usage: &str) -> Value {
    json!({"keys": [{
        "kty": "EC", "crv": "P-256", "use": usage, "kid": "1",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    }]})
}

fn parse(entries: &Value) -> Result<TrustedIssuers, String> {
    TrustedIssuers::parse(&entries.to_string(), &own())
}

fn issuer(members: &Value) -> Value {
    let mut entry = json!({"issuer": "https://a.example/x", "jwks_uri": "https://a.example/jwks"});
    entry.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
    entry.as_object_mut().expect("an object").retain(|_, value| *value != json!("absent"));
    entry
}

/// F1: an entry with its defaults, and one with every member.
#[test]
fn f1_entries() {
    let issuers = parse(&json!([
        issuer(&json!({})),
        {"issuer": "https://b.example", "jwks": key("sig"), "audience": "urn:x", "algorithms": ["ES256", "RS256"],
         "max_lifetime": 86400, "reuse": "until-exp", "disabled": false},
        {"issuer": "spiffe://c.example", "spiffe_bundle": key("jwt-svid")},
        {"issuer": "spiffe://d.example", "spiffe_bundle": "https://d.example/bundle"},
        {"issuer": "https://e.example", "jwks": key("sig"), "disabled": true},
    ]));
    let issuers = issuers.expect("parses");
    let a = issuers.by_iss("https://a.example/x").expect("the first");
    assert_eq!((a.audience.as_str(), a.max_lifetime, a.reuse), ("https://as.example", 3600, Reuse::Once));
    assert_eq!(
        (a.algorithms.len(), &a.keys),
        (ALGORITHMS.len(), &IssuerKeys::JwksUri("https://a.example/jwks".into()))
    );
    let b = issuers.by_iss("https://b.example").expect("the second");
    assert_eq!((b.audience.as_str(), b.max_lifetime, b.reuse), ("urn:x", 86400, Reuse::UntilExp));
    assert_eq!(b.algorithms, [Algorithm::ES256, Algorithm::RS256]);
    let names = issuers.iter().map(|issuer| issuer.issuer.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["https://a.example/x", "https://b.example", "spiffe://c.example", "spiffe://d.example"]);
    assert!(issuers.by_spiffe_id("spiffe://c.example/w").is_some_and(|found| found.is_trust_domain()));
    let d = issuers.by_spiffe_id("spiffe://d.example/w").expect("the fourth");
    assert_eq!(d.keys, IssuerKeys::BundleUrl("https://d.example/bundle".into()));
    assert!(!issuers.is_empty());
    // An issuer that is disabled is not trusted.
    for none in [json!([]), json!([issuer(&json!({"disabled": true}))])] {
        assert!(parse(&none).expect("parses").is_empty(), "{none}");
    }
    // Each is found by its own kind of name only, and byte for byte.
    for iss in ["https://a.example/x/", "https://a.example/", "https://A.example/x", "spiffe://c.example", ""] {
        assert_eq!(issuers.by_iss(iss), None, "{iss}");
    }
    for id in ["spiffe://c.example", "spiffe://C.example/w", "spiffe://x.c.example/w", "https://a.example/x"] {
        assert_eq!(issuers.by_spiffe_id(id), None, "{id}");
    }
}

/// F1, O5: every mistake is named, and all at once.
#[test]
fn f1_o5_every_mistake_is_named() {
    for (members, mistake) in [
        (json!({"issuer": "https://as.example"}), "is this server's own issuer"),
        (json!({"issuer": "http://a.example"}), "needs an `issuer` that is an https URL"),
        (json!({"issuer": "HTTPS://a.example"}), "needs an `issuer` that is an https URL"),
        (json!({"issuer": "https://a.example?x"}), "needs an `issuer` that is an https URL"),
        (json!({"issuer": "https://a.example/#x"}), "needs an `issuer` that is an https URL"),
        (json!({"issuer": "https://a.example/ x"}), "needs an `issuer` that is an https URL"),
        (json!({"issuer": "spiffe://a.example/path"}), "needs an `issuer` that is an https URL"),
        (json!({"issuer": 1}), "needs an `issuer` that is an https URL"),
        (json!({"issuer": "absent"}), "needs an `issuer` that is an https URL"),
        (json!({"jwks_uri": "absent"}), "needs exactly one of"),
        (json!({"jwks": key("sig")}), "needs exactly one of"),
        (
            json!({"jwks_uri": "absent", "spiffe_bundle": key("jwt-svid")}),
            "needs a `spiffe_bundle` if it is a trust domain",
        ),
        (json!({"issuer": "spiffe://a.example"}), "needs a `spiffe_bundle` if it is a trust domain"),
        (json!({"jwks_uri": "http://a.example"}), "has a `jwks_uri` that is not an https URL"),
        (json!({"jwks_uri": "http://127.0.0.1"}), "has a `jwks_uri` that is not an https URL"),
        (json!({"jwks_uri": "absent", "jwks": {"keys": []}}), "has a `jwks` that holds no key for signatures"),
        (json!({"jwks_uri": "absent", "jwks": {}}), "has a `jwks` that is not a JWK Set"),
        (json!({"audience": ""}), "has an `audience`"),
        (json!({"audience": ["x"]}), "has an `audience`"),
        (json!({"algorithms": []}), "has `algorithms`"),
        (json!({"algorithms": ["HS256"]}), "has `algorithms`"),
        (json!({"algorithms": "ES256"}), "has `algorithms`"),
        (json!({"max_lifetime": 0}), "has a `max_lifetime`"),
        (json!({"max_lifetime": 86401}), "has a `max_lifetime`"),
        (json!({"max_lifetime": 1.5}), "has a `max_lifetime`"),
        (json!({"reuse": "twice"}), "has a `reuse`"),
        (json!({"reuse": null}), "has a `reuse`"),
        (json!({"disabled": "false"}), "has a `disabled`"),
        (json!({"jwksuri": "x"}), "has an unknown member \"jwksuri\""),
    ] {
        let error = parse(&json!([issuer(&members)])).expect_err(mistake);
        assert!(error.contains(mistake), "{members}: {error}");
    }
    let domain = json!({"issuer": "spiffe://a.example", "spiffe_bundle": key("jwt-svid"), "audience": "x"});
    assert!(parse(&json!([domain])).expect_err("an audience").contains("must not have an `audience`"));
    let both = json!([issuer(&json!({"reuse": 1, "max_lifetime": 0})), issuer(&json!({}))]);
    assert_eq!(
        parse(&both).expect_err("three mistakes"),
        "\"https://a.example/x\" has a `max_lifetime` that is not a whole number from 1 to 86400; \
         \"https://a.example/x\" has a `reuse` that is neither `once` nor `until-exp`; \
         \"https://a.example/x\" appears more than once"
    );
    // A disabled issuer is checked too, and its name is taken.
    assert!(parse(&json!([issuer(&json!({"disabled": true, "reuse": 1}))])).is_err());
    assert!(parse(&json!([issuer(&json!({"disabled": true})), issuer(&json!({}))])).is_err());
    for bad in ["", "{}", "[1]", "null", "[{]"] {
        assert_eq!(TrustedIssuers::parse(bad, &own()), Err("must be a JSON array of objects".to_owned()), "{bad}");
    }
    let many = |count: usize| {
        let entries = (0..count).map(|n| issuer(&json!({"issuer": format!("https://{n}.example")})));
        parse(&entries.collect()).map(|issuers| issuers.iter().count())
    };
    assert_eq!(many(32), Ok(32));
    assert_eq!(many(33), Err("must have at most 32 entries".to_owned()));
}

/// F1: on a developer's machine keys may be on loopback, and only there.
#[test]
fn f1_keys_on_loopback() {
    let local = Issuer::parse("http://localhost:9000").expect("an issuer");
    let parse = |url: &str| TrustedIssuers::parse(&json!([issuer(&json!({"jwks_uri": url}))]).to_string(), &local);
    assert!(parse("http://127.0.0.1:1/jwks").is_ok() && parse("http://a.example").is_err());
}

proptest! {
    /// F1: any text is a list or an error, and what is trusted was named.
    #[test]
    fn f1_any_list(text in "\\PC{0,200}", name in "\\PC{0,40}", uri in "\\PC{0,40}") {
        let _ = TrustedIssuers::parse(&text, &own());
        if let Ok(issuers) = parse(&json!([{"issuer": name, "jwks_uri": uri}])) {
            prop_assert!(issuers.by_iss(&name).is_some());
        }
    }
}
