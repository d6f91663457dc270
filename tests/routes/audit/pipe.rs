//! What a pipe of `EventBridge` does with a record of a DynamoDB stream: it compares the record with the patterns of its
//! filter, and copies what the paths of its template name.

use std::collections::BTreeSet;

use serde_json::Value;
use serde_yaml_ng::Value as Yaml;

use crate::template::{by_regions, tagged};

/// A record of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Record(pub(crate) Value);

/// A pipe of the template.
#[derive(Debug)]
pub(crate) struct Pipe {
    /// The table whose stream it reads.
    pub(crate) source: String,
    filters: Vec<Value>,
    template: String,
}

/// The images that the template lets a table's stream hold, if `Audit` is on.
pub(crate) fn stream_view(template: &Yaml, table: &str) -> String {
    let Yaml::Tagged(condition) = &template["Resources"][table]["Properties"]["StreamSpecification"] else {
        panic!("{table} has no stream")
    };
    assert!(condition.tag == "If" && condition.value[0] == "AuditIsOn", "{table}");
    assert_eq!(tagged(&condition.value[2], "Ref"), Some("AWS::NoValue"), "{table}");
    condition.value[1]["StreamViewType"].as_str().expect("a view").to_owned()
}

impl Record {
    /// Every binary value in it, in base64: the hashes.
    pub(crate) fn binaries(&self) -> Vec<String> {
        fn collect(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(object) => {
                    found.extend(object.get("B").and_then(Value::as_str).map(str::to_owned));
                    object.values().for_each(|value| collect(value, found));
                }
                Value::Array(array) => array.iter().for_each(|value| collect(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        collect(&self.0, &mut found);
        found
    }
}

impl Pipe {
    /// Every pipe of the template.
    pub(crate) fn all(template: &Yaml) -> Vec<Self> {
        let resources = template["Resources"].as_mapping().expect("resources").values();
        let pipes = resources.filter(|resource| resource["Type"] == "AWS::Pipes::Pipe");
        pipes.map(|pipe| Self::of(&pipe["Properties"])).collect()
    }

    fn of(properties: &Yaml) -> Self {
        let (source, _) = by_regions(&properties["Source"]);
        let source = tagged(source, "GetAtt").and_then(|source| source.strip_suffix(".StreamArn"));
        assert_eq!(tagged(&properties["Target"], "GetAtt"), Some("AuditLogGroup.Arn"));
        assert_eq!(tagged(&properties["RoleArn"], "GetAtt"), Some("AuditRole.Arn"));
        assert!(properties.get("Enrichment").is_none());
        let patterns = properties["SourceParameters"]["FilterCriteria"]["Filters"].as_sequence().expect("filters");
        assert!((1..=5).contains(&patterns.len()));
        let pattern =
            |pattern: &Yaml| serde_json::from_str(pattern["Pattern"].as_str().expect("a pattern")).expect("JSON");
        Self {
            source: source.expect("a stream").to_owned(),
            filters: patterns.iter().map(pattern).collect(),
            template: properties["TargetParameters"]["InputTemplate"].as_str().expect("a template").to_owned(),
        }
    }

    /// Whether one of the patterns matches.
    pub(crate) fn takes(&self, record: &Record) -> bool {
        self.filters.iter().any(|pattern| matches(pattern, Some(&record.0)))
    }

    /// The paths in the template.
    pub(crate) fn paths(&self) -> BTreeSet<String> {
        let paths = self.template.split('<').skip(1);
        paths.map(|rest| rest.split_once('>').expect("a closed path").0.to_owned()).collect()
    }

    /// The fields of an event.
    pub(crate) fn fields(&self) -> BTreeSet<String> {
        let fields = self.template.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": "));
        fields.map(|(name, _)| name.to_owned()).collect()
    }

    /// The event. Text is copied as it is, the most dangerous thing that a pipe could do: it must be JSON even so.
    /// A path that leads nowhere becomes nothing.
    pub(crate) fn write(&self, record: &Record) -> Value {
        let mut written = String::new();
        let mut rest = self.template.as_str();
        while let Some((before, path)) = rest.split_once('<') {
            let (path, after) = path.split_once('>').expect("a closed path");
            let mut found = path.strip_prefix("$.").expect("a path").split('.');
            let found = found.try_fold(&record.0, |value, name| value.get(name));
            written.push_str(before);
            match found {
                Some(Value::String(text)) => {
                    assert!(before.ends_with('"') && after.starts_with('"'), "{path} is text and needs quotes");
                    written.push_str(text);
                }
                Some(Value::Number(number)) => written.push_str(&number.to_string()),
                None => {
                    assert!(before.ends_with('"') && after.starts_with('"'), "{path} may be absent and needs quotes");
                }
                Some(other) => panic!("{path} is no single value: {other}"),
            }
            rest = after;
        }
        written.push_str(rest);
        let event: Value = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
        assert_eq!(event.as_object().expect("an object").keys().cloned().collect::<BTreeSet<_>>(), self.fields());
        event
    }
}

/// The patterns of a filter, as far as the template uses them. A member that the pattern does not name does not matter.
fn matches(pattern: &Value, value: Option<&Value>) -> bool {
    match pattern {
        Value::Object(members) => {
            members.iter().all(|(name, pattern)| matches(pattern, value.and_then(|value| value.get(name))))
        }
        Value::Array(alternatives) => alternatives.iter().any(|alternative| is_match(alternative, value)),
        _ => panic!("not a pattern: {pattern}"),
    }
}

fn is_match(alternative: &Value, value: Option<&Value>) -> bool {
    let Value::Object(operator) = alternative else { return value == Some(alternative) };
    let (name, operand) = operator.iter().next().expect("an operator");
    match name.as_str() {
        "exists" => value.is_some() == operand.as_bool().expect("true or false"),
        "prefix" => {
            value.and_then(Value::as_str).is_some_and(|text| text.starts_with(operand.as_str().expect("a prefix")))
        }
        "anything-but" => value.is_some_and(|value| !operand.as_array().expect("a list").contains(value)),
        _ => panic!("an operator that is not known here: {alternative}"),
    }
}
