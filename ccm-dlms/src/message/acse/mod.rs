//! The association control service element: opening and closing an association (Green Book 9.4.2, BER).

mod aare;
mod aarq;
mod element;
mod names;
mod release;
mod result;

pub use aare::Aare;
pub use aarq::Aarq;
pub use names::{ContextName, MechanismName};
pub use release::{ReleaseRequest, ReleaseRequestReason, ReleaseResponse, ReleaseResponseReason};
pub use result::{AssociationResult, Diagnostic, ProviderDiagnostic, UserDiagnostic};
