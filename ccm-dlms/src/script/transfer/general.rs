//! General block transfer of a request and of its answer.

use ccm_core::Writer;
use ccm_core::crypto::Crypto;

use super::{Flow, Part, Transfer};
use crate::Error;
use crate::message::{BlockError, Conformance, GeneralBlockTransfer, tag};
use crate::script::answer;

/// General block transfer, both ways.
#[derive(Debug)]
pub(super) struct General {
    /// Bytes of the protected request; 0 where it went in one piece.
    pub(super) length: usize,
    /// Of these, how many the server has.
    pub(super) acknowledged: usize,
    /// How many are under way.
    pub(super) under_way: usize,
    /// The own block that was sent last.
    pub(super) own: u16,
    /// The server's block that came last in order.
    pub(super) peer: u16,
    /// Blocks of the answer have come.
    pub(super) answers: bool,
}

impl General {
    pub(super) const NONE: Self =
        Self { length: 0, acknowledged: 0, under_way: 0, own: 0, peer: 0, answers: false };
}

impl<C: Crypto> Transfer<'_, '_, C> {
    pub(super) fn general_block(&mut self, apdu: &mut [u8]) -> Result<usize, Error> {
        let size = self.session.limit(apdu.len()).saturating_sub(GENERAL_HEADER);
        let request = self.gather.buffer.get(..self.general.length).unwrap_or_default();
        let rest = request.get(self.general.acknowledged..).unwrap_or_default();
        let data = rest.get(..size).unwrap_or(rest);
        if data.is_empty() {
            return Err(answer::room(size));
        }
        let own = self.general.own.checked_add(1).ok_or(answer::room(size))?;
        let block = GeneralBlockTransfer {
            last_block: data.len() == rest.len(),
            streaming: false,
            window: self.session.settings.window,
            block_number: own,
            block_number_ack: self.general.peer,
            block_data: data,
        };
        let mut writer = Writer::new(apdu);
        block.emit(&mut writer).map_err(|_| answer::room(size))?;
        (self.general.own, self.general.under_way) = (own, data.len());
        Ok(writer.finish())
    }

    pub(super) fn acknowledgement(&mut self, apdu: &mut [u8]) -> Result<usize, Error> {
        self.general.own = self.general.own.wrapping_add(1);
        let block = GeneralBlockTransfer {
            last_block: true,
            streaming: false,
            window: self.session.settings.window,
            block_number: self.general.own,
            block_number_ack: self.general.peer,
            block_data: &[],
        };
        let mut writer = Writer::new(apdu);
        block.emit(&mut writer).map_err(|_| answer::room(GENERAL_HEADER))?;
        Ok(writer.finish())
    }

    pub(super) fn take_general(&mut self, apdu: &[u8]) -> Result<Flow, Error> {
        self.session.allows(Conformance::GENERAL_BLOCK_TRANSFER)?;
        let block = GeneralBlockTransfer::parse(apdu)?;
        let general = &mut self.general;
        if general.length > 0 && general.acknowledged < general.length {
            let (found, sent) = (block.block_number_ack, general.own);
            if found != sent {
                let acknowledged = sent.saturating_sub(1);
                return Err(BlockError::Acknowledgement { found, acknowledged, sent }.into());
            }
            general.acknowledged += core::mem::take(&mut general.under_way);
            if general.acknowledged < general.length {
                general.peer = block.block_number;
                return Ok(Flow::Compose(Part::General));
            }
        }
        self.take_general_data(&block)
    }

    fn take_general_data(&mut self, block: &GeneralBlockTransfer<'_>) -> Result<Flow, Error> {
        let found = block.block_number;
        let expected = self.general.peer.saturating_add(1);
        // A server may count its answer's blocks from 1, or go on from those that only acknowledged.
        let begins_anew = !self.general.answers && found == 1;
        if found != expected && !begins_anew {
            return Err(BlockError::Number { expected: expected.into(), found: found.into() }.into());
        }
        if !self.general.answers {
            (self.gather.length, self.sent, self.payload) = (0, 0, 0..0);
            self.general.answers = true;
        }
        self.general.peer = found;
        self.progress(!block.block_data.is_empty(), tag::GENERAL_BLOCK_TRANSFER)?;
        self.gather.append(block.block_data)?;
        match (block.last_block && !block.block_data.is_empty(), block.streaming) {
            (true, _) => self.finish_general(),
            (false, true) => Ok(Flow::Listen),
            (false, false) => Ok(Flow::Compose(Part::Acknowledgement)),
        }
    }

    /// The whole protected answer lies in the buffer.
    fn finish_general(&mut self) -> Result<Flow, Error> {
        let length = self.gather.length;
        let whole = self.gather.buffer.get_mut(..length).unwrap_or_default();
        let range = self.session.unprotect(whole)?;
        self.judge_whole(range)
    }
}

/// Tag, control, two numbers, and a length of up to three bytes.
const GENERAL_HEADER: usize = 1 + 1 + 2 + 2 + 3;
