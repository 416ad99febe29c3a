//! chatzy-export

pub mod contacts;
pub mod durable;
pub mod id;
pub mod output;
pub mod publish;
pub mod settings;
pub mod table;
pub mod verify;
