//! The built-in API: a simulator that `--simulated` starts in this process.
//!
//! A build without the feature `simulator` has no such option. There, [`BuiltIn`] never starts.

#[cfg(feature = "simulator")]
pub use with_simulator::{BuiltIn, BuiltInError};
#[cfg(not(feature = "simulator"))]
pub use without_simulator::{BuiltIn, BuiltInError};

#[cfg(feature = "simulator")]
mod with_simulator {
    use chatzy_simulator::{Simulator, SimulatorError, SimulatorOptions};

    use crate::cli::args::BuiltInArgs;

    /// The built-in API of a command, if `--simulated` is given.
    pub struct BuiltIn(Option<Simulator>);

    /// Failure to start the API.
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

        /// Returns the address of a started API.
        pub fn url(&self) -> Option<&str> {
            self.0.as_ref().map(Simulator::url)
        }
    }
}

#[cfg(not(feature = "simulator"))]
mod without_simulator {
    use crate::cli::args::BuiltInArgs;

    pub struct BuiltIn;

    /// An error that never occurs.
    #[derive(Debug, thiserror::Error)]
    pub enum BuiltInError {}

    impl BuiltIn {
        #[expect(clippy::unused_async, reason = "the signature of the start with a simulator")]
        pub async fn start(_args: &BuiltInArgs) -> Result<Self, BuiltInError> {
            Ok(Self)
        }

        #[expect(clippy::unused_self, reason = "the signature of the address of a simulator")]
        pub fn url(&self) -> Option<&str> {
            None
        }
    }
}
