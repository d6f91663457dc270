//! The clients of the AWS SDK, and their timeouts.

mod lambda;
mod sender;
mod transport;

use std::time::Duration;

use aws_config::imds::client::error::ImdsError;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::config::auth::{Params, ResolveAuthScheme};
use aws_sdk_dynamodb::config::{
    ConfigBag, Credentials, ProvideCredentials as _, RuntimeComponents, SharedCredentialsProvider,
};
use aws_smithy_runtime_api::client::auth::{AuthSchemeId, AuthSchemeOption, AuthSchemeOptionsFuture};
use tokio::time::timeout;

use self::sender::Sender;
use crate::call_times::Timer;
use crate::in_process::{Answering, InProcess};
use crate::unavailable::{chain, root};

/// The time limit of one call, retries included. A plain token needs at most three sequential calls (two reads and a
/// signature), which fit in a request's budget. Requests with more calls are still limited to that budget.
const OPERATION: Duration = Duration::from_millis(2400);
/// The time limit of one attempt, connecting included.
const ATTEMPT: Duration = Duration::from_millis(1100);
const CONNECT: Duration = Duration::from_millis(800);
const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(40);
const LONGEST_BACKOFF: Duration = Duration::from_millis(400);

/// The time limit for loading credentials. If none are configured, the SDK queries the instance metadata service,
/// which most machines do not have.
const CREDENTIALS: Duration = Duration::from_secs(10);

/// The SDK's name for requests without authentication.
const NO_AUTH_SCHEME_ID: AuthSchemeId = AuthSchemeId::new("noAuth");

/// The region of the embedded services.
pub const LOCAL_REGION: &str = "us-east-1";

/// The configuration from which the DynamoDB and KMS clients are built, once, at startup.
#[derive(Clone, Debug)]
pub struct Sdk {
    config: SdkConfig,
    endpoints: Endpoints,
    /// Whether this process answers the requests itself. Those to DynamoDB are then sent without a signature.
    in_process: bool,
}

/// The URLs of the services, if they are not AWS's own.
#[derive(Clone, Debug, Default)]
struct Endpoints {
    dynamodb: Option<String>,
    kms: Option<String>,
}

impl Sdk {
    /// For an operator's command: credentials, region and endpoints from AWS's standard variables and files. A missing
    /// setting is reported now, by name, not by the first failed call. Credentials are loaded once.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn load_account() -> Result<Self, AccountError> {
        let config = aws_config::defaults(BehaviorVersion::latest()).http_client(transport::system_https());
        let config = with_limits(config).load().await;
        match config.region().map(Region::as_ref) {
            None => return Err(AccountError::NoRegion),
            Some(region) if !is_region(region) => return Err(AccountError::Region(region.to_owned())),
            Some(_) => {}
        }
        let none = || AccountError::NoCredentials { profile: std::env::var("AWS_PROFILE").ok() };
        let provider = config.credentials_provider().ok_or_else(none)?;
        let loaded = timeout(CREDENTIALS, provider.provide_credentials()).await.map_err(|_| none())?;
        let credentials = loaded.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => none(),
            // If nothing is configured, the SDK finally queries the instance metadata service.
            error if chain(&error).any(<dyn std::error::Error>::is::<ImdsError>) => none(),
            error => AccountError::Credentials(root(&error)),
        })?;
        let credentials = SharedCredentialsProvider::new(credentials);
        let config = config.into_builder().credentials_provider(credentials).build();
        Ok(Self { config, endpoints: Endpoints::default(), in_process: false })
    }

    /// The region, if known.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// DynamoDB and KMS at these URLs, with placeholder credentials that only an emulator accepts.
    pub async fn local(dynamodb_url: &str, kms_url: &str) -> Self {
        let credentials = Credentials::new("local", "local", None, None, "local");
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::from_static(LOCAL_REGION))
            // Proxy and endpoint variables of the environment are meant for AWS, not for the embedded services.
            .http_client(transport::http())
            .use_fips(false)
            .use_dual_stack(false)
            .credentials_provider(credentials);
        let endpoints = Endpoints { dynamodb: Some(dynamodb_url.to_owned()), kms: Some(kms_url.to_owned()) };
        Self { config: with_limits(loader).load().await, endpoints, in_process: false }
    }

    /// The same services, called as those of another region.
    #[must_use]
    pub fn of_region(self, region: &'static str) -> Self {
        Self { config: self.config.into_builder().region(Region::from_static(region)).build(), ..self }
    }

    /// The same DynamoDB and KMS, which `service` answers for in this process. It receives the value of
    /// `x-amz-target` and the body, and leaves what it does not answer to the port. Requests to DynamoDB are not signed:
    /// nobody would verify the signature.
    #[must_use]
    pub fn in_process(self, service: impl Fn(&str, &[u8]) -> Answering + Send + Sync + 'static) -> Self {
        let Some(port) = self.config.http_client() else { return self };
        let client = InProcess::new(service, port);
        Self { config: self.config.into_builder().http_client(client).build(), in_process: true, ..self }
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config)
            .interceptor(Timer::DynamoDb)
            .interceptor(self.sender());
        if let Some(url) = &self.endpoints.dynamodb {
            config = config.endpoint_url(url);
        }
        if self.in_process {
            config = config.allow_no_auth().auth_scheme_resolver(Unsigned);
        }
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A KMS client.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        let mut config =
            aws_sdk_kms::config::Builder::from(&self.config).interceptor(Timer::Kms).interceptor(self.sender());
        if let Some(url) = &self.endpoints.kms {
            config = config.endpoint_url(url);
        }
        aws_sdk_kms::Client::from_conf(config.build())
    }

    fn sender(&self) -> Sender {
        if self.in_process { Sender::InProcess } else { Sender::OverHttp }
    }
}

