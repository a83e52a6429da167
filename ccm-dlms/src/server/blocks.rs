//! General block transfer, both ways (Green Book 9.3.13): one block in each exchange, as the link has it.

use ccm_core::crypto::Crypto;

use super::{Server, Store};
use crate::frame::Serving;
use crate::message::{Conformance, ExceptionServiceError, GeneralBlockTransfer, tag};

/// Where the two directions stand.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The request comes, or came, in blocks: so its answer goes in blocks.
    is_used: bool,
    /// The last block of the request that came in order.
    received: u16,
    /// Bytes of the answer in `pieces`; 0 while there is none.
    length: usize,
    /// Bytes in each of its blocks.
    size: usize,
    /// The last block that was sent.
    sent: u16,
}

impl<L: Serving, C: Crypto, S: Store> Server<'_, L, C, S> {
    /// Whether long answers go in general blocks: where requests come so, and where there are no others.
    pub(super) const fn uses_general_blocks(&self) -> bool {
        let agreed = self.session.caller.conformance;
        let others = Conformance::BLOCK_TRANSFER_WITH_GET_OR_READ;
        self.blocks.is_used
            || agreed.contains(Conformance::GENERAL_BLOCK_TRANSFER) && !agreed.contains(others)
    }

    /// Takes a block of a request, or the acknowledgement of one of the answer.
    pub(super) fn take_general_block(&mut self, length: usize) -> usize {
        let agreed = self.session.caller.conformance.contains(Conformance::GENERAL_BLOCK_TRANSFER);
        if !(agreed && self.session.is_asking()) {
            return self.refuse(ExceptionServiceError::OperationNotPossible);
        }
        let Self { link, request, blocks, .. } = self;
        let apdu = link.apdu_mut().get(..length).unwrap_or_default();
        let Ok(block) = GeneralBlockTransfer::parse(apdu) else {
            return self.refuse(ExceptionServiceError::OtherReason);
        };
        if blocks.length > 0 && block.block_data.is_empty() {
            let acknowledged = block.block_number_ack;
            return self.next_general_block(acknowledged);
        }
        let GeneralBlockTransfer { last_block, streaming, block_number, block_data, .. } = block;
        if block_number == 1 {
            request.clear();
            *blocks = Blocks { is_used: true, ..Blocks::default() };
        }
        let is_next = block_number == blocks.received.wrapping_add(1);
        if is_next && !request.append(block_data) {
            return self.refuse(ExceptionServiceError::PduTooLong);
        }
        if is_next {
            blocks.received = block_number;
        }
        match (is_next && last_block, streaming) {
            (true, _) => self.carry_out_held(),
            (false, true) => 0,
            (false, false) => self.acknowledge_general(),
        }
    }

    /// All blocks of the request have come.
    fn carry_out_held(&mut self) -> usize {
        if matches!(
            self.request.bytes().first(),
            Some(&(tag::AARQ | tag::RLRQ | tag::GENERAL_BLOCK_TRANSFER))
        ) {
            return self.refuse(ExceptionServiceError::OtherReason);
        }
        let answer = match self.open_held() {
            Ok(()) => self.begin(),
            Err(refusal) => self.refuse(refusal),
        };
        self.send(answer)
    }

    /// Protects the answer, and cuts it where it must be cut.
    pub(super) fn send(&mut self, answer: usize) -> usize {
        let uses_blocks = self.uses_general_blocks();
        let length = self.close(answer);
        let limit = match self.session.caller.client_max_receive_pdu_size {
            0 => usize::MAX,
            size => size.into(),
        };
        if length == 0 || !uses_blocks || (length <= limit && !self.blocks.is_used) {
            return length;
        }
        let Self { link, pieces, blocks, .. } = self;
        let limit = limit.min(link.apdu_mut().len());
        let apdu = link.apdu_mut().get(..length).unwrap_or_default();
        let Some(kept) = pieces.get_mut(..length) else {
            return self.refuse(ExceptionServiceError::OtherReason);
        };
        kept.iter_mut().zip(apdu).for_each(|(slot, byte)| *slot = *byte);
        (blocks.length, blocks.size, blocks.sent) = (length, limit.saturating_sub(OVERHEAD).max(1), 0);
        self.next_general_block(0)
    }

    /// Sends the block behind the one that was acknowledged.
    fn next_general_block(&mut self, acknowledged: u16) -> usize {
        let Self { link, pieces, blocks, .. } = self;
        if acknowledged > blocks.sent {
            return self.refuse(ExceptionServiceError::OtherReason);
        }
        let apdu = pieces.get(..blocks.length).unwrap_or_default();
        let rest = apdu.get(blocks.size.saturating_mul(acknowledged.into())..).unwrap_or_default();
        if rest.is_empty() {
            *blocks = Blocks::default();
            return 0;
        }
        let (block_data, rest) = rest.split_at_checked(blocks.size).unwrap_or((rest, &[]));
        let is_jumping = self.quirks.jumps_blocks && acknowledged == 1;
        blocks.sent = acknowledged.saturating_add(1);
        let block = GeneralBlockTransfer {
            last_block: rest.is_empty(),
            streaming: false,
            window: 1,
            block_number: blocks.sent + u16::from(is_jumping),
            block_number_ack: blocks.received,
            block_data,
        };
        let mut writer = ccm_core::Writer::new(link.apdu_mut());
        let written = block.emit(&mut writer).map(|()| writer.finish()).unwrap_or_default();
        if self.quirks.truncates_blocks { written.saturating_sub(TRUNCATED) } else { written }
    }

    fn acknowledge_general(&mut self) -> usize {
        let block = GeneralBlockTransfer {
            last_block: true,
            streaming: false,
            window: 1,
            block_number: 1,
            block_number_ack: self.blocks.received,
            block_data: &[],
        };
        self.write(|writer| block.emit(writer))
    }
}

/// What a block takes beside its data: tag, control, numbers, length.
const OVERHEAD: usize = 1 + 1 + 2 + 2 + 3;
/// What a truncated block lacks.
const TRUNCATED: usize = 3;
