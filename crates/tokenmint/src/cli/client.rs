//! `tokenmint client`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::method::Method;
use tokenmint_oauth::scope::Scope;

use super::policy::{self, PolicyArguments, SetPolicyArguments};
use super::target::ClientsTarget;
use super::transfer::{self, ExportArguments, ImportArguments};
use super::trust::{self, CheckArguments, TrustArguments};
use super::values;
use super::which::ClientArgument;

/// What to do with clients, and where they are.
#[derive(Args, Debug, PartialEq)]
pub struct ClientArguments {
    /// Where the clients are.
    #[command(flatten)]
    pub target: ClientsTarget,

    /// What to do.
    #[command(subcommand)]
    pub command: ClientCommand,
}

/// What can be done with clients.
#[derive(Debug, PartialEq, Subcommand)]
pub enum ClientCommand {
    /// List all clients.
    #[command(after_help = LIST)]
    List(ListArguments),

    /// Show a client: its metadata, its state and when its secrets expire.
    #[command(after_help = SHOW)]
    Show(ShowArguments),

    /// Create a client and print its secret once.
    #[command(after_help = CREATE)]
    Create(Box<CreateArguments>),

    /// Disable a client; its registration and its secrets are kept.
    #[command(after_help = DISABLE)]
    Disable(ClientArgument),

    /// Enable a client that was disabled.
    #[command(after_help = ENABLE)]
    Enable(ClientArgument),

    /// Delete a client permanently.
    #[command(after_help = DELETE)]
    Delete(DeleteArguments),

    /// Create a new secret for a client and print it once.
    #[command(after_help = ROTATE)]
    RotateSecret(RotateArguments),

    /// Let a workload be the client: its platform's token instead of a secret.
    #[command(after_help = trust::TRUST)]
    Trust(Box<TrustArguments>),

    /// Say what a client may get: claims, lifetime and resources of its tokens, and how many.
    #[command(after_help = policy::SET_POLICY)]
    SetPolicy(Box<SetPolicyArguments>),

    /// Check an assertion of a workload, and show which rule it violates.
    #[command(after_help = trust::CHECK)]
    CheckAssertion(CheckArguments),

    /// Write all clients as lines of JSON, to be imported elsewhere.
    #[command(after_help = transfer::EXPORT)]
    Export(ExportArguments),

    /// Take over clients from lines of JSON: of another table, or of another server.
    #[command(after_help = transfer::IMPORT)]
    Import(ImportArguments),
}

/// How clients are listed.
#[derive(Args, Debug, PartialEq)]
pub struct ListArguments {
    /// How many clients to read at a time, 1 to 1000; all clients are listed.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = values::limit)]
    pub limit: i32,

    /// Print one JSON object per line.
    #[arg(long)]
    pub json: bool,
}

/// Which client is shown, and how.
#[derive(Args, Debug, PartialEq)]
pub struct ShowArguments {
    /// Which client.
    #[command(flatten)]
    pub client: ClientArgument,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What a new client is to be.
#[derive(Args, Debug, PartialEq)]
pub struct CreateArguments {
    /// A name for people (`client_name`).
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,

    /// The scope that the client may request, separated by spaces [default: none].
    #[arg(long, value_name = "SCOPE", value_parser = values::scope)]
    pub scope: Option<Scope>,

    /// How the client authenticates.
    #[arg(long, value_name = "METHOD", help = METHOD, value_parser = values::method())]
    pub method: Option<Method>,

    /// A workload that is the client: a JSON object with `issuer`, `sub` and, if needed, `claims`; can be given more than
    /// once. The method is then `private_key_jwt`.
    #[arg(long, value_name = "JSON", help = FEDERATED, value_parser = values::json_object)]
    pub federated_credential: Vec<serde_json::Value>,

    /// A redirect URI; can be given more than once.
    #[arg(long, value_name = "URI")]
    pub redirect_uri: Vec<String>,

    /// A file with all of the client's metadata, a JSON object (RFC 7591); `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "scope", "method", "redirect_uri", "federated_credential"])]
    pub metadata: Option<PathBuf>,

    /// What the client may get.
    #[command(flatten)]
    pub policy: PolicyArguments,

    /// How long the secret is valid; 0 means that it never expires.
    #[arg(long, value_name = "TIME", help = SECRET_EXPIRES_IN, value_parser = values::seconds)]
    pub secret_expires_in: Option<u32>,

    /// The server's issuer.
    #[arg(long, value_name = "URL", help = ISSUER, value_parser = values::issuer)]
    pub issuer: Option<Issuer>,

    /// Print one JSON object, the client information response of RFC 7591.
    #[arg(long)]
    pub json: bool,
}

/// Which client is deleted.
#[derive(Args, Debug, PartialEq)]
pub struct DeleteArguments {
    /// Which client.
    #[command(flatten)]
    pub client: ClientArgument,

    /// Do not ask for confirmation.
    #[arg(long, short)]
    pub yes: bool,
}

/// Which client gets a new secret, and how the current one ends.
#[derive(Args, Debug, PartialEq)]
pub struct RotateArguments {
    /// Which client.
    #[command(flatten)]
    pub client: ClientArgument,

    /// How long the current secret stays valid beside the new one.
    #[arg(long, value_name = "TIME", help = OVERLAP, value_parser = values::seconds)]
    pub overlap: Option<u32>,

    /// How long the new secret is valid; 0 means that it never expires.
    #[arg(long, value_name = "TIME", help = SECRET_EXPIRES_IN, value_parser = values::seconds)]
    pub secret_expires_in: Option<u32>,

