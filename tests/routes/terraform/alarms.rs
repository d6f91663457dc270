//! The alarms and the dashboard.

use serde_yaml_ng::Value;

use super::expressions::{snake, value};
use super::hcl::{Block, Hcl, raw, text};

/// Properties whose names differ by case only.
const PLAIN: [&str; 13] = [
    "AlarmDescription",
    "Namespace",
    "MetricName",
    "Statistic",
    "ExtendedStatistic",
    "Period",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "AlarmActions",
    "OKActions",
];

pub(super) fn alarm(template: &Value, name: &str, block: Block) -> Block {
    let own = |inner: &Value| value(template, inner);
    let mut block = block.set("alarm_name", text(format!("${{var.name}}-{}", snake(name).replace('_', "-"))));
    let mut queries = Vec::new();
    for (property, inner) in template["Resources"][name]["Properties"].as_mapping().expect("properties") {
        let property = property.as_str().expect("a name");
        block = match property {
            "OKActions" => block.set("ok_actions", own(inner)),
            "EvaluateLowSampleCountPercentile" => block.set("evaluate_low_sample_count_percentiles", own(inner)),
            "Dimensions" => block.set("dimensions", dimensions(template, inner)),
            "Metrics" => {
                queries = inner.as_sequence().expect("metrics").iter().map(|metric| query(template, metric)).collect();
                block
            }
            _ if PLAIN.contains(&property) => block.set(&snake(property), own(inner)),
            other => panic!("{other} of {name} has no translation"),
        };
    }
    queries.into_iter().fold(block, Block::with)
}

fn dimensions(template: &Value, list: &Value) -> Hcl {
    let list = list.as_sequence().expect("dimensions").iter();
    let list = list.map(|one| (one["Name"].as_str().expect("a name").to_owned(), value(template, &one["Value"])));
    Hcl::Object(list.collect())
}

fn query(template: &Value, query: &Value) -> Block {
    let own = |inner: &Value| value(template, inner);
    let mut block = Block::new("metric_query", &[]);
    for (property, inner) in query.as_mapping().expect("a query") {
        block = match property.as_str().expect("a name") {
            "MetricStat" => {
                let (stat, metric) = (inner, &inner["Metric"]);
                assert_eq!([inner, metric].map(|map| map.as_mapping().map(serde_yaml_ng::Mapping::len)), [Some(3); 2]);
                let metric = Block::new("metric", &[])
                    .set("namespace", own(&metric["Namespace"]))
                    .set("metric_name", own(&metric["MetricName"]))
                    .set("dimensions", dimensions(template, &metric["Dimensions"]))
                    .set("period", own(&stat["Period"]))
                    .set("stat", own(&stat["Stat"]));
                block.with(metric)
            }
            name @ ("Id" | "Label" | "Expression" | "ReturnData") => block.set(&snake(name), own(inner)),
            other => panic!("{other} has no translation"),
        };
    }
    // CloudFormation's default, but not the provider's.
    if query.get("ReturnData").is_none() { block.set("return_data", raw("true")) } else { block }
}

pub(super) fn dashboard(template: &Value, name: &str, block: Block) -> Block {
    let own = &template["Resources"][name]["Properties"];
    for property in own.as_mapping().expect("properties").keys() {
        assert!(property == "DashboardBody" || property == "DashboardName", "{property:?} has no translation");
    }
    let named =
        if own.get("DashboardName").is_some() { value(template, &own["DashboardName"]) } else { raw("var.name") };
    let Hcl::Text(body) = value(template, &own["DashboardBody"]) else { panic!("no text") };
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    block.set("dashboard_name", named).set("dashboard_body", Hcl::Json(Box::new(json(&body))))
}

fn json(value: &serde_json::Value) -> Hcl {
    match value {
        serde_json::Value::String(string) => text(string.clone()),
        serde_json::Value::Array(entries) => Hcl::List(entries.iter().map(json).collect()),
        serde_json::Value::Object(members) => {
            Hcl::Object(members.iter().map(|(name, value)| (name.clone(), json(value))).collect())
        }
        other => raw(other.to_string()),
    }
}
