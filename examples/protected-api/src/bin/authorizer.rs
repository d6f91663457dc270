//! The Lambda authorizer.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use protected_api::{Gate, authorizer, now};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().with_ansi(false).without_time().init();
    let gate = Arc::new(Gate::from_environment(|name| std::env::var(name).ok())?);
    let answer = |event: LambdaEvent<Value>| {
        let gate = gate.clone();
        async move { authorizer::answer(&gate, &event.payload, now()).await.map_err(Error::from) }
    };
    lambda_runtime::run(service_fn(answer)).await
}
