//! The built-in API: a simulator that `--simulated` starts in this process.
//!
//! A build without the feature `simulator` has no such option, and here an API that never starts.

#[cfg(feature = "simulator")]
pub use with_simulator::{BuiltIn, BuiltInError};
#[cfg(not(feature = "simulator"))]
pub use without_simulator::{BuiltIn, BuiltInError};

#[cfg(feature = "simulator")]
mod with_simulator {
    use chatzy_simulator::{Simulator, SimulatorError, SimulatorOptions};

    use crate::cli::args::BuiltInArgs;

    /// The API while a command runs, if the command asks for it.
    pub struct BuiltIn(Option<Simulator>);

    /// The API cannot start.
    #[derive(Debug, thiserror::Error)]
    #[error("cannot start the built-in API")]
    pub struct BuiltInError(#[from] SimulatorError);

    impl BuiltIn {
        /// Starts the API with its default options if `--simulated` is given.
        pub async fn start(args: &BuiltInArgs) -> Result<Self, BuiltInError> {
            if !args.simulated {
                return Ok(Self(None));
            }
            Ok(Self(Some(Simulator::start(SimulatorOptions::default()).await?)))
        }

        /// The address of a started API.
        pub fn url(&self) -> Option<&str> {
            self.0.as_ref().map(Simulator::url)
        }
    }
}

#[cfg(not(feature = "simulator"))]
mod without_simulator {
    use crate::cli::args::BuiltInArgs;

    /// No API.
    pub struct BuiltIn;

    /// No error: nothing starts.
    #[derive(Debug, thiserror::Error)]
    pub enum BuiltInError {}

    impl BuiltIn {
        /// Starts nothing.
        #[expect(clippy::unused_async, reason = "the signature of the start with a simulator")]
        pub async fn start(_args: &BuiltInArgs) -> Result<Self, BuiltInError> {
            Ok(Self)
        }

        /// No address.
        #[expect(clippy::unused_self, reason = "the signature of the address of a simulator")]
        pub fn url(&self) -> Option<&str> {
            None
        }
    }
}
