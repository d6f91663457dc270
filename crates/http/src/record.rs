use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Response;
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::error::ErrorCode;

use crate::answer::{self, Failure};

/// What the log shall know of one request. Collected by the endpoint, written once by the shell.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The client, as far as it is known; shown only if it is an identifier of ours.
    pub client_id: Option<ClientId>,
    /// The time spent in DynamoDB.
    pub dynamodb: Duration,
    /// The time spent in KMS.
    pub kms: Duration,
    pub(crate) error: Option<ErrorCode>,
    pub(crate) cause: Option<String>,
}

impl Record {
    /// Makes the answer, and leaves what is to be logged with it.
    pub fn answer(mut self, outcome: Result<Response<Body>, Failure>) -> Response<Body> {
        let mut response = outcome.unwrap_or_else(|failure| {
            let response = answer::error(&failure);
            self.error = Some(failure.error.code);
            self.cause = Some(failure.cause);
            response
        });
        response.extensions_mut().insert(self);
        response
    }
}

/// Adds the time that a future takes to `total`.
pub(crate) async fn timed<T>(total: &mut Duration, future: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let output = future.await;
    *total += started.elapsed();
    output
}

impl Record {
    /// Awaits a call to DynamoDB.
    pub async fn dynamodb<T>(&mut self, call: impl Future<Output = T>) -> T {
        timed(&mut self.dynamodb, call).await
    }

    /// Awaits a call to KMS.
    pub async fn kms<T>(&mut self, call: impl Future<Output = T>) -> T {
        timed(&mut self.kms, call).await
    }
}
