//! The command line.

mod client;
mod place;
mod registration_token;
mod values;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use tokenmint_embedded::Storage;

pub use self::client::{
    ClientArgument, ClientArguments, ClientCommand, CreateArguments, DeleteArguments, ListArguments, RotateArguments,
    ShowArguments,
};
pub use self::place::{ClientsPlace, Holds, Place, Table, TokensPlace};
pub use self::registration_token::{
    CreateTokenArguments, ListTokensArguments, RevokeArguments, TokenArguments, TokenCommand,
};

/// An OAuth 2.0 authorization server for machines, on your own machine.
#[derive(Debug, Parser)]
#[command(version, long_about = ABOUT, after_help = ENVIRONMENT, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArguments,
}

impl Cli {
    /// What is asked for: `serve` when no command is named.
    pub fn command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

/// What the program can do.
#[derive(Debug, PartialEq, Subcommand)]
pub enum Command {
    /// Run the server: both functions on one port, with DynamoDB and KMS inside the process.
    #[command(about = SERVE, long_about = SERVE_LONG)]
    Serve(ServeArguments),

    /// Run only the embedded DynamoDB and KMS, for functions that run elsewhere.
    #[command(about = AWS, long_about = AWS_LONG)]
    Aws(AwsArguments),

    /// Manage clients.
    #[command(about = client::ABOUT, long_about = client::LONG, after_help = client::EXAMPLES)]
    Client(ClientArguments),

    /// Manage initial access tokens.
    #[command(
        about = registration_token::ABOUT,
        long_about = registration_token::LONG,
        after_help = registration_token::EXAMPLES
    )]
    RegistrationToken(TokenArguments),
}

/// Where `serve` listens, and what it keeps.
#[derive(Args, Debug, PartialEq)]
pub struct ServeArguments {
    /// The address to listen on, over plain HTTP; port 0 is any free port.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::new(LOOPBACK, 9000))]
    pub listen: SocketAddr,

    /// What is kept.
    #[command(flatten)]
    pub storage: StorageArguments,
}

/// Where `aws` listens, and what it keeps.
#[derive(Args, Debug, PartialEq)]
pub struct AwsArguments {
    /// The address that both services listen on.
    #[arg(long, value_name = "ADDRESS", default_value_t = LOOPBACK)]
    pub listen: IpAddr,

    /// DynamoDB's port; 0 is any free port.
    #[arg(long, value_name = "PORT", default_value_t = 9101)]
    pub dynamodb_port: u16,

    /// KMS's port; 0 is any free port.
    #[arg(long, value_name = "PORT", default_value_t = 9102)]
    pub kms_port: u16,

    /// The host by which the functions reach the services, such as 172.17.0.1 from a container.
    #[arg(long, value_name = "HOST")]
    pub advertise: Option<String>,

    /// What is kept.
    #[command(flatten)]
    pub storage: StorageArguments,
}

/// What is kept, and where.
#[derive(Args, Debug, PartialEq)]
pub struct StorageArguments {
    /// The folder that keeps clients and keys, made where it is missing.
    #[arg(long, value_name = "FOLDER", default_value = ".tokenmint", conflicts_with = "memory")]
    pub data: PathBuf,

    /// Keep nothing: clients and keys end with the process.
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

const ABOUT: &str = "\
An OAuth 2.0 authorization server for machines, on your own machine: clients register
themselves, and get access tokens with their own credentials. Without a command it serves.
The commands `client` and `registration-token` manage what a server, this one or a deployed
one, has stored.";

const ENVIRONMENT: &str = "\
Environment:
  RUST_LOG  what is logged to standard error: error, warn, info, debug or trace
            [default: info; error for `client` and `registration-token`]

Exit status: 0 done, 1 not done, with the reason on standard error, 2 wrong usage.";

const SERVE: &str = "Run the server: both functions on one port, with DynamoDB and KMS inside the process";

const SERVE_LONG: &str = "\
Run the server: both functions on one port, with DynamoDB and KMS inside the process.

It needs no AWS account and no network. The settings of the deployed functions (ISSUER,
SCOPES, AUDIENCE, ACCESS_TOKEN_TTL and the others) are read from the environment, with
defaults that work on one machine. Endpoints and credentials of AWS are not used.

`tokenmint client` and `tokenmint registration-token` work on the same folder while it runs.
The folder of --data holds private keys in clear: it is for keys that nobody relies on.";

const AWS: &str = "Run only the embedded DynamoDB and KMS, for functions that run elsewhere";

const AWS_LONG: &str = "\
Run only the embedded DynamoDB and KMS, for functions that run elsewhere: under cargo
lambda, under sam local.

The table of clients and the signing key are made at the first start. Once both services
answer, the environment of the functions is written to standard output:

    tokenmint aws | tee local.env     in one terminal
    . ./local.env                     in another

Whoever reaches the ports can read every client and sign with every key.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;
    use tokenmint_oauth::scope::Scope;

