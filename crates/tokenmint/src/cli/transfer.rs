//! `tokenmint client export` and `tokenmint client import`.

use std::path::PathBuf;

use clap::Args;

/// Where clients are exported to, and what of them.
#[derive(Args, Debug, PartialEq)]
pub struct ExportArguments {
    /// The new file, readable only by its owner [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Also export the hashes of secrets and registration access tokens, so that they stay valid elsewhere.
    #[arg(long)]
    pub with_secret_hashes: bool,
}

/// Which clients are imported, and how.
#[derive(Args, Debug, PartialEq)]
pub struct ImportArguments {
    /// The file, one JSON object per line [default: standard input].
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Show what would be done, and change nothing. The exit status is 3 if there are changes.
    #[arg(long)]
    pub plan: bool,

    /// Replace clients that exist and differ.
    #[arg(long)]
    pub replace: bool,
}

pub(super) const EXPORT: &str = "\
Each line is a JSON object: the metadata of RFC 7591, `client_id`, `client_id_issued_at`, and
  disabled        whether an operator has disabled the client
  expires_at      when it expires, unless it gets a token before; false if it does not
  scope_ceiling   the widest scope that it may register; false if it registered openly
  managed_by      the owner and name in the list of `tokenmint apply`; false if it has none
With --with-secret-hashes also
  client_secrets_sha256             the hashes of its secrets, each with its expiry
  registration_access_token_sha256  the hash of its registration access token
Times are in seconds since 1970. Clients that have expired are left out.

Keep a file with hashes like a backup of the table: nobody can compute a secret of this
server from its hash, but whoever can import the file can move the clients.

Examples:
  tokenmint client export --file clients.jsonl
  tokenmint client export --with-secret-hashes |
    AWS_PROFILE=production tokenmint client import --table tokenmint-clients";

pub(super) const IMPORT: &str = "\
Each line is a JSON object as `tokenmint client export` writes it. A client of another server
keeps its `client_id`, 1 to 255 visible ASCII characters without \" and \\, and its secret:
  client_secret              at least 128 bits, for example 32 random hexadecimal digits or 22
                             random letters and digits, of which a repeated part counts as
                             one character; hashed at once
  client_secret_expires_at   when it expires [default: 0, never]
  registration_access_token  likewise, for /register/{client_id}
A client that needs a secret and has none is refused.

A client that exists stays as it is, and its line fails unless it says the same: --replace
changes it. What a line does not say (secrets, disabled, …) stays; metadata is replaced as a
whole. Of two lines with the same `client_id`, the second fails. Each client is written in one
transaction or not at all. The exit status is 1 if any line failed; the others are done.

Examples:
  echo '{\"client_id\": \"billing\", \"client_secret\": \"9f86d081884c7d659a2feaa0c55ad015\",
    \"scope\": \"invoices.read\"}' | tr -d '\\n' | tokenmint client import --replace
  tokenmint client export --with-secret-hashes > clients.jsonl
  tokenmint client import --file clients.jsonl --plan || [ $? -eq 3 ]";
