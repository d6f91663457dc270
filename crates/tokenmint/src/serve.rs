//! `tokenmint serve`: both functions on one port, over the embedded services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use register::Register;
use token::Token;
use tokenmint_aws::Sdk;
use tokenmint_aws::config::Environment;
use tokenmint_embedded::{Addresses, Embedded, reachable};
use tokenmint_function::Clock;

use crate::banner::{self, Sample};
use crate::cli::ServeArguments;
use crate::local::Settings;
use crate::running::Running;
use crate::{Error, docs, net, output};

pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Error> {
    let _log = output::log()?;
    tokenmint_function::log_panics();
    let (listener, address) =
        net::bind(arguments.listen).await.map_err(|error| Error::embedded(error, |_| "--listen"))?;
    if !address.ip().is_loopback() {
        output::say(format_args!(
            "warning: other machines can reach {address}, over plain HTTP; this server is for local use only"
        ));
    }
    // Before anything is started, so that invalid settings leave no files on disk.
    let settings = Settings::read(Environment::from_process(), &issuer(address))?;
    let storage = arguments.storage.storage();
    // The services use free ports, so their errors never concern a port that the operator chose.
    let embedded = Embedded::start(storage.clone(), Addresses::any())
        .await
        .map_err(|error| Error::embedded(error, |_| "--listen"))?;
    let served = async {
        let sample = Sample {
            url: format!("http://{}", reachable(address)),
            dynamodb_url: embedded.dynamodb_url(),
            program: banner::program(),
            storage: storage.clone(),
            register: settings.register.clone(),
            grant_policy: settings.token.grant_policy,
        };
        let running = Running::new(&embedded, &settings.register);
        let routes = routes(&embedded, settings).await?;
        let _announced = running.announce(&storage)?;
        // The server does not depend on the banner being read.
        let _ = output::print(&sample.banner());
        net::serve(listener, routes).await.map_err(Error::from)
    }
    .await;
    embedded.stop().await;
    served
}

/// Both functions as deployed, and the page about them; only the connection to the services and the defaults of the settings differ.
async fn routes(embedded: &Embedded, settings: Settings) -> Result<Router, Error> {
    let services = embedded.in_process();
    let sdk = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await;
    let sdk = sdk.in_process(move |target, body| services.call(target, body));
    settings.provision(&sdk).await?;
    let Settings { register, token, .. } = settings;
    let token = Token::start(token, &sdk, Clock::System).await.map_err(|error| Error::Start(error.into()))?;
    let register = Register::new(register, &sdk, Clock::System).seen_by(token.known_clients());
    let routes = register::routes(Arc::new(register)).merge(token::routes(Arc::new(token)));
    let routes = routes.merge(docs::routes());
    Ok(tokenmint_function::shell(routes))
}

/// The default issuer. Plain HTTP is allowed only for loopback addresses (RFC 8414 §2 requires https). A server that
/// listens elsewhere still uses the loopback address as its issuer, unless ISSUER is set.
fn issuer(address: SocketAddr) -> String {
    let ip = match address.ip() {
        ip if ip.is_loopback() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_is_a_loopback_address() {
        for (address, expected) in [
            ("127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("127.0.0.2:80", "http://127.0.0.2:80"),
            ("0.0.0.0:9000", "http://127.0.0.1:9000"),
            ("192.0.2.7:9000", "http://127.0.0.1:9000"),
            ("[::]:9000", "http://[::1]:9000"),
        ] {
            assert_eq!(issuer(address.parse().expect("an address")), expected);
        }
    }
}
