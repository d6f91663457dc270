use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use serde_json::Value;
use tokenmint_function::telemetry;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

thread_local! {
    /// The log of this thread, while it is captured.
    static WRITTEN: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Captures the log of this thread, in production format, while the value exists. Each test has one, because its
/// runtime has a single thread.
#[derive(Debug)]
pub struct Log(());

impl Log {
    /// Starts the capture.
    pub fn capture() -> Self {
        // One subscriber for all tests, because the filters of per-thread subscribers affect each other.
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let filter = telemetry::filter(Some("trace"));
            tracing_subscriber::registry().with(filter).with(telemetry::json_layer(|| ThisThread)).init();
        });
        WRITTEN.set(Some(Vec::new()));
        Self(())
    }

    /// The log so far.
    pub fn text(&self) -> String {
        let Self(()) = self;
        String::from_utf8(WRITTEN.with_borrow(Clone::clone).unwrap_or_default()).expect("UTF-8")
    }

    /// The lines with the level `ERROR`.
    pub fn errors(&self) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(r#""level":"ERROR""#)).map(str::to_owned).collect()
    }

    /// The log lines of requests.
    pub fn requests(&self) -> Vec<Value> {
        let lines = self.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>();
        lines.into_iter().filter(|line| line["message"] == "request").collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        WRITTEN.set(None);
    }
}

struct ThisThread;

impl Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        WRITTEN.with_borrow_mut(|written| written.as_mut().map(|written| written.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
