use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::metadata::StoredMetadata;
use crate::operator::list::tests::any_json;
use crate::operator::{Hashes, Label, export};
use crate::registration::{Issued, Lifetimes};

const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015";

fn parse(line: &Value) -> Result<Imported, ImportError> {
    Imported::parse(line.to_string().as_bytes(), false)
}

fn registered(body: &Value) -> Client {
    let requested = RequestedMetadata::parse(body.to_string().as_bytes()).expect("an object");
    let policy = crate::metadata::Policy::of_operator(&requested, false);
    let metadata = ClientMetadata::verify(&requested, &policy).expect("metadata");
    Issued::new(metadata, None, 100, Lifetimes { unused: 60, ..Lifetimes::default() }, |bytes| bytes.fill(3)).client
}

/// U6: what is exported with hashes is imported as the same client, and without them, nothing tells the secrets.
#[test]
fn u6_a_client_survives_the_way() {
    for body in [
        json!({}),
        json!({"token_endpoint_auth_method": "client_secret_basic", "scope": "b a", "contacts": [], "client_uri": ""}),
        json!({"redirect_uris": [""], "client_name": "é", "client_name#de": "\u{1b}", "dpop_bound_access_tokens": true}),
        json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example"}),
        json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "federated_credentials": [{"issuer": "https://issuer.example", "sub": "a", "claims": {"n": 1}}],
        }),
        json!({"token_policy": {"claims": {"a": {"b": [1, -1, null, true, "é"]}}, "tokens_per_hour": 1, "access_token_ttl": 900}}),
    ] {
        let client = registered(&body);
        let ceiling = Some(Scope::parse("a b c").expect("a scope"));
        let label = |text| Label::parse(text).expect("a label");
        let managed = ManagedBy { unlisted: true, ..ManagedBy::new(label("o"), label("n")) };
        let others =
            [client.clone(), Client { disabled: true, expires_at: None, scope_ceiling: ceiling, ..client.clone() }];
        for client in others.clone() {
            let with = Value::Object(export(&client, Some(&managed), Hashes::Included));
            let imported = parse(&with).expect("an exported client");
            assert_eq!(imported.client(None, 120), Ok(client.clone()), "{with}");
            assert_eq!(imported.managed(None).as_ref(), Some(&managed));
            assert_eq!(imported.client(Some(&client), 120), Ok(client.clone()));
            // Whatever was there before.
            for before in &others {
                assert_eq!(imported.client(Some(before), 120), Ok(client.clone()), "{with}");
            }
            let unmanaged = Value::Object(export(&client, None, Hashes::Included));
            assert_eq!(parse(&unmanaged).expect("an exported client").managed(Some(&managed)), None);
            let without = Value::Object(export(&client, None, Hashes::Left));
            assert!(!without.to_string().contains("sha256"), "{without}");
            let imported = parse(&without).expect("an exported client");
            assert_eq!(imported.client(Some(&client), 120), Ok(client.clone()));
            assert_eq!(imported.client(None, 120).is_err(), !client.client_secrets.is_empty());
        }
    }
}

/// U8: a secret is hashed when it is read, and shown by nothing.
#[test]
fn u8_a_secret_is_hashed_at_once() {
    let line = json!({"client_id": "a", "client_secret": SECRET, "client_secret_expires_at": 9, "scope": "x"});
    let imported = parse(&line).expect("a client");
    assert!(!format!("{imported:?}").contains(SECRET));
    let client = imported.client(None, 5).expect("a client");
    assert_eq!(client.client_secrets, [StoredSecret { sha256: SecretHash::of(SECRET), expires_at: 9 }]);
    assert_eq!((client.client_id_issued_at, client.registration_access_token), (5, None));
    // It may register no more than it has, unless the line says so.
    assert_eq!(client.scope_ceiling, Some(client.metadata.scope.clone()));
    let mut open = line;
    open["scope_ceiling"] = json!(false);
    assert_eq!(parse(&open).expect("a client").client(None, 5).expect("a client").scope_ceiling, None);
}

/// U7: what a line does not say stays, and no ceiling is exceeded by it.
#[test]
fn u7_what_is_not_said_stays() {
    let mut before = registered(&json!({"scope": "x", "client_name": "A"}));
    before.disabled = true;
    before.scope_ceiling = Some(Scope::parse("x y").expect("a scope"));
    let id = before.client_id.as_str().to_owned();
    let after = parse(&json!({"client_id": id, "scope": "y"})).expect("a client");
    let after = after.client(Some(&before), 110).expect("a client");
    assert_eq!((after.disabled, after.expires_at, &after.scope_ceiling), (true, Some(160), &before.scope_ceiling));
    assert_eq!((&after.client_secrets, after.metadata.others().len()), (&before.client_secrets, 0));
    let wider =
        parse(&json!({"client_id": id, "scope": "x z", "disabled": false, "expires_at": 200})).expect("a client");
    let wider = wider.client(Some(&before), 110).expect("a client");
    assert_eq!((wider.disabled, wider.expires_at), (false, Some(200)));
    assert_eq!(wider.scope_ceiling, Some(wider.metadata.scope.clone()));
    assert!(parse(&json!({"client_id": id})).expect("a client").client(Some(&before), 160).is_err(), "it has expired");
}

