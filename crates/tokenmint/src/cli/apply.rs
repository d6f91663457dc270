//! `tokenmint apply`.

use std::path::PathBuf;

use clap::Args;

use super::target::ClientsTarget;

/// Which list is applied, and how.
#[derive(Args, Debug, PartialEq)]
pub struct ApplyArguments {
    /// Where the clients are.
    #[command(flatten)]
    pub target: ClientsTarget,

    /// The list of clients, in YAML or JSON; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Show what would change, and change nothing. The exit status is 3 if there are changes.
    #[arg(long, conflicts_with_all = ["yes", "secrets_file"])]
    pub plan: bool,

    /// Do not ask for confirmation.
    #[arg(long, short)]
    pub yes: bool,

    /// Write new secrets to this new file, readable only by its owner; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub secrets_file: Option<PathBuf>,
}

// The help, broken for a terminal of 80 columns.

pub(super) const ABOUT: &str = "Make the clients what a file says: create, change and disable them";

pub(super) const LONG: &str = "\
Make the clients what a file says: create, change and disable them.

The file is a list of clients with an owner:

  owner: payments
  clients:
    - name: nightly-billing
      scope: invoices.read invoices.write
    - name: reports
      token_endpoint_auth_method: private_key_jwt
      jwks_uri: https://reports.example.com/jwks.json
      disabled: true

`owner` and `name` together are the client: each list has its own owner, and a client keeps
its `client_id` as long as it keeps its name. The other members are those of registration,
with the rules of `tokenmint client create`, and:
  client_id  the identifier of a new client [default: a UUID made of owner and name]
  disabled   true or false; without it, a disabled client stays disabled: write
             `disabled: false` to enable it

A client of this owner that the file no longer lists is disabled, and enabled again when it
is listed again, unless you have disabled it with `tokenmint client disable`. It is never
deleted: use `tokenmint client delete`. Clients that registered themselves, that `tokenmint
client create` made, or that have another owner are not touched.

The whole file is checked first, then the changes are shown, and confirmation is asked for,
except with --yes. Each change is one transaction, which fails if someone else has changed
the client since it was read: run the command again then.

With --table, the command needs the IAM actions dynamodb:Scan, GetItem, PutItem and
UpdateItem on the table.";

pub(super) const EXAMPLES: &str = "\
Secrets cannot be in the file. A new client whose method needs a secret gets one, which is
shown once: on a terminal, or as a line of JSON in --secrets-file. If the output is not a
terminal, --secrets-file is required. The clients have no registration access token.

Exit status: 0 nothing (more) to change; 1 failure; 2 wrong usage; 3 --plan found changes.

Examples:
  printf '{owner: payments, clients: [{name: billing, scope: invoices.read}]}' > clients.yaml
  tokenmint apply clients.yaml --plan || [ $? -eq 3 ]
  tokenmint apply clients.yaml --yes --secrets-file secrets.json
  AWS_PROFILE=production tokenmint apply clients.yaml --table tokenmint-clients --plan";
