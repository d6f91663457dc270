use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokenmint_http::telemetry;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

/// The log as production writes it, of everything that happens on this thread while the value lives.
pub struct Log {
    written: Buffer,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Starts to listen.
    pub fn capture() -> Self {
        let written = Buffer::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::registry()
            .with(telemetry::filter(Some("trace")))
            .with(telemetry::json_layer(move || writer.clone()));
        Self { written, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Everything written so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.written.0.lock().expect("no panic while writing").clone()).expect("UTF-8")
    }

    /// The lines of requests.
    pub fn requests(&self) -> Vec<Value> {
        let lines = self.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Value>>();
        lines.into_iter().filter(|line| line["message"] == "request").collect()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic while writing").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
