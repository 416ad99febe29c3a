//! The options of `simulate`.

use chatzy_simulator::SimulatorOptions;
use clap::Args;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export simulate                                   a service without faults, on a free port
  chatzy-export simulate --port 8080 --seed 7 --errors 0.05 --rate-limit 100
  chatzy-export simulate --clamp 40 --order oldest --drift-insert 0.2 --drift-delete 0.2

Then, in another terminal:
  CHATZY_TOKEN=any chatzy-export run --base-url http://127.0.0.1:8080 --contacts contacts.csv --out ./export
Start simulate with --token any for that, or set any CHATZY_EMAIL and CHATZY_PASSWORD.";

/// Serve a local API with made-up conversations
#[derive(Debug, Args)]
pub struct SimulateArgs {
    #[command(flatten)]
    pub options: SimulatorOptions,
}
