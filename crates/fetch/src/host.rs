//! A client's key host, for the tests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The key of RFC 7517 Appendix A.1.
const X: &str = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
const Y: &str = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";

/// A JWK Set of that key with additional members.
pub(crate) fn jwks(more: &str) -> String {
    format!(r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"1","x":"{X}","y":"{Y}"{more}}}]}}"#)
}

/// A response with this body.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A response with this status.
pub(crate) fn status(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

/// A server that sends the same response on every connection.
#[derive(Clone)]
pub(crate) struct KeyHost {
    /// Its origin.
    pub(crate) origin: String,
    answer: Arc<Mutex<Vec<u8>>>,
    connections: Arc<AtomicUsize>,
    arrived: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl KeyHost {
    pub(crate) async fn start(answer: impl Into<Vec<u8>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = Self {
            origin: format!("http://{}", listener.local_addr().expect("an address")),
            answer: Arc::new(Mutex::new(answer.into())),
            connections: Arc::default(),
            arrived: Arc::new(Semaphore::new(0)),
            gate: Arc::new(Semaphore::new(1)),
        };
        let serving = host.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                serving.connections.fetch_add(1, Ordering::SeqCst);
                serving.arrived.add_permits(1);
                let serving = serving.clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    drop(serving.gate.acquire().await);
                    let answer = serving.answer.lock().expect("no panic").clone();
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        host
    }

    /// Changes the response.
    pub(crate) fn answer(&self, answer: impl Into<Vec<u8>>) {
        *self.answer.lock().expect("no panic") = answer.into();
    }

    /// The number of connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Delays responses from now on, until [`KeyHost::release`].
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
