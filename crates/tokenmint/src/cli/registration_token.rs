//! `tokenmint registration-token`.

use clap::{Args, Subcommand, value_parser};
use tokenmint_oauth::scope::Scope;

use super::place::TokensPlace;
use super::values;

/// What to do with initial access tokens, and where they are.
#[derive(Args, Debug, PartialEq)]
pub struct TokenArguments {
    /// Where the tokens are.
    #[command(flatten)]
    pub place: TokensPlace,

    /// What to do.
    #[command(subcommand)]
    pub command: TokenCommand,
}

/// What can be done with initial access tokens.
#[derive(Debug, PartialEq, Subcommand)]
pub enum TokenCommand {
    /// Make a token, and print it once.
    #[command(after_help = CREATE)]
    Create(CreateTokenArguments),

    /// List all tokens, by their identifiers.
    List(ListTokensArguments),

    /// End a token at once; the clients that were registered with it stay.
    Revoke(RevokeArguments),
}

/// What a new token is good for.
#[derive(Args, Debug, PartialEq)]
pub struct CreateTokenArguments {
    /// How many clients can be registered with it.
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub uses: u32,

    /// How long it is good, in seconds or as in 12h or 7d, at most 3650d.
    #[arg(long, value_name = "TIME", value_parser = values::some_seconds)]
    pub expires_in: u32,

    /// The scope that its clients may request, separated by spaces [default: none].
    #[arg(long, value_name = "SCOPE", value_parser = Scope::parse)]
    pub scope: Option<Scope>,

    /// What you call it, at most 256 bytes.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, value_parser = values::name)]
    pub name: String,

    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How tokens are listed.
#[derive(Args, Debug, PartialEq)]
pub struct ListTokensArguments {
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Which token ends.
#[derive(Args, Debug, PartialEq)]
pub struct RevokeArguments {
    /// The token's identifier, as listed; its first 8 characters or more will do.
    #[arg(value_name = "ID", allow_hyphen_values = true)]
    pub id: String,
}

// The help, broken for a terminal of 80 columns.

pub(super) const ABOUT: &str = "Manage the tokens that allow registration where it is protected";

pub(super) const LONG: &str = "\
Manage initial access tokens: where REGISTRATION is `protected`, a client registers with one
(RFC 7591 section 3), in the local data or in the table of a deployed server.

Without --registrations-table it is the folder of --data, whether `tokenmint serve` (or
`aws`) runs on it or not. With it, it is a table in the account that AWS's own settings lead
to: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB and the others (after `aws sso login`,
run `eval \"$(aws configure export-credentials --format env)\"`). The operator needs
dynamodb:PutItem (create), Scan (list, revoke) and DeleteItem (revoke) on it.";

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenmint registration-token create --uses 10 --expires-in 7d --scope 'read write'
  tokenmint registration-token list
  tokenmint registration-token revoke kX3vRw0f";

const CREATE: &str = "\
The token is printed once. The server keeps only its hash, from which its identifier is
made: what is lost is revoked and made anew, never found again.

Example: give a team a week to register ten clients, with a scope that nobody else gets.
  tokenmint registration-token create --uses 10 --expires-in 7d --scope 'read audit' \\
    --name 'Audit team'
  curl https://as.example.com/register -H \"Authorization: Bearer $token\" \\
    -H 'Content-Type: application/json' -d '{\"client_name\":\"Auditor\",\"scope\":\"audit\"}'";
