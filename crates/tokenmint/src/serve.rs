//! `tokenmint serve`: both functions on one port, over the embedded services.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use register::Register;
use token::Token;
use tokenmint_aws::Sdk;
use tokenmint_aws::config::{Environment, RegisterConfig, TokenConfig};
use tokenmint_embedded::{Addresses, Embedded, reachable};
use tokenmint_http::Clock;

use crate::banner::banner;
use crate::cli::ServeArguments;
use crate::running::Running;
use crate::{Error, local, net, output};

pub(crate) async fn run(arguments: ServeArguments) -> Result<(), Error> {
    output::log();
    tokenmint_http::log_panics();
    let (listener, address) =
        net::bind(arguments.listen).await.map_err(|error| Error::embedded(error, |_| "--listen"))?;
    if !address.ip().is_loopback() {
        output::say(format_args!(
            "warning: {address} is reachable from other machines, over plain HTTP; this is for local use"
        ));
    }
    let storage = arguments.storage.storage();
    // The services' own ports are free ones: their errors are never about a port that somebody chose.
    let embedded = Embedded::start(storage.clone(), Addresses::any())
        .await
        .map_err(|error| Error::embedded(error, |_| "--listen"))?;
    let served = async {
        let (routes, running) = routes(&embedded, &issuer(address)).await?;
        let _announced = running.announce(&storage)?;
        // Whoever does not read it needs it no more than a server that stops.
        let _ = output::print(&banner(&format!("http://{}", reachable(address)), &storage));
        net::serve(listener, routes).await.map_err(Error::from)
    }
    .await;
    embedded.stop().await;
    served
}

/// Both functions, as they are deployed: only the endpoints and the defaults of the settings are others.
async fn routes(embedded: &Embedded, issuer: &str) -> Result<(Router, Running), Error> {
    let sdk = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await;
    let signing_key = local::signing_key(&sdk).await?;
    let environment = local::with_defaults(Environment::from_process(), issuer, &signing_key);
    let register = RegisterConfig::from_environment(&environment)?;
    let token = TokenConfig::from_environment(&environment)?;
    local::tables(&sdk, &environment).await?;
    let running = Running::new(embedded, &environment);

    let register = Register::new(register, &sdk, Clock::System);
    let token = Token::start(token, &sdk, Clock::System).await.map_err(|error| Error::Start(error.into()))?;
    let routes = register::routes(Arc::new(register)).merge(token::routes(Arc::new(token)));
    Ok((tokenmint_http::shell(routes), running))
}

/// The issuer where none is set. Plain HTTP is for loopback addresses only (RFC 8414 §2 wants https): a server that
/// listens elsewhere is known by the loopback address all the same, until ISSUER says better.
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
