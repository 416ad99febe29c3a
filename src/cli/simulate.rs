//! The command `simulate`: serves the built-in API until a signal.

use chatzy_simulator::Simulator;

use super::args::SimulateArgs;
use super::console;
use super::exit::Exit;
use super::limits;
use super::signals::Signals;
use crate::export::{Interruption, Signal};

/// Serves until SIGINT or SIGTERM.
pub fn simulate(args: SimulateArgs) -> Exit {
    let runtime = match limits::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            console::eprint(&format!("error: {error}"));
            return Exit::Storage;
        }
    };
    runtime.block_on(async {
        let Ok(signals) = Signals::listen(None, async |why| exit_of(why)) else {
            console::eprint("error: cannot install signal handlers");
            return Exit::Storage;
        };
        let simulator = match Simulator::start(args.options).await {
            Ok(simulator) => simulator,
            Err(error) => {
                console::eprint(&format!("error: {}", console::chain(&error)));
                return Exit::Usage;
            }
        };
        if !console::print(simulator.url()) {
            return Exit::Storage;
        }
        console::eprint("serving made-up conversations until Ctrl-C");
        let why = signals.first().await;
        simulator.stop().await;
        exit_of(why)
    })
}

/// Returns success after SIGTERM and SIGHUP, which are the regular end of a service.
fn exit_of(why: Interruption) -> Exit {
    match why {
        Interruption::Signal(Signal::Interrupt) => Exit::Interrupted,
        Interruption::Signal(Signal::Terminate | Signal::HangUp)
        | Interruption::TimeIsUp
        | Interruption::TakenOver
        | Interruption::LockNotRenewed => Exit::Complete,
    }
}
