//! The files of `events/`, and events made from them.

use std::path::PathBuf;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use crate::Credentials;

/// The credentials in the files of `events/`, which no server knows.
pub const EXAMPLE: [&str; 3] =
    ["0b7d2c5e-6f1a-4c3d-8e9f-a1b2c3d4e5f6", "EventFileExampleSecret0123456789", "EventFileExampleToken0123456789A"];

/// Reads `events/<name>.json`.
pub fn load(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of all events.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the folder events/");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    names.sort();
    names
}

/// The table of `events/README.md`: the name of an event, the answer to the file as it is, and the answer to the file
/// with the credentials of a registered client, if it has some.
pub fn answers() -> Vec<(String, String, Option<String>)> {
    let text = std::fs::read_to_string(folder().join("README.md")).expect("events/README.md");
    let (_, table) = text.split_once("<!-- events -->\n").expect("the table");
    let (table, _) = table.split_once("<!-- end -->").expect("its end");
    let rows = table.lines().skip(2).map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, as_is, of_client] = cells[..] else { panic!("not three cells: {row}") };
        (name.trim_matches('`').to_owned(), as_is.to_owned(), (of_client != "–").then(|| of_client.to_owned()))
    });
    rows.collect()
}

/// The event with a client's credentials in place of the example's, in every text and encoded ones too; `None` if the
/// event has none.
pub fn of_client(event: &Value, client: &Credentials) -> Option<Value> {
    let own = [&client.id, &client.secret, &client.token];
    let plain = |text: &str| EXAMPLE.iter().zip(own).fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    let encoded = |text: &str| {
        let decoded = BASE64_STANDARD.decode(text).expect("base64");
        // One character for one byte, because a body need not be UTF-8.
        let text = plain(&decoded.iter().map(|&byte| char::from(byte)).collect::<String>());
        BASE64_STANDARD.encode(text.chars().map(|c| u8::try_from(c).expect("a byte")).collect::<Vec<_>>())
    };
    let mut changed = replaced(event, &plain);
    if let Some(header) = changed["headers"]["authorization"].as_str() {
        let parts = header.split(',').map(|part| {
            part.strip_prefix("Basic ").map_or_else(|| part.to_owned(), |text| format!("Basic {}", encoded(text)))
        });
        changed["headers"]["authorization"] = parts.collect::<Vec<_>>().join(",").into();
    }
    if changed["isBase64Encoded"] == true {
        changed["body"] = encoded(changed["body"].as_str().expect("a body")).into();
    }
    (changed != *event).then_some(changed)
}

fn replaced(value: &Value, plain: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), replaced(member, plain))).collect()
        }
        Value::String(text) => plain(text).into(),
        other => other.clone(),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// A token request with this form, base64-encoded as API Gateway sends forms.
pub fn token(form: &str) -> Value {
    token_bytes(form.as_bytes())
}

/// A form for another endpoint, without credentials.
pub fn form(path: &str, form: &str) -> Value {
    let mut event = token(form);
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["routeKey"] = format!("POST {path}").into();
    event["requestContext"]["routeKey"] = event["routeKey"].clone();
    event
}

/// A token request with these bytes as its body and without credentials.
pub fn token_bytes(body: &[u8]) -> Value {
    let mut event = load("token-seed");
    event["headers"].as_object_mut().expect("headers").remove("authorization");
    event["body"] = BASE64_STANDARD.encode(body).into();
    event["isBase64Encoded"] = true.into();
    event
}

/// A registration with this metadata.
pub fn register(metadata: &Value) -> Value {
    register_text(&metadata.to_string())
}

/// A registration with this text as its body.
pub fn register_text(body: &str) -> Value {
    let mut event = load("register-seed");
    event["body"] = body.into();
    event["isBase64Encoded"] = false.into();
    event
}

/// A GET of a path.
pub fn get(path: &str) -> Value {
    let mut event = load("token-jwks");
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["routeKey"] = format!("GET {path}").into();
    event["requestContext"]["routeKey"] = event["routeKey"].clone();
    event
}

/// A request to a client's configuration endpoint.
pub fn configure(method: &str, id: &str, authorization: Option<&str>, body: Option<&Value>) -> Value {
    let mut event = with_method(get(&format!("/register/{id}")), method);
    event["routeKey"] = format!("{method} /register/{{client_id}}").into();
    event["requestContext"]["routeKey"] = event["routeKey"].clone();
    event["pathParameters"] = json!({"client_id": id});
    if let Some(authorization) = authorization {
        event = with_header(event, "authorization", authorization);
    }
    if let Some(body) = body {
        event = with_header(event, "content-type", "application/json");
        event["body"] = body.to_string().into();
    }
    event
}

/// The event, sent from another address.
#[must_use]
pub fn from(mut event: Value, address: &str) -> Value {
    event["requestContext"]["http"]["sourceIp"] = address.into();
    event
}

/// The event with a header added or replaced.
#[must_use]
pub fn with_header(mut event: Value, name: &str, value: impl Into<Value>) -> Value {
    event["headers"][name] = value.into();
    event
}

/// The event with another method.
#[must_use]
pub fn with_method(mut event: Value, method: &str) -> Value {
    event["requestContext"]["http"]["method"] = method.into();
    event
}

/// The event with a query.
#[must_use]
pub fn with_query(mut event: Value, query: &str) -> Value {
    event["rawQueryString"] = query.into();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    event["queryStringParameters"] = pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect();
    event
}

/// The value of an `Authorization` header for HTTP Basic.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
}
