//! Services of xDLMS: reading, writing, invoking, notifying (Green Book 9.3, 9.5; A-XDR).

mod action;
mod assembly;
mod block_transfer;
mod conformance;
mod descriptor;
mod encoded;
mod exception;
mod get;
mod initiate;
mod invoke;
mod list;
mod notification;
mod read;
mod result;
mod selective_access;
mod service_error;
mod set;
mod write;

pub use action::{ActionRequest, ActionResponse, ActionReturn};
pub use assembly::{Assembly, BlockError};
pub use block_transfer::{BlockReceiver, BlockSender, GeneralBlockTransfer, Progress};
pub use conformance::Conformance;
pub use descriptor::{AttributeAccess, AttributeDescriptor, DataBlock, MethodDescriptor, SelectiveAccess};
pub use encoded::Encoded;
pub use exception::{ExceptionResponse, ExceptionServiceError, StateError};
pub use get::{GetBlockResult, GetDataResult, GetRequest, GetResponse};
pub use initiate::{InitiateRequest, InitiateResponse};
pub use invoke::{InvokeIdAndPriority, Invoked, LongInvokeIdAndPriority};
pub use list::List;
pub use notification::{DataNotification, EventNotification, InformationReport};
pub use read::{ReadRequest, ReadResponse, ReadResult, VariableAccess};
pub use result::{ActionResult, DataAccessResult};
pub use selective_access::{CaptureObject, EntryDescriptor, RangeDescriptor};
pub use service_error::{ConfirmedService, ConfirmedServiceError, ServiceError};
pub use set::{SetRequest, SetResponse};
pub use write::{UnconfirmedWriteRequest, WriteRequest, WriteResponse, WriteResult};
