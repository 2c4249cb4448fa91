#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| proxima::fuzzing::ring_item(data));
