//! `tokenmint client trust` and `tokenmint client check-assertion`.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use tokenmint_oauth::client::ClientId;

use super::values;

/// What a client is to trust.
#[derive(Args, Debug, PartialEq)]
pub struct TrustArguments {
    /// The workload, by its platform.
    #[command(subcommand)]
    pub command: TrustCommand,
}

/// The platforms whose subjects this program can put together.
#[derive(Debug, PartialEq, Subcommand)]
pub enum TrustCommand {
    /// Trust a workflow of GitHub Actions.
    #[command(after_help = GITHUB)]
    Github(GithubArguments),

    /// Trust a service account of Kubernetes, on EKS or elsewhere.
    #[command(after_help = EKS)]
    Eks(EksArguments),

    /// Trust a role of AWS, by the tokens of `sts:GetWebIdentityToken`.
    #[command(after_help = AWS)]
    Aws(AwsRoleArguments),

    /// Trust a workload with a SPIFFE ID.
    #[command(after_help = SPIFFE)]
    Spiffe(SpiffeArguments),

    /// Trust a subject of any other issuer.
    #[command(after_help = SUBJECT)]
    Subject(SubjectArguments),
}

/// Which client, and whether it trusts or not.
#[derive(Args, Debug, PartialEq)]
pub struct Trusting {
    /// The `client_id`, or at least its first 8 characters.
    #[arg(long, value_name = "ID", value_parser = values::client_id)]
    pub client: ClientId,

    /// A further claim that the token must have, such as `kubernetes.io.namespace=prod`; JSON true, false and whole
    /// numbers have their types, other values are strings.
    #[arg(long, value_name = "PATH=VALUE", help = CLAIM, value_parser = values::claim)]
    pub claim: Vec<(String, serde_json::Value)>,

    /// Remove it from what the client trusts.
    #[arg(long)]
    pub remove: bool,

    /// Print one JSON object: the client's metadata.
    #[arg(long)]
    pub json: bool,
}

/// A workflow.
#[derive(Args, Debug, PartialEq)]
#[command(group = ArgGroup::new("which").required(true))]
pub struct GithubArguments {
    /// Which client.
    #[command(flatten)]
    pub trusting: Trusting,

    /// The repository: `owner/name`, or `owner@ID/name@ID` if its subjects have the numbers.
    #[arg(long, value_name = "OWNER/NAME", value_parser = values::repository)]
    pub repo: String,

    /// Workflows that run for this ref, for example `refs/heads/main`.
    #[arg(long, value_name = "REF", group = "which")]
    pub r#ref: Option<String>,

    /// Jobs that name this environment.
    #[arg(long, value_name = "NAME", group = "which")]
    pub environment: Option<String>,

    /// Workflows that run for pull requests, also those of strangers.
    #[arg(long, group = "which")]
    pub pull_request: bool,

    /// The issuer.
    #[arg(long, value_name = "URL", default_value = "https://token.actions.githubusercontent.com")]
    pub issuer: String,
}

/// A service account.
#[derive(Args, Debug, PartialEq)]
pub struct EksArguments {
    /// Which client.
    #[command(flatten)]
    pub trusting: Trusting,

    /// The cluster's issuer, as `aws eks describe-cluster --query cluster.identity.oidc.issuer` prints it.
    #[arg(long, value_name = "URL")]
    pub issuer: String,

    /// The namespace.
    #[arg(long, value_name = "NAME", value_parser = values::kubernetes_name)]
    pub namespace: String,

    /// The service account.
    #[arg(long, value_name = "NAME", value_parser = values::kubernetes_name)]
    pub service_account: String,
}

/// A role.
#[derive(Args, Debug, PartialEq)]
pub struct AwsRoleArguments {
    /// Which client.
    #[command(flatten)]
    pub trusting: Trusting,

    /// The account's issuer, as `aws iam get-outbound-web-identity-federation-info` prints it.
    #[arg(long, value_name = "URL")]
    pub issuer: String,

    /// The role.
    #[arg(long, value_name = "ARN", value_parser = values::role_arn)]
    pub role_arn: String,
}

