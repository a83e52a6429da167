//! Messages: A-XDR, ACSE and xDLMS.

pub mod cosem;
pub mod data;
