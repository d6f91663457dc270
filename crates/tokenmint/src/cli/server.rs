//! `tokenmint serve` and `tokenmint aws`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use tokenmint_embedded::Storage;

use super::values;

/// Where `serve` listens, and what it keeps.
#[derive(Args, Debug, PartialEq)]
pub struct ServeArguments {
    /// The IP address and port to listen on, over plain HTTP; port 0 is any free port.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::new(LOOPBACK, 9000),
          value_parser = values::listen)]
    pub listen: SocketAddr,

    /// What is kept.
    #[command(flatten)]
    pub storage: StorageArguments,
}

/// Where `aws` listens, and what it keeps.
#[derive(Args, Debug, PartialEq)]
pub struct AwsArguments {
    /// The IP address that both services listen on.
    #[arg(long, value_name = "ADDRESS", default_value_t = LOOPBACK, value_parser = values::address)]
    pub listen: IpAddr,

    /// The port of DynamoDB; 0 is any free port.
    #[arg(long, value_name = "PORT", default_value_t = 9101, value_parser = values::port)]
    pub dynamodb_port: u16,

    /// The port of KMS; 0 is any free port.
    #[arg(long, value_name = "PORT", default_value_t = 9102, value_parser = values::port)]
    pub kms_port: u16,

    /// The host name or IP address at which the functions reach the services, for example 172.17.0.1 from a container.
    #[arg(long, value_name = "HOST", value_parser = values::host)]
    pub advertise: Option<String>,

    /// What is kept.
    #[command(flatten)]
    pub storage: StorageArguments,
}

/// What is kept, and where.
#[derive(Args, Debug, PartialEq)]
pub struct StorageArguments {
    /// The folder in which clients and keys are kept; created if it does not exist.
    #[arg(long, value_name = "FOLDER", default_value = ".tokenmint", conflicts_with = "memory")]
    pub data: PathBuf,

    /// Keep clients and keys in memory only.
    #[arg(long)]
    pub memory: bool,
}

impl StorageArguments {
    /// The same, for the embedded services.
    pub fn storage(&self) -> Storage {
        if self.memory { Storage::Memory } else { Storage::Folder(self.data.clone()) }
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

// The help, broken for a terminal of 80 columns.

pub(super) const SERVE: &str = "Run the server on this machine, with DynamoDB and KMS inside the process";

pub(super) const SERVE_LONG: &str = "\
Run the server on this machine: both functions on one port, with DynamoDB and KMS inside the
process. It needs no AWS account and no network, and ignores AWS's own variables.

The settings of the deployed functions (ISSUER, SCOPES, AUDIENCE, ACCESS_TOKEN_TTL and so on)
are read from the environment. These have defaults here:
  ISSUER         the address that the server listens on
  SCOPES         client-scope
  REGISTRATION   open, without limits
  *_TABLE        tokenmint-clients, tokenmint-registrations, tokenmint-tokens, tokenmint-keys
  SIGNING_KEYS   alias/tokenmint-signing
  SEALING_KEY    alias/tokenmint-sealing, where SIGNING_MODE is sealed

A key that SIGNING_KEYS names by an alias (alias/NAME) is created if it does not exist: an
RSA key of 2048 bits, which signs RS256 or, as alias/NAME=PS256, PS256; for alias/NAME=ES256
a P-256 key, and for alias/NAME=ES384 a P-384 key. The first key signs; all are published.

`tokenmint client` and `tokenmint registration-token` work on the same folder while the
server runs. The folder holds private keys in clear: use these keys for development only.";

pub(super) const SERVE_EXAMPLES: &str = "\
Examples:
  tokenmint serve --listen 127.0.0.1:9450
  SCOPES='read write' REGISTRATION=protected tokenmint serve
  SIGNING_KEYS=alias/tokenmint-signing=PS256 tokenmint serve
  SIGNING_KEYS=alias/new=ES256,alias/tokenmint-signing tokenmint serve
  SIGNING_MODE=sealed SIGNING_KEY_SPEC=ECC_NIST_EDWARDS25519 tokenmint serve --memory";

pub(super) const AWS: &str = "Run only the embedded DynamoDB and KMS, for functions that run elsewhere";

pub(super) const AWS_LONG: &str = "\
Run only the embedded DynamoDB and KMS, for functions that run elsewhere, such as under
`cargo lambda` or `sam local`.

Tables and keys are created if they do not exist. Once both services are ready, the
environment of the functions is printed: the endpoints, and the settings as `tokenmint serve`
would use them (see `tokenmint serve --help`), whether they come from this environment or are
defaults.

Anyone who can reach the ports can read every client and sign with every key.";

pub(super) const AWS_EXAMPLES: &str = "\
Example: the services in one terminal, the environment for the functions in another.
  tokenmint aws | tee local.env
  . ./local.env

Example: with sealed keys.
  SIGNING_MODE=sealed tokenmint aws | tee local.env";
