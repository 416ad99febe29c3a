//! One file per database. Each has one [`Dialect`](super::dialect::Dialect), or two of the same family.

pub(super) mod bigquery;
pub(super) mod clickhouse;
pub(super) mod databricks;
pub(super) mod duckdb;
pub(super) mod postgres;
pub(super) mod redshift;
pub(super) mod snowflake;
pub(super) mod trino;
