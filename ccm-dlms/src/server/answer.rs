//! Answers that are made piece by piece, and go whole or in blocks.

use ccm_core::crypto::Crypto;
use ccm_core::{Full, Writer};

use super::held::Held;
use super::short::{self, Wanted};
use super::{Association, Caller, Part, Server, Store};
use crate::frame::Serving;
use crate::message::data::Value;
use crate::message::{
    AttributeAccess, Conformance, DataAccessResult, GetBlockResult, GetDataResult, GetRequest, GetResponse,
    InvokeIdAndPriority, Invoked, tag,
};

/// An answer that is under way.
#[derive(Debug, Default)]
pub(super) struct Answering {
    kind: Kind,
    invoke: u8,
    /// Values that were asked for.
    count: usize,
    /// The value, and the piece of it, that comes next; the first piece of a list is its count.
    item: usize,
    part: u32,
    is_counted: bool,
    /// What of the piece is not sent yet.
    start: usize,
    end: usize,
    /// Nothing comes behind that piece.
    is_made: bool,
    failed: Option<DataAccessResult>,
    /// The block that was sent last; 0 before the first.
    block_number: u32,
}

/// What is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Nothing,
    Get,
    GetList,
    Read,
    Action,
    ActionList,
}

impl Answering {
    /// Begins to answer with values that are made as they are needed.
    pub(super) fn begin(&mut self, kind: Kind, invoke: InvokeIdAndPriority, count: usize) {
        let is_counted = kind == Kind::Get;
        *self = Self {
            kind,
            invoke: invoke.0,
            count,
            is_counted,
            is_made: count == 0 && is_counted,
            ..Self::default()
        };
    }

    /// Begins to answer with the first `end` bytes of `pieces`.
    pub(super) fn give(&mut self, kind: Kind, invoke: InvokeIdAndPriority, end: usize) {
        *self = Self { kind, invoke: invoke.0, end, is_made: true, ..Self::default() };
    }

