//! One service: whole or in blocks, and in general blocks where nothing else does, both ways.

mod general;

use core::ops::Range;

use ccm_core::Writer;
use ccm_core::crypto::Crypto;

use super::answer::{self, Gather};
use super::task::Verdict;
use super::{Move, Script, Session, SessionError, Task};
use crate::message::data::{Data, DataError, Fault};
use crate::message::{
    ActionResponse, ActionReturn, BlockError, Conformance, DataAccessResult, DataBlock, GetDataResult,
    GetResponse, InvokeIdAndPriority, Invoked, List, MessageError, ReadResponse, ReadResult, SetResponse,
    WriteResponse, WriteResult, tag,
};
use crate::{Error, LinkError};
use general::General;

/// Reads, writes or invokes, in as many exchanges as it takes.
///
/// The answer is there when [`next`](Script::next) has given nothing: one `Data` as [`value`](Self::value), or
/// several as [`answer`](Self::answer). An answer that is not whole, not ours or not protected as it must be gives none.
pub struct Transfer<'t, 's, C: Crypto> {
    session: &'t mut Session<'s, C>,
    task: Task<'t>,
    gather: Gather<'t>,
    step: Step,
    invoke: InvokeIdAndPriority,
    /// The number of the block that was sent or received last.
    number: Option<u32>,
    /// How much of the request has been sent in blocks, and where that lies in the buffer if the caller has it nowhere.
    sent: usize,
    payload: Range<usize>,
    general: General,
    /// Where the value lies in the buffer.
    value: Range<usize>,
    /// Elements are taken out of the buffer while blocks come.
    streaming: bool,
    /// How many reports and empty blocks may still come in the place of the answer.
    patience: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Compose(Part),
    Await,
    Over,
    Failed,
}

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Request,
    /// Another block of the request.
    Block,
    /// The wish for another block of the answer.
    Next,
    /// A general block of the request, which lies in the buffer.
    General,
    /// The wish for more general blocks of the answer.
    Acknowledgement,
}

/// What is to be done after an answer.
enum Flow {
    Compose(Part),
    Listen,
    Over,
}

