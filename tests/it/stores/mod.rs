//! Exports in object stores: SeaweedFS, moto, Azurite and a stand-in for Google's, all on loopback.

pub mod account;
mod behavior;
mod check;
mod contacts_list;
mod erased;
mod errors;
mod faults;
mod interrupted;
mod long;
mod nights;
mod readers;
mod shards;
mod whole;
mod writers;
