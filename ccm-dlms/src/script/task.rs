//! What a transfer is about: its request, whole or in blocks, and what an answer to it may be.

use core::ops::Range;

use ccm_core::{Full, Writer};

use super::{SessionError, answer};
use crate::Error;
use crate::message::data::Value;
use crate::message::{
    ActionRequest, ActionResponse, ActionResult, AttributeAccess, Conformance, DataAccessResult, DataBlock,
    Encoded, GetBlockResult, GetDataResult, GetRequest, GetResponse, InvokeIdAndPriority, Invoked, List,
    MethodDescriptor, ReadRequest, ReadResponse, ReadResult, SetRequest, SetResponse, VariableAccess,
    WriteRequest, WriteResponse, WriteResult, tag,
};

/// A service and its parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Task<'t> {
    Get(AttributeAccess<'t>),
    GetList(&'t [AttributeAccess<'t>]),
    Set(AttributeAccess<'t>, &'t [u8]),
    SetList(&'t [AttributeAccess<'t>], &'t [Encoded<'t>]),
    Action(MethodDescriptor, Option<&'t [u8]>),
    ActionList(&'t [MethodDescriptor], &'t [Encoded<'t>]),
    Read(&'t [VariableAccess<'t>]),
    Write(&'t [VariableAccess<'t>], &'t [Encoded<'t>]),
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// Something that the server reports of its own accord.
    Report,
    /// The last bytes of the APDU are the value: so many.
    Value(usize),
    /// It was done, and there is no value; the number is that of the request's last block, where the server says it.
    Done(Option<u32>),
    /// The whole APDU is the list of results.
    List,
    /// The list of results lies within the APDU; what stands before it otherwise has to be put there.
    Within(Within),
    /// A block of the answer.
    Block { last: bool, number: u32, raw_data: &'a [u8] },
    /// The server has this block of the request and wants the next.
    Acknowledged(u32),
}

/// Where the list lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Within {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The number of the block that was the last.
    pub(super) number: u32,
}

impl Within {
    pub(super) const fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl<'t> Task<'t> {
    /// What must have been agreed on.
    pub(super) fn needs(&self) -> Conformance {
        let (service, many) = match self {
            Self::Get(attribute) => {
                let selects = attribute.access.is_some();
                let selection = if selects { Conformance::SELECTIVE_ACCESS } else { Conformance::empty() };
                return Conformance::GET.union(selection);
            }
            Self::GetList(_) => (Conformance::GET, true),
            Self::Set(..) => (Conformance::SET, false),
            Self::SetList(..) => (Conformance::SET, true),
            Self::Action(..) => (Conformance::ACTION, false),
            Self::ActionList(..) => (Conformance::ACTION, true),
            Self::Read(variables) => (Conformance::READ, variables.len() > 1),
            Self::Write(variables, _) => (Conformance::WRITE, variables.len() > 1),
        };
        if many { service.union(Conformance::MULTIPLE_REFERENCES) } else { service }
    }

    /// What must have been agreed on for its request to go in blocks; nothing where it cannot.
    pub(super) const fn blocks(&self) -> Option<Conformance> {
        match self {
            Self::Set(..) | Self::SetList(..) | Self::Write(..) => {
                Some(Conformance::BLOCK_TRANSFER_WITH_SET_OR_WRITE)
            }
            Self::Action(_, Some(_)) | Self::ActionList(..) => Some(Conformance::BLOCK_TRANSFER_WITH_ACTION),
            _ => None,
        }
    }

    /// Writes the whole request.
    pub(super) fn emit(&self, invoke: InvokeIdAndPriority, writer: &mut Writer<'_>) -> Result<(), Full> {
        match *self {
            Self::Get(attribute) => invoked(invoke, GetRequest::Normal(attribute)).emit(writer),
            Self::GetList(list) => invoked(invoke, GetRequest::WithList(List::new(list))).emit(writer),
            Self::Set(attribute, value) => {
                invoked(invoke, SetRequest::Normal { attribute, value: Encoded(value) }).emit(writer)
            }
            Self::SetList(attributes, values) => {
                let (attributes, values) = (List::new(attributes), List::new(values));
                invoked(invoke, SetRequest::WithList { attributes, values }).emit(writer)
            }
            Self::Action(method, parameters) => {
                let parameters = parameters.map(Encoded);
                invoked(invoke, ActionRequest::Normal { method, parameters }).emit(writer)
            }
            Self::ActionList(methods, parameters) => {
                let (methods, parameters) = (List::new(methods), List::new(parameters));
                invoked(invoke, ActionRequest::WithList { methods, parameters }).emit(writer)
            }
            Self::Read(variables) => ReadRequest(List::new(variables)).emit(writer),
            Self::Write(variables, values) => {
                WriteRequest { variables: List::new(variables), values: List::new(values) }.emit(writer)
            }
        }
    }

    /// What goes in blocks, where the caller has it in one piece.
    pub(super) const fn payload(&self) -> Option<&'t [u8]> {
        match self {
            Self::Set(_, value) => Some(value),
            Self::Action(_, parameters) => *parameters,
            _ => None,
        }
    }