/// What several requests in one brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// One `Data`.
    Value(&'a [u8]),
    /// It was done, and there is nothing to return.
    Done,
    /// Of [`Session::get_list`].
    Got(List<'a, GetDataResult<'a>>),
    /// Of [`Session::set_list`].
    Set(List<'a, DataAccessResult>),
    /// Of [`Session::action_list`].
    Acted(List<'a, ActionReturn<'a>>),
    /// Of [`Session::read`] with several variables.
    Read(List<'a, ReadResult<'a>>),
    /// Of [`Session::write`] with several variables.
    Written(List<'a, WriteResult>),
}

impl<'t, 's, C: Crypto> Transfer<'t, 's, C> {
    pub(super) const fn new(session: &'t mut Session<'s, C>, task: Task<'t>, buffer: &'t mut [u8]) -> Self {
        Self {
            session,
            task,
            gather: Gather::new(buffer),
            step: Step::Compose(Part::Request),
            invoke: InvokeIdAndPriority(0),
            number: None,
            sent: 0,
            payload: 0..0,
            general: General::NONE,
            value: 0..0,
            streaming: false,
            patience: PATIENCE,
        }
    }

    pub(super) const fn streaming(mut self) -> Self {
        self.streaming = true;
        self
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.step, Step::Over)
    }

    pub(super) const fn gather(&self) -> &Gather<'t> {
        &self.gather
    }

    pub(super) const fn gather_mut(&mut self) -> &mut Gather<'t> {
        &mut self.gather
    }

    /// The answer as one encoded `Data`, for [`Data::parse`]; empty where there is none (yet), or several.
    pub fn value(&self) -> &[u8] {
        let whole = self.is_over() && !self.streaming;
        if whole { self.gather.bytes(self.value.clone()) } else { &[] }
    }

    /// The answer, whatever its form.
    ///
    /// # Errors
    /// [`LinkError::Unfinished`] before it is there.
    pub fn answer(&self) -> Result<Answer<'_>, Error> {
        if !self.is_over() {
            return Err(LinkError::Unfinished.into());
        }
        let bytes = self.value();
        Ok(match self.task {
            _ if bytes.is_empty() => Answer::Done,
            Task::GetList(_) => match Invoked::<GetResponse<'_>>::parse(bytes)?.service {
                GetResponse::WithList(list) => Answer::Got(list),
                _ => Answer::Done,
            },
            Task::SetList(..) => match Invoked::<SetResponse<'_>>::parse(bytes)?.service {
                SetResponse::WithList(list) => Answer::Set(list),
                _ => Answer::Done,
            },
            Task::ActionList(..) => match Invoked::<ActionResponse<'_>>::parse(bytes)?.service {
                ActionResponse::WithList(list) => Answer::Acted(list),
                _ => Answer::Done,
            },
            Task::Read(variables) if variables.len() != 1 => Answer::Read(ReadResponse::parse(bytes)?.0),
            Task::Write(variables, _) if variables.len() != 1 => {
                Answer::Written(WriteResponse::parse(bytes)?.0)
            }
            _ => Answer::Value(bytes),
        })
    }

    fn run(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<Option<Move>, Error> {
        if self.step == Step::Await {
            match self.take(outcome, apdu)? {
                Flow::Compose(part) => self.step = Step::Compose(part),
                Flow::Listen => return Ok(Some(Move::Listen)),
                Flow::Over => self.step = Step::Over,
            }
        }
        let Step::Compose(part) = self.step else { return Ok(None) };
        let length = self.compose(part, apdu)?;
        self.step = Step::Await;
        Ok(Some(Move::Exchange(length)))
    }

    fn compose(&mut self, part: Part, apdu: &mut [u8]) -> Result<usize, Error> {
        match part {
            Part::Request => self.request(apdu),
            Part::Block => self.block(apdu),
            Part::Next => {
                let number = self.number.unwrap_or_default();
                let room = self.session.limit(apdu.len());
                let mut writer = Writer::new(apdu);
                self.task.emit_next(self.invoke, number, &mut writer).map_err(|_| answer::room(room))?;
                let length = writer.finish();
                self.session.protect(apdu, length)
            }
            Part::General => self.general_block(apdu),
            Part::Acknowledgement => self.acknowledgement(apdu),
        }
    }

    /// What an APDU may have before it is protected.
    fn room(&self, apdu: &[u8]) -> usize {
        self.session.limit(apdu.len()).saturating_sub(self.session.overhead())
    }

    fn request(&mut self, apdu: &mut [u8]) -> Result<usize, Error> {
        self.session.allows(self.task.needs())?;
        self.invoke = self.session.invoke();
        let room = self.room(apdu);
        let mut writer = Writer::new(apdu.get_mut(..room).unwrap_or_default());
        if self.task.emit(self.invoke, &mut writer).is_ok() {
            let length = writer.finish();
            return self.session.protect(apdu, length);
        }
        if self.task.blocks().is_some_and(|needed| self.session.allows(needed).is_ok()) {
            self.gather_payload(apdu)?;
            return self.block(apdu);
        }
        self.session
            .allows(Conformance::GENERAL_BLOCK_TRANSFER)
            .map_err(|_| SessionError::TooLong { room })?;
        self.gather_request(room)?;
        self.general_block(apdu)
    }

    /// What goes in blocks must lie in one piece: lists are put together in the buffer.
    fn gather_payload(&mut self, apdu: &mut [u8]) -> Result<(), Error> {
        if self.task.payload().is_some() {
            return Ok(());
        }
        let needed = self.gather.buffer.len() + 1;
        let small = SessionError::Buffer { needed };
        let start = self.task.before_payload(self.invoke, apdu).map_err(|_| small)?;
        let mut writer = Writer::new(self.gather.buffer);
        self.task.emit(self.invoke, &mut writer).map_err(|_| small)?;
        self.payload = start..writer.finish();
        Ok(())
    }

    /// The whole request, protected, in the buffer.
    fn gather_request(&mut self, room: usize) -> Result<(), Error> {
        let mut writer = Writer::new(self.gather.buffer);
        self.task.emit(self.invoke, &mut writer).map_err(|_| answer::room(room))?;
        let length = writer.finish();
        self.general.length = self.session.protect(self.gather.buffer, length)?;
        Ok(())
    }

    fn block(&mut self, apdu: &mut [u8]) -> Result<usize, Error> {
        let room = self.room(apdu);
        let too_long = answer::room(room);
        let is_first = self.number.is_none();
        let block_number = self.number.map_or(Some(1), |number| number.checked_add(1)).ok_or(too_long)?;
        let empty = DataBlock { last_block: false, block_number, raw_data: &[] };
        let mut writer = Writer::new(apdu);
        self.task.emit_block(self.invoke, empty, is_first, &mut writer).map_err(|_| too_long)?;
        // The length of nothing is one byte.
        let size = counted(room.saturating_sub(writer.finish().saturating_sub(1)));
        let payload = self.task.payload().unwrap_or_else(|| self.gather.bytes(self.payload.clone()));
        let rest = payload.get(self.sent..).unwrap_or_default();
        let raw_data = rest.get(..size).unwrap_or(rest);
        if raw_data.is_empty() {
            return Err(too_long);
        }
        let last_block = raw_data.len() == rest.len();
        let block = DataBlock { last_block, raw_data, ..empty };
        let sent = raw_data.len();
        let mut writer = Writer::new(apdu);
        self.task.emit_block(self.invoke, block, is_first, &mut writer).map_err(|_| too_long)?;
        let length = writer.finish();
        let length = self.session.protect(apdu, length)?;
        (self.number, self.sent) = (Some(block_number), self.sent + sent);
        Ok(length)
    }

    /// Whether all of a request that goes in blocks has been sent.
    fn is_sent(&self) -> bool {
        let payload = self.task.payload().map_or(self.payload.len(), <[u8]>::len);
        (self.sent == 0 || self.sent == payload) && self.general.acknowledged == self.general.length
    }

    fn take(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<Flow, Error> {
        let apdu = apdu.get_mut(..outcome?).unwrap_or_default();
        if apdu.first() == Some(&tag::GENERAL_BLOCK_TRANSFER) {
            return self.take_general(apdu);
        }
        let range = self.session.unprotect(apdu)?;
        let plain = apdu.get(range).unwrap_or_default();
        match self.task.judge(self.invoke, plain)? {
            Verdict::Report => {
                self.progress(false, plain.first().copied().unwrap_or_default())?;
                Ok(Flow::Listen)
            }
            Verdict::Acknowledged(_) if self.sent == 0 || self.is_sent() => Err(unexpected(plain)),
            Verdict::Acknowledged(found) => self.in_order(found).map(|()| Flow::Compose(Part::Block)),
            _ if !self.is_sent() || self.general.answers => Err(unexpected(plain)),
            Verdict::Block { last, number, raw_data } => self.take_block(last, number, raw_data),
            Verdict::Done(last) => {
                self.in_order(last.or(self.number).unwrap_or_default()).map(|()| Flow::Over)
            }
            Verdict::Value(length) => {
                let start = plain.len().saturating_sub(length);
                self.gather.length = if self.streaming { self.gather.length } else { 0 };
                self.gather.append(plain.get(start..).unwrap_or_default())?;
                self.finish(0..self.gather.length)
            }
            Verdict::List => {
                self.gather.length = 0;
                self.gather.append(plain)?;
                self.value = 0..self.gather.length;
                Ok(Flow::Over)
            }
            Verdict::Within(within) => {
                self.in_order(within.number)?;
                self.begin_answer()?;
                self.gather.append(plain.get(within.range()).unwrap_or_default())?;
                self.value = 0..self.gather.length;
                Ok(Flow::Over)
            }
        }
    }

    /// Takes what brings nothing, but not for ever.
    fn progress(&mut self, is_some: bool, tag: u8) -> Result<(), SessionError> {
        let left = self.patience.checked_sub(u8::from(!is_some));
        self.patience = left.ok_or(SessionError::Unexpected { tag })?;
        Ok(())
    }

    fn in_order(&self, found: u32) -> Result<(), Error> {
        match self.number {
            Some(expected) if expected != found => Err(BlockError::Number { expected, found }.into()),
            _ => Ok(()),
        }
    }

    fn take_block(&mut self, last: bool, found: u32, raw_data: &[u8]) -> Result<Flow, Error> {
        // The request's own blocks are over: those of the answer count from 1, or from 0 as some meters do.
        let before = self.number.filter(|_| self.sent == 0);
        let expected = match before {
            Some(number) => number.wrapping_add(1),
            None => found.min(1),
        };
        if found != expected {
            return Err(BlockError::Number { expected, found }.into());
        }
        if before.is_none() {
            self.begin_answer()?;
            (self.sent, self.payload) = (0, 0..0);
        }
        self.number = Some(found);
        self.progress(last || !raw_data.is_empty(), self.task.answer_tag())?;
        self.gather.append(raw_data)?;
        match (last, self.streaming) {
            (false, _) => Ok(Flow::Compose(Part::Next)),
            (true, true) => Ok(Flow::Over),
            (true, false) => self.finish_blocks(),
        }
    }

    /// Puts the head of an answer in one piece where blocks are to follow.
    fn begin_answer(&mut self) -> Result<(), Error> {
        let (head, length) = self.task.head(self.invoke);
        self.gather.length = 0;
        self.gather.append(head.get(..length).unwrap_or_default())
    }

    /// All blocks have come: together they must be one answer.
    fn finish_blocks(&mut self) -> Result<Flow, Error> {
        let length = self.gather.length;
        if matches!(self.task, Task::Get(_)) {
            return self.finish(0..length);
        }
        self.judge_whole(0..length)
    }

    /// Reads the answer that lies in the buffer.
    fn judge_whole(&mut self, range: Range<usize>) -> Result<Flow, Error> {
        let whole = self.gather.bytes(range.clone());
        match self.task.judge(self.invoke, whole).map_err(|error| truncated(error, range.len()))? {
            Verdict::Done(_) => Ok(Flow::Over),
            Verdict::Value(length) => {
                let start = range.end.saturating_sub(length);
                if self.streaming {
                    self.gather.length = range.end;
                    self.gather.drop_front(start);
                    return Ok(Flow::Over);
                }
                self.finish(start..range.end)
            }
            Verdict::List => {
                self.value = range;
                Ok(Flow::Over)
            }
            _ => Err(unexpected(whole)),
        }
    }

    /// The value lies here, if it is one.
    fn finish(&mut self, range: Range<usize>) -> Result<Flow, Error> {
        if !self.streaming {
            match Data::parse(self.gather.bytes(range.clone())) {
                Err(DataError { fault: Fault::Missing(_) | Fault::Count { .. }, .. }) => {
                    return Err(SessionError::Truncated { received: range.len() }.into());
                }
                checked => checked?,
            };
        }
        self.value = range;
        Ok(Flow::Over)
    }

    /// A link that is lost has taken the association with it; only an answer too long has not.
    fn fail(&mut self, error: &Error) {
        if matches!(error, Error::Link(link) if !matches!(link, LinkError::Overflow { .. })) {
            self.session.forget();
        }
        // Nothing of a broken transfer outlives it.
        self.gather.length = 0;
        self.step = Step::Failed;
    }
}

impl<C: Crypto> Script for Transfer<'_, '_, C> {
    fn advance(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<Option<Move>, Error> {
        let result = self.run(outcome, apdu);
        if let Some(error) = super::fatal(&result) {
            self.fail(error);
        }
        result
    }

    fn stored(&mut self, ceiling: u32) {
        self.session.stored(ceiling);
    }
}

/// How many bytes fit behind their own length.
const fn counted(room: usize) -> usize {
    match room {
        0..=0x80 => room.saturating_sub(1),
        0x81 => 0x7F,
        0x82..=0x101 => room - 2,
        0x102 => 0xFF,
        _ => {
            let size = room - 3;
            if size > 0xFFFF { 0xFFFF } else { size }
        }
    }
}

fn unexpected(apdu: &[u8]) -> Error {
    SessionError::Unexpected { tag: apdu.first().copied().unwrap_or_default() }.into()
}

/// Joined blocks that end too early are a broken transfer, not a bad message.
fn truncated(error: Error, received: usize) -> Error {
    match error {
        Error::Message(MessageError { fault: crate::message::Fault::Missing, .. }) => {
            SessionError::Truncated { received }.into()
        }
        error => error,
    }
}

const PATIENCE: u8 = 8;
