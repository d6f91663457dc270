//! The API on a developer's machine: plain HTTP on loopback, against `cargo run` of Tokenmint.

use std::sync::Arc;

use lambda_runtime::Error;
use protected_api::{Gate, http, now};
use tokio::net::TcpListener;

/// What is not set in the environment: Tokenmint as `cargo run` starts it, and the address of this server.
const DEFAULTS: [(&str, &str); 4] = [
    ("LISTEN", "127.0.0.1:9100"),
    ("ISSUER", "http://127.0.0.1:9000"),
    ("AUDIENCE", "http://127.0.0.1:9000"),
    ("ROUTES", r#"{"GET /items": "read", "GET /items/{id}": "read", "POST /items": "write"}"#),
];

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().init();
    let default = |name: &str| DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let value = |name: &str| std::env::var(name).ok().or_else(|| default(name));

    let listener = TcpListener::bind(value("LISTEN").unwrap_or_default()).await?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(format!("LISTEN must be a loopback address, not {address}: tokens need TLS").into());
    }
    let origins = format!("http://{address},http://localhost:{}", address.port());
    let gate = Gate::from_environment(|name| value(name).or_else(|| (name == "ORIGINS").then(|| origins.clone())))?;
    tracing::info!("listening on http://{address}");
    axum::serve(listener, http::routes(Arc::new(gate), now)).await?;
    Ok(())
}