    /// How many bytes of the whole request stand before what goes in blocks.
    pub(super) fn before_payload(
        &self,
        invoke: InvokeIdAndPriority,
        scratch: &mut [u8],
    ) -> Result<usize, Full> {
        let mut writer = Writer::new(scratch);
        match *self {
            Self::SetList(attributes, _) => Self::SetList(attributes, &[]).emit(invoke, &mut writer)?,
            Self::ActionList(methods, _) => Self::ActionList(methods, &[]).emit(invoke, &mut writer)?,
            // All behind the tag, lists of variables and of values, goes in blocks.
            _ => return Ok(1),
        }
        // The empty list is one byte, its length.
        Ok(writer.finish().saturating_sub(1))
    }

    /// Writes a block of the request.
    pub(super) fn emit_block(
        &self,
        invoke: InvokeIdAndPriority,
        block: DataBlock<'_>,
        is_first: bool,
        writer: &mut Writer<'_>,
    ) -> Result<(), Full> {
        match *self {
            Self::Set(attribute, _) if is_first => {
                invoked(invoke, SetRequest::WithFirstDataBlock { attribute, block }).emit(writer)
            }
            Self::SetList(attributes, _) if is_first => {
                let attributes = List::new(attributes);
                invoked(invoke, SetRequest::WithListAndFirstDataBlock { attributes, block }).emit(writer)
            }
            Self::Action(method, _) if is_first => {
                invoked(invoke, ActionRequest::WithFirstBlock { method, block }).emit(writer)
            }
            Self::ActionList(methods, _) if is_first => {
                let methods = List::new(methods);
                invoked(invoke, ActionRequest::WithListAndFirstBlock { methods, block }).emit(writer)
            }
            Self::Action(..) | Self::ActionList(..) => {
                invoked(invoke, ActionRequest::WithBlock(block)).emit(writer)
            }
            Self::Write(..) => write_block(block, writer),
            _ => invoked(invoke, SetRequest::WithDataBlock(block)).emit(writer),
        }
    }

    /// Asks for the block behind this one.
    pub(super) fn emit_next(
        &self,
        invoke: InvokeIdAndPriority,
        block_number: u32,
        writer: &mut Writer<'_>,
    ) -> Result<(), Full> {
        match self {
            Self::Action(..) | Self::ActionList(..) => {
                invoked(invoke, ActionRequest::NextBlock { block_number }).emit(writer)
            }
            Self::Read(_) => {
                let number = u16::try_from(block_number).map_err(|_| Full)?;
                ReadRequest(List::new(&[VariableAccess::BlockNumber(number)])).emit(writer)
            }
            _ => invoked(invoke, GetRequest::Next { block_number }).emit(writer),
        }
    }

    /// What stands before the joined blocks to make an answer in one piece of them.
    pub(super) const fn head(&self, invoke: InvokeIdAndPriority) -> ([u8; 3], usize) {
        match self {
            Self::Get(_) => ([0; 3], 0),
            Self::GetList(_) => ([tag::GET_RESPONSE, 3, invoke.0], 3),
            Self::Set(..) | Self::SetList(..) => ([tag::SET_RESPONSE, 5, invoke.0], 3),
            Self::Action(..) => ([tag::ACTION_RESPONSE, 1, invoke.0], 3),
            Self::ActionList(..) => ([tag::ACTION_RESPONSE, 3, invoke.0], 3),
            Self::Read(_) => ([tag::READ_RESPONSE, 0, 0], 1),
            Self::Write(..) => ([tag::WRITE_RESPONSE, 0, 0], 1),
        }
    }

