//! Metrics in CloudWatch's
//! [embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
//! (O4): the log line of a request is also the document from which CloudWatch takes its metrics.
//!
//! The line has the numbers anyway, so metrics add one member, [`MEMBER`], to it: no second line, which would cost as much
//! again in CloudWatch Logs, no writer beside the log, and nothing to flush before Lambda freezes the instance. Two crates
//! make this format. `metrics_cloudwatch_embedded` collects metrics for the whole process and writes a line of its own
//! after each invocation. `metrique` formats whole documents, about 28 KB of the deployment package, and would have to
//! replace the log for this one line. This member is less code than either needs to be set up.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::Method;
use tokenmint_oauth::issuer::path;

/// The member of the log line with the metrics' metadata.
pub const MEMBER: &str = "_aws";

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Tokenmint";

/// The dimension of every metric: `METRICS`, the name of the function.
pub const DIMENSION: &str = "function";

/// The dimension that [`FAILURES`] has as well.
pub const OUTCOME: &str = "outcome";

/// The metric with two dimensions: requests that failed, by outcome.
pub const FAILURES: &str = "failures";

/// The metrics with one dimension, and their units.
pub const METRICS: [(&str, &str); 6] = [
    ("duration_ms", "Milliseconds"),
    ("dynamodb_ms", "Milliseconds"),
    ("kms_ms", "Milliseconds"),
    ("kms_errors", "Count"),
    ("registrations", "Count"),
    ("tokens", "Count"),
];

/// The values of a request's metrics. A metric without a value is not among the request's metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values {
    /// The whole request.
    pub(crate) duration: Duration,
    /// Zero: the request did not call DynamoDB.
    pub(crate) dynamodb: Duration,
    /// Zero: the request did not call KMS.
    pub(crate) kms: Duration,
    /// Calls to KMS that failed after their retries.
    pub(crate) kms_errors: u32,
    /// What the request brought about.
    pub(crate) result: Result,
}

/// What a request brought about, as far as it is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Result {
    /// A client was registered.
    Registration,
    /// A token was issued.
    Token,
    /// Nothing was brought about, whoever is to blame.
    Failure,
    /// Anything else.
    #[default]
    Other,
}

impl Result {
    /// The result of a request that succeeded.
    pub(crate) fn of_success(method: &Method, route: &str) -> Self {
        match route {
            path::TOKEN if method == Method::POST => Self::Token,
            path::REGISTER if method == Method::POST => Self::Registration,
            _ => Self::Other,
        }
    }

    /// The value of a counter: 1 or nothing.
    pub(crate) fn counted(self, as_what: Self) -> Option<u64> {
        (self == as_what).then_some(1)
    }
}

/// The value of [`MEMBER`] for a request at this time.
pub(crate) struct Metadata {
    pub(crate) at: SystemTime,
    pub(crate) values: Values,
}

impl fmt::Display for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Values { dynamodb, kms, kms_errors, result, .. } = self.values;
        let at = self.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        write!(f, r#"{{"Timestamp":{at},"#)?;
        f.write_str(
            r#""CloudWatchMetrics":[{"Namespace":"Tokenmint","Dimensions":[["function"]],"Metrics":[{"Name":"duration_ms","Unit":"Milliseconds"}"#,
        )?;
        let has = [
            (!dynamodb.is_zero(), r#",{"Name":"dynamodb_ms","Unit":"Milliseconds"}"#),
            (!kms.is_zero(), r#",{"Name":"kms_ms","Unit":"Milliseconds"}"#),
            (kms_errors > 0, r#",{"Name":"kms_errors","Unit":"Count"}"#),
            (result == Result::Registration, r#",{"Name":"registrations","Unit":"Count"}"#),
            (result == Result::Token, r#",{"Name":"tokens","Unit":"Count"}"#),
        ];
        for (_, definition) in has.into_iter().filter(|(has, _)| *has) {
            f.write_str(definition)?;
        }
        f.write_str(if result == Result::Failure {
            r#"]},{"Namespace":"Tokenmint","Dimensions":[["function","outcome"]],"Metrics":[{"Name":"failures","Unit":"Count"}]}]}"#
        } else {
            "]}]}"
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn names(directive: &Value) -> BTreeSet<(String, String)> {
        let metrics = directive["Metrics"].as_array().expect("metrics").iter();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        metrics.map(|metric| (text(&metric["Name"]), text(&metric["Unit"]))).collect()
    }

    proptest! {
        /// O4: whatever a request took and brought about, the metadata is JSON and names the listed metrics only: those
        /// with a value.
        #[test]
        fn o4_metadata(
            at in 0_u64..1 << 42,
            (dynamodb, kms, kms_errors) in (0_u32..2, 0_u32..2, 0_u32..3),
            result in prop::sample::select(vec![Result::Registration, Result::Token, Result::Failure, Result::Other]),
        ) {
            let [dynamodb, kms] = [dynamodb, kms].map(|time| Duration::from_micros(time.into()));
            let values = Values { duration: Duration::ZERO, dynamodb, kms, kms_errors, result };
            let metadata = Metadata { at: UNIX_EPOCH + Duration::from_millis(at), values };
            let document: Value = serde_json::from_str(&metadata.to_string()).expect("JSON");
            prop_assert_eq!(document["Timestamp"].as_u64(), Some(at));
            let directives = document["CloudWatchMetrics"].as_array().expect("directives");
            prop_assert!(directives.iter().all(|directive| directive["Namespace"] == NAMESPACE));
            prop_assert_eq!(&directives[0]["Dimensions"], &serde_json::json!([[DIMENSION]]));
            let expected = METRICS.iter().filter(|(name, _)| match *name {
                "duration_ms" => true,
                "dynamodb_ms" => !dynamodb.is_zero(),
                "kms_ms" => !kms.is_zero(),
                "kms_errors" => kms_errors > 0,
                "registrations" => result == Result::Registration,
                "tokens" => result == Result::Token,
                other => panic!("{other}"),
            });
            let expected = expected.map(|(name, unit)| ((*name).to_owned(), (*unit).to_owned())).collect();
            prop_assert_eq!(names(&directives[0]), expected);
            prop_assert_eq!(directives.len(), if result == Result::Failure { 2 } else { 1 });
            if let Some(failures) = directives.get(1) {
                prop_assert_eq!(&failures["Dimensions"], &serde_json::json!([[DIMENSION, OUTCOME]]));
                prop_assert_eq!(names(failures), [(FAILURES.to_owned(), "Count".to_owned())].into());
            }
        }
    }
}
