use serde_json::json;

use super::*;
use crate::client::{ClientId, StoredSecret};
use crate::metadata::StoredMetadata;
use crate::method::Method;
use crate::scope::Scope;
use crate::secret::SecretHash;

fn mistakes(members: &Value) -> Vec<String> {
    let mut mistakes = Vec::new();
    let metadata = metadata(members.as_object().expect("an object").clone(), false, &mut mistakes);
    assert_eq!(metadata.is_some(), mistakes.is_empty());
    mistakes
}

/// U1: each member that cannot be there, and why. A name that may be a secret is not repeated.
#[test]
fn u1_members_that_cannot_be_there() {
    let longest = "x".repeat(MAX_NAME_BYTES);
    for (name, said) in [
        ("client_secret", "client_secret is a secret, which cannot be in this file"),
        ("registration_access_token", "registration_access_token is a secret, which cannot be in this file"),
        ("software_statement", "software_statement is verified at registration only"),
        ("client_id_issued_at", "client_id_issued_at is set by the server"),
        ("rotate_client_secret", "rotate_client_secret is set by the server"),
        ("colour", "colour is not understood"),
        ("client_name#", "client_name# is not understood"),
        (&longest, &format!("{longest} is not understood")),
        (&format!("{longest}x"), "it has a member that is not understood"),
    ] {
        assert_eq!(mistakes(&json!({name: "x"})), [said], "{name}");
    }
    assert_eq!(mistakes(&json!({"client_name": "x", "client_name#de": "y"})), [""; 0]);
    // Only what is understood is checked further.
    assert_eq!(mistakes(&json!({"colour": 1, "scope": 7})), ["colour is not understood"]);
    assert_eq!(mistakes(&json!({"scope": 7})), ["scope must be a string"]);
}

/// U1: the metadata of a client is as large as a request to register it, and no larger.
#[test]
fn u1_the_largest_metadata() {
    // {"client_name":""} are 18 bytes.
    let of_size = |bytes: usize| mistakes(&json!({"client_name": "x".repeat(bytes - 18)}));
    let too_long = "its metadata is longer than 65536 bytes";
    assert_eq!(of_size(MAX_BODY_BYTES), ["client_name is longer than 256 bytes"]);
    assert_eq!(of_size(MAX_BODY_BYTES + 1), [too_long]);
    assert_eq!(of_size(2 * MAX_BODY_BYTES), [too_long]);
}

/// U2: a member that is not given changes nothing, one that is given is a flag.
#[test]
fn u2_the_flag_that_disables() {
    for (value, is_disabled) in [(json!(true), Some(true)), (json!(false), Some(false)), (json!(null), None)] {
        let (mut members, mut mistakes) = (Map::from_iter([(DISABLED.to_owned(), value)]), Vec::new());
        assert_eq!(OperatorMembers::take(&mut members, &mut mistakes), OperatorMembers { disabled: is_disabled });
        assert_eq!((members.len(), mistakes.len()), (0, 0));
    }
    for disabled in [true, false] {
        let mut client = Client { disabled, ..client(Method::PrivateKeyJwt, None) };
        OperatorMembers { disabled: None }.set(&mut client);
        assert_eq!(client.disabled, disabled);
        OperatorMembers { disabled: Some(!disabled) }.set(&mut client);
        assert_eq!(client.disabled, !disabled);
    }
}

/// A client with the scope `x` and this ceiling.
fn client(token_endpoint_auth_method: Method, ceiling: Option<&str>) -> Client {
    let scope = |text| Scope::parse(text).expect("a scope");
    let stored = StoredMetadata {
        token_endpoint_auth_method,
        scope: scope("x"),
        others: [("jwks_uri".to_owned(), json!("https://a.example"))].into_iter().collect(),
        ..StoredMetadata::default()
    };
    Client {
        client_id: ClientId::parse("a").expect("an identifier"),
        client_id_issued_at: 1,
        client_secrets: vec![StoredSecret { sha256: SecretHash::of("s"), expires_at: 0 }],
        registration_access_token: Some(SecretHash::of("t")),
        scope_ceiling: ceiling.map(scope),
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::from_stored(stored).expect("metadata"),
    }
}

/// U1, U5: what is shown of a client is its metadata and what operators set; a ceiling only where it is not the scope, and no
/// hash.
#[test]
fn u1_u5_what_is_shown() {
    let (by_key, by_secret) = (Method::PrivateKeyJwt, Method::ClientSecretPost);
    let expected = |method: &str, more: Value| {
        let mut members = json!({
            "token_endpoint_auth_method": method, "scope": "x", "jwks_uri": "https://a.example", "disabled": false,
            "grant_types": [], "response_types": [],
        });
        members.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        members
    };
    for (ceiling, more) in [
        (Some("x"), json!({})),
        (Some("x y"), json!({"scope_ceiling": "x y"})),
        (None, json!({"scope_ceiling": "none"})),
    ] {
        let shown = shown(&client(by_key, ceiling));
        assert_eq!(Value::Object(shown), expected("private_key_jwt", more));
    }
    let of_a_while = Client { expires_at: Some(9), disabled: true, ..client(by_secret, Some("x")) };
    let more = json!({"expires_at": 9, "disabled": true});
    assert_eq!(Value::Object(shown(&of_a_while)), expected("client_secret_post", more));
}
