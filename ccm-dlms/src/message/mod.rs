//! Messages: A-XDR, ACSE and xDLMS. Pure parsing and emitting of borrowed bytes; no state but that of block transfers.

mod acse;
mod apdu;
mod codes;
pub mod cosem;
mod cursor;
pub mod data;
mod error;
mod hidden;
pub(crate) mod tag;
mod xdlms;

pub use acse::{
    Aare, Aarq, AssociationResult, ContextName, Diagnostic, MechanismName, ProviderDiagnostic,
    ReleaseRequest, ReleaseRequestReason, ReleaseResponse, ReleaseResponseReason, UserDiagnostic,
};
pub use apdu::{Apdu, Ciphered};
pub(crate) use cursor::{emit_length, emit_octets};
pub use error::{Fault, MessageError};
pub use hidden::Hidden;
pub use xdlms::{
    ActionRequest, ActionResponse, ActionResult, ActionReturn, Assembly, AttributeAccess,
    AttributeDescriptor, BlockError, BlockReceiver, BlockSender, CaptureObject, ConfirmedService,
    ConfirmedServiceError, Conformance, DataAccessResult, DataBlock, DataNotification, Encoded,
    EntryDescriptor, EventNotification, ExceptionResponse, ExceptionServiceError, GeneralBlockTransfer,
    GetBlockResult, GetDataResult, GetRequest, GetResponse, InformationReport, InitiateRequest,
    InitiateResponse, InvokeIdAndPriority, Invoked, List, LongInvokeIdAndPriority, MethodDescriptor,
    Progress, RangeDescriptor, ReadRequest, ReadResponse, ReadResult, SelectiveAccess, ServiceError,
    SetRequest, SetResponse, StateError, UnconfirmedWriteRequest, VariableAccess, WriteRequest,
    WriteResponse, WriteResult,
};
