//! The AWS SDK in a Lambda function.
//!
//! Lambda sets everything that the SDK needs in environment variables. The default chains of `aws-config` would also
//! look for profiles and for container and instance metadata: code in the binary, and work at every cold start.

use std::env;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;

use super::{Endpoints, Limits, Sdk, transport};

impl Sdk {
    /// For a Lambda function, from the variables that Lambda sets: region and credentials. The variables of the AWS SDKs
    /// for other endpoints also apply: `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_KMS`,
    /// `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`. No configuration file is read.
    pub fn in_lambda() -> Self {
        Self::from_variables(|name| env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")).map(Region::new);
        let is_set = |name| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let endpoint = |name| variable(name).or_else(|| variable("AWS_ENDPOINT_URL"));
        let endpoints =
            Endpoints { dynamodb: endpoint("AWS_ENDPOINT_URL_DYNAMODB"), kms: endpoint("AWS_ENDPOINT_URL_KMS") };
        let limits = Limits::new();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(transport::https(region.as_ref().map(Region::as_ref), &variable))
            .credentials_provider(credentials(&variable))
            .region(region)
            .use_fips(is_set("AWS_USE_FIPS_ENDPOINT"))
            .use_dual_stack(is_set("AWS_USE_DUALSTACK_ENDPOINT"))
            .timeout_config(limits.timeouts)
            .retry_config(limits.retries)
            .stalled_stream_protection(limits.stalled_stream)
            .build();
        Self { config, endpoints, in_process: false }
    }
}

/// The function's role: in variables, or from the endpoint that Lambda names where an instance lives longer than its
/// first credentials.
fn credentials(variable: impl Fn(&str) -> Option<String>) -> SharedCredentialsProvider {
    if variable("AWS_ACCESS_KEY_ID").is_some() {
        SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new())
    } else {
        SharedCredentialsProvider::new(EcsCredentialsProvider::builder().build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sdk(variables: &[(&str, &str)]) -> Sdk {
        Sdk::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_variables_of_lambda_are_used() {
        let sdk = sdk(&[("AWS_REGION", "eu-central-1"), ("AWS_DEFAULT_REGION", "us-east-1")]);
        assert_eq!(sdk.region(), Some("eu-central-1"));
        assert_eq!((sdk.config.use_fips(), sdk.config.use_dual_stack()), (Some(false), Some(false)));
        assert!(sdk.endpoints.dynamodb.is_none() && sdk.endpoints.kms.is_none());
    }

    #[test]
    fn the_variables_of_the_sdks_select_other_endpoints() {
        let sdk = sdk(&[
            ("AWS_DEFAULT_REGION", "us-gov-west-1"),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
            ("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:4567"),
        ]);
        assert_eq!(sdk.region(), Some("us-gov-west-1"));
        assert_eq!(sdk.config.use_fips(), Some(true));
        assert_eq!(sdk.endpoints.dynamodb.as_deref(), Some("http://127.0.0.1:4566"));
        assert_eq!(sdk.endpoints.kms.as_deref(), Some("http://127.0.0.1:4567"));
    }
}
