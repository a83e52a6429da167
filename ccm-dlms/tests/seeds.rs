//! The seeds of the fuzz targets, replayed without a fuzzer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use ccm_dlms::fuzzing;

type Body = fn(&[u8]);

#[test]
fn every_seed_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let targets: [(&str, Body); 6] = [
        ("dlms_hdlc", fuzzing::hdlc),
        ("dlms_client", fuzzing::client),
        ("dlms_server", fuzzing::server),
        ("dlms_apdu", fuzzing::apdu),
        ("dlms_acse", fuzzing::acse),
        ("dlms_data", fuzzing::data),
    ];
    for (target, body) in targets {
        let seeds = std::fs::read_dir(corpus.join(target)).unwrap();
        let count = seeds.map(|seed| body(&std::fs::read(seed.unwrap().path()).unwrap())).count();
        assert!(count > 0, "{target} has no seeds");
    }
}
