//! The golden vectors: bytes in hexadecimal, and what is expected of them beside them.

use std::{fs, path::PathBuf};

/// What is expected of the vector `name`.
pub(crate) fn text(name: &str, extension: &str) -> String {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    fs::read_to_string(directory.join(format!("{name}.{extension}"))).unwrap_or_default()
}

/// The bytes of the vector `name`; lines that begin with `#` say where they come from.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let text = text(name, "hex");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: Vec<u8> = lines.flat_map(|line| line.trim().bytes()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap_or_default(), 16).unwrap_or_default())
        .collect()
}
