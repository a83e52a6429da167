#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ccm_iec62056::fuzzing::client(bytes));
