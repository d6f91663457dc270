//! The public port: bound first, then served until a stop signal.

use std::future::IntoFuture as _;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokenmint_embedded as embedded;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long requests in progress have to finish.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Binds the port. Also returns its address, with the port that the system chose.
pub(crate) async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), embedded::Error> {
    let failed = |source| embedded::Error::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let chosen = listener.local_addr().map_err(failed)?;
    Ok((listener, chosen))
}

/// Serves until Ctrl-C or SIGTERM; then requests in progress have 3 seconds to finish.
pub(crate) async fn serve(listener: TcpListener, routes: Router) -> io::Result<()> {
    // A response is one small write. Without this option it may wait for the client's acknowledgement.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async { drop(stopped.await) });
    let mut server = tokio::spawn(server.into_future());
    tokio::select! {
        ended = &mut server => return ended?,
        told = told_to_stop() => told?,
    }
    drop(stop);
    timeout(STOP_TIMEOUT, server).await.unwrap_or(Ok(Ok(())))?
}

/// Waits for Ctrl-C or, on systems that have it, SIGTERM.
pub(crate) async fn told_to_stop() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
