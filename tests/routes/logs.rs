//! The log and the metrics of both functions: O3, O4. `docs/logs.md` lists every field and every metric.

mod emf;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tokenmint_function::metrics::{FAILURES, METRICS};
use tokenmint_oauth::error::ErrorCode;
use tokenmint_tests::{Credentials, Log, World, events};

use crate::docs::{Place, table};

/// The dimension of the metrics in these tests.
const FUNCTION: &str = "tokenmint-test";

/// A row of the table of fields: name, JSON type, unit, the lines that have it, meaning.
struct Field {
    name: String,
    kind: String,
    lines: String,
}

fn fields() -> Vec<Field> {
    let rows = table(Place { document: "docs/logs.md", name: "fields" });
    let fields = rows.into_iter().map(|row| {
        let [name, kind, _, lines, _] = <[String; 5]>::try_from(row).expect("five cells");
        Field { name: name.trim_matches('`').to_owned(), kind, lines }
    });
    fields.collect()
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Object(_) => "object",
        Value::Null | Value::Bool(_) | Value::Array(_) => "another type",
    }
}

/// The lines of the log.
fn lines(log: &Log) -> Vec<Value> {
    log.text().lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// O3, O4: in a run of every route, with each kind of failure, every line has only listed fields, of the listed type, and
/// every listed field occurs, in each line that is said to have it. The same for the metrics. No line holds a secret.
#[tokio::test]
async fn o3_o4_a_whole_run_has_the_listed_fields_and_metrics() {
    let log = Log::capture();
    let secrets = Box::pin(run::whole(FUNCTION)).await;
    let (fields, lines) = (fields(), lines(&log));
    let mut seen = BTreeSet::new();
    for line in &lines {
        let members = line.as_object().expect("an object");
        for (name, value) in members {
            let field = fields.iter().find(|field| field.name == *name);
            let field = field.unwrap_or_else(|| panic!("{name} is not in the table of fields: {line}"));
            assert_eq!(field.kind, kind(value), "{name}: {line}");
            seen.insert(name.as_str());
        }
        let is_request = line["message"] == "request";
        for field in &fields {
            let must = field.lines == "every line" || (field.lines == "every request" && is_request);
            assert!(!must || members.contains_key(&field.name), "{} is absent: {line}", field.name);
        }
        for secret in &secrets {
            assert!(!line.to_string().contains(secret.as_str()), "{line}");
        }
    }
    let unseen: Vec<_> = fields.iter().filter(|field| !seen.contains(field.name.as_str())).collect();
    assert!(unseen.is_empty(), "these fields never occur: {:?}", unseen.iter().map(|f| &f.name).collect::<Vec<_>>());

    // Each kind of failure was among them.
    let outcomes: BTreeSet<_> = lines.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, expected_outcomes());

    // The metrics: those of the code and of the table, each of them published.
    let mut published = BTreeSet::new();
    for line in lines.iter().filter(|line| line["message"] == "request") {
        published.extend(emf::check(line).into_iter().map(|metric| (metric.name, metric.unit)));
    }
    let of_code = METRICS.iter().copied().chain([(FAILURES, "Count")]);
    let of_code: BTreeSet<_> = of_code.map(|(name, unit)| (name.to_owned(), unit.to_owned())).collect();
    assert_eq!(published, of_code);
    let rows = table(Place { document: "docs/logs.md", name: "metrics" }).into_iter();
    // This one is made of API Gateway's log; the tests of the alarms know it.
    let listed = rows.map(|row| (row[0].trim_matches('`').to_owned(), row[1].clone()));
    let listed: BTreeSet<_> = listed.filter(|(name, _)| name != "throttled_by_api").collect();
    assert_eq!(listed, of_code);
}

/// The values of `outcome`, which are also values of a dimension.
fn expected_outcomes() -> BTreeSet<&'static str> {
    let codes = ErrorCode::ALL.iter().map(|code| match code {
        ErrorCode::MissingToken => "missing_token",
        ErrorCode::Conflict => "conflict",
        ErrorCode::TooManyRequests => "too_many_requests",
        code => code.as_str(),
    });
    codes.chain(["ok", "refused"]).collect()
}

/// O4: the outcomes that `docs/logs.md` lists are those of the code.
#[test]
fn o4_outcomes_are_listed() {
    let rows = table(Place { document: "docs/logs.md", name: "outcomes" });
    let listed: BTreeSet<_> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(listed, expected_outcomes());
}

/// What is counted, by metric and outcome.
fn counts(log: &Log) -> BTreeMap<(String, Option<String>), u64> {
    let mut counts = BTreeMap::new();
    for line in log.requests() {
        for metric in emf::check(&line).into_iter().filter(|metric| metric.unit == "Count") {
            let [dimensions] = &metric.dimensions[..] else { panic!("{line}") };
            let outcome = dimensions.get("outcome").cloned();
            *counts.entry((metric.name, outcome)).or_default() += metric.value.as_u64().expect("a count");
        }
    }
    counts
}