    /// Reads an answer.
    pub(super) fn judge<'a>(
        &self,
        invoke: InvokeIdAndPriority,
        apdu: &'a [u8],
    ) -> Result<Verdict<'a>, Error> {
        answer::refused(apdu)?;
        let found = apdu.first().copied().unwrap_or_default();
        if answer::is_report(found) {
            return Ok(Verdict::Report);
        }
        let expected = self.answer_tag();
        if found != expected {
            return Err(SessionError::Unexpected { tag: found }.into());
        }
        match *self {
            Self::Get(_) => judge_get(None, invoke, apdu),
            Self::GetList(list) => judge_get(Some(list.len()), invoke, apdu),
            Self::Set(..) => judge_set(None, invoke, apdu),
            Self::SetList(list, _) => judge_set(Some(list.len()), invoke, apdu),
            Self::Action(..) => judge_action(None, invoke, apdu),
            Self::ActionList(list, _) => judge_action(Some(list.len()), invoke, apdu),
            Self::Read(list) => judge_read(list.len(), apdu),
            Self::Write(list, _) => judge_write(list.len(), apdu),
        }
    }

    /// The tag of its answers.
    pub(super) const fn answer_tag(&self) -> u8 {
        match self {
            Self::Get(_) | Self::GetList(_) => tag::GET_RESPONSE,
            Self::Set(..) | Self::SetList(..) => tag::SET_RESPONSE,
            Self::Action(..) | Self::ActionList(..) => tag::ACTION_RESPONSE,
            Self::Read(_) => tag::READ_RESPONSE,
            Self::Write(..) => tag::WRITE_RESPONSE,
        }
    }
}

const fn invoked<T>(invoke_id_and_priority: InvokeIdAndPriority, service: T) -> Invoked<T> {
    Invoked { invoke_id_and_priority, service }
}

/// A block of a write request is an octet string, which `DataBlock` does not have.
fn write_block(block: DataBlock<'_>, writer: &mut Writer<'_>) -> Result<(), Full> {
    let DataBlock { last_block, block_number, raw_data } = block;
    let block_number = u16::try_from(block_number).map_err(|_| Full)?;
    let variables = [VariableAccess::WriteDataBlock { last_block, block_number }];
    // An empty value writes nothing: the octet string follows.
    let request = WriteRequest { variables: List::new(&variables), values: List::new(&[Encoded(&[])]) };
    request.emit(writer)?;
    Value::OctetString(raw_data).emit(writer)
}

fn ours(invoke: InvokeIdAndPriority, answer: InvokeIdAndPriority) -> Result<(), Error> {
    let (expected, found) = (invoke.invoke_id(), answer.invoke_id());
    if found == expected { Ok(()) } else { Err(SessionError::InvokeId { expected, found }.into()) }
}

fn counted(expected: usize, found: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(SessionError::Count { expected, found }.into()) }
}

fn unexpected(apdu: &[u8]) -> Error {
    SessionError::Unexpected { tag: apdu.first().copied().unwrap_or_default() }.into()
}

fn accessed<'a>(result: DataAccessResult, last: Option<u32>) -> Result<Verdict<'a>, Error> {
    match result {
        DataAccessResult::Success => Ok(Verdict::Done(last)),
        result => Err(SessionError::Access(result).into()),
    }
}

fn judge_get(count: Option<usize>, invoke: InvokeIdAndPriority, apdu: &[u8]) -> Result<Verdict<'_>, Error> {
    let response = Invoked::<GetResponse<'_>>::parse(apdu)?;
    ours(invoke, response.invoke_id_and_priority)?;
    match (response.service, count) {
        (GetResponse::Normal(GetDataResult::Data(Encoded(data))), None) => Ok(Verdict::Value(data.len())),
        // A server that cannot give the list may refuse it as one.
        (GetResponse::Normal(GetDataResult::Result(result)), _) => Err(SessionError::Access(result).into()),
        (GetResponse::WithDataBlock { last_block, block_number, result }, _) => match result {
            GetBlockResult::RawData(raw_data) => {
                Ok(Verdict::Block { last: last_block, number: block_number, raw_data })
            }
            GetBlockResult::Result(result) => Err(SessionError::Access(result).into()),
        },
        (GetResponse::WithList(list), Some(count)) => counted(count, list.len()).map(|()| Verdict::List),
        _ => Err(unexpected(apdu)),
    }
}

