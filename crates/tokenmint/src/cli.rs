//! The command line.

mod apply;
mod client;
mod policy;
mod registration_token;
mod server;
mod target;
mod transfer;
mod trust;
mod values;
mod which;

use clap::{Parser, Subcommand};

pub use self::apply::ApplyArguments;
pub use self::client::{
    ClientArguments, ClientCommand, CreateArguments, DeleteArguments, ListArguments, RotateArguments, ShowArguments,
};
pub use self::policy::{Part, PolicyArguments, SetPolicyArguments};
pub use self::registration_token::{
    CreateTokenArguments, ListTokensArguments, RevokeArguments, TokenArguments, TokenCommand,
};
pub use self::server::{AwsArguments, ServeArguments, StorageArguments};
pub use self::target::{ClientsTarget, Holds, Table, Target, TokensTarget};
pub use self::transfer::{ExportArguments, ImportArguments};
pub use self::trust::{
    AwsRoleArguments, CheckArguments, EksArguments, GithubArguments, SpiffeArguments, SubjectArguments, TrustArguments,
    TrustCommand, Trusting,
};
pub use self::which::ClientArgument;

/// An OAuth 2.0 authorization server for machines.
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
    /// Run the server on this machine.
    #[command(about = server::SERVE, long_about = server::SERVE_LONG, after_help = server::SERVE_EXAMPLES)]
    Serve(ServeArguments),

    /// Run only the embedded DynamoDB and KMS.
    #[command(about = server::AWS, long_about = server::AWS_LONG, after_help = server::AWS_EXAMPLES)]
    Aws(AwsArguments),

    /// Manage clients.
    #[command(about = client::ABOUT, long_about = client::LONG, after_help = client::EXAMPLES)]
    Client(ClientArguments),

    /// Make the clients what a file says.
    #[command(about = apply::ABOUT, long_about = apply::LONG, after_help = apply::EXAMPLES)]
    Apply(ApplyArguments),

    /// Manage initial access tokens.
    #[command(
        about = registration_token::ABOUT,
        long_about = registration_token::LONG,
        after_help = registration_token::EXAMPLES
    )]
    RegistrationToken(TokenArguments),
}

// The help, broken for a terminal of 80 columns.

const ABOUT: &str = "\
An OAuth 2.0 authorization server for machines. Clients register themselves and get access
tokens with their own credentials. Without a command, tokenmint runs the server on this
machine (`serve`). The commands `client`, `apply` and `registration-token` manage the clients
and the initial access tokens of this server or of a deployed one.";

const ENVIRONMENT: &str = "\
Environment:
  RUST_LOG  the log level on standard error: error, warn, info, debug or trace
            [default: info; error for `client`, `apply` and `registration-token`]

Exit status: 0 success; 1 failure, with the reason on standard error; 2 wrong usage;
3 `--plan` found changes.

Examples:
  tokenmint
  tokenmint --listen 127.0.0.1:9450 --memory";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;
    use tokenmint_embedded::Storage;
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

    /// An error about an invalid value shows a valid one.
    #[test]
    fn a_wrong_value_gets_an_example() {
        for (line, example) in [
            ("serve --listen 9450", "--listen 127.0.0.1:9450"),
            ("--listen localhost:9450", "--listen 127.0.0.1:9450"),
            ("serve --listen 127.0.0.1", "--listen 127.0.0.1:9450"),
            ("aws --listen 127.0.0.1:9101", "--listen 127.0.0.1"),
            ("aws --dynamodb-port x", "9101"),
            ("aws --kms-port 70000", "9101"),
            ("aws --advertise http://172.17.0.1", "--advertise 172.17.0.1"),
            ("client list --limit 0", "--limit 100"),
            ("client list --table x!", "tokenmint-clients"),
            ("client show é", "3e7f1cbb-52a4-4a5c-9d0e-0f5a2f7f9f55"),
            ("client create --scope a,\"b", "--scope 'read write'"),
            ("client create --issuer as.example.com", "--issuer https://as.example.com"),
            ("client create --issuer https://as.example.com/", "--issuer https://as.example.com"),
            ("client create --secret-expires-in never", "30m, 12h or 7d"),
            ("client rotate-secret 1 --overlap 1w", "30m, 12h or 7d"),
            ("registration-token create --uses 0 --expires-in 1d", "--uses 10"),
            ("registration-token create --uses 1 --expires-in 0", "7d"),
            ("registration-token create --uses 1 --expires-in 1d --scope \\", "--scope 'read write'"),
        ] {
            let words = std::iter::once("tokenmint").chain(line.split(' '));
            let said = Cli::try_parse_from(words).expect_err(line).to_string();
            let (_, after) = said.split_once("for example ").unwrap_or_else(|| panic!("{line}: {said}"));
            assert!(after.starts_with(example), "{line}: {said}");
        }
        let said = Cli::try_parse_from(["tokenmint", "client", "create", "--method", "none"]).expect_err("no method");
        assert!(said.to_string().contains("client_secret_basic, client_secret_post, private_key_jwt"), "{said}");
    }

    #[test]
    fn aws_has_fixed_ports() {
        let Ok(Command::Aws(arguments)) = parse("tokenmint aws --advertise 172.17.0.1") else { panic!("parses") };
        assert_eq!((arguments.listen.to_string().as_str(), arguments.dynamodb_port), ("127.0.0.1", 9101));
        assert_eq!(arguments.kms_port, 9102);
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
        let target = |line| client(line).target.target().map_err(|error| error.status());
        let folder = |folder: &str| Ok(Target::Folder(folder.into()));
        assert_eq!(target("tokenmint client list"), folder(".tokenmint"));
        assert_eq!(target("tokenmint client --data d list"), folder("d"));
        assert_eq!(target("tokenmint client list --data d"), folder("d"));
        for line in ["tokenmint client --table t-1 list", "tokenmint client list --table t-1"] {
            let table = Table { name: "t-1".to_owned(), holds: Holds::Clients };
            assert_eq!(target(line), Ok(Target::Table(table)), "{line}");
        }
        for line in ["tokenmint client --data d list --table t-1", "tokenmint client list --table t-1 --data d"] {
            assert_eq!(target(line), Err(2), "{line}");
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
        let Ok(Command::RegistrationToken(TokenArguments { target, command: TokenCommand::Create(create) })) =
            parse(line)
        else {
            panic!("create")
        };
        let table = Table { name: "t-1".to_owned(), holds: Holds::Registrations };
        assert_eq!(target.target().ok(), Some(Target::Table(table)));
        assert_eq!((create.uses, create.expires_in, create.name.as_str()), (2, 3600, ""));
        assert_eq!(create.scope.as_ref().map(Scope::as_str), Some("a"));
        for missing in ["--uses 2", "--expires-in 1h"] {
            assert_eq!(parse(&line.replace(missing, "--json")), Err(ErrorKind::MissingRequiredArgument), "{missing}");
        }
    }
}
