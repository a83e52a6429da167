#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ccm_dlms::fuzzing::client(bytes));
