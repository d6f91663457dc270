//! The Lambda function `register`: wires [`register::routes`] to the runtime.

use std::sync::Arc;

use register::Register;
use tokenmint_aws::Sdk;
use tokenmint_aws::config::{Environment, RegisterConfig};
use tokenmint_function::{Clock, lambda, shell};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    lambda::init();
    let config = lambda::or_exit(RegisterConfig::from_environment(&Environment::from_process()));
    let register = Register::new(config, &Sdk::load().await, Clock::System);
    lambda::run(shell(register::routes(Arc::new(register)))).await
}