/// A workload.
#[derive(Args, Debug, PartialEq)]
pub struct SpiffeArguments {
    /// Which client.
    #[command(flatten)]
    pub trusting: Trusting,

    /// The SPIFFE ID.
    #[arg(long, value_name = "SPIFFE-ID", value_parser = values::spiffe_id)]
    pub id: String,
}

/// A subject.
#[derive(Args, Debug, PartialEq)]
pub struct SubjectArguments {
    /// Which client.
    #[command(flatten)]
    pub trusting: Trusting,

    /// `iss` of the token, byte for byte.
    #[arg(long, value_name = "URL")]
    pub issuer: String,

    /// `sub` of the token, byte for byte.
    #[arg(long, value_name = "TEXT")]
    pub sub: String,
}

/// Which assertion is checked.
#[derive(Args, Debug, PartialEq)]
pub struct CheckArguments {
    /// A file with the assertion, a JWT; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The client that the request names by `client_id` [default: found by `iss` and `sub`].
    #[arg(long, value_name = "ID", help = CLIENT, value_parser = values::client_id)]
    pub client: Option<ClientId>,

    /// Print one JSON object per line.
    #[arg(long)]
    pub json: bool,
}

const CLAIM: &str = "A further claim that the token must have, such as kubernetes.io.namespace=prod; true, false and \
                     whole numbers have their types, other values are strings; can be given more than once";
const CLIENT: &str = "The client that the request names by `client_id` [default: found by `iss` and `sub`]";

pub(super) const TRUST: &str = "\
The token's issuer, subject and further claims must be exactly those that are given here; there
are no wildcards. The client must use private_key_jwt. Servers must trust the issuer
(TRUSTED_ISSUERS). A client that trusts one workload more works at once. With --remove, servers
accept the workload for at most CLIENT_CACHE_TTL seconds more (default: 30).

Example:
  tokenmint client trust spiffe --client 7c1d22aa --id spiffe://prod.example.com/billing";

const GITHUB: &str = "\
A name can be given to another repository later, its number cannot: add the number as a claim.

Examples:
  tokenmint client trust github --client 7c1d22aa --repo octo-org/octo-repo \\
    --ref refs/heads/main --claim repository_id='\"74\"'
  tokenmint client trust github --client 7c1d22aa --repo octo-org/octo-repo \\
    --environment production";

const EKS: &str = "\
Example:
  tokenmint client trust eks --client 7c1d22aa --namespace prod --service-account billing \\
    --issuer https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E";

const AWS: &str = "\
Example:
  tokenmint client trust aws --client 7c1d22aa \\
    --role-arn arn:aws:iam::123456789012:role/Billing \\
    --issuer https://a1b2c3d4-5678-90ab-cdef-000000000000.tokens.sts.global.api.aws";

const SPIFFE: &str = "\
Examples:
  tokenmint client trust spiffe --client 7c1d22aa --id spiffe://prod.example.com/billing
  tokenmint client trust spiffe --client 7c1d22aa --id spiffe://prod.example.com/billing --remove";

const SUBJECT: &str = "\
Example:
  tokenmint client trust subject --client 7c1d22aa --issuer https://issuer.example.com \\
    --sub billing --claim tenant=example";

pub(super) const CHECK: &str = "\
Checks an assertion by every rule of federated client authentication, which are also those of
the JWT bearer grant, with TRUSTED_ISSUERS and ISSUER of the command's own environment and the
clients of the table. The keys of the issuer are fetched only if all other rules are
satisfied. Whether a `jti` was used before is not checked. Needs dynamodb:GetItem on the
clients table. Exit status: 0 if all rules are satisfied.

Example: show which rules fail.
  export ISSUER=https://as.example.com TRUSTED_ISSUERS='[{\"issuer\":
    \"https://token.actions.githubusercontent.com\", \"jwks_uri\":
    \"https://token.actions.githubusercontent.com/.well-known/jwks\"}]'
  tokenmint client check-assertion token.jwt 2>&1 | grep failed";