/// O4: each outcome is counted once, under its own code; a preflight and a document are none of them.
#[tokio::test]
async fn o4_counts_by_outcome() {
    let mut world = World::new().await;
    world.set("METRICS", FUNCTION).await;
    world.set("CORS_ORIGINS", "https://app.example").await;
    let log = Log::capture();
    let client = world.client(json!({})).await;
    world.client(json!({})).await;
    let wrong = Credentials { secret: "wrong".to_owned(), ..client.clone() };
    for (credentials, form, times) in [(&client, "", 3), (&wrong, "", 2), (&client, "&scope=other", 1)] {
        for _ in 0..times {
            world.ask(credentials, form).await;
        }
    }
    world.register(&events::register(&json!({"scope": 1}))).await.expect_error(400, "invalid_client_metadata");
    assert_eq!(world.token(&events::load("token-jwks")).await.status, 200);
    let preflight =
        events::with_header(events::with_method(events::get("/token"), "OPTIONS"), "origin", "https://app.example");
    let preflight = events::with_header(preflight, "access-control-request-method", "POST");
    assert_eq!(world.token(&preflight).await.status, 204);
    assert_eq!(world.token(&events::get("/elsewhere")).await.status, 404);
    let expected = [
        ("registrations", None, 2),
        ("tokens", None, 3),
        ("failures", Some("invalid_client"), 2),
        ("failures", Some("invalid_client_metadata"), 1),
        ("failures", Some("invalid_scope"), 1),
        ("failures", Some("refused"), 1),
    ];
    let expected = expected.map(|(name, outcome, count)| ((name.to_owned(), outcome.map(str::to_owned)), count));
    assert_eq!(counts(&log), expected.into());
}

/// O4: a failed call of KMS is counted, and one of DynamoDB is not taken for it.
#[tokio::test]
async fn o4_errors_of_kms_are_counted() {
    let mut world = World::new().await;
    let proxy = world.behind_proxy().await;
    world.set("METRICS", FUNCTION).await;
    world.set("CLIENT_CACHE_TTL", "0").await;
    let client = world.client(json!({})).await;
    for (operation, errors) in [("Sign", 1), ("GetItem", 0)] {
        let log = Log::capture();
        proxy.break_down(operation, tokenmint_tests::Fault::Fail);
        world.ask(&client, "").await.expect_error(503, "temporarily_unavailable");
        proxy.repair();
        world.ask(&client, "").await;
        let counted = counts(&log);
        let of = |name: &str, outcome: Option<&str>| {
            counted.get(&(name.to_owned(), outcome.map(str::to_owned))).copied().unwrap_or_default()
        };
        assert_eq!(of("kms_errors", None), errors, "{operation}: {}", log.text());
        assert_eq!((of("failures", Some("temporarily_unavailable")), of("tokens", None)), (1, 1), "{operation}");
    }
}

/// O4: whatever a request contains, the dimensions have the configured name and listed outcomes only.
#[tokio::test]
async fn o4_no_input_in_a_dimension() {
    let mut world = World::new().await;
    world.set("METRICS", FUNCTION).await;
    let log = Log::capture();
    for hostile in ["hush", "tokens", "{\"_aws\":{}}", "\",\"outcome\":\"hush\",\"x\":\""] {
        let basic = events::basic(hostile, hostile);
        let event = events::with_header(events::token(&format!("grant_type={hostile}")), "authorization", basic);
        let event = events::with_query(events::with_header(event, "traceparent", hostile), "outcome=hush");
        world.token(&events::with_method(event, "HUSH")).await;
        world.token(&events::with_header(events::token("grant_type=client_credentials"), "function", hostile)).await;
        world.token(&events::get(&format!("/{hostile}"))).await;
        world
            .register(&events::register(&json!({"_aws": hostile, "outcome": hostile, hostile: hostile, "scope": 1})))
            .await;
    }
    let outcomes = expected_outcomes();
    for line in log.requests() {
        for metric in emf::check(&line) {
            assert!(metric.dimensions.iter().all(|dimensions| dimensions.iter().all(|(name, value)| {
                (name == "function" && value == FUNCTION) || (name == "outcome" && outcomes.contains(value.as_str()))
            })));
        }
        assert_eq!(line["function"], FUNCTION);
    }
}

/// O4: without `METRICS`, the log has no metrics; with it, it has the same lines otherwise.
#[tokio::test]
async fn o4_metrics_off() {
    let mut world = World::new().await;
    let mut names = Vec::new();
    for setting in ["off", FUNCTION] {
        world.set("METRICS", setting).await;
        let client = world.client(json!({})).await;
        let log = Log::capture();
        assert_eq!(world.ask(&client, "").await.status, 200);
        world.ask(&client, "&scope=other").await.expect_error(400, "invalid_scope");
        for line in log.requests() {
            let mut members: Vec<_> = line.as_object().expect("an object").keys().cloned().collect();
            assert_eq!(members.iter().any(|name| name == "_aws"), setting != "off", "{line}");
            members.retain(|name| !["_aws", "function", "tokens", "failures"].contains(&name.as_str()));
            names.push(members);
        }
    }
    assert_eq!((names.len(), &names[..2]), (4, &names[2..]));
}

/// O3: the identifiers of others' traces are in the line, if the headers have the exact form, and nothing else of them.
#[tokio::test]
async fn o3_trace_identifiers_are_logged() {
    let world = World::new().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let (good, xray) = (format!("00-{trace}-00f067aa0ba902b7-01"), "1-5759e988-bd862e3fe1be46a994272793");
    for (parent, root, ids) in [
        (good.as_str(), format!("Root={xray};Sampled=1"), [Some(trace), Some("00f067aa0ba902b7"), Some(xray)]),
        ("00-hush-00f067aa0ba902b7-01", "Root=hush".to_owned(), [None; 3]),
        (&format!("{good},{good}"), format!("{xray} hush"), [None; 3]),
    ] {
        let log = Log::capture();
        let event = events::with_header(events::load("token-jwks"), "traceparent", parent);
        world.token(&events::with_header(event, "x-amzn-trace-id", root)).await;
        let line = log.requests().pop().expect("a line");
        let logged = ["trace.id", "trace.parent_id", "xray.trace_id"].map(|name| line[name].as_str());
        assert_eq!(logged, ids);
        assert!(!log.text().contains("hush"), "{line}");
    }
}
