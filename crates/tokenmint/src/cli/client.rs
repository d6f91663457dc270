//! `tokenmint client`.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::client_auth::Method;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::scope::Scope;

use super::place::ClientsPlace;
use super::values;

/// What to do with clients, and where they are.
#[derive(Args, Debug, PartialEq)]
pub struct ClientArguments {
    /// Where the clients are.
    #[command(flatten)]
    pub place: ClientsPlace,

    /// What to do.
    #[command(subcommand)]
    pub command: ClientCommand,
}

/// What can be done with clients.
#[derive(Debug, PartialEq, Subcommand)]
pub enum ClientCommand {
    /// List all clients, page by page.
    #[command(after_help = LIST)]
    List(ListArguments),

    /// Show one client: all that is registered, and until when its secrets are good.
    Show(ShowArguments),

    /// Make a client, and print its secret once.
    #[command(after_help = CREATE)]
    Create(Box<CreateArguments>),

    /// Refuse a client from the next request on; its secrets are kept.
    #[command(after_help = DISABLE)]
    Disable(ClientArgument),

    /// Let a disabled client in again.
    Enable(ClientArgument),

    /// Remove a client for good.
    Delete(DeleteArguments),

    /// Give a client a new secret, and print it once.
    #[command(after_help = ROTATE)]
    RotateSecret(RotateArguments),
}

/// How clients are listed.
#[derive(Args, Debug, PartialEq)]
pub struct ListArguments {
    /// How many clients are read at a time, 1 to 1000; all are listed.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(i32).range(1..=1000))]
    pub limit: i32,

    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Which client is shown, and how.
#[derive(Args, Debug, PartialEq)]
pub struct ShowArguments {
    /// Which client.
    #[command(flatten)]
    pub client: ClientArgument,

    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Which client.
#[derive(Args, Debug, PartialEq)]
pub struct ClientArgument {
    /// The client's `client_id`.
    #[arg(value_name = "ID", value_parser = ClientId::parse)]
    pub id: ClientId,
}

/// What a new client is to be.
#[derive(Args, Debug, PartialEq)]
pub struct CreateArguments {
    /// What people call it (`client_name`).
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,

    /// The scope that the client may request, separated by spaces [default: none].
    #[arg(long, value_name = "SCOPE", value_parser = Scope::parse)]
    pub scope: Option<Scope>,

    /// How it authenticates.
    #[arg(long, value_name = "METHOD", help = METHOD, value_parser = values::method())]
    pub method: Option<Method>,

    /// A redirect URI; may be repeated.
    #[arg(long, value_name = "URI")]
    pub redirect_uri: Vec<String>,

    /// All its metadata as a JSON object (RFC 7591), from a file, or `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "scope", "method", "redirect_uri"])]
    pub metadata: Option<PathBuf>,

    /// How long its secret is good, in seconds; 0 is for ever.
    #[arg(long, value_name = "TIME", help = SECRET_EXPIRES_IN, value_parser = values::seconds)]
    pub secret_expires_in: Option<u32>,

    /// The server's issuer.
    #[arg(long, value_name = "URL", help = ISSUER, value_parser = Issuer::parse)]
    pub issuer: Option<Issuer>,

    /// One JSON object, the client information response of RFC 7591.
    #[arg(long)]
    pub json: bool,
}

/// Which client is removed.
#[derive(Args, Debug, PartialEq)]
pub struct DeleteArguments {
    /// Which client.
    #[command(flatten)]
    pub client: ClientArgument,

    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
}

/// Which client gets a new secret, and how the old one ends.
#[derive(Args, Debug, PartialEq)]
pub struct RotateArguments {
    /// Which client.
    #[command(flatten)]
    pub client: ClientArgument,

    /// How long the old secret stays good beside the new one, in seconds.
    #[arg(long, value_name = "TIME", help = OVERLAP, value_parser = values::seconds)]
    pub overlap: Option<u32>,

    /// How long the new secret is good, in seconds; 0 is for ever.
    #[arg(long, value_name = "TIME", help = SECRET_EXPIRES_IN, value_parser = values::seconds)]
    pub secret_expires_in: Option<u32>,

    /// Do not ask for confirmation where the previous secret is still valid: it is revoked.
    #[arg(long, short)]
    pub yes: bool,

    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

// The help of options whose default is said in the words of the shell.

const METHOD: &str = "How it authenticates (`token_endpoint_auth_method`) [default: client_secret_basic]";
const SECRET_EXPIRES_IN: &str =
    "How long the new secret is good, as in 90d; 0 is for ever [default: CLIENT_SECRET_TTL, or 0]";
const OVERLAP: &str =
    "How long the old secret stays good beside the new one, as in 12h [default: CLIENT_SECRET_OVERLAP, or 1d]";
const ISSUER: &str = "The server's issuer, to which `registration_client_uri` leads [default: ISSUER]";

// The help, broken for a terminal of 80 columns.

pub(super) const ABOUT: &str = "Manage clients: list, make, disable, remove them, renew their secrets";

pub(super) const LONG: &str = "\
Manage clients, in the local data or in the table of a deployed server.

Without --table it is the folder of --data, whether `tokenmint serve` (or `aws`) runs on it
or not. With --table it is a table in the account that AWS's own settings lead to:
AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB and the others (after `aws sso login`,
run `eval \"$(aws configure export-credentials --format env)\"`). The operator needs
dynamodb:Scan (list), GetItem (show, delete, rotate-secret), PutItem (create), UpdateItem
(disable, enable, rotate-secret) and DeleteItem (delete) on it.";

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenmint client create --name 'Nightly billing' --scope 'invoices.read invoices.write'
  tokenmint client list
  tokenmint client rotate-secret 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55 --overlap 7d
  AWS_PROFILE=production tokenmint client --table tokenmint-clients list --json";

const LIST: &str = "\
The order means nothing. STATE is `active`, `disabled`, or `expires` with the time at which
a client goes that never asked for a token (UNUSED_CLIENT_TTL). With --json each client is
an object with its members of RFC 7591 and:
  disabled                           whether an operator has disabled it
  expires_at                         when it goes if it asks for no token, in epoch seconds
  previous_client_secret_expires_at  when the secret before the current one ends

Examples:
  tokenmint client list | grep disabled
  tokenmint client list --json | jq -r 'select(.scope == null) | .client_id'";

const CREATE: &str = "\
The same rules as for registration hold, with two differences: the client may have any
scope that is named here, also one that open registration does not offer, and it stays even
if it never asks for a token.

The secret and the registration access token are printed once. The server keeps only their
hashes: what is lost is made anew (`tokenmint client rotate-secret`), never found again.

Examples:
  tokenmint client create --name 'Nightly billing' --scope invoices.read
  tokenmint client create --metadata client.json --json > credentials.json";

const DISABLE: &str = "\
The client gets no more tokens, and cannot read or change its registration. Access tokens
it has already are good until they expire. `tokenmint client enable` undoes it.";

const ROTATE: &str = "\
The current secret stays valid for the overlap, then expires. At most two secrets are valid
at any time: if the previous secret is still valid, a new one revokes it. The command then
asks for confirmation on a terminal; elsewhere it needs --yes.

Examples:
  tokenmint client rotate-secret 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55
  tokenmint client rotate-secret 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55 --overlap 0   (it leaked)";
