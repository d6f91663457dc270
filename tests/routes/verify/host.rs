//! A host that serves HTTP: the issuer of a world, or one that a test makes up.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// A host whose routes can be replaced, and that can go down and come back.
pub(crate) struct Host {
    /// Its origin.
    pub(crate) url: String,
    routes: Arc<Mutex<Router>>,
    asked: Arc<Mutex<Vec<String>>>,
    serving: Option<JoinHandle<()>>,
}

impl Host {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let mut host = Self { url, routes: Arc::default(), asked: Arc::default(), serving: None };
        host.serve(listener);
        host
    }

    fn serve(&mut self, listener: TcpListener) {
        let (routes, asked) = (self.routes.clone(), self.asked.clone());
        let forward = move |request: Request| {
            asked.lock().expect("no panic").push(request.uri().path().to_owned());
            let routes = routes.lock().expect("no panic").clone();
            async move { routes.oneshot(request).await.unwrap_or_else(|never| -> Response { match never {} }) }
        };
        let service = axum::serve(listener, Router::new().fallback(forward));
        self.serving = Some(tokio::spawn(async move { service.await.expect("it serves until it is stopped") }));
    }

    /// Replaces the routes.
    pub(crate) fn set(&self, routes: Router) {
        *self.routes.lock().expect("no panic") = routes;
    }

    /// The number of requests for a path.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.asked.lock().expect("no panic").iter().filter(|asked| *asked == path).count()
    }

    /// Stops listening: connections are refused.
    pub(super) async fn stop(&mut self) {
        let serving = self.serving.take().expect("it serves");
        serving.abort();
        let stopped = serving.await.expect_err("it was stopped");
        assert!(stopped.is_cancelled());
    }

    /// Listens again, at the same address.
    pub(super) async fn restart(&mut self) {
        let address = self.url.strip_prefix("http://").expect("an origin");
        let listener = TcpListener::bind(address).await.expect("the same port");
        self.serve(listener);
    }
}
