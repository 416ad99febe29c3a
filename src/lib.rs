//! chatzy-export

pub mod api;
pub mod build;
pub mod cli;
pub mod contacts;
pub mod durable;
pub mod event;
pub mod export;
pub mod fetch;
pub mod history;
pub mod id;
pub mod json;
pub mod output;
pub mod publish;
pub mod record;
pub mod settings;
pub mod simulator;
pub mod spool;
pub mod table;
pub mod verify;
