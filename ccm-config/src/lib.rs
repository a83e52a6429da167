#![doc = include_str!("../README.md")]
#![cfg_attr(not(feature = "std"), no_std)]

mod check;
mod dlms;
mod draft;
mod endpoint;
mod list;
mod problem;
mod secret;
mod settings;
mod storage;
#[cfg(feature = "toml")]
mod text;
mod units;

pub mod limits;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

pub use dlms::{Auth, CipherKey, Dlms, DlmsDraft, DlmsSecurity, Framing, Password, Protection};
pub use draft::{DeviceDraft, Draft, Parity, PlantDraft, PortDraft, PortalDraft};
pub use endpoint::{Endpoint, EndpointError};
pub use problem::{Fault, Field, Names, Problem, Problems};
pub use secret::{Keys, Secret};
pub use settings::{Device, Line, Link, Place, Plant, Port, Portal, Settings};
pub use storage::StorageError;
#[cfg(feature = "toml")]
pub use text::TomlError;
pub use units::{AssumedUnit, UNITS};
