//! Compiles the device files into tables: firmware has them in flash, and nothing parses at run time.

#![allow(clippy::expect_used, clippy::panic, reason = "a build script fails by panicking")]

use std::path::Path;
use std::{env, fs};

#[path = "src/file.rs"]
mod file;

use file::{File, FileCode, FilePoint, FileTerm};

fn main() {
    println!("cargo::rerun-if-changed=devices");
    println!("cargo::rerun-if-changed=src/file.rs");
    let mut paths: Vec<_> = fs::read_dir("devices")
        .expect("the crate has a folder of device files")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    paths.sort();
    let maps: String = paths.iter().map(|path| map(path)).collect();
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("maps.rs"), format!("&[{maps}]"))
        .expect("the output folder can be written");
}

/// One map as source text. A file with a mistake stops the build with its name and the mistake.
fn map(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("the file can be read");
    let (file, points) = File::parse(&text).unwrap_or_else(|mistake| panic!("{}: {mistake}", path.display()));
    let id = path.file_stem().expect("it has a name").to_string_lossy();
    let File {
        maker, kind, class, series, models, ports, unit, baud, parity, data_bits, max_registers, ..
    } = &file;
    let ports: String = ports.iter().map(|port| format!("crate::PortKind::{port:?},")).collect();
    let probe = file.probe.map_or("None".to_owned(), |probe| {
        format!(
            "Some(crate::Probe {{ space: crate::Space::{:?}, address: {}, expected: {} }})",
            probe.space, probe.address, probe.expected
        )
    });
    let codes: String = points.codes.iter().map(code).collect();
    let points: String = points.registers.iter().map(point).collect();
    format!(
        "crate::Map {{ id: {id:?}, kind: crate::DeviceKind::{kind:?}, maker: {maker:?}, class: {class:?}, \
         series: {series:?}, models: &{models:?}, ports: &[{ports}], unit: {unit}, \
         line: ccm_core::Line {{ data_bits: ccm_core::DataBits::{data_bits:?}, \
         ..ccm_core::Line::new({baud}).with_parity(ccm_core::Parity::{parity:?}) }}, \
         max_registers: {max_registers}, probe: {probe}, points: &[{points}], codes: &[{codes}] }},\n"
    )
}

fn point(point: &FilePoint) -> String {
    let FilePoint { quantity, space, address, kind, order, scale, invert, optional, not_available, seen } =
        point;
    format!(
        "crate::Point {{ quantity: crate::Quantity::{}, space: crate::Space::{space:?}, address: {address}, \
         kind: crate::Kind::{kind:?}, order: ccm_core::WordOrder::{order:?}, scale: {scale}, invert: {invert}, \
         optional: {optional}, not_available: {not_available:?}, seen: {seen} }},\n",
        camel_case(quantity)
    )
}

fn code(code: &FileCode) -> String {
    let FileCode { quantity, choices, form, scale, invert, optional, seen } = code;
    let sum = |terms: &Vec<FileTerm>| format!("&[{}],", terms.iter().map(term).collect::<String>());
    let choices: String = choices.iter().map(sum).collect();
    format!(
        "crate::CodePoint {{ quantity: crate::Quantity::{}, choices: &[{choices}], form: crate::Form::{form:?}, \
         scale: {scale}, invert: {invert}, optional: {optional}, seen: {seen} }},\n",
        camel_case(quantity)
    )
}

fn term(term: &FileTerm) -> String {
    let FileTerm { a, b, c, d, e, f, minus } = term;
    format!(
        "crate::Term {{ code: ccm_core::Obis {{ a: {a:?}, b: {b:?}, c: {c}, d: {d}, e: {e:?}, f: {f:?} }}, \
         minus: {minus} }},"
    )
}

/// The variant of a quantity's key: the rule that `quantity.rs` follows.
fn camel_case(key: &str) -> String {
    let words = key.split('_').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect()
}
