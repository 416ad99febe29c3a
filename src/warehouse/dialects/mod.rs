//! One file per dialect. Each has one [`Dialect`](super::dialect::Dialect).

pub(super) mod clickhouse;
pub(super) mod duckdb;
pub(super) mod postgres;
pub(super) mod snowflake;
