use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::client::StoredSecret;
use crate::operator::{lacks_secret, shown};
use crate::secret::SecretHash;

fn list(clients: &Value) -> Result<List, Vec<String>> {
    List::parse(json!({"owner": "payments", "clients": clients}), false)
}

fn declared(client: &Value) -> Declared {
    list(&json!([client])).expect("a list").clients.remove(0)
}

/// U1: each mistake is one line, under the name of its client.
#[test]
fn u1_mistakes_have_the_name_of_the_client() {
    assert_eq!(List::parse(json!([]), false), Err(vec!["it must be an object with owner and clients".to_owned()]));
    assert_eq!(
        List::parse(json!({"owner": 7}), false),
        Err(["owner must be a string", "clients must be a list; [] if there are none"].map(str::to_owned).to_vec())
    );
    assert_eq!(list(&json!([])).expect("a list").clients, []);
    let mistakes = list(&json!([{"name": "a", "colour": 1, "disabled": 1, "client_id": 1}, {"scope": 7}, null]));
    assert_eq!(
        mistakes.expect_err("mistakes"),
        [
            "a: client_id must be 1 to 255 visible ASCII characters, without \" and \\",
            "a: disabled must be true or false",
            "a: colour is not understood",
            "client 2: name is missing",
            "client 2: scope must be a string",
            "client 3: it must be an object",
        ]
    );
    // One mistake is enough, wherever it is.
    for (client, said) in [
        (json!({"disabled": 1}), "a: disabled must be true or false"),
        (json!({"client_id": 1}), "a: client_id must be 1 to 255 visible ASCII characters, without \" and \\"),
        (json!({"scope": 1}), "a: scope must be a string"),
    ] {
        let mut client = client;
        client["name"] = "a".into();
        assert_eq!(list(&json!([client])), Err(vec![said.to_owned()]));
    }
    let long = json!([{"name": "a", "contacts": vec!["x".repeat(320); 16], "client_name#de": "x".repeat(70_000)}]);
    assert_eq!(list(&long), Err(vec!["a: its metadata is longer than 65536 bytes".to_owned()]));
}

/// U1: an identifier that one client chooses must not be the one that another one gets.
#[test]
fn u1_identifiers_are_different() {
    let derived = declared(&json!({"name": "a"})).created(0).client_id;
    let mistakes = list(&json!([{"name": "a"}, {"name": "b", "client_id": derived.as_str()}]));
    assert_eq!(mistakes, Err(vec!["a and b have the same client_id".to_owned()]));
    assert_eq!(declared(&json!({"name": "a", "client_id": "b"})).created(0).client_id.as_str(), "b");
    let chosen =
        json!([{"name": "a", "client_id": "x"}, {"name": "b", "client_id": "y"}, {"name": "c", "client_id": "x"}]);
    assert_eq!(list(&chosen), Err(vec!["a and c have the same client_id".to_owned()]));
}

/// U1: two clients have two names. That they also have one identifier is not said again.
#[test]
fn u1_names_are_different() {
    let named = |names: &str| list(&names.chars().map(|name| json!({"name": name.to_string()})).collect());
    assert_eq!(named("ab").expect("a list").clients.len(), 2);
    assert_eq!(named("aba"), Err(vec!["a: 2 clients have this name".to_owned()]));
    let said = ["a: 2 clients have this name", "b: 3 clients have this name"];
    assert_eq!(named("babcab"), Err(said.map(str::to_owned).to_vec()));
}

/// U1: a list has at most 10000 clients.
#[test]
fn u1_the_longest_list() {
    let many = |count: usize| list(&(0..count).map(|n| json!({"name": n.to_string()})).collect());
    assert_eq!(many(MAX_CLIENTS).expect("a list").clients.len(), MAX_CLIENTS);
    let said = "it has more than 10000 clients";
    assert_eq!(many(MAX_CLIENTS + 1), Err(vec![said.to_owned()]));
    assert_eq!(many(2 * MAX_CLIENTS), Err(vec![said.to_owned()]));
}

/// U1, U2: a new client is what its list says, with no token of its own and no expiry.
#[test]
fn u1_u2_a_new_client() {
    let client = declared(&json!({"name": "a", "scope": "x y", "disabled": true, "contacts": null})).created(7);
    assert_eq!((client.client_id_issued_at, client.disabled, client.expires_at), (7, true, None));
    assert_eq!((client.registration_access_token, client.client_secrets.as_slice()), (None, &[][..]));
    assert_eq!(client.scope_ceiling.as_ref(), Some(&client.metadata.scope));
    assert!(lacks_secret(&client));
    assert_eq!(
        Value::Object(shown(&client)),
        json!({
            "disabled": true, "grant_types": ["client_credentials"], "response_types": [], "scope": "x y",
            "token_endpoint_auth_method": "client_secret_basic or client_secret_post",
        })
    );
}

/// U2, U4: what the list says is replaced as a whole; secrets stay, and so does an operator's decision to disable.
#[test]
fn u2_u4_a_change() {
    let first = declared(&json!({"name": "a", "scope": "x", "client_name": "A"}));
    let secret = StoredSecret { sha256: SecretHash::of("s"), expires_at: 0 };
    let before = Client { client_secrets: vec![secret], expires_at: Some(9), ..first.created(7) };
    let second = declared(&json!({"name": "a", "scope": "y", "token_endpoint_auth_method": "client_secret_post"}));
    let after = second.changed(&before, &second.managed);
    assert_eq!(after.client_secrets, before.client_secrets);
    assert_eq!((after.client_id_issued_at, after.expires_at, after.metadata.others().len()), (7, None, 0));
    assert_eq!((after.metadata.scope.as_str(), after.scope_ceiling.as_ref()), ("y", Some(&after.metadata.scope)));
    assert_eq!(second.changed(&after, &second.managed), after);

    let disabled = Client { disabled: true, ..before };
    assert!(first.changed(&disabled, &first.managed).disabled);
    assert!(!first.changed(&disabled, &ManagedBy { unlisted: true, ..first.managed.clone() }).disabled);
    let enabled = declared(&json!({"name": "a", "disabled": false}));
    assert!(!enabled.changed(&disabled, &enabled.managed).disabled);
    let keys = declared(&json!({
        "name": "a", "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://a.example/keys",
    }));
    assert_eq!(keys.changed(&disabled, &keys.managed).client_secrets, []);
}

proptest! {
    /// U1: any member with any name is understood, or is a mistake that is said.
    #[test]
    fn u1_any_member(name: String, value in any_json()) {
        let mut client = json!({"name": "a"});
        client[&name] = value;
        match list(&json!([client])) {
            Ok(list) => prop_assert_eq!(list.clients.len(), 1),
            Err(mistakes) => prop_assert!(!mistakes.is_empty() && mistakes.iter().all(|mistake| mistake.len() < 400)),
        }
    }
}

/// Any JSON value of a few levels.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}
