//! What is registered of a client's keys: RFC 7517 §4 and §5, RFC 7518 §6.

use serde_json::{Map, Value};

use super::values::is_strings;
use crate::jose::{KeysError, PublicKeys};

/// What a member of a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A text.
    Text,
    /// An array of texts.
    Texts,
}

/// The members of public keys. All others are ignored, as RFC 7517 §4 asks: nothing here reads them, and DynamoDB
/// might be unable to store them.
const MEMBERS: [(&str, Kind); 14] = [
    ("kty", Kind::Text),
    ("use", Kind::Text),
    ("key_ops", Kind::Texts),
    ("alg", Kind::Text),
    ("kid", Kind::Text),
    ("x5u", Kind::Text),
    ("x5c", Kind::Texts),
    ("x5t", Kind::Text),
    ("x5t#S256", Kind::Text),
    ("n", Kind::Text),
    ("e", Kind::Text),
    ("crv", Kind::Text),
    ("x", Kind::Text),
    ("y", Kind::Text),
];

/// The set reduced to the members that are known, if it is a set of public keys. Of the set itself that is `keys`
/// (RFC 7517 §5). A key of a kind that is not known is kept, and reduced too; `null` counts as not given (R2).
pub(super) fn registered(set: &Value) -> Result<Value, KeysError> {
    let keys = set.get("keys").and_then(Value::as_array).ok_or(KeysError::Malformed)?;
    let reduced = keys.iter().map(reduce).collect::<Result<Vec<_>, _>>()?;
    PublicKeys::parse(set)?;
    Ok(Value::Object([("keys".to_owned(), reduced.into())].into_iter().collect()))
}

fn reduce(key: &Value) -> Result<Value, KeysError> {
    let key = key.as_object().ok_or(KeysError::Malformed)?;
    let mut reduced = Map::new();
    for (name, value) in key.iter().filter(|(_, value)| !value.is_null()) {
        let Some((member, kind)) = MEMBERS.into_iter().find(|(member, _)| member == name) else { continue };
        let (is_good, expected) = match kind {
            Kind::Text => (value.is_string(), "a string"),
            Kind::Texts => (is_strings(value), "an array of strings"),
        };
        if !is_good {
            return Err(KeysError::Member { member, expected });
        }
        reduced.insert(name.clone(), value.clone());
    }
    Ok(reduced.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A key on P-256: the curve's generator.
    fn key() -> Value {
        json!({
            "kty": "EC", "crv": "P-256",
            "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
        })
    }

    /// R1: what is not known is dropped, from the set and from its keys, whatever it holds; what is known stays as sent.
    #[test]
    fn r1_members_that_are_not_known_are_dropped() {
        let mut deep = json!("x");
        for _ in 0..40 {
            deep = json!([deep]);
        }
        let mut full = key();
        for (name, value) in [
            ("use", json!("sig")),
            ("key_ops", json!(["verify"])),
            ("alg", json!("ES256")),
            ("kid", json!("")),
            ("x5u", json!("https://a.example/")),
            ("x5c", json!([""])),
            ("x5t", json!("\u{0}")),
            ("x5t#S256", json!("x")),
        ] {
            full[name] = value;
        }
        let of_another_kind = json!({"kty": "AKP", "alg": "ML-DSA-44", "n": "x", "e": "x"});
        let mut sent = json!({"keys": [full, of_another_kind], "": 1e300, "extra": deep});
        let expected = json!({"keys": [full, of_another_kind]});
        for key in sent["keys"].as_array_mut().expect("an array") {
            for (name, value) in [
                ("huge", json!(1e300)),
                ("tiny", json!(1e-200)),
                ("deep", deep.clone()),
                ("", json!("x")),
                ("nbf", json!(1)),
                ("revoked", json!({"": {"": []}})),
            ] {
                key[name] = value;
            }
        }
        sent["keys"][1]["pub"] = "x".into();
        sent["keys"][1]["kid"] = json!(null);
        assert_eq!(registered(&sent), Ok(expected.clone()));
        assert_eq!(registered(&expected), Ok(expected));
    }

    /// R1: what is known has its type, and the error names the member.
    #[test]
    fn r1_members_that_are_known_have_their_types() {
        for (member, kind) in MEMBERS {
            let expected = if kind == Kind::Text { "a string" } else { "an array of strings" };
            for bad in [json!(1), json!(true), json!({}), json!([1]), json!([["x"]])] {
                let mut key = key();
                key[member] = bad.clone();
                let outcome = registered(&json!({"keys": [key]}));
                assert_eq!(outcome, Err(KeysError::Member { member, expected }), "{member}: {bad}");
                // Whether there is a better key or not.
                let outcome = registered(&json!({"keys": [self::key(), key]}));
                assert_eq!(outcome, Err(KeysError::Member { member, expected }), "{member}: {bad}");
            }
            let mut key = key();
            key[member] = if kind == Kind::Text { json!(["x"]) } else { json!("x") };
            assert_eq!(registered(&json!({"keys": [key]})), Err(KeysError::Member { member, expected }));
        }
    }

    /// R8: what is dropped is looked at before: a private key is refused, not made public.
    #[test]
    fn r8_private_members_are_refused() {
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            for value in [json!("x"), json!(null), json!(1e300)] {
                let mut key = key();
                key[member] = value;
                assert_eq!(registered(&json!({"keys": [key]})), Err(KeysError::NotPublic), "{member}");
            }
        }
        assert_eq!(registered(&json!({"keys": []})), Err(KeysError::NoUsableKey));
        assert_eq!(registered(&json!({"keys": vec![key(); 17]})), Err(KeysError::TooLarge));
        let mut large = key();
        large["unknown"] = "x".repeat(16 * 1024).into();
        assert_eq!(registered(&json!({"keys": [large]})), Err(KeysError::TooLarge));
        for bad in [json!([]), json!("x"), json!({"keys": {}}), json!({"keys": ["x"]})] {
            assert_eq!(registered(&bad), Err(KeysError::Malformed), "{bad}");
        }
    }
}
