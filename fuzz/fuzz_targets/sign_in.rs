//! See `src/sign_in.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| chatzy_export_fuzz::sign_in::check(input));
