//! Links without start-up code: what is measured is the code under test and nothing else.

fn main() {
    let folder = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    println!("cargo::rustc-link-arg-bins=-T{folder}/link.x");
    println!("cargo::rustc-link-arg-bins=--gc-sections");
    println!("cargo::rerun-if-changed=link.x");
    // Two checkouts may share one target folder.
    println!("cargo::rerun-if-env-changed=CARGO_MANIFEST_DIR");
}
