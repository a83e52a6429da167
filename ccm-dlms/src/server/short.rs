//! READ and WRITE: objects by short names (Green Book 9.3.14 to 9.3.16).

use core::ops::Range;

use ccm_core::Writer;
use ccm_core::crypto::Crypto;

use super::answer::Kind;
use super::request::Outcome;
use super::{Caller, Named, Part, Server, Store};
use crate::frame::Serving;
use crate::message::data::{Data, Value};
use crate::message::{
    ActionResult, AttributeAccess, DataAccessResult, Encoded, ExceptionServiceError, InvokeIdAndPriority,
    List, MessageError, MethodDescriptor, ReadRequest, SelectiveAccess, UnconfirmedWriteRequest,
    VariableAccess, WriteRequest, WriteResponse, WriteResult, tag,
};

/// What a client wants to read.
pub(super) enum Wanted<'a> {
    Attribute(AttributeAccess<'a>),
    /// A method that returns something, as READ invokes it.
    Method(MethodDescriptor, Option<Encoded<'a>>),
    /// There is no such thing.
    Nothing,
}

/// What is at a place of a READ.
pub(super) fn wanted<'a, S: Store>(request: &'a [u8], item: usize, store: &S) -> Wanted<'a> {
    let variable = ReadRequest::parse(request).ok().and_then(|ReadRequest(list)| list.iter().nth(item));
    let (name, selection) = match variable {
        Some(VariableAccess::VariableName(name)) => (name, None),
        Some(VariableAccess::Parameterized { variable_name, selector, parameter }) => {
            (variable_name, Some(SelectiveAccess { selector, parameters: parameter }))
        }
        _ => return Wanted::Nothing,
    };
    match store.short_name(name) {
        Some(Named::Attribute(attribute)) => {
            Wanted::Attribute(AttributeAccess { attribute, access: selection })
        }
        Some(Named::Method(method)) => Wanted::Method(method, selection.map(|access| access.parameters)),
        None => Wanted::Nothing,
    }
}

/// Invokes a method within a READ: what it returns is what is read.
pub(super) fn invoke<S: Store>(
    store: &mut S,
    caller: &Caller,
    method: &MethodDescriptor,
    parameters: Option<Encoded<'_>>,
    writer: &mut Writer<'_>,
) -> Result<Part, DataAccessResult> {
    let parameters = parameters.map(|Encoded(bytes)| Data::parse(bytes)).transpose();
    let parameters = parameters.map_err(|_| DataAccessResult::TypeUnmatched)?;
    let mut returned = Writer::new(writer.rest_mut());
    store.invoke(caller, method, parameters, &mut returned).map_err(as_access)?;
    let length = returned.finish();
    match length {
        0 => Value::Null.emit(writer)?,
        _ => drop(writer.room(length)?),
    }
    Ok(Part::Last)
}

