//! `tokenmint aws`: runs only the embedded services, and prints the environment with which functions reach them.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use tokenmint_aws::Sdk;
use tokenmint_aws::config::{Environment, SETTINGS};
use tokenmint_embedded::{Addresses, Embedded, REGION, Storage, reachable};

use crate::cli::AwsArguments;
use crate::local::Settings;
use crate::running::Running;
use crate::{Error, local, net, output, text};

pub(crate) async fn run(arguments: AwsArguments) -> Result<(), Error> {
    let _log = output::log()?;
    let settings = Settings::read(Environment::from_process(), local::ISSUER)?;
    let address = |port| SocketAddr::new(arguments.listen, port);
    let addresses = Addresses { dynamodb: address(arguments.dynamodb_port), kms: address(arguments.kms_port) };
    if !arguments.listen.is_loopback() {
        output::say(format_args!(
            "warning: anyone who can reach {} can read every client and sign with every key",
            arguments.listen
        ));
    }
    let option = |taken: SocketAddr| if taken == addresses.dynamodb { "--dynamodb-port" } else { "--kms-port" };
    let storage = arguments.storage.storage();
    let embedded = Embedded::start(storage.clone(), addresses).await.map_err(|error| Error::embedded(error, option))?;
    let served = serve(&embedded, &settings, &storage, arguments.advertise.as_deref()).await;
    embedded.stop().await;
    served
}

async fn serve(
    embedded: &Embedded,
    settings: &Settings,
    storage: &Storage,
    advertise: Option<&str>,
) -> Result<(), Error> {
    let sdk = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await;
    settings.provision(&sdk).await?;
    let _announced = Running::new(embedded, &settings.register).announce(storage)?;

    let Addresses { dynamodb, kms } = embedded.addresses();
    output::print(&exports(&url(dynamodb, advertise), &url(kms, advertise), &settings.environment))?;
    output::say(format_args!("DynamoDB listens on {dynamodb} and KMS on {kms}. Press Ctrl-C to stop both."));
    net::told_to_stop().await.map_err(Error::from)
}

/// The endpoint of a service for the functions.
fn url(address: SocketAddr, advertise: Option<&str>) -> String {
    match advertise {
        None => format!("http://{}", reachable(address)),
        Some(host) => match host.parse::<IpAddr>() {
            Ok(ip) => format!("http://{}", SocketAddr::new(ip, address.port())),
            Err(_) => format!("http://{host}:{}", address.port()),
        },
    }
}

/// The functions' environment as shell commands: the endpoints, and every setting that is given or has a default
/// here. The credentials are not checked, but the SDK requires some.
fn exports(dynamodb: &str, kms: &str, environment: &Environment) -> String {
    let aws = [
        ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
        ("AWS_ENDPOINT_URL_KMS", kms),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ];
    let settings = SETTINGS.iter().filter_map(|setting| Some((setting.name, environment.value(setting.name)?)));
    aws.into_iter().chain(settings).fold(String::new(), |mut lines, (name, value)| {
        let _ = writeln!(lines, "export {name}={}", text::quoted(value));
        lines
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_what_is_printed() {
        let environment = local::with_defaults(Environment::default().with("AUDIENCE", "it's:x"), local::ISSUER);
        assert_eq!(
            exports("http://127.0.0.1:9101", "http://127.0.0.1:9102", &environment),
            "export AWS_ENDPOINT_URL_DYNAMODB='http://127.0.0.1:9101'\n\
             export AWS_ENDPOINT_URL_KMS='http://127.0.0.1:9102'\n\
             export AWS_REGION='us-east-1'\n\
             export AWS_ACCESS_KEY_ID='local'\n\
             export AWS_SECRET_ACCESS_KEY='local'\n\
             export ISSUER='http://127.0.0.1:9000'\n\
             export CLIENTS_TABLE='tokenmint-clients'\n\
             export REGISTRATIONS_TABLE='tokenmint-registrations'\n\
             export SIGNING_MODE='kms'\n\
             export SIGNING_KEYS='alias/tokenmint-signing'\n\
             export TOKENS_TABLE='tokenmint-tokens'\n\
             export SCOPES='client-scope'\n\
             export AUDIENCE='it'\\''s:x'\n\
             export REGISTRATION='open'\n\
             export REGISTRATION_RATE='0'\n\
             export REGISTRATION_RATE_TOTAL='0'\n"
        );
    }

    /// K2: sealed keys need other settings; the settings of KMS keys are absent.
    #[test]
    fn k2_sealed_keys_have_their_settings() {
        let environment = local::with_defaults(Environment::default().with("SIGNING_MODE", "sealed"), local::ISSUER);
        let lines = exports("", "", &environment);
        for line in ["SIGNING_MODE='sealed'", "SEALING_KEY='alias/tokenmint-sealing'", "KEYS_TABLE='tokenmint-keys'"] {
            assert!(lines.contains(&format!("export {line}\n")), "{lines}");
        }
        assert!(!lines.contains("SIGNING_KEYS"), "{lines}");
    }

    #[test]
    fn the_services_are_found_by_the_host_that_is_advertised() {
        for (address, advertise, expected) in [
            ("127.0.0.1:9101", None, "http://127.0.0.1:9101"),
            ("0.0.0.0:9101", None, "http://127.0.0.1:9101"),
            ("0.0.0.0:9101", Some("172.17.0.1"), "http://172.17.0.1:9101"),
            ("0.0.0.0:9101", Some("host.docker.internal"), "http://host.docker.internal:9101"),
            ("[::]:9101", Some("fd00::1"), "http://[fd00::1]:9101"),
        ] {
            assert_eq!(url(address.parse().expect("an address"), advertise), expected);
        }
    }
}
