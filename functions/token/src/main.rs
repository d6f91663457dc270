//! The Lambda function `token`: wires [`token::routes`] to the runtime.

use std::sync::Arc;

use mimalloc::MiMalloc;
use token::Token;
use tokenmint_aws::Sdk;
use tokenmint_aws::config::{Environment, TokenConfig};
use tokenmint_function::{Clock, lambda, shell};

/// A call of the AWS SDK takes about a seventh fewer instructions with it (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<(), lambda::Error> {
    lambda::main(async {
        let config = lambda::or_exit(TokenConfig::from_environment(&Environment::from_process()));
        let token = lambda::or_exit(Token::start(config, &Sdk::in_lambda(), Clock::System).await);
        token.connect().await;
        shell(token::routes(Arc::new(token)))
    })
}
