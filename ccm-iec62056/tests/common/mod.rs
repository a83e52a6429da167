//! What the tests share.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::path::Path;

/// The bytes of `vectors/<name>.hex`.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let digits: String = rows(&format!("{name}.hex")).concat();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The lines of a file of `vectors/` that are no comments.
pub(crate) fn rows(file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    let content =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    content.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

pub(crate) mod meter;
pub(crate) mod wire;
