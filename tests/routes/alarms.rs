//! The dashboard and the alarms of `template.yaml`: O4.

use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_yaml_ng::Value;
use tokenmint_function::metrics::{DIMENSION, FAILURES, METRICS, NAMESPACE, OUTCOME};

use crate::docs::{Place, table, text};
use crate::template::{by_regions, tagged, template};

/// The metrics of AWS that the template uses, as the services' guides name them: namespace, metric, dimension.
const OF_AWS: [(&str, &str, &str); 13] = [
    ("AWS/ApiGateway", "4xx", "ApiId"),
    ("AWS/ApiGateway", "5xx", "ApiId"),
    ("AWS/ApiGateway", "Count", "ApiId"),
    ("AWS/ApiGateway", "IntegrationLatency", "ApiId"),
    ("AWS/ApiGateway", "Latency", "ApiId"),
    ("AWS/DynamoDB", "ReadThrottleEvents", "TableName"),
    ("AWS/DynamoDB", "WriteThrottleEvents", "TableName"),
    ("AWS/EventBridge/Pipes", "ExecutionFailed", "PipeName"),
    ("AWS/Lambda", "ConcurrentExecutions", "FunctionName"),
    ("AWS/Lambda", "Duration", "FunctionName"),
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Throttles", "FunctionName"),
    // Made by the metric filter below.
    (NAMESPACE, "throttled_by_api", "api"),
];

/// Asserts that somebody publishes this metric with these dimensions.
#[track_caller]
fn is_published(namespace: &str, name: &str, dimensions: &[(&str, String)]) {
    let names: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
    let is_ours = namespace == NAMESPACE && METRICS.iter().any(|(metric, _)| *metric == name) && names == [DIMENSION];
    let is_failures = namespace == NAMESPACE && name == FAILURES && names == [DIMENSION, OUTCOME];
    let is_of_aws = name != FAILURES && names.len() == 1 && OF_AWS.contains(&(namespace, name, names[0]));
    assert!(is_ours || is_failures || is_of_aws, "nobody publishes {namespace} {name} {dimensions:?}");
    for (dimension, value) in dimensions {
        let expected: &[&str] = match *dimension {
            "ApiId" | "api" => &["Api"],
            "FunctionName" => &["RegisterFunction", "TokenFunction"],
            "TableName" => &["ClientsTable", "RegistrationsTable", "TokensTable"],
            "PipeName" => &["ClientChangesPipe", "ClientRemovalsPipe", "RevocationsPipe"],
            "outcome" => &["invalid_client"],
            _ => &["${AWS::StackName}-register", "${AWS::StackName}-token"],
        };
        assert!(expected.contains(&value.as_str()), "{namespace} {name}: {dimension} is {value}");
    }
}

/// The text of a value, or what it refers to.
fn referred(value: &Value) -> String {
    let (value, _) = by_regions(value);
    let text = value.as_str().or_else(|| tagged(value, "Ref")).or_else(|| tagged(value, "Sub"));
    text.unwrap_or_else(|| panic!("{value:?}")).to_owned()
}

fn alarms(template: &Value) -> Vec<(&str, &Value)> {
    let resources = template["Resources"].as_mapping().expect("resources").iter();
    let alarms = resources.filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm");
    alarms.map(|(name, alarm)| (name.as_str().expect("a name"), &alarm["Properties"])).collect()
}

/// A metric of an alarm.
fn check_metric(metric: &Value) {
    let dimensions = metric["Dimensions"].as_sequence().expect("dimensions").iter();
    let dimensions: Vec<_> =
        dimensions.map(|one| (one["Name"].as_str().expect("a name"), referred(&one["Value"]))).collect();
    let member = |name: &str| metric[name].as_str().expect("text");
    is_published(member("Namespace"), member("MetricName"), &dimensions);
}

/// O4: every alarm says in `docs/operating.md` what to do, and every row there is about an alarm.
#[test]
fn o4_every_alarm_says_what_to_do() {
    let template = template();
    let alarms: BTreeSet<_> = alarms(&template).into_iter().map(|(name, _)| name.to_owned()).collect();
    let rows = table(Place { document: "docs/operating.md", name: "alarms" });
    for row in &rows {
        assert!(row.len() == 3 && row.iter().all(|cell| cell.len() > 10), "{row:?}");
    }
    assert_eq!(rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect::<BTreeSet<_>>(), alarms);
}

