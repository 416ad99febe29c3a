//! The simulator as a client meets it, over real connections.

mod client;
mod faults;
mod paging;
mod service;
