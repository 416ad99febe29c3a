//! See `src/contacts.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| chatzy_export_fuzz::contacts::check(input));
