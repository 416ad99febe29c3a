//! See `src/manifest.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| chatzy_export_fuzz::manifest::check(input));
