//! SIGINT and SIGTERM: the first ends the run in good order, the second at once.

use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;
use crate::export::Signal;

/// Waits for the first signal. From then on a second one ends the process.
pub async fn first() -> Signal {
    let signal = next().await;
    tokio::spawn(async {
        let exit = match next().await {
            Signal::Interrupt => Exit::Interrupted,
            Signal::Terminate => Exit::Terminated,
        };
        #[expect(
            clippy::exit,
            clippy::disallowed_methods,
            reason = "asked for twice: no more waiting for anything"
        )]
        std::process::exit(i32::from(exit.code()));
    });
    signal
}

async fn next() -> Signal {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => Signal::Interrupt,
        _ = terminate.recv() => Signal::Terminate,
    }
}
