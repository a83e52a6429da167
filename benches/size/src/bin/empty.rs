//! The skeleton alone: everything else is measured over this.
#![no_std]
#![no_main]

use size::{RESULT, received};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    RESULT.write(received().len() as u32);
}
