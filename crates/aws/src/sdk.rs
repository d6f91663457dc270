//! The AWS SDK's clients, and how long they may try.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// How long one call may take with all its retries. A plain token needs at most three calls one after the
/// other (two reads and a signature), which is less than a request's budget; what needs more of them is
/// held to that budget all the same.
const OPERATION: Duration = Duration::from_millis(2400);
/// How long one attempt may take, connecting included.
const ATTEMPT: Duration = Duration::from_millis(1100);
const CONNECT: Duration = Duration::from_millis(800);
const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(40);
const LONGEST_BACKOFF: Duration = Duration::from_millis(400);

/// The region of the embedded services.
pub const LOCAL_REGION: &str = "us-east-1";

/// The configuration that the clients of DynamoDB and KMS are made from, once, at start.
#[derive(Clone, Debug)]
pub struct Sdk {
    config: SdkConfig,
    local: Option<Local>,
}

#[derive(Clone, Debug)]
struct Local {
    dynamodb: String,
    kms: String,
}

impl Sdk {
    /// Credentials, region and endpoints as AWS's own variables give them.
    pub async fn load() -> Self {
        Self { config: with_timeouts(aws_config::defaults(BehaviorVersion::latest())).load().await, local: None }
    }

    /// DynamoDB and KMS at these URLs, with credentials that only an emulator takes.
    pub async fn local(dynamodb_url: &str, kms_url: &str) -> Self {
        let credentials = Credentials::new("local", "local", None, None, "local");
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static(LOCAL_REGION))
            // What the surroundings say of proxies and endpoints is meant for AWS, not for this machine.
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .use_fips(false)
            .use_dual_stack(false)
            .credentials_provider(credentials);
        let local = Local { dynamodb: dynamodb_url.to_owned(), kms: kms_url.to_owned() };
        Self { config: with_timeouts(loader).load().await, local: Some(local) }
    }

    /// A client of DynamoDB.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config);
        if let Some(local) = &self.local {
            config = config.endpoint_url(&local.dynamodb);
        }
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A client of KMS.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        let mut config = aws_sdk_kms::config::Builder::from(&self.config);
        if let Some(local) = &self.local {
            config = config.endpoint_url(&local.kms);
        }
        aws_sdk_kms::Client::from_conf(config.build())
    }
}

/// Bounds every call (O6).
fn with_timeouts(loader: ConfigLoader) -> ConfigLoader {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(OPERATION)
        .operation_attempt_timeout(ATTEMPT)
        .connect_timeout(CONNECT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_BACKOFF)
        .with_max_backoff(LONGEST_BACKOFF);
    loader.timeout_config(timeouts).retry_config(retries)
}

/// DynamoDB or KMS did not do what was asked, after all retries. The text is for the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{call}: {cause}")]
pub struct Unavailable {
    call: &'static str,
    cause: String,
}

impl Unavailable {
    /// Keeps what went wrong with a call, the chain of causes included.
    pub(crate) fn new(call: &'static str, error: impl std::error::Error) -> Self {
        Self { call, cause: DisplayErrorContext(error).to_string() }
    }

    /// An answer that cannot be used, and why.
    pub(crate) const fn with_cause(call: &'static str, cause: String) -> Self {
        Self { call, cause }
    }
}

/// The errors of KMS that mean a mistake in the configuration.
pub(crate) const KMS_MISTAKES: &[&str] = &[
    "NotFoundException",
    "InvalidArnException",
    "InvalidKeyUsageException",
    "UnsupportedOperationException",
    "ValidationException",
];

/// The errors of DynamoDB that mean a mistake in the configuration: no such table, or one with another key.
pub(crate) const DYNAMODB_MISTAKES: &[&str] = &["ResourceNotFoundException", "ValidationException"];

/// What AWS answers, if it is one of these errors: it understood the request, and will never grant it. A missing
/// permission is not among them, because IAM takes a while to propagate a role's policies.
pub(crate) fn definite_error<E: ProvideErrorMetadata>(error: &SdkError<E>, mistakes: &[&str]) -> Option<String> {
    let code = error.code().filter(|code| mistakes.contains(code))?;
    Some(format!("{code}: {}", error.message().unwrap_or_default()))
}
