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

/// U7: each mistake of a line is said, and nothing of the line but its members' names.
#[test]
fn u7_every_mistake_is_said() {
    let digits = "0".repeat(64);
    let hash = json!({"sha256": digits, "expires_at": 0});
    let hashes = "client_secrets_sha256 must be one or two objects with sha256, 64 hexadecimal digits, and expires_at, in seconds";
    let managed = "managed_by must be an object with the owner and the name of a client of a list, or false";
    let time = |name: &str| format!("{name} must be a time, in seconds since 1970");
    for (more, said) in [
        (json!({"client_id": null}), "client_id is missing"),
        (json!({"client_id": 7}), "client_id must be 1 to 255 visible ASCII characters, without \" and \\"),
        (json!({"client_id_issued_at": -1}), &time("client_id_issued_at")),
        (json!({"client_id_issued_at": MAX_TIME + 1}), &time("client_id_issued_at")),
        (json!({"client_id_issued_at": "1"}), &time("client_id_issued_at")),
        (json!({"client_secret_expires_at": MAX_TIME + 1}), &time("client_secret_expires_at")),
        (json!({"expires_at": true}), &time("expires_at")),
        (json!({"client_secret": 7}), "client_secret must be a string"),
        (json!({"client_secrets_sha256": [hash]}), "client_secret and client_secrets_sha256 exclude each other"),
        (
            json!({"client_secret": null, "client_secrets_sha256": [hash]}),
            "client_secret and client_secrets_sha256 exclude each other",
        ),
        (json!({"registration_access_token": 7}), "registration_access_token must be a string"),
        (
            json!({"registration_access_token": format!("{SECRET} ")}),
            "registration_access_token has characters that no bearer token has",
        ),
        (
            json!({"registration_access_token": SECRET, "registration_access_token_sha256": digits}),
            "registration_access_token and registration_access_token_sha256 exclude each other",
        ),
        (
            json!({"registration_access_token_sha256": 7}),
            "registration_access_token_sha256 must be 64 hexadecimal digits",
        ),
        (
            json!({"registration_access_token_sha256": format!("{digits}0")}),
            "registration_access_token_sha256 must be 64 hexadecimal digits",
        ),
        (
            json!({"client_id": "a/b", "registration_access_token": SECRET}),
            "registration_access_token needs a client_id of letters, digits and - . _ ~, because it is used at \
             /register/{client_id}",
        ),
        (json!({"scope_ceiling": 7}), "scope_ceiling must be a scope, or false if the client registered openly"),
        (json!({"scope_ceiling": true}), "scope_ceiling must be a scope, or false if the client registered openly"),
        (
            json!({"scope_ceiling": "a  b"}),
            "scope_ceiling: the scope does not follow the grammar of RFC 6749 section 3.3",
        ),
        (json!({"scope": "a b", "scope_ceiling": "a"}), "scope exceeds scope_ceiling"),
        (json!({"scope": "a", "scope_ceiling": ""}), "scope exceeds scope_ceiling"),
        (json!({"managed_by": true}), managed),
        (json!({"managed_by": {"owner": "a"}}), managed),
        (json!({"managed_by": {"owner": "a", "name": "é"}}), managed),
        (
            json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://a.example"}),
            "the client has a secret, but its method private_key_jwt has none",
        ),
        (json!({"disabled": 1}), "disabled must be true or false"),
        (json!({"colour": 1}), "colour is not understood"),
    ] {
        let mut line = json!({"client_id": "a", "client_secret": SECRET});
        line.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let error = parse(&line).expect_err(said);
        assert_eq!(error.to_string(), said, "{line}");
        assert_eq!(error.client_id.as_ref().map(ClientId::as_str), line["client_id"].as_str(), "{line}");
    }
    let with = |list: Value, more: Value| {
        let mut line = json!({"client_id": "a", "client_secrets_sha256": list});
        line.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        parse(&line).map(|imported| imported.client(None, 0).expect("a client").client_secrets.len())
    };
    for (list, count) in [(json!([hash]), 1), (json!([hash, hash]), 2)] {
        assert_eq!(with(list, json!({})), Ok(count));
    }
    let said = |outcome: Result<usize, ImportError>| outcome.expect_err("refused").to_string();
    for bad in [
        json!([]),
        json!([hash, hash, hash]),
        json!(false),
        json!([{"sha256": digits}]),
        json!([{"sha256": digits, "expires_at": 0, "more": 1}]),
        json!([{"sha256": digits, "expires_at": MAX_TIME + 1}]),
        json!([{"sha256": "0", "expires_at": 0}]),
    ] {
        assert_eq!(said(with(bad.clone(), json!({}))), hashes, "{bad}");
    }
    assert_eq!(
        said(with(json!([hash]), json!({"client_secret_expires_at": 1}))),
        "client_secret_expires_at and client_secrets_sha256 exclude each other"
    );
    // All mistakes at once.
    let error = parse(&json!({"client_id": "a", "disabled": 1, "expires_at": ""})).expect_err("refused");
    assert_eq!(error.to_string(), format!("{}; disabled must be true or false", time("expires_at")));
}

