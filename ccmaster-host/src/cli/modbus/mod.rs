//! The Modbus tools.

pub(super) mod access;
mod extras;
pub(super) mod gateway;
pub(super) mod id;
pub(super) mod image;
pub(super) mod raw;
pub(super) mod read;
pub(super) mod scan;
pub(super) mod serve;
pub(super) mod sniff;
pub(super) mod write;
