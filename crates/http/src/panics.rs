//! Panics: mistakes in this program that a request runs into.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::pin::pin;
use std::task::Poll;

thread_local! {
    /// Whether this thread is working on a request.
    static IN_REQUEST: Cell<bool> = const { Cell::new(false) };
    /// Where the request panicked.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// From now on a panic is logged by its place in the source: by the line of its request, or by one of its own where
/// it belongs to none. Its message is not: it may quote what a client sent.
pub fn log_panics() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        // A thread that ends has no variables any more.
        if IN_REQUEST.try_with(Cell::get).unwrap_or(false) {
            let _ = PLACE.try_with(|kept| kept.set(place));
        } else {
            tracing::error!(cause = %Panic { place }, "panic");
        }
    }));
}

/// A request panicked.
#[derive(Debug)]
pub(crate) struct Panic {
    place: Option<String>,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "panicked at {place}"),
            None => f.write_str("panicked"),
        }
    }
}

/// Works on a request until it is done or panics.
pub(crate) async fn catch<T>(request: impl Future<Output = T>) -> Result<T, Panic> {
    let mut request = pin!(request);
    poll_fn(|context| {
        IN_REQUEST.set(true);
        // The request is not polled again, and what it shares with others holds no lock that poisons for good.
        let polled = catch_unwind(AssertUnwindSafe(|| request.as_mut().poll(context)));
        IN_REQUEST.set(false);
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(_) => Poll::Ready(Err(Panic { place: PLACE.take() })),
        }
    })
    .await
}
