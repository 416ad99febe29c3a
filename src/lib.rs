//! chatzy-export

pub mod durable;
pub mod id;
pub mod settings;
pub mod simulator;
pub mod table;
