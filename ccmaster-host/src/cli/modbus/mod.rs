//! The Modbus tools.

pub(super) mod access;
pub(super) mod gateway;
pub(super) mod image;
pub(super) mod read;
pub(super) mod scan;
pub(super) mod serve;
pub(super) mod sniff;
pub(super) mod write;