/// U2, U7: a client that is not in its list is enabled when it is listed again, unless a line disables it meanwhile.
#[test]
fn u2_u7_a_line_that_disables() {
    let label = |text| Label::parse(text).expect("a label");
    let listed = ManagedBy::new(label("o"), label("n"));
    let unlisted = ManagedBy { unlisted: true, ..listed.clone() };
    let managed = |more: Value| {
        let mut line = json!({"client_id": "a", "client_secret": SECRET});
        line.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        parse(&line).expect("a client").managed(Some(&unlisted))
    };
    assert_eq!(managed(json!({"disabled": true})), Some(listed));
    for as_before in [json!({}), json!({"disabled": false}), json!({"disabled": true, "managed_by": unlisted})] {
        assert_eq!(managed(as_before), Some(unlisted.clone()));
    }
    assert_eq!(managed(json!({"managed_by": false})), None);
}

/// U7: a token that is given is good for an identifier that is a part of its path, as it is.
#[test]
fn u7_tokens_need_a_path() {
    for (id, is_fit) in [("a-._~Z9", true), ("...", true), (".", false), ("..", false), ("a/b", false), ("a%41", false)]
    {
        for token in [json!({"registration_access_token": SECRET}), json!({TOKEN_HASH: "0".repeat(64)})] {
            let mut line = json!({"client_id": id, "client_secret": SECRET});
            line.as_object_mut().expect("an object").extend(token.as_object().expect("an object").clone());
            assert_eq!(parse(&line).is_ok(), is_fit, "{line}");
        }
    }
    for bad in ["a b", "a,b", "a\"b"] {
        let token = format!("{bad}{SECRET}");
        assert!(
            parse(&json!({"client_id": "a", "client_secret": SECRET, "registration_access_token": token})).is_err()
        );
    }
}

/// U7: the identifier of a line that is refused is told, and nothing else of it.
#[test]
fn u7_an_error_names_the_client() {
    let error = parse(&json!({"client_id": "a", "client_secret": "hunter2"})).expect_err("weak");
    assert_eq!(error.client_id, ClientId::parse("a").ok());
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    // What is missing is said, and nothing else.
    let mistakes = |line: Value| parse(&line).expect_err("refused").mistakes;
    let weak = mistakes(json!({"client_id": "a", "client_secret": "hunter2", "client_secret_expires_at": 0}));
    assert!(weak.len() == 1 && weak[0].starts_with("client_secret is too weak"), "{weak:?}");
    for secret in [json!({}), json!({"client_secret": null})] {
        let mut line = json!({"client_id": "a", "client_secret_expires_at": 0});
        line.as_object_mut().expect("an object").extend(secret.as_object().expect("an object").clone());
        assert_eq!(mistakes(line), ["client_secret_expires_at needs client_secret beside it"]);
    }
    assert_eq!(parse(&json!({"client_id": "é"})).expect_err("malformed").client_id, None);
    assert!(unhex(&"g".repeat(64)).is_none() && unhex(&"0".repeat(63)).is_none() && unhex(&"é".repeat(32)).is_none());
    assert!(unhex(&"aB".repeat(32)).is_some());
}

/// U7: a client with stored metadata that registration would not accept any more is refused, not changed.
#[test]
fn u7_the_rules_of_today_apply() {
    let metadata = ClientMetadata::from_stored(StoredMetadata {
        others: [("client_uri".to_owned(), json!("javascript:alert(1)"))].into_iter().collect(),
        ..StoredMetadata::default()
    });
    let client = Client { metadata: metadata.expect("metadata"), ..registered(&json!({})) };
    let error = parse(&Value::Object(export(&client, None, Hashes::Included))).expect_err("refused");
    assert!(error.to_string().starts_with("client_uri "), "{error}");
}

proptest! {
    /// U7: any line is a client or an error, which has at most the name of a member from it.
    #[test]
    fn u7_any_line(bytes: Vec<u8>, name: String, value in any_json()) {
        let _ = Imported::parse(&bytes, true);
        for known in ["client_id", "client_secret", SECRET_HASHES, TOKEN_HASH, SCOPE_CEILING, MANAGED_BY, &name] {
            let mut line = json!({"client_id": "a", "client_secret": SECRET});
            line[known] = value.clone();
            if let Ok(imported) = parse(&line) {
                let _ = imported.client(None, 0);
            }
        }
    }
}