fn judge_set(count: Option<usize>, invoke: InvokeIdAndPriority, apdu: &[u8]) -> Result<Verdict<'_>, Error> {
    let response = Invoked::<SetResponse<'_>>::parse(apdu)?;
    ours(invoke, response.invoke_id_and_priority)?;
    match (response.service, count) {
        (SetResponse::Normal(result), None) => accessed(result, None),
        (SetResponse::LastDataBlock { result, block_number }, None) => accessed(result, Some(block_number)),
        (SetResponse::Normal(result) | SetResponse::LastDataBlock { result, .. }, Some(_))
            if result != DataAccessResult::Success =>
        {
            accessed(result, None)
        }
        (SetResponse::DataBlock { block_number }, _) => Ok(Verdict::Acknowledged(block_number)),
        (SetResponse::LastDataBlockWithList { results, block_number }, Some(count)) => {
            counted(count, results.len())?;
            // Tag, choice and invoke-id before; the block's number behind.
            let end = apdu.len().saturating_sub(4);
            Ok(Verdict::Within(Within { start: 3, end, number: block_number }))
        }
        (SetResponse::WithList(list), Some(count)) => counted(count, list.len()).map(|()| Verdict::List),
        _ => Err(unexpected(apdu)),
    }
}

fn judge_action(
    count: Option<usize>,
    invoke: InvokeIdAndPriority,
    apdu: &[u8],
) -> Result<Verdict<'_>, Error> {
    let response = Invoked::<ActionResponse<'_>>::parse(apdu)?;
    ours(invoke, response.invoke_id_and_priority)?;
    match (response.service, count) {
        (ActionResponse::Normal(answer), _) if answer.result != ActionResult::Success => {
            Err(SessionError::Action(answer.result).into())
        }
        (ActionResponse::Normal(answer), None) => match answer.return_parameters {
            None => Ok(Verdict::Done(None)),
            Some(GetDataResult::Data(Encoded(data))) => Ok(Verdict::Value(data.len())),
            // It was done and returns nothing: so some servers say it.
            Some(GetDataResult::Result(result)) => accessed(result, None),
        },
        (ActionResponse::WithBlock(DataBlock { last_block, block_number, raw_data }), _) => {
            Ok(Verdict::Block { last: last_block, number: block_number, raw_data })
        }
        (ActionResponse::NextBlock { block_number }, _) => Ok(Verdict::Acknowledged(block_number)),
        (ActionResponse::WithList(list), Some(count)) => counted(count, list.len()).map(|()| Verdict::List),
        _ => Err(unexpected(apdu)),
    }
}

fn judge_read(count: usize, apdu: &[u8]) -> Result<Verdict<'_>, Error> {
    let ReadResponse(list) = ReadResponse::parse(apdu)?;
    match (list.len(), list.iter().next()) {
        (1, Some(ReadResult::DataBlock { last_block, block_number, raw_data })) => {
            Ok(Verdict::Block { last: last_block, number: block_number.into(), raw_data })
        }
        (1, Some(ReadResult::Data(Encoded(data)))) if count == 1 => Ok(Verdict::Value(data.len())),
        (1, Some(ReadResult::Error(result))) if count == 1 => Err(SessionError::Access(result).into()),
        (found, _) => {
            counted(count, found)?;
            let plain = |result| matches!(result, ReadResult::Data(_) | ReadResult::Error(_));
            if list.iter().all(plain) { Ok(Verdict::List) } else { Err(unexpected(apdu)) }
        }
    }
}

fn judge_write(count: usize, apdu: &[u8]) -> Result<Verdict<'_>, Error> {
    let WriteResponse(list) = WriteResponse::parse(apdu)?;
    match (list.len(), list.iter().next()) {
        (1, Some(WriteResult::BlockNumber(number))) => Ok(Verdict::Acknowledged(number.into())),
        (1, Some(WriteResult::Success)) if count == 1 => Ok(Verdict::Done(None)),
        (1, Some(WriteResult::Error(result))) if count == 1 => Err(SessionError::Access(result).into()),
        (found, _) => {
            counted(count, found)?;
            let plain = |result| !matches!(result, WriteResult::BlockNumber(_));
            if list.iter().all(plain) { Ok(Verdict::List) } else { Err(unexpected(apdu)) }
        }
    }
}
