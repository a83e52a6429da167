//! GET, SET and ACTION: what a request in clear leads to, in one piece or in blocks.

use core::ops::Range;

use ccm_core::Writer;
use ccm_core::crypto::Crypto;

use super::answer::Kind;
use super::{Server, Store};
use crate::frame::Serving;
use crate::message::data::Data;
use crate::message::{
    ActionRequest, ActionResponse, ActionResult, AttributeAccess, Conformance, DataAccessResult, DataBlock,
    Encoded, ExceptionServiceError, GetRequest, InvokeIdAndPriority, Invoked, List, MessageError,
    MethodDescriptor, SetRequest, SetResponse, tag,
};

/// What comes of a request.
pub(super) enum Outcome {
    /// The answer is in the link's buffer.
    Written(usize),
    /// The answer is to be made, piece by piece.
    Answer,
    /// This is the first block; it was rewritten, so that with the other blocks behind it it is the whole request.
    Block { head: usize, block_number: u32, last_block: bool },
    /// Nothing can come of it.
    Refused(ExceptionServiceError),
}

impl<L: Serving, C: Crypto, S: Store> Server<'_, L, C, S> {
    /// Carries out the request in clear that lies there in the link's buffer.
    pub(super) fn carry_out(&mut self, plain: Range<usize>) -> usize {
        let apdu = self.link.apdu_mut().get(plain.clone()).unwrap_or_default();
        let invoke = InvokeIdAndPriority(apdu.get(2).copied().unwrap_or_default());
        match apdu {
            [tag::GET_REQUEST | tag::ACTION_REQUEST, 2, ..] => {
                let number = apdu.get(3..).and_then(|rest| rest.first_chunk()).copied();
                self.next_block(number.map(u32::from_be_bytes))
            }
            [tag::SET_REQUEST, 3, ..] | [tag::ACTION_REQUEST, 6, ..] => self.take_block(plain, invoke),
            [tag::READ_REQUEST, 1, 5, high, low] => {
                let number = u16::from_be_bytes([*high, *low]);
                self.next_block(Some(number.into()))
            }
            [tag::WRITE_REQUEST, 1, 7, ..] if self.receiving.is_some() => self.take_written_block(plain),
            _ => {
                self.request.clear();
                if self.request.append(apdu) {
                    self.begin()
                } else {
                    self.refuse(ExceptionServiceError::PduTooLong)
                }
            }
        }
    }

    /// Carries out the request that is held.
    pub(super) fn begin(&mut self) -> usize {
        self.answering = super::Answering::default();
        self.receiving = None;
        self.execute_held()
    }

    fn execute_held(&mut self) -> usize {
        let mut held = core::mem::take(&mut self.request);
        let outcome = self.execute(held.bytes());
        if let Outcome::Block { head, .. } = outcome {
            held.clear();
            let is_held = held.append(self.pieces.get(..head).unwrap_or_default());
            if !is_held {
                self.request = held;
                return self.refuse(ExceptionServiceError::PduTooLong);
            }
        }
        self.request = held;
        match outcome {
            Outcome::Written(length) => length,
            Outcome::Answer => self.answer(),
            Outcome::Refused(error) => self.refuse(error),
            Outcome::Block { block_number, last_block, .. } => {
                self.receiving = Some(block_number);
                if last_block { self.execute_held() } else { self.acknowledge(block_number) }
            }
        }
    }

    fn execute(&mut self, request: &[u8]) -> Outcome {
        let service = request.first().copied().unwrap_or_default();
        if !self.is_allowed(service, request) {
            return Outcome::Refused(match self.session.is_proven() {
                true => ExceptionServiceError::ServiceNotSupported,
                false => ExceptionServiceError::OperationNotPossible,
            });
        }
        let outcome = match service {
            tag::GET_REQUEST => Invoked::parse(request).map(|get| self.get(get)),
            tag::SET_REQUEST => Invoked::parse(request).and_then(|set| self.set(set)),
            tag::ACTION_REQUEST => Invoked::parse(request).and_then(|action| self.action(action)),
            _ => self.execute_by_name(service, request),
        };
        outcome.unwrap_or(Outcome::Refused(ExceptionServiceError::OtherReason))
    }

    /// Whether the service was agreed on; before the third pass only that pass is.
    fn is_allowed(&self, service: u8, request: &[u8]) -> bool {
        let agreed = self.session.caller.conformance;
        let needed = match service {
            tag::GET_REQUEST => Conformance::GET,
            tag::SET_REQUEST => Conformance::SET,
            tag::ACTION_REQUEST => Conformance::ACTION,
            tag::READ_REQUEST => Conformance::READ,
            tag::WRITE_REQUEST => Conformance::WRITE,
            tag::UNCONFIRMED_WRITE_REQUEST => Conformance::UNCONFIRMED_WRITE,
            _ => return false,
        };
        let is_named = (service < tag::GET_REQUEST) == self.session.caller.is_short_name();
        let third_pass = super::proof::is_third_pass(request);
        // Clients that only want to read leave ACTION out, and prove who they are nevertheless.
        is_named && (third_pass || agreed.contains(needed)) && (third_pass || self.session.is_proven())
    }

    fn get(&mut self, get: Invoked<GetRequest<'_>>) -> Outcome {
        let (kind, count) = match get.service {
            GetRequest::Normal(_) => (Kind::Get, 1),
            GetRequest::WithList(attributes) => (Kind::GetList, attributes.len()),
            GetRequest::Next { .. } => return Outcome::Refused(ExceptionServiceError::OtherReason),
        };
        self.answering.begin(kind, get.invoke_id_and_priority, count);
        Outcome::Answer
    }

    fn set(&mut self, set: Invoked<SetRequest<'_>>) -> Result<Outcome, MessageError> {
        let invoke = set.invoke_id_and_priority;
        let mut writer = Writer::new(self.pieces);
        let (head, block) = match set.service {
            SetRequest::Normal { attribute, value } => return Ok(self.set_one(invoke, &attribute, value)),
            SetRequest::WithList { attributes, values } => {
                return Ok(self.set_list(invoke, attributes, values));
            }
            SetRequest::WithFirstDataBlock { attribute, block } => {
                let service = SetRequest::Normal { attribute, value: Encoded(&[]) };
                (Invoked { service, ..set }.emit(&mut writer).map(|()| 0), block)
            }
            SetRequest::WithListAndFirstDataBlock { attributes, block } => {
                let service = SetRequest::WithList { attributes, values: List::new(&[]) };
                (Invoked { service, ..set }.emit(&mut writer).map(|()| 1), block)
            }
            SetRequest::WithDataBlock(_) => {
                return Ok(Outcome::Refused(ExceptionServiceError::OtherReason));
            }
        };
        let head = head.map(|surplus| writer.finish() - surplus);
        Ok(head.map_or(Outcome::Refused(ExceptionServiceError::PduTooLong), |head| self.first(head, &block)))
    }

    fn action(&mut self, action: Invoked<ActionRequest<'_>>) -> Result<Outcome, MessageError> {
        let invoke = action.invoke_id_and_priority;
        let mut writer = Writer::new(self.pieces);
        let (head, block) = match action.service {
            ActionRequest::Normal { method, parameters } => {
                return Ok(self.invoke_one(invoke, &method, parameters));
            }
            ActionRequest::WithList { methods, parameters } => {
                return Ok(self.invoke_list(invoke, methods, parameters));
            }
            ActionRequest::WithFirstBlock { method, block } => {
                let service = ActionRequest::Normal { method, parameters: Some(Encoded(&[])) };
                (Invoked { service, ..action }.emit(&mut writer).map(|()| 0), block)
            }
            ActionRequest::WithListAndFirstBlock { methods, block } => {
                let service = ActionRequest::WithList { methods, parameters: List::new(&[]) };
                (Invoked { service, ..action }.emit(&mut writer).map(|()| 1), block)
            }
            ActionRequest::NextBlock { .. } | ActionRequest::WithBlock(_) => {
                return Ok(Outcome::Refused(ExceptionServiceError::OtherReason));
            }
        };
        let head = head.map(|surplus| writer.finish() - surplus);
        Ok(head.map_or(Outcome::Refused(ExceptionServiceError::PduTooLong), |head| self.first(head, &block)))
    }

    /// Puts the first block behind the head of the request, which lies in `pieces`: the count of a list comes with the
    /// blocks.
    fn first(&mut self, head: usize, block: &DataBlock<'_>) -> Outcome {
        let mut writer = Writer::new(self.pieces.get_mut(head..).unwrap_or_default());
        if writer.slice(block.raw_data).is_err() {
            return Outcome::Refused(ExceptionServiceError::PduTooLong);
        }
        let head = head + writer.finish();
        let DataBlock { last_block, block_number, .. } = *block;
        Outcome::Block { head, block_number, last_block }
    }

    /// Takes another block of a request.
    fn take_block(&mut self, plain: Range<usize>, invoke: InvokeIdAndPriority) -> usize {
        let Self { link, request, receiving, .. } = self;
        let apdu = link.apdu_mut().get(plain).unwrap_or_default();
        let Some(block) = following(apdu) else { return self.refuse(ExceptionServiceError::OtherReason) };
        let DataBlock { last_block, block_number, raw_data } = block;
        let is_set = apdu.first() == Some(&tag::SET_REQUEST);
        let wrong = match *receiving {
            None => Some(DataAccessResult::NoLongSetInProgress),
            Some(last) if last.wrapping_add(1) != block_number => {
                Some(DataAccessResult::DataBlockNumberInvalid)
            }
            Some(_) if !request.append(raw_data) => Some(DataAccessResult::LongSetAborted),
            Some(_) => None,
        };
        match wrong {
            Some(result) => {
                self.receiving = None;
                if is_set {
                    self.abort_set(invoke, result, block_number)
                } else {
                    self.abort_action(invoke, result)
                }
            }
            None => {
                self.receiving = Some(block_number);
                if last_block { self.execute_held() } else { self.acknowledge(block_number) }
            }
        }
    }

    /// Says that a block has come.
    pub(super) fn acknowledge(&mut self, block_number: u32) -> usize {
        let (service, invoke) = match self.request.bytes() {
            [service, _, invoke, ..] => (*service, *invoke),
            _ => return 0,
        };
        let invoke_id_and_priority = self.invoke_id(InvokeIdAndPriority(invoke));
        match service {
            tag::SET_REQUEST => {
                let service = SetResponse::DataBlock { block_number };
                self.write(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
            }
            tag::ACTION_REQUEST => {
                let service = ActionResponse::NextBlock { block_number };
                self.write(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
            }
            _ => self.acknowledge_written(block_number),
        }
    }

    fn abort_set(
        &mut self,
        invoke: InvokeIdAndPriority,
        result: DataAccessResult,
        block_number: u32,
    ) -> usize {
        let invoke_id_and_priority = self.invoke_id(invoke);
        let service = SetResponse::LastDataBlock { result, block_number };
        self.write(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
    }

    fn abort_action(&mut self, invoke: InvokeIdAndPriority, result: DataAccessResult) -> usize {
        let invoke_id_and_priority = self.invoke_id(invoke);
        let result = match result {
            DataAccessResult::NoLongSetInProgress => ActionResult::NoLongActionInProgress,
            _ => ActionResult::LongActionAborted,
        };
        let service =
            ActionResponse::Normal(crate::message::ActionReturn { result, return_parameters: None });
        self.write(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
    }

    fn set_one(
        &mut self,
        invoke: InvokeIdAndPriority,
        attribute: &AttributeAccess<'_>,
        value: Encoded<'_>,
    ) -> Outcome {
        let result = self.set_value(attribute, value);
        let service = match self.receiving.take() {
            None => SetResponse::Normal(result),
            Some(block_number) => SetResponse::LastDataBlock { result, block_number },
        };
        if !invoke.is_confirmed() {
            return Outcome::Written(0);
        }
        let invoke_id_and_priority = self.invoke_id(invoke);
        Outcome::Written(self.write(|writer| Invoked { invoke_id_and_priority, service }.emit(writer)))
    }

    fn set_list(
        &mut self,
        invoke: InvokeIdAndPriority,
        attributes: List<'_, AttributeAccess<'_>>,
        values: List<'_, Encoded<'_>>,
    ) -> Outcome {
        let mut count = 0;
        for (attribute, value) in attributes.iter().zip(values.iter()) {
            let result = self.set_value(&attribute, value);
            if let Some(slot) = self.pieces.get_mut(count) {
                *slot = result.code();
                count += 1;
            }
        }
        if !invoke.is_confirmed() {
            return Outcome::Written(0);
        }
        let invoke = self.invoke_id(invoke);
        let block_number = self.receiving.take();
        let mut writer = Writer::new(self.link.apdu_mut());
        let results = self.pieces.get(..count).unwrap_or_default();
        let choice = if block_number.is_some() { 4 } else { 5 };
        let written = writer
            .array([tag::SET_RESPONSE, choice, invoke.0])
            .and_then(|()| crate::message::emit_octets(&mut writer, results))
            .and_then(|()| block_number.map_or(Ok(()), |number| writer.array(number.to_be_bytes())));
        Outcome::Written(if written.is_ok() { writer.finish() } else { 0 })
    }

    pub(super) fn set_value(
        &mut self,
        attribute: &AttributeAccess<'_>,
        value: Encoded<'_>,
    ) -> DataAccessResult {
        let Ok(value) = Data::parse(value.0) else { return DataAccessResult::TypeUnmatched };
        match self.store.set(&self.session.caller, attribute, value) {
            Ok(()) => DataAccessResult::Success,
            Err(result) => result,
        }
    }

    fn invoke_one(
        &mut self,
        invoke: InvokeIdAndPriority,
        method: &MethodDescriptor,
        parameters: Option<Encoded<'_>>,
    ) -> Outcome {
        self.receiving = None;
        let written = if super::proof::is_proof(method) {
            self.return_proof(parameters)
        } else {
            self.invoke(method, parameters, 0)
        };
        self.give(Kind::Action, invoke, written)
    }

    fn invoke_list(
        &mut self,
        invoke: InvokeIdAndPriority,
        methods: List<'_, MethodDescriptor>,
        parameters: List<'_, Encoded<'_>>,
    ) -> Outcome {
        self.receiving = None;
        let mut writer = Writer::new(self.pieces);
        let mut end = match crate::message::emit_length(&mut writer, methods.len()) {
            Ok(()) => writer.finish(),
            Err(_) => 0,
        };
        for (method, parameters) in methods.iter().zip(parameters.iter()) {
            // In a list each method has parameters; those that take none get null-data.
            end = self.invoke(&method, Some(parameters), end);
        }
        self.give(Kind::ActionList, invoke, end)
    }

    fn give(&mut self, kind: Kind, invoke: InvokeIdAndPriority, written: usize) -> Outcome {
        if !invoke.is_confirmed() {
            return Outcome::Written(0);
        }
        self.answering.give(kind, invoke, written);
        Outcome::Answer
    }

    /// Invokes a method, and writes its result and what it returns from `at` on into `pieces`; gives where that ends.
    fn invoke(&mut self, method: &MethodDescriptor, parameters: Option<Encoded<'_>>, at: usize) -> usize {
        let parameters = parameters.map(|Encoded(bytes)| Data::parse(bytes)).transpose();
        let Some(room) = self.pieces.get_mut(at..) else { return at };
        let Some((head, room)) = room.split_first_chunk_mut::<3>() else { return at };
        let mut writer = Writer::new(room);
        let result = match parameters {
            Ok(parameters) => self.store.invoke(&self.session.caller, method, parameters, &mut writer),
            Err(_) => Err(ActionResult::TypeUnmatched),
        };
        let (result, returned) = match result {
            Ok(()) => (ActionResult::Success, writer.finish()),
            Err(result) => (result, 0),
        };
        *head = [result.code(), u8::from(returned > 0), 0];
        // Without data there is no choice either.
        at + if returned > 0 { head.len() + returned } else { 2 }
    }
}

/// The block of a request that goes on.
fn following(apdu: &[u8]) -> Option<DataBlock<'_>> {
    if apdu.first() == Some(&tag::SET_REQUEST) {
        return match Invoked::parse(apdu).ok()?.service {
            SetRequest::WithDataBlock(block) => Some(block),
            _ => None,
        };
    }
    match Invoked::parse(apdu).ok()?.service {
        ActionRequest::WithBlock(block) => Some(block),
        _ => None,
    }
}
