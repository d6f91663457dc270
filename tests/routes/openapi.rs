//! `docs/openapi.json` describes every route, and every response that a client can get.
//!
//! `World` checks every response of every test against the document. Here it is the other way round: what the document
//! describes exists.

mod responses;

use std::collections::BTreeSet;

use serde_json::Value;
use tokenmint_oauth::error::ErrorCode;
use tokenmint_oauth::metadata::members::MEMBERS;
use tokenmint_tests::{DOCUMENT, World, events};

/// The operations as the test calls them, and where they stand in the document.
const OPERATIONS: [(&str, &str, &str); 12] = [
    ("register", "POST", "/register"),
    ("read", "GET", "/register/{client_id}"),
    ("update", "PUT", "/register/{client_id}"),
    ("delete", "DELETE", "/register/{client_id}"),
    ("token", "POST", "/token"),
    ("introspect", "POST", "/introspect"),
    ("revoke", "POST", "/revoke"),
    ("jwks", "GET", "/.well-known/jwks.json"),
    ("metadata", "GET", "/.well-known/oauth-authorization-server"),
    ("openid", "GET", "/.well-known/openid-configuration"),
    ("authorize", "GET", "/authorize"),
    ("authorize form", "POST", "/authorize"),
];

/// D1: the paths and methods of the document are those of the routes.
#[tokio::test]
async fn d1_openapi_routes() {
    let mut world = World::new().await;
    world.set("AUTHORIZATION_ENDPOINT", "compat").await;
    let mut routes = BTreeSet::new();
    for path in world.paths() {
        // The functions list the methods of a path when they refuse one that it does not have.
        let event = events::with_method(events::get(&path.replace("{client_id}", "x")), "PATCH");
        let answers = [world.register(&event).await, world.token(&event).await];
        let allowed = answers.iter().find_map(|answer| answer.header("allow")).expect("a function has the route");
        let methods = allowed.split(',').filter(|method| *method != "HEAD");
        routes.extend(methods.map(|method| (method.to_owned(), path.clone())));
    }
    let operations = DOCUMENT.operations().into_iter();
    let documented =
        operations.flat_map(|(path, methods)| methods.into_iter().map(move |method| (method, path.clone())));
    assert_eq!(documented.collect::<BTreeSet<_>>(), routes);
    let listed = OPERATIONS.iter().map(|(_, method, path)| ((*method).to_owned(), (*path).to_owned()));
    assert_eq!(listed.collect::<BTreeSet<_>>(), routes);
}

/// R2, R13: the members of a registration, in requests and responses, are those that the code knows.
#[test]
fn r2_r13_openapi_members() {
    let expected: BTreeSet<_> = MEMBERS.iter().map(|member| member.name).collect();
    let members = |schema: &str| {
        let properties = DOCUMENT.json["components"]["schemas"][schema]["properties"].as_object().expect("properties");
        properties.keys().map(String::as_str).collect::<BTreeSet<_>>()
    };
    assert_eq!(members("ClientMetadata"), expected);
    let server = [
        "client_id",
        "client_id_issued_at",
        "client_secret",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
    ];
    assert_eq!(members("ClientInformation"), expected.iter().copied().chain(server).collect());
    // Language tags are for the members that may have one.
    let schemas = ["ClientMetadata", "ClientInformation"].map(|name| &DOCUMENT.json["components"]["schemas"][name]);
    for member in MEMBERS {
        for schema in schemas {
            let tagged = schema["patternProperties"].as_object().expect("patterns").keys();
            let names = tagged
                .filter_map(|pattern| pattern.strip_prefix("^(")?.split(')').next())
                .flat_map(|names| names.split('|'));
            assert_eq!(names.into_iter().any(|name| name == member.name), member.localizable, "{}", member.name);
        }
    }
}

/// T6: the error codes of the document, with their statuses, are those of the code.
#[test]
fn t6_openapi_error_codes() {
    let mut documented = BTreeSet::new();
    for (_, method, path) in OPERATIONS {
        for (status, place) in DOCUMENT.responses(method, path) {
            documented.extend(DOCUMENT.error_codes(&place).into_iter().map(|code| (code, status)));
        }
    }
    let code = |error: &ErrorCode| (error.as_str().to_owned(), error.status());
    let mut expected: BTreeSet<_> = ErrorCode::ALL.iter().map(code).collect();
    // A missing token has no code on the wire. A path that does not exist has one code, and so has a method.
    expected.remove(&(String::new(), 401));
    expected.insert(("invalid_request".to_owned(), 404));
    assert_eq!(documented, expected);
    let [method_not_allowed] =
        &DOCUMENT.error_codes("/components/responses/MethodNotAllowed").into_iter().collect::<Vec<_>>()[..]
    else {
        panic!("one code")
    };
    assert_eq!(method_not_allowed, ErrorCode::InvalidRequest.as_str());
}

/// D1: the document has the version of the program, and each of its examples fits the schema beside it.
#[test]
fn d1_openapi_examples() {
    assert_eq!(DOCUMENT.json["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut count = 0;
    expect_examples("", &DOCUMENT.json, &mut count);
    assert!(count > 20, "{count} examples");
}

fn expect_examples(place: &str, value: &Value, count: &mut usize) {
    match value {
        Value::Object(members) => {
            if members.contains_key("schema") {
                let examples =
                    members.get("examples").and_then(Value::as_object).into_iter().flat_map(|all| all.values());
                for example in
                    members.get("example").into_iter().chain(examples.filter_map(|example| example.get("value")))
                {
                    let checked = DOCUMENT.check_value(&format!("{place}/schema"), example);
                    checked.unwrap_or_else(|error| panic!("{place}: {error}"));
                    *count += 1;
                }
            }
            for (name, member) in members {
                expect_examples(&format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), member, count);
            }
        }
        Value::Array(entries) => {
            entries
                .iter()
                .enumerate()
                .for_each(|(index, entry)| expect_examples(&format!("{place}/{index}"), entry, count));
        }
        _ => {}
    }
}

/// D1: the page and the document are the local server's only. The functions and the template do not have them.
#[tokio::test]
async fn d1_deployed_functions_have_no_page() {
    let world = World::new().await;
    for path in ["/docs", "/docs/try.js", "/openapi.json"] {
        world.register(&events::get(path)).await.expect_error(404, "invalid_request");
        world.token(&events::get(path)).await.expect_error(404, "invalid_request");
    }
    assert!(world.paths().iter().all(|path| !path.contains("docs") && !path.contains("openapi.json")));
    let template = include_str!("../../template.yaml");
    assert!(!template.contains("/docs") && !template.contains("openapi.json"));
}
