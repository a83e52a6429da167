//! The seeds of the fuzz targets, replayed without a fuzzer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use ccm_iec62056::fuzzing;

type Body = fn(&[u8]);

#[test]
fn every_seed_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let targets: [(&str, Body); 4] = [
        ("iec62056_tokenizer", fuzzing::tokenizer),
        ("iec62056_client", fuzzing::client),
        ("iec62056_p1", fuzzing::p1),
        ("iec62056_server", fuzzing::server),
    ];
    for (target, body) in targets {
        let seeds = std::fs::read_dir(corpus.join(target)).unwrap();
        let count = seeds.map(|seed| body(&std::fs::read(seed.unwrap().path()).unwrap())).count();
        assert!(count > 0, "{target} has no seeds");
    }
}