/// U7: the bounds of a line, of times and of what a line says, exactly.
#[test]
fn u7_bounds_of_a_line() {
    let line = json!({"client_id": "a", "client_secret": SECRET}).to_string();
    let of_size = |bytes: usize| {
        let line = format!("{line}{}", " ".repeat(bytes - line.len()));
        Imported::parse(line.as_bytes(), false).map(drop)
    };
    assert_eq!(of_size(409_600), Ok(()));
    for longer in [409_601, 2 * 409_600] {
        assert_eq!(of_size(longer).expect_err("too long").to_string(), "the line is longer than 409600 bytes");
    }
    let read = |more: Value| {
        let mut line = json!({"client_id": "a", "client_secret": SECRET, "scope": "x"});
        line.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        parse(&line).expect("a client").client(None, 5).expect("a client")
    };
    for time in [0, 1, MAX_TIME] {
        assert_eq!(read(json!({"client_id_issued_at": time})).client_id_issued_at, time);
    }
    for time in [6, MAX_TIME] {
        assert_eq!(read(json!({"expires_at": time})).expires_at, Some(time));
        assert_eq!(read(json!({"client_secret_expires_at": time})).client_secrets[0].expires_at, time);
    }
    assert_eq!(read(json!({"expires_at": false})).expires_at, None);
    let ceiling = |text: &str| Scope::parse(text).ok();
    assert_eq!(read(json!({"scope_ceiling": "x y"})).scope_ceiling, ceiling("x y"));
    assert_eq!(read(json!({"scope": null, "scope_ceiling": ""})).scope_ceiling, ceiling(""));
    assert_eq!(read(json!({"scope_ceiling": false})).scope_ceiling, None);
}

/// U7: a line is for the client that it names, and a token comes with it in clear or as its hash.
#[test]
fn u7_whose_line() {
    let hash = SecretHash::of(SECRET);
    let digits = hash.as_bytes().map(|byte| format!("{byte:02X}")).concat();
    for token in [json!({"registration_access_token": SECRET}), json!({"registration_access_token_sha256": digits})] {
        let mut line = json!({"client_id": "a", "client_secret": SECRET});
        line.as_object_mut().expect("an object").extend(token.as_object().expect("an object").clone());
        let imported = parse(&line).expect("a client");
        assert_eq!(imported.client_id().as_str(), "a");
        let client = imported.client(None, 5).expect("a client");
        assert_eq!((client.client_id.as_str(), client.registration_access_token), ("a", Some(hash)));
    }
}

/// U7: why a line that is well formed is no client.
#[test]
fn u7_a_line_that_is_no_client() {
    let error = |line: Value| parse(&line).expect("a line").client(None, 5).expect_err("refused").to_string();
    assert_eq!(
        error(json!({"client_id": "a"})),
        "its method needs a client_secret: add it, or export the clients with --with-secret-hashes"
    );
    assert_eq!(error(json!({"client_id": "a", "client_secret": SECRET, "expires_at": 5})), "the client has expired");
    let whole = |line: &str| Imported::parse(line.as_bytes(), false).expect_err(line).to_string();
    assert_eq!(whole("[]"), "the body is not a JSON object: it is of another type, too deep, or has too many members");
    assert_eq!(whole(r#"{"scope":"a","scope":"a"}"#), "scope appears more than once");
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
