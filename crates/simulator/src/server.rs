//! The listener and its connections.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::options::SimulatorOptions;
use super::routes::{Reset, World};
use super::stats::Stats;

/// Time for responses in progress when the simulator stops.
const GRACE: Duration = Duration::from_secs(1);

/// A simulated API on a port of 127.0.0.1. It runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Simulator {
    url: String,
    world: Arc<World>,
    /// Closing it stops the server.
    running: watch::Sender<()>,
    listening: JoinHandle<()>,
}

/// The simulator could not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on 127.0.0.1:{port} for the simulated API; choose another port, or 0 for a free one")]
pub struct SimulatorError {
    /// The requested port.
    pub port: u16,
    /// The error of the operating system.
    #[source]
    pub source: std::io::Error,
}

impl Simulator {
    /// Starts to listen. The caller must be in a Tokio runtime, which runs the server.
    pub async fn start(options: SimulatorOptions) -> Result<Self, SimulatorError> {
        let port = options.port;
        let failed = |source| SimulatorError { port, source };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        let world = Arc::new(World::new(options));
        let (running, stopped) = watch::channel(());
        let listening = tokio::spawn(listen(listener, Arc::clone(&world), stopped));
        Ok(Self { url, world, running, listening })
    }

    /// The address, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The statistics since the start or the last reset.
    pub fn stats(&self) -> Stats {
        self.world.ledger.stats()
    }

    /// Stops listening, finishes the responses in progress and closes all connections.
    pub async fn stop(self) {
        drop(self.running);
        // Even if the task panicked, the server has stopped.
        let _ = self.listening.await;
    }
}

async fn listen(listener: TcpListener, world: Arc<World>, mut stopped: watch::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&world), stopped.clone()));
                }
                // No file handle is free, or the client is gone. Other clients may still connect.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, world: Arc<World>, mut stopped: watch::Receiver<()>) {
    // Otherwise the last part of a response waits for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| Arc::clone(&world).answer(request));
    let mut connection =
        http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopped.changed() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    if ended.is_err_and(|error| is_reset(&error)) {
        // Closing without sending the rest makes the operating system send a reset.
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.set_zero_linger();
    }
}

fn is_reset(error: &hyper::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<Reset>)
}