    use super::*;

    fn parse(line: &str) -> Result<Command, ErrorKind> {
        let parsed = Cli::try_parse_from(line.split(' '));
        parsed.map(Cli::command).map_err(|error| error.kind())
    }

    fn serve(line: &str) -> ServeArguments {
        match parse(line) {
            Ok(Command::Serve(arguments)) => arguments,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        <Cli as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn no_command_serves() {
        assert_eq!(serve("tokenmint"), serve("tokenmint serve"));
        assert_eq!(
            serve("tokenmint --listen 127.0.0.1:1 --memory"),
            serve("tokenmint serve --listen 127.0.0.1:1 --memory")
        );
        assert_eq!(serve("tokenmint").listen.to_string(), "127.0.0.1:9000");
    }

    #[test]
    fn clients_and_keys_are_kept_unless_told_otherwise() {
        assert!(
            matches!(serve("tokenmint").storage.storage(), Storage::Folder(folder) if folder.ends_with(".tokenmint"))
        );
        assert!(
            matches!(serve("tokenmint --data d").storage.storage(), Storage::Folder(folder) if folder.ends_with("d"))
        );
        assert!(matches!(serve("tokenmint --memory").storage.storage(), Storage::Memory));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(parse("tokenmint serve --memory --data d"), Err(ErrorKind::ArgumentConflict));
        assert_eq!(parse("tokenmint aws --memory --data d"), Err(ErrorKind::ArgumentConflict));
        assert_eq!(parse("tokenmint --memory aws"), Err(ErrorKind::ArgumentConflict));
        assert_eq!(parse("tokenmint --listen localhost"), Err(ErrorKind::ValueValidation));
        assert_eq!(parse("tokenmint aws --kms-port 70000"), Err(ErrorKind::ValueValidation));
    }

    #[test]
    fn aws_has_fixed_ports() {
        let Ok(Command::Aws(arguments)) = parse("tokenmint aws --advertise 172.17.0.1") else { panic!("parses") };
        assert_eq!((arguments.listen, arguments.dynamodb_port, arguments.kms_port), (LOOPBACK, 9101, 9102));
        assert_eq!(arguments.advertise.as_deref(), Some("172.17.0.1"));
    }

    fn client(line: &str) -> ClientArguments {
        match parse(line) {
            Ok(Command::Client(arguments)) => arguments,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn a_place_is_named_before_or_after_the_command() {
        let place = |line| client(line).place.place().map_err(|error| error.status());
        let folder = |folder: &str| Ok(Place::Folder(folder.into()));
        assert_eq!(place("tokenmint client list"), folder(".tokenmint"));
        assert_eq!(place("tokenmint client --data d list"), folder("d"));
        assert_eq!(place("tokenmint client list --data d"), folder("d"));
        for line in ["tokenmint client --table t-1 list", "tokenmint client list --table t-1"] {
            let table = Table { name: "t-1".to_owned(), holds: Holds::Clients };
            assert_eq!(place(line), Ok(Place::Table(table)), "{line}");
        }
        for line in ["tokenmint client --data d list --table t-1", "tokenmint client list --table t-1 --data d"] {
            assert_eq!(place(line), Err(2), "{line}");
        }
    }

    #[test]
    fn what_is_not_said_is_left_to_the_settings() {
        let ClientCommand::Create(create) = client("tokenmint client create").command else { panic!("create") };
        assert_eq!((create.scope, create.method, create.secret_expires_in, create.issuer), (None, None, None, None));
        let ClientCommand::RotateSecret(rotate) =
            client("tokenmint client rotate-secret 1 --overlap 2h --secret-expires-in 0").command
        else {
            panic!("rotate-secret")
        };
        assert_eq!((rotate.client.id.as_str(), rotate.overlap, rotate.secret_expires_in), ("1", Some(7200), Some(0)));
        let ClientCommand::List(list) = client("tokenmint client list").command else { panic!("list") };
        assert_eq!((list.limit, list.json), (100, false));
    }

    #[test]
    fn a_registration_token_needs_its_bounds() {
        let line = "tokenmint registration-token create --uses 2 --expires-in 1h --scope a --registrations-table t-1";
        let Ok(Command::RegistrationToken(TokenArguments { place, command: TokenCommand::Create(create) })) =
            parse(line)
        else {
            panic!("create")
        };
        let table = Table { name: "t-1".to_owned(), holds: Holds::Registrations };
        assert_eq!(place.place().ok(), Some(Place::Table(table)));
        assert_eq!((create.uses, create.expires_in, create.name.as_str()), (2, 3600, ""));
        assert_eq!(create.scope.as_ref().map(Scope::as_str), Some("a"));
        for missing in ["--uses 2", "--expires-in 1h"] {
            assert_eq!(parse(&line.replace(missing, "--json")), Err(ErrorKind::MissingRequiredArgument), "{missing}");
        }
    }
}
