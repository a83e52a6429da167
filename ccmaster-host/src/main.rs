//! The `ccmaster` program: wiring only.

use std::process::ExitCode;

use ccmaster_host::cli;

fn main() -> ExitCode {
    cli::main(std::env::args_os())
}
