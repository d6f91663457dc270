//! A client's web server that publishes its keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The response of the server, and its number of connections.
#[derive(Clone)]
pub(crate) struct Site {
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<AtomicUsize>,
    arrived: Arc<Semaphore>,
    gate: Arc<Semaphore>,
    /// The URL of the keys.
    pub(crate) url: String,
}

impl Site {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
        let site = Self {
            answer: Arc::new(Mutex::new(answer.into())),
            asked: Arc::default(),
            arrived: Arc::new(Semaphore::new(0)),
            gate: Arc::new(Semaphore::new(1)),
            url,
        };
        let served = site.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                served.asked.fetch_add(1, Ordering::SeqCst);
                served.arrived.add_permits(1);
                let served = served.clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    drop(served.gate.acquire().await);
                    let answer = served.answer.lock().expect("no panic").clone();
                    // An empty response sends nothing.
                    if answer.is_empty() {
                        let _ = stream.read(&mut [0; 1]).await;
                    } else {
                        let _ = stream.write_all(&answer).await;
                    }
                });
            }
        });
        site
    }

    /// Changes the response.
    pub(crate) fn answer(&self, answer: impl Into<Vec<u8>>) {
        *self.answer.lock().expect("no panic") = answer.into();
    }

    /// The number of connections.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Delays responses from now on, until [`Site::release`].
    pub(crate) async fn hold(&self) {
        self.gate.acquire().await.expect("never closed").forget();
    }

    /// Sends the delayed responses.
    pub(crate) fn release(&self) {
        self.gate.add_permits(1);
    }

    /// Waits for the next connection that no earlier call has returned for.
    pub(crate) async fn next_connection(&self) {
        self.arrived.acquire().await.expect("never closed").forget();
    }
}

/// A response with this document.
pub(crate) fn ok(document: &Value) -> String {
    let document = document.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{document}", document.len())
}
