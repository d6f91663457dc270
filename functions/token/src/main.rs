//! The Lambda function `token`: wires [`token::routes`] to the runtime.

use std::sync::Arc;

use token::Token;
use tokenmint_aws::Sdk;
use tokenmint_aws::config::{Environment, TokenConfig};
use tokenmint_function::{Clock, lambda, shell};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    lambda::init();
    let config = lambda::or_exit(TokenConfig::from_environment(&Environment::from_process()));
    let token = lambda::or_exit(Token::start(config, &Sdk::load().await, Clock::System).await);
    lambda::run(shell(token::routes(Arc::new(token)))).await
}
