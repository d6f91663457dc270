//! The Lambda function of the API.

use std::convert::Infallible;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use protected_api::items;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let answer = async |event: LambdaEvent<Value>| Ok::<_, Infallible>(items::answer_event(&event.payload));
    lambda_runtime::run(service_fn(answer)).await
}
