//! `tokenmint registration-token`.

use clap::{Args, Subcommand};
use tokenmint_oauth::scope::Scope;

use super::policy::PolicyArguments;
use super::target::TokensTarget;
use super::values;

/// What to do with initial access tokens, and where they are.
#[derive(Args, Debug, PartialEq)]
pub struct TokenArguments {
    /// Where the tokens are.
    #[command(flatten)]
    pub target: TokensTarget,

    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What can be done with initial access tokens.
#[derive(Debug, PartialEq, Subcommand)]
pub enum TokenCommand {
    /// Create an initial access token and print it once.
    #[command(after_help = CREATE)]
    Create(Box<CreateTokenArguments>),

    /// List all initial access tokens by their identifiers.
    #[command(after_help = LIST)]
    List(ListTokensArguments),

    /// Revoke an initial access token; clients that were registered with it are not affected.
    #[command(after_help = REVOKE)]
    Revoke(RevokeArguments),
}

/// What a new token allows.
#[derive(Args, Debug, PartialEq)]
pub struct CreateTokenArguments {
    /// How many clients can be registered with the token.
    #[arg(long, value_name = "N", value_parser = values::uses)]
    pub uses: u32,

    /// How long the token is valid, for example 12h or 7d; at most 3650d.
    #[arg(long, value_name = "TIME", value_parser = values::some_seconds)]
    pub expires_in: u32,

    /// The scope that its clients may request, separated by spaces [default: none].
    #[arg(long, value_name = "SCOPE", value_parser = values::scope)]
    pub scope: Option<Scope>,

    /// Let its clients name federated credentials: whoever has the token decides which workloads they are.
    #[arg(long, help = ALLOW_FEDERATION)]
    pub allow_federation: bool,

    /// What its clients may get.
    #[command(flatten)]
    pub policy: PolicyArguments,

    /// A name for people, at most 256 bytes.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, value_parser = values::name)]
    pub name: String,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How tokens are listed.
#[derive(Args, Debug, PartialEq)]
pub struct ListTokensArguments {
    /// Print one JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Which token is revoked.
#[derive(Args, Debug, PartialEq)]
pub struct RevokeArguments {
    /// The token's identifier as listed, or at least its first 8 characters.
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    pub id: String,
}

const ALLOW_FEDERATION: &str = "Let its clients set `federated_credentials`, and so decide which workloads they are";

// The help, broken for a terminal of 80 columns.

pub(super) const ABOUT: &str = "Manage initial access tokens, which protected registration requires";

pub(super) const LONG: &str = "\
Manage initial access tokens, in the local data or in the table of a deployed server. Where
REGISTRATION is `protected`, a client needs one to register (RFC 7591 section 3).

Without --registrations-table, the commands use the local data in the folder that --data
names, whether or not `tokenmint serve` or `tokenmint aws` is running on it. `tokenmint
serve` creates it.

With --registrations-table, they use a DynamoDB table in the AWS account that AWS's own
variables select: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB and so on. After `aws
sso login`, run `eval \"$(aws configure export-credentials --format env)\"`. The commands
need these IAM actions on the table: dynamodb:PutItem (create), Scan (list, revoke),
DeleteItem (revoke).";

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenmint registration-token create --uses 10 --expires-in 7d --scope 'read write'
  tokenmint registration-token list
  tokenmint registration-token revoke kX3vRw0f";

const CREATE: &str = "\
The token is printed once. The server stores only its hash, from which its identifier is
derived. If the token is lost, revoke it and create another one.

Its clients may have any scope that is given here, including one that the server does not
offer. Without --scope they have no scope, and neither have their tokens. They have the token
policy that is given here, and cannot change it.

Example: let a team register ten clients within a week, with a scope that no one else gets.
  token=$(tokenmint registration-token create --uses 10 --expires-in 7d \\
    --scope 'read audit' --name 'Audit team' --json |
    sed -n 's/.*\"initial_access_token\": *\"\\([^\"]*\\)\".*/\\1/p')
  curl https://as.example.com/register -H \"Authorization: Bearer $token\" \\
    -H 'Content-Type: application/json' -d '{\"client_name\":\"Auditor\",\"scope\":\"audit\"}'";

const LIST: &str = "\
The order is arbitrary. STATE is `active`, `spent` or `expired`. DynamoDB removes expired
tokens within a few days.

Examples:
  tokenmint registration-token list
  tokenmint registration-token list --json > tokens.json";

const REVOKE: &str = "\
Example:
  tokenmint registration-token revoke kX3vRw0f";
