//! Measures how long a request waits for DynamoDB and KMS, and counts the calls that fail.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;

tokio::task_local! {
    static CURRENT: CallTimes;
}

/// The time during which calls were in flight, retries included. Concurrent calls count once.
#[derive(Clone, Debug, Default)]
pub struct CallTimes(Arc<Mutex<Times>>);

#[derive(Debug, Default)]
struct Times {
    dynamodb: Service,
    kms: Service,
}

#[derive(Debug, Default)]
struct Service {
    calls: usize,
    since: Option<Instant>,
    total: Duration,
    /// Calls that failed, after their retries.
    errors: u32,
}

impl CallTimes {
    /// Runs a future and counts its calls here.
    pub async fn measure<T>(&self, work: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), work).await
    }

    /// Awaits a call to DynamoDB that several requests share, and counts the wait for the current one. The call itself
    /// is to be [measured](Self::measure) by nobody's times: whichever request polls it drives it.
    pub(crate) async fn wait_for_dynamodb<T>(call: impl Future<Output = T>) -> T {
        Timer::DynamoDb.count(Service::begin);
        let outcome = call.await;
        Timer::DynamoDb.count(Service::end);
        outcome
    }

    /// The time spent in DynamoDB so far.
    pub fn dynamodb(&self) -> Duration {
        self.with(|times| times.dynamodb.total())
    }

    /// The time spent in KMS so far.
    pub fn kms(&self) -> Duration {
        self.with(|times| times.kms.total())
    }

    /// The number of calls to KMS so far that failed after their retries.
    pub fn kms_errors(&self) -> u32 {
        self.with(|times| times.kms.errors)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Times) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Service {
    fn begin(&mut self) {
        self.calls += 1;
        self.since.get_or_insert_with(Instant::now);
    }

    fn end(&mut self) {
        self.calls = self.calls.saturating_sub(1);
        if self.calls == 0 {
            self.total = self.total();
            self.since = None;
        }
    }

    fn total(&self) -> Duration {
        self.total + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Measures every call of one SDK client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Timer {
    DynamoDb,
    Kms,
}

impl Timer {
    fn count(self, change: impl FnOnce(&mut Service)) {
        // Calls outside a request, for example at startup, are not measured.
        let _ = CURRENT.try_with(|times| {
            times.with(|times| {
                change(match self {
                    Self::DynamoDb => &mut times.dynamodb,
                    Self::Kms => &mut times.kms,
                });
            });
        });
    }
}

impl Intercept for Timer {
    fn name(&self) -> &'static str {
        "Timer"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.count(Service::begin);
        Ok(())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let failed = context.output_or_error().is_some_and(|outcome| outcome.is_err());
        self.count(|service| {
            service.end();
            service.errors += u32::from(failed);
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// O3: concurrent calls count once, and a call in flight counts up to now.
    #[test]
    fn o3_calls_at_the_same_time_count_once() {
        let mut service = Service::default();
        assert_eq!(service.total(), Duration::ZERO);
        service.begin();
        service.begin();
        service.end();
        assert!(service.since.is_some() && service.total() > Duration::ZERO);
        service.end();
        let total = service.total();
        assert_eq!((service.since, service.total()), (None, total));
        service.begin();
        assert!(service.total() >= total);
    }
}
