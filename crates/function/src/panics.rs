//! Panics: bugs in this program that a request triggers.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::pin::pin;
use std::task::Poll;

// A build that aborts on a panic would end the instance where `catch` answers the request. `cargo lambda` makes such a
// build where the profile does not say otherwise.
const _: () = assert!(cfg!(panic = "unwind"), "[profile.release] must set panic = \"unwind\"");

thread_local! {
    /// Whether this thread is processing a request.
    static IN_REQUEST: Cell<bool> = const { Cell::new(false) };
    /// The source location of the panic.
    static PLACE: Cell<Option<String>> = const { Cell::new(None) };
}

/// Logs every later panic by its source location: in the log line of its request, or in a separate line outside a
/// request. The message is omitted, because it may quote client input.
pub fn log_panics() {
    set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        // Thread-local variables are no longer available on a thread that is ending.
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

/// Runs a request until it completes or panics.
pub(crate) async fn catch<T>(request: impl Future<Output = T>) -> Result<T, Panic> {
    let mut request = pin!(request);
    poll_fn(|context| {
        IN_REQUEST.set(true);
        // The request is not polled again, and none of its shared locks is poisoned permanently.
        let polled = catch_unwind(AssertUnwindSafe(|| request.as_mut().poll(context)));
        IN_REQUEST.set(false);
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(_) => Poll::Ready(Err(Panic { place: PLACE.take() })),
        }
    })
    .await
}