/// O4: each alarm watches metrics that somebody publishes, is silent without data, and notifies the operator's topic, if
/// there is one, of its begin and its end.
#[test]
fn o4_alarms() {
    let template = template();
    let notified = "!If\n- HasAlarmTopic\n- - !Ref AlarmTopicArn\n- !Ref AWS::NoValue\n";
    let (mut watched, mut billed) = (BTreeSet::new(), 0);
    let alarms = alarms(&template);
    for (name, alarm) in &alarms {
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}");
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(serde_yaml_ng::to_string(&alarm[actions]).expect("YAML"), notified, "{name}");
        }
        let Some(metrics) = alarm["Metrics"].as_sequence() else {
            check_metric(alarm);
            billed += 1;
            watched.insert(alarm["MetricName"].as_str().expect("a name").to_owned());
            continue;
        };
        let expression = metrics.iter().find_map(|metric| metric["Expression"].as_str()).expect("an expression");
        for metric in metrics.iter().filter(|metric| metric.get("MetricStat").is_some()) {
            check_metric(&metric["MetricStat"]["Metric"]);
            billed += 1;
            assert_eq!(metric["ReturnData"], false, "{name}");
            assert!(expression.contains(metric["Id"].as_str().expect("an id")), "{name}: {expression}");
            watched.insert(metric["MetricStat"]["Metric"]["MetricName"].as_str().expect("a name").to_owned());
        }
    }
    for metric in ["5xx", "failures", "throttled_by_api", "Throttles", "ReadThrottleEvents", "Latency", "kms_errors"] {
        assert!(watched.contains(metric), "no alarm watches {metric}");
    }
    let price = format!("| {} alarms on {billed} metrics, at 0.10 for each metric;", alarms.len());
    assert!(text("docs/logs.md").contains(&price), "{price}");
}

/// O4: the metric of throttled requests is made of API Gateway's log, which has the fields that the filter reads.
#[test]
fn o4_throttled_requests_are_counted() {
    let template = template();
    let filter = &template["Resources"]["ThrottledByApi"]["Properties"];
    assert_eq!(tagged(&filter["LogGroupName"], "Ref"), Some("ApiLogGroup"));
    let format = template["Resources"]["Stage"]["Properties"]["AccessLogSettings"]["Format"].as_str().expect("text");
    let logged: Json = serde_json::from_str(format).expect("JSON");
    let pattern = filter["FilterPattern"].as_str().expect("a pattern");
    let metric = &filter["MetricTransformations"][0];
    let read = pattern.split(['(', ')', ' ']).chain(metric["Dimensions"][0]["Value"].as_str());
    let read: BTreeSet<_> = read.filter_map(|word| word.strip_prefix("$.")).collect();
    assert_eq!(read, ["apiId", "integrationStatus", "status"].into());
    for name in read {
        assert!(logged[name].as_str().is_some_and(|value| value.starts_with("$context.")), "{name}: {logged}");
    }
    let text = |name: &str| metric[name].as_str().expect("text");
    is_published(text("MetricNamespace"), text("MetricName"), &[("api", "Api".to_owned())]);
    assert_eq!((metric["Dimensions"][0]["Key"].as_str(), text("MetricValue")), (Some("api"), "1"));
}

/// O4: the dashboard is JSON, and each of its metrics is one that somebody publishes. Every metric of ours is there.
#[test]
fn o4_dashboard() {
    let template = template();
    let body = &template["Resources"]["Dashboard"]["Properties"]["DashboardBody"];
    let Value::Tagged(body) = body else { panic!("{body:?}") };
    assert_eq!(body.tag, "Sub");
    let body: Json = serde_json::from_str(body.value[0].as_str().expect("text")).expect("JSON");
    let (mut shown, mut places) = (BTreeSet::new(), BTreeSet::new());
    for widget in body["widgets"].as_array().expect("widgets") {
        let place = ["x", "y", "width", "height"].map(|name| widget[name].as_u64().expect("a number"));
        assert!(places.insert((place[0], place[1])) && place[0] + place[2] <= 24, "{place:?}");
        for metric in widget["properties"]["metrics"].as_array().expect("metrics") {
            let metric = metric.as_array().expect("a metric");
            if let Some(expression) = metric[0].get("expression") {
                let expression = expression.as_str().expect("text");
                let schema = format!("SEARCH('{{{NAMESPACE},{DIMENSION},{OUTCOME}}} MetricName=\"{FAILURES}\" ");
                assert!(expression.starts_with(&schema), "{expression}");
                shown.insert(FAILURES.to_owned());
                continue;
            }
            let text: Vec<_> = metric.iter().filter_map(Json::as_str).collect();
            let [namespace, name, ref dimensions @ ..] = text[..] else { panic!("{text:?}") };
            let dimensions = dimensions.chunks(2).map(|pair| {
                let value = pair[1].strip_prefix("${").and_then(|value| value.strip_suffix('}')).unwrap_or(pair[1]);
                (pair[0], value.to_owned())
            });
            is_published(namespace, name, &dimensions.collect::<Vec<_>>());
            shown.insert(name.to_owned());
        }
    }
    for (name, _) in METRICS {
        assert!(shown.contains(name), "{name} is not on the dashboard");
    }
    assert!(shown.contains(FAILURES) && shown.contains("Throttles") && shown.contains("4xx"));
}
