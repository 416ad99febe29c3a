//! fetch
pub mod paging;
