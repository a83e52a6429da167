#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ccm_modbus::fuzzing::tracker(bytes));
