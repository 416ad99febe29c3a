//! chatzy-export

pub mod durable;
pub mod fetch;
pub mod id;
pub mod json;
pub mod record;
pub mod settings;
pub mod spool;
pub mod table;
