//! Runs that several processes divide, and `commit`.

mod attempts;
mod commands;
mod commit;
mod equation;
mod refusals;
mod sharded;
