//! Meters that are asked by DLMS/COSEM.

mod meter;
mod objects;
mod reader;
mod vault;

pub use meter::DlmsMeter;
pub use reader::{DlmsReader, read_dlms, read_wrapped};
pub use vault::{Vault, VaultError};