    /// Do not ask for confirmation where the previous secret is still valid: it is revoked.
    #[arg(long, short)]
    pub yes: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

// The help of options whose default is said in the words of the shell.

const METHOD: &str = "How the client authenticates (`token_endpoint_auth_method`) [default: client_secret_basic]";
const SECRET_EXPIRES_IN: &str =
    "How long the new secret is valid, for example 90d; 0: it never expires [default: CLIENT_SECRET_TTL, or 0]";
const FEDERATED: &str = "A workload that is the client (one of `federated_credentials`), a JSON object; can be given more \
                         than once; the method is then private_key_jwt";
const OVERLAP: &str = "How long the current secret stays valid beside the new one, for example 12h \
                       [default: CLIENT_SECRET_OVERLAP, or 1d]";
const ISSUER: &str = "The server's issuer, for `registration_client_uri` in the output [default: ISSUER]";

// The help, broken for a terminal of 80 columns.

pub(super) const ABOUT: &str = "Manage clients: list, create, disable and delete them, rotate their secrets";

pub(super) const LONG: &str = "\
Manage clients, in the local data or in the table of a deployed server.

Without --table, the commands use the local data in the folder that --data names, whether or
not `tokenmint serve` or `tokenmint aws` is running on it. `tokenmint serve` creates it.

With --table, they use a DynamoDB table in the AWS account that AWS's own variables select:
AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_DYNAMODB and so on. After `aws sso login`, run
`eval \"$(aws configure export-credentials --format env)\"`. The commands need these IAM
actions on the table: dynamodb:Scan (list, export), GetItem (show, delete, rotate-secret,
trust, set-policy, check-assertion, import), PutItem (create, import), UpdateItem (disable,
enable, rotate-secret, delete, trust, set-policy; create and import with federated
credentials; import --replace), DeleteItem (delete); for an ID that is not complete, also
GetItem and Scan.
TOKENMINT_OPERATOR names you in the audit log; the default is your user on this machine.";

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenmint client create --name 'Nightly billing' --scope 'invoices.read invoices.write'
  tokenmint client list
  tokenmint client show 3e7f1cbb
  tokenmint client rotate-secret 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55 --overlap 7d
  AWS_PROFILE=production tokenmint client --table tokenmint-clients list --json";

const LIST: &str = "\
The order is arbitrary. STATE is `active`, `disabled`, or `expires` with the time at which a
client is removed that has never requested a token (UNUSED_CLIENT_TTL). With --json, each
client is an object with its members of RFC 7591 and:
  disabled                           whether an operator has disabled it
  expires_at                         when it is removed unless it requests a token first
  previous_client_secret_expires_at  when the previous secret expires
Times are in seconds since 1970.

Examples:
  tokenmint client list | grep disabled
  tokenmint client list --json --limit 1000 > clients.json";

const SHOW: &str = "\
Examples:
  tokenmint client show 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55
  tokenmint client show 3e7f1cbb --json";

const CREATE: &str = "\
The rules of registration apply, with two exceptions: the client may have any scope that is
given here, including one that the server does not offer, and it is not removed if it never
requests a token. Without --scope it has no scope, and neither have its tokens.

The secret and the registration access token are printed once. The server stores only their
hashes. If the secret is lost, create a new one with `tokenmint client rotate-secret`.

The methods private_key_jwt and self_signed_tls_client_auth need the client's public keys
(`jwks` or `jwks_uri`), and tls_client_auth needs its subject (`tls_client_auth_subject_dn`):
give these with --metadata.

Examples:
  tokenmint client create --name 'Nightly billing' --scope invoices.read
  tokenmint client create --name Acme --scope invoices.read --claim tenant=acme --ttl 15m
  tokenmint client create --name Deployment --scope deploy --federated-credential \
    '{\"issuer\": \"https://token.actions.githubusercontent.com\",
      \"sub\": \"repo:octo-org/octo-repo:ref:refs/heads/main\"}'
  tokenmint client create --metadata client.json --json > credentials.json
  echo '{\"client_name\": \"Signer\", \"scope\": \"invoices.read\",
    \"token_endpoint_auth_method\": \"private_key_jwt\",
    \"jwks_uri\": \"https://signer.example.com/jwks.json\"}' | tokenmint client create --metadata -";

const DISABLE: &str = "\
The client can no longer read or change its registration, and gets no more tokens. Servers
keep the clients that they know: the token endpoint accepts it for at most CLIENT_CACHE_TTL
seconds more (default: 30). Access tokens that were issued before are valid until they
expire, except at resource servers that use introspection. `tokenmint client enable`
reverses this at once.

Examples:
  tokenmint client disable 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55
  tokenmint client disable 3e7f1cbb";

const ENABLE: &str = "\
Examples:
  tokenmint client enable 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55
  tokenmint client enable 3e7f1cbb";

const DELETE: &str = "\
The client, its secrets and its registration access token are gone at once. Servers keep the
clients that they know: the token endpoint accepts it for at most CLIENT_CACHE_TTL seconds
more (default: 30). Access tokens that were issued before are valid until they expire. On a
terminal the command asks for confirmation; elsewhere it needs --yes.

Example:
  tokenmint client delete 3e7f1cbb --yes";

const ROTATE: &str = "\
The current secret stays valid for the overlap, then expires. At most two secrets are valid
at any time: if the previous secret is still valid, a new one revokes it. The command then
asks for confirmation on a terminal; elsewhere it needs --yes.

The new secret works at once. Servers keep the clients that they know: the token endpoint
accepts a secret that is revoked, as with --overlap 0, for at most CLIENT_CACHE_TTL seconds
more (default: 30). Access tokens that were issued before are valid until they expire.

Examples:
  tokenmint client rotate-secret 3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55
  tokenmint client rotate-secret 3e7f1cbb --overlap 0 --yes   # the current secret has leaked";