impl<L: Serving, C: Crypto, S: Store> Server<'_, L, C, S> {
    pub(super) fn execute_by_name(&mut self, service: u8, request: &[u8]) -> Result<Outcome, MessageError> {
        match service {
            tag::READ_REQUEST => self.read(request),
            tag::WRITE_REQUEST => {
                let WriteRequest { variables, values } = WriteRequest::parse(request)?;
                Ok(self.write_list(variables, values))
            }
            tag::UNCONFIRMED_WRITE_REQUEST => {
                let UnconfirmedWriteRequest { variables, values } = UnconfirmedWriteRequest::parse(request)?;
                for (variable, value) in variables.iter().zip(values.iter()) {
                    self.write_one(variable, value);
                }
                Ok(Outcome::Written(0))
            }
            _ => Ok(Outcome::Refused(ExceptionServiceError::ServiceNotSupported)),
        }
    }

    fn read(&mut self, request: &[u8]) -> Result<Outcome, MessageError> {
        let ReadRequest(variables) = ReadRequest::parse(request)?;
        match variables.iter().next() {
            Some(VariableAccess::ReadDataBlock { .. }) => {
                return Ok(Outcome::Refused(ExceptionServiceError::ServiceNotSupported));
            }
            Some(VariableAccess::Parameterized { variable_name: REPLY_TO_HLS, parameter, .. }) => {
                return Ok(self.read_proof(parameter));
            }
            _ => {}
        }
        self.answering.begin(Kind::Read, InvokeIdAndPriority(0), variables.len());
        Ok(Outcome::Answer)
    }

    /// The third pass, and the fourth.
    fn read_proof(&mut self, answer: Encoded<'_>) -> Outcome {
        let proof = self.prove(answer, 2);
        let Some(end) = proof else {
            let code = ActionResult::OtherReason.code();
            return Outcome::Written(self.write(|writer| writer.array([tag::READ_RESPONSE, 1, 1, code])));
        };
        if let Some(head) = self.pieces.first_chunk_mut() {
            *head = [1, 0];
        }
        self.answering.give(Kind::Read, InvokeIdAndPriority(0), end);
        Outcome::Answer
    }

    fn write_list(
        &mut self,
        variables: List<'_, VariableAccess<'_>>,
        values: List<'_, Encoded<'_>>,
    ) -> Outcome {
        if let (1, Some(VariableAccess::WriteDataBlock { last_block, block_number }), Some(value)) =
            (variables.len(), variables.iter().next(), values.iter().next())
        {
            return self.first_written(last_block, block_number, value);
        }
        self.receiving = None;
        let mut count = 0;
        for (variable, value) in variables.iter().zip(values.iter()) {
            let result = self.write_one(variable, value);
            count += 1;
            if let Some(slot) = self.pieces.get_mut(count) {
                *slot = result.code();
            }
        }
        let codes = self.pieces.get(1..=count).unwrap_or_default();
        let mut writer = Writer::new(self.link.apdu_mut());
        let written = writer
            .u8(tag::WRITE_RESPONSE)
            .and_then(|()| crate::message::emit_length(&mut writer, codes.len()))
            .and_then(|()| codes.iter().try_for_each(|code| emit_result(&mut writer, *code)));
        Outcome::Written(if written.is_ok() { writer.finish() } else { 0 })
    }

    /// The blocks together are the lists of variables and values: with the tag before them, a request.
    fn first_written(&mut self, last_block: bool, number: u16, value: Encoded<'_>) -> Outcome {
        let mut writer = Writer::new(self.pieces);
        let raw = Data::parse(value.0).ok().and_then(|data| data.value().ok()).and_then(Value::bytes);
        let head = raw.ok_or(ccm_core::Full).and_then(|raw| {
            writer.u8(tag::WRITE_REQUEST)?;
            writer.slice(raw)
        });
        match head {
            Ok(()) => Outcome::Block { head: writer.finish(), block_number: number.into(), last_block },
            Err(_) => Outcome::Refused(ExceptionServiceError::PduTooLong),
        }
    }

    /// Another block of a WRITE.
    pub(super) fn take_written_block(&mut self, plain: Range<usize>) -> usize {
        let Self { link, request, receiving, .. } = self;
        let apdu = link.apdu_mut().get(plain).unwrap_or_default();
        let block = WriteRequest::parse(apdu).ok().and_then(|write| {
            let VariableAccess::WriteDataBlock { last_block, block_number } =
                write.variables.iter().next()?
            else {
                return None;
            };
            let value = Data::parse(write.values.iter().next()?.0).ok()?.value().ok()?;
            Some((last_block, u32::from(block_number), value.bytes()?))
        });
        let expected = receiving.take().map(|last| last + 1);
        let result = match block {
            Some((_, number, _)) if Some(number) != expected => DataAccessResult::DataBlockNumberInvalid,
            Some((last_block, number, raw)) if request.append(raw) => {
                if last_block {
                    return self.begin();
                }
                self.receiving = Some(number);
                return self.acknowledge_written(number);
            }
            _ => DataAccessResult::LongSetAborted,
        };
        self.write(|writer| WriteResponse(List::new(&[WriteResult::Error(result)])).emit(writer))
    }

    pub(super) fn acknowledge_written(&mut self, number: u32) -> usize {
        let number = WriteResult::BlockNumber(u16::try_from(number).unwrap_or_default());
        self.write(|writer| WriteResponse(List::new(&[number])).emit(writer))
    }

    /// Writes an attribute, or invokes a method.
    fn write_one(&mut self, variable: VariableAccess<'_>, value: Encoded<'_>) -> DataAccessResult {
        let (name, access) = match variable {
            VariableAccess::VariableName(name) => (name, None),
            VariableAccess::Parameterized { variable_name, selector, parameter } => {
                (variable_name, Some(SelectiveAccess { selector, parameters: parameter }))
            }
            _ => return DataAccessResult::ScopeOfAccessViolated,
        };
        match self.store.short_name(name) {
            Some(Named::Attribute(attribute)) => {
                self.set_value(&AttributeAccess { attribute, access }, value)
            }
            Some(Named::Method(method)) => {
                let Self { store, session, pieces, .. } = self;
                // What it returns is not for WRITE; the first bytes hold the results of those before.
                let mut writer = Writer::new(pieces.get_mut(RESULTS..).unwrap_or_default());
                let invoked = invoke(store, &session.caller, &method, Some(value), &mut writer);
                invoked.map_or_else(|result| result, |_| DataAccessResult::Success)
            }
            None => DataAccessResult::ObjectUndefined,
        }
    }
}

fn emit_result(writer: &mut Writer<'_>, code: u8) -> Result<(), ccm_core::Full> {
    if code == 0 { writer.u8(0) } else { writer.array([1, code]) }
}

/// The same code in the other list; the two differ in words alone.
const fn as_access(result: ActionResult) -> DataAccessResult {
    DataAccessResult::from_code(result.code())
}

/// The method `reply_to_HLS_authentication` of the association that stands (class 12).
pub(super) const REPLY_TO_HLS: u16 = 0xFA58;
/// Results of one WRITE that are kept while its methods are invoked.
const RESULTS: usize = 64;
