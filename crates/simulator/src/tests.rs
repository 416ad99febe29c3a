//! Tests over real connections.

mod client;
mod faults;
mod paging;
mod service;
