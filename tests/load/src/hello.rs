//! A function that only answers: the least that any function in Rust costs on Lambda. The other functions are compared
//! with it, so it is built with the same profile and runs on the same kind of runtime.

use lambda_http::{Body, Error, Request, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(hello)).await
}

async fn hello(_request: Request) -> Result<Response<Body>, Error> {
    Ok(Response::new(Body::from("Hello, world!")))
}