    /// Writes the next piece.
    fn make<K, S: Store>(
        &mut self,
        request: &[u8],
        (store, associations): (&mut S, &mut [Association<'_, K>]),
        caller: &Caller,
        pieces: &mut [u8],
    ) {
        (self.start, self.end) = (0, 0);
        let mut writer = Writer::new(pieces);
        if !self.is_counted {
            self.is_counted = true;
            self.is_made = self.count == 0;
            self.failed = crate::message::emit_length(&mut writer, self.count).err().map(Into::into);
            self.end = writer.finish();
            return;
        }
        let wanted = match self.kind {
            Kind::Read => short::wanted(request, self.item, store),
            _ => wanted(request, self.item),
        };
        let is_listed = self.kind != Kind::Get;
        let made = self.make_value(wanted, is_listed, (store, associations), caller, &mut writer);
        self.end = match made {
            Ok(Part::More) => {
                self.part += 1;
                writer.finish()
            }
            Ok(Part::Last) => {
                self.next_item();
                writer.finish()
            }
            Err(_) if self.part > 0 => self.fail(DataAccessResult::LongGetAborted),
            Err(result) if !is_listed => self.fail(result),
            Err(result) => {
                self.next_item();
                refused(pieces, result)
            }
        };
    }

    fn make_value<K, S: Store>(
        &self,
        wanted: Wanted<'_>,
        is_listed: bool,
        (store, associations): (&mut S, &mut [Association<'_, K>]),
        caller: &Caller,
        writer: &mut Writer<'_>,
    ) -> Result<Part, DataAccessResult> {
        if is_listed && self.part == 0 {
            writer.u8(DATA)?;
        }
        match wanted {
            Wanted::Attribute(access) => match counter(associations, &access) {
                Some(value) => {
                    value.emit(writer)?;
                    Ok(Part::Last)
                }
                None => store.get(caller, &access, self.part, writer),
            },
            Wanted::Method(method, parameters) => short::invoke(store, caller, &method, parameters, writer),
            Wanted::Nothing => Err(DataAccessResult::ObjectUndefined),
        }
    }

    fn next_item(&mut self) {
        self.part = 0;
        self.item += 1;
        self.is_made = self.item >= self.count;
    }

    const fn fail(&mut self, result: DataAccessResult) -> usize {
        self.failed = Some(result);
        self.is_made = true;
        0
    }

    const fn is_sent(&self) -> bool {
        self.is_made && self.start == self.end
    }
}

impl<L: Serving, C: Crypto, S: Store> Server<'_, L, C, S> {
    /// Answers whole where that fits, else with the first block.
    pub(super) fn answer(&mut self) -> usize {
        let limit = self.limit();
        let room = limit.saturating_sub(BLOCK_HEAD);
        let filled = self.fill(room);
        if let Some(result) = self.answering.failed {
            return self.fail(result);
        }
        if self.answering.block_number == 0 && self.answering.is_sent() {
            return self.finish(filled);
        }
        if !self.sends_blocks() {
            return self.fail(DataAccessResult::DataBlockUnavailable);
        }
        self.block(filled)
    }

    /// Goes on with the block behind the one that the client received last.
    pub(super) fn next_block(&mut self, received: Option<u32>) -> usize {
        let Some(received) = received else {
            return self.refuse(crate::message::ExceptionServiceError::OtherReason);
        };
        if self.answering.kind == Kind::Nothing || self.answering.block_number == 0 {
            return self.fail_block(DataAccessResult::NoLongGetInProgress, received);
        }
        if received != self.answering.block_number {
            return self.fail_block(DataAccessResult::DataBlockNumberInvalid, received);
        }
        self.answer()
    }

    /// The invoke-id that an answer repeats.
    pub(super) const fn invoke_id(&self, invoke: InvokeIdAndPriority) -> InvokeIdAndPriority {
        let change = if self.quirks.changes_invoke_id { 1 } else { 0 };
        InvokeIdAndPriority(invoke.0 ^ change)
    }

    /// Fills the answer's buffer behind the room for its head, as far as it goes.
    fn fill(&mut self, room: usize) -> usize {
        let mut filled = 0;
        loop {
            let Self { link, pieces, answering, .. } = self;
            let to = link.apdu_mut().get_mut(BLOCK_HEAD + filled..BLOCK_HEAD + room).unwrap_or_default();
            let from = pieces.get(answering.start..answering.end).unwrap_or_default();
            let count = to.len().min(from.len());
            to.iter_mut().zip(from).for_each(|(slot, byte)| *slot = *byte);
            answering.start += count;
            filled += count;
            if answering.start < answering.end || answering.is_made {
                return filled;
            }
            let Self { request, store, associations, session, .. } = self;
            let objects = (store, &mut **associations);
            self.answering.make(Held::bytes(request), objects, &session.caller, self.pieces);
        }
    }

    /// All of the answer in one piece.
    fn finish(&mut self, filled: usize) -> usize {
        let kind = self.answering.kind;
        let invoke = self.invoke_id(InvokeIdAndPriority(self.answering.invoke)).0;
        self.answering = Answering::default();
        let head: &[u8] = match kind {
            Kind::Get => &[tag::GET_RESPONSE, 1, invoke, DATA],
            Kind::GetList => &[tag::GET_RESPONSE, 3, invoke],
            Kind::Action => &[tag::ACTION_RESPONSE, 1, invoke],
            Kind::ActionList => &[tag::ACTION_RESPONSE, 3, invoke],
            Kind::Read => &[tag::READ_RESPONSE],
            Kind::Nothing => return 0,
        };
        self.put_before(head, filled)
    }

    /// A piece of the answer.
    fn block(&mut self, filled: usize) -> usize {
        let is_jumping = self.quirks.jumps_blocks && self.answering.block_number == 1;
        self.answering.block_number += if is_jumping { 2 } else { 1 };
        let last = u8::from(self.answering.is_sent());
        let number = self.answering.block_number;
        let invoke = self.invoke_id(InvokeIdAndPriority(self.answering.invoke)).0;
        let kind = self.answering.kind;
        if last == 1 {
            self.answering = Answering::default();
        }
        let mut head = [0; BLOCK_HEAD];
        let mut writer = Writer::new(&mut head);
        let written = emit_head(&mut writer, kind, invoke, (last, number))
            .and_then(|()| crate::message::emit_length(&mut writer, filled));
        let length = writer.finish();
        if written.is_err() {
            return 0;
        }
        let length = self.put_before(head.get(..length).unwrap_or_default(), filled);
        if self.quirks.truncates_blocks { length.saturating_sub(TRUNCATED) } else { length }
    }

    /// Puts a head before the `filled` bytes that lie behind the room for the longest.
    fn put_before(&mut self, head: &[u8], filled: usize) -> usize {
        let length = head.len() + filled;
        let apdu = self.link.apdu_mut();
        crate::frame::discard_front(
            apdu.get_mut(..BLOCK_HEAD + filled).unwrap_or_default(),
            BLOCK_HEAD - head.len().min(BLOCK_HEAD),
        );
        apdu.iter_mut().zip(head).for_each(|(slot, byte)| *slot = *byte);
        length
    }

    fn sends_blocks(&self) -> bool {
        let needed = match self.answering.kind {
            Kind::Action | Kind::ActionList => Conformance::BLOCK_TRANSFER_WITH_ACTION,
            _ => Conformance::BLOCK_TRANSFER_WITH_GET_OR_READ,
        };
        self.session.caller.conformance.contains(needed)
    }

    /// There is no value.
    fn fail(&mut self, result: DataAccessResult) -> usize {
        let number = self.answering.block_number;
        if number > 0 {
            return self.fail_block(result, number + 1);
        }
        let invoke_id_and_priority = self.invoke_id(InvokeIdAndPriority(self.answering.invoke));
        let kind = self.answering.kind;
        self.answering = Answering::default();
        let code = result.code();
        match kind {
            Kind::Read => self.write(|writer| writer.array([tag::READ_RESPONSE, 1, RESULT, code])),
            Kind::Action | Kind::ActionList => {
                let head = [tag::ACTION_RESPONSE, 1, invoke_id_and_priority.0, code, 0];
                self.write(|writer| writer.array(head))
            }
            _ => {
                let service = GetResponse::Normal(GetDataResult::Result(result));
                self.write(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
            }
        }
    }

    /// A transfer ends without its value.
    fn fail_block(&mut self, result: DataAccessResult, block_number: u32) -> usize {
        let asked = self.link.apdu_mut().first_chunk::<3>().copied().unwrap_or_default();
        let Answering { kind, invoke, .. } = core::mem::take(&mut self.answering);
        let invoke = if kind == Kind::Nothing { asked[2] } else { invoke };
        let invoke_id_and_priority = self.invoke_id(InvokeIdAndPriority(invoke));
        match kind {
            Kind::Nothing if self.session.caller.is_short_name() => {
                self.write(|writer| writer.array([tag::READ_RESPONSE, 1, RESULT, result.code()]))
            }
            Kind::Read => self.write(|writer| writer.array([tag::READ_RESPONSE, 1, RESULT, result.code()])),
            Kind::Action | Kind::ActionList => {
                let head = [tag::ACTION_RESPONSE, 1, invoke_id_and_priority.0, result.code(), 0];
                self.write(|writer| writer.array(head))
            }
            _ => {
                let result = GetBlockResult::Result(result);
                let service = GetResponse::WithDataBlock { last_block: true, block_number, result };
                self.write(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
            }
        }
    }
}

/// What is at a place of a GET.
fn wanted(request: &[u8], item: usize) -> Wanted<'_> {
    let access = match Invoked::parse(request).map(|get| get.service) {
        Ok(GetRequest::Normal(access)) => Some(access),
        Ok(GetRequest::WithList(attributes)) => attributes.iter().nth(item),
        _ => None,
    };
    access.map_or(Wanted::Nothing, Wanted::Attribute)
}

/// The value of an object that shows an association's counter.
fn counter<'v, K>(associations: &[Association<'_, K>], access: &AttributeAccess<'v>) -> Option<Value<'v>> {
    let attribute = access.attribute;
    if (attribute.class_id, attribute.attribute_id) != (1, 2) {
        return None;
    }
    let shows = |association: &&Association<'_, K>| association.counter == Some(attribute.instance_id);
    let security = associations.iter().find(shows)?.security.as_ref()?;
    Some(Value::DoubleLongUnsigned(
        security.last_received(crate::security::KeyUse::Global).unwrap_or_default(),
    ))
}

fn emit_head(writer: &mut Writer<'_>, kind: Kind, invoke: u8, (last, number): (u8, u32)) -> Result<(), Full> {
    let [.., high, low] = number.to_be_bytes();
    match kind {
        Kind::Read => writer.array([tag::READ_RESPONSE, 1, 2, last, high, low]),
        Kind::Action | Kind::ActionList => {
            writer.array([tag::ACTION_RESPONSE, 2, invoke, last])?;
            writer.array(number.to_be_bytes())
        }
        _ => {
            writer.array([tag::GET_RESPONSE, 2, invoke, last])?;
            writer.array(number.to_be_bytes())?;
            writer.u8(DATA)
        }
    }
}

/// Puts a refusal in the place of a value in a list.
fn refused(pieces: &mut [u8], result: DataAccessResult) -> usize {
    match pieces.first_chunk_mut() {
        Some(place) => {
            *place = [RESULT, result.code()];
            place.len()
        }
        None => 0,
    }
}

const DATA: u8 = 0;
const RESULT: u8 = 1;
/// The longest head: of a block of GET, with a length of four bytes.
const BLOCK_HEAD: usize = 3 + 1 + 4 + 1 + 4;
/// What a truncated block lacks.
const TRUNCATED: usize = 3;
