//! The Lambda function `register`: wires [`register::routes`] to the runtime.

use std::sync::Arc;

use mimalloc::MiMalloc;
use register::Register;
use tokenmint_aws::Sdk;
use tokenmint_aws::config::{Environment, RegisterConfig};
use tokenmint_function::{Clock, lambda, shell};

/// A call of the AWS SDK takes about a seventh fewer instructions with it (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<(), lambda::Error> {
    lambda::main(async {
        let config = lambda::or_exit(RegisterConfig::from_environment(&Environment::from_process()));
        let register = Register::new(config, &Sdk::in_lambda(), Clock::System);
        register.connect().await;
        shell(register::routes(Arc::new(register)))
    })
}