/// Selects no authentication for every request.
#[derive(Debug)]
struct Unsigned;

impl ResolveAuthScheme for Unsigned {
    fn resolve_auth_scheme<'a>(
        &'a self,
        _: &'a Params,
        _: &'a ConfigBag,
        _: &'a RuntimeComponents,
    ) -> AuthSchemeOptionsFuture<'a> {
        AuthSchemeOptionsFuture::ready(Ok(vec![AuthSchemeOption::from(NO_AUTH_SCHEME_ID)]))
    }
}

/// Why the AWS settings do not select an account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// No region is set.
    #[error("no AWS region is set")]
    NoRegion,
    /// The region name is invalid.
    #[error("{0:?} is not an AWS region")]
    Region(String),
    /// No credentials were found.
    #[error("no AWS credentials were found{}", of_profile(.profile.as_deref()))]
    NoCredentials {
        /// The profile that `AWS_PROFILE` names.
        profile: Option<String>,
    },
    /// The configured credentials cannot be loaded.
    #[error("the AWS credentials cannot be loaded: {0}")]
    Credentials(String),
}

fn of_profile(profile: Option<&str>) -> String {
    profile.map(|profile| format!(" (AWS_PROFILE is {profile:?})")).unwrap_or_default()
}

/// Whether a text can be part of a host name, as a region name must be.
fn is_region(text: &str) -> bool {
    let is_label = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_label)
}

/// Limits the duration of every call (O6).
fn with_limits(loader: ConfigLoader) -> ConfigLoader {
    let limits = Limits::new();
    loader.timeout_config(limits.timeouts).retry_config(limits.retries).stalled_stream_protection(limits.stalled_stream)
}

/// The limits of every call.
struct Limits {
    timeouts: TimeoutConfig,
    retries: RetryConfig,
    stalled_stream: StalledStreamProtectionConfig,
}

impl Limits {
    fn new() -> Self {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(OPERATION)
            .operation_attempt_timeout(ATTEMPT)
            .connect_timeout(CONNECT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(FIRST_BACKOFF)
            .with_max_backoff(LONGEST_BACKOFF);
        // It measures the throughput of each body, to end a stalled transfer. The time limit of an attempt does the
        // same for these small bodies, at no cost per call.
        let stalled_stream = StalledStreamProtectionConfig::disabled();
        Self { timeouts, retries, stalled_stream }
    }
}
