//! Checks a document against the specification of CloudWatch's embedded metric format.

use std::collections::BTreeMap;

use serde_json::Value;

/// A metric of a document.
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) value: Value,
    /// Each set of dimensions with the values.
    pub(crate) dimensions: Vec<BTreeMap<String, String>>,
}

/// The units that CloudWatch knows.
const UNITS: &str = "Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes Bits Kilobits Megabits \
                     Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second Gigabytes/Second \
                     Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second Terabits/Second \
                     Count/Second None";

/// The members of an object, which are these and no others.
#[track_caller]
fn members<'v, const N: usize>(value: &'v Value, names: [&str; N]) -> [&'v Value; N] {
    let object = value.as_object().unwrap_or_else(|| panic!("not an object: {value}"));
    assert_eq!(object.len(), N, "other members: {value}");
    names.map(|name| object.get(name).unwrap_or_else(|| panic!("{name} is absent: {value}")))
}

#[track_caller]
fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("not an array: {value}"))
}

#[track_caller]
fn text(value: &Value) -> &str {
    let text = value.as_str().unwrap_or_else(|| panic!("not a string: {value}"));
    assert!((1..=1024).contains(&text.chars().count()), "1 to 1024 characters: {value}");
    text
}

/// Asserts that a line is a valid document, and returns its metrics.
#[track_caller]
pub(crate) fn check(document: &Value) -> Vec<Metric> {
    assert!(document.to_string().len() <= 256 * 1024);
    let [timestamp, directives] = members(&document["_aws"], ["Timestamp", "CloudWatchMetrics"]);
    // Milliseconds, of this century: seconds or microseconds would be outside.
    let timestamp = timestamp.as_u64().expect("a whole number");
    assert!((946_684_800_000..4_102_444_800_000).contains(&timestamp), "{timestamp}");
    let mut metrics = Vec::new();
    for directive in list(directives) {
        let [namespace, sets, definitions] = members(directive, ["Namespace", "Dimensions", "Metrics"]);
        text(namespace);
        let value_of = |name: &Value| {
            // A dimension names a string at the root. CloudWatch takes ASCII that is not all spaces.
            let value = text(&document[text(name)]);
            assert!(value.bytes().all(|byte| byte.is_ascii_graphic()) && !value.starts_with(':'), "{value:?}");
            (text(name).to_owned(), value.to_owned())
        };
        let dimensions: Vec<BTreeMap<_, _>> =
            list(sets).iter().map(|set| list(set).iter().map(value_of).collect()).collect();
        assert!(!dimensions.is_empty() && dimensions.iter().all(|set| set.len() <= 30), "{sets}");
        assert!((1..=100).contains(&list(definitions).len()), "{definitions}");
        for definition in list(definitions) {
            let [name, unit] = members(definition, ["Name", "Unit"]);
            assert!(UNITS.split_whitespace().any(|known| known == unit), "{unit}");
            let value = &document[text(name)];
            assert!(value.as_f64().is_some_and(|value| value >= 0.0), "{name} is not a number at the root: {document}");
            let (name, unit) = (text(name).to_owned(), text(unit).to_owned());
            assert!(metrics.iter().all(|metric: &Metric| metric.name != name), "{name} occurs twice");
            metrics.push(Metric { name, unit, value: value.clone(), dimensions: dimensions.clone() });
        }
    }
    metrics
}
