//! chatzy-export

pub mod contacts;
pub mod durable;
pub mod id;
pub mod settings;
pub mod table;
