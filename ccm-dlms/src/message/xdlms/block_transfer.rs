//! General block transfer: an APDU of any kind in blocks (Green Book 9.3.13, 9.4.6.13).

use ccm_core::{Full, Writer};

use super::assembly::{Assembly, BlockError};
use crate::message::codes::apdu;
use crate::message::cursor::{Cursor, emit_octets};
use crate::message::{MessageError, tag};

/// One block, with what its sender has received of the other direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GeneralBlockTransfer<'a> {
    /// Whether the sender has no more to send.
    pub last_block: bool,
    /// Whether the sender goes on without waiting for an acknowledgement.
    pub streaming: bool,
    /// How many blocks the sender can receive in one stream: 0 to 63, more are taken as 63. 0 where it cannot receive.
    pub window: u8,
    /// The number of this block, from 1.
    pub block_number: u16,
    /// The number of the last block that came in order from the other side; 0 for none.
    pub block_number_ack: u16,
    /// A piece of the APDU; nothing where the block only acknowledges.
    pub block_data: &'a [u8],
}

impl<'a> GeneralBlockTransfer<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let control = cursor.u8("block-control")?;
        Ok(Self {
            last_block: control & LAST_BLOCK != 0,
            streaming: control & STREAMING != 0,
            window: control & MAX_WINDOW,
            block_number: cursor.u16("block-number")?,
            block_number_ack: cursor.u16("block-number-ack")?,
            block_data: cursor.octets("block-data")?,
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let last_block = if self.last_block { LAST_BLOCK } else { 0 };
        let streaming = if self.streaming { STREAMING } else { 0 };
        writer.u8(last_block | streaming | self.window.min(MAX_WINDOW))?;
        writer.u16(self.block_number)?;
        writer.u16(self.block_number_ack)?;
        emit_octets(writer, self.block_data)
    }
}

apdu!(GeneralBlockTransfer<'a>, tag::GENERAL_BLOCK_TRANSFER, "general-block-transfer");

/// Puts the blocks of an APDU together.
#[derive(Debug)]
pub struct BlockReceiver<'b> {
    assembly: Assembly<'b>,
}

/// What a received block asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Progress {
    /// More blocks come by themselves.
    More,
    /// The sender waits for an acknowledgement; over a link without a way back it does not.
    AcknowledgementDue,
    /// The APDU is whole.
    Complete,
}

impl<'b> BlockReceiver<'b> {
    /// Waits for block 1; the buffer holds the whole APDU.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { assembly: Assembly::new(buffer) }
    }

    /// Takes a block. Block 1 always begins anew: a push has no other way to give up the one before.
    ///
    /// # Errors
    /// [`BlockError::Number`] where a block is lost or comes again. What came in order is kept where its sender can be
    /// asked to go on from there, by [`acknowledged`](Self::acknowledged), and dropped where it cannot, so that the blocks
    /// of two pushes never mix. [`BlockError::Buffer`] drops it too.
    pub fn receive(&mut self, block: &GeneralBlockTransfer<'_>) -> Result<Progress, BlockError> {
        let (found, expected) = (block.block_number, self.acknowledged().saturating_add(1));
        if found != 1 && found != expected {
            if block.window == 0 {
                self.assembly.restart();
            }
            return Err(BlockError::Number { expected: expected.into(), found: found.into() });
        }
        if found == 1 {
            self.assembly.restart();
        }
        self.assembly.append(found.into(), block.block_data)?;
        Ok(match (block.last_block, block.streaming) {
            (true, _) => Progress::Complete,
            (false, true) => Progress::More,
            (false, false) => Progress::AcknowledgementDue,
        })
    }

    /// What to acknowledge: the last block that came in order, or 0.
    pub fn acknowledged(&self) -> u16 {
        self.assembly.last_block_number().and_then(|number| u16::try_from(number).ok()).unwrap_or_default()
    }

    /// The APDU as far as it has come.
    pub fn bytes(&self) -> &[u8] {
        self.assembly.bytes()
    }

    /// The same, to be deciphered where it is.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.assembly.bytes_mut()
    }

    /// Drops what came.
    pub const fn restart(&mut self) {
        self.assembly.restart();
    }
}

/// Cuts an APDU into blocks.
#[derive(Clone, Copy, Debug)]
pub struct BlockSender<'a> {
    apdu: &'a [u8],
    block_size: usize,
    /// How many blocks the peer takes in one stream; 0 where it cannot acknowledge.
    window: u8,
    sent: u16,
    acknowledged: u16,
}

impl<'a> BlockSender<'a> {
    /// Sends an APDU in blocks of so many bytes, `window` of them before the peer has to acknowledge; 0 where it has no
    /// way to, as in a push.
    ///
    /// # Errors
    /// [`BlockError::Blocks`] where the numbers of blocks do not suffice.
    pub fn new(apdu: &'a [u8], block_size: usize, window: u8) -> Result<Self, BlockError> {
        if block_size.saturating_mul(u16::MAX.into()) < apdu.len().max(1) {
            return Err(BlockError::Blocks { length: apdu.len(), block_size });
        }
        Ok(Self { apdu, block_size, window: window.min(MAX_WINDOW), sent: 0, acknowledged: 0 })
    }

    /// The next block, or nothing while the peer has to acknowledge first, or after the last. The caller fills in what it
    /// can receive itself, `window`, and what it has received, `block_number_ack`.
    pub fn next_block(&mut self) -> Option<GeneralBlockTransfer<'a>> {
        let under_way = self.sent - self.acknowledged;
        if self.is_sent() || (self.window != 0 && under_way >= self.window.into()) {
            return None;
        }
        let rest = self.apdu.get(self.position(self.sent)..)?;
        let (block_data, rest) = rest.split_at(rest.len().min(self.block_size));
        self.sent += 1;
        let last_block = rest.is_empty();
        let goes_on = !last_block && under_way + 1 < self.window.into();
        Some(GeneralBlockTransfer {
            last_block,
            streaming: self.window == 0 || goes_on,
            window: 0,
            block_number: self.sent,
            block_number_ack: 0,
            block_data,
        })
    }

    /// Takes the peer's acknowledgement: what it lost is sent again.
    ///
    /// # Errors
    /// [`BlockError::Acknowledgement`] where the peer cannot have received that.
    pub fn acknowledge(&mut self, block: &GeneralBlockTransfer<'_>) -> Result<(), BlockError> {
        let found = block.block_number_ack;
        if !(self.acknowledged..=self.sent).contains(&found) {
            let (acknowledged, sent) = (self.acknowledged, self.sent);
            return Err(BlockError::Acknowledgement { found, acknowledged, sent });
        }
        (self.acknowledged, self.sent) = (found, found);
        // A peer that acknowledges can take one block at least, whatever it says.
        self.window = block.window.max(1);
        Ok(())
    }

    /// Whether the last block has left.
    pub fn is_sent(&self) -> bool {
        self.sent != 0 && self.position(self.sent) >= self.apdu.len()
    }

    /// Whether the peer has acknowledged the last block.
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged != 0 && self.position(self.acknowledged) >= self.apdu.len()
    }

    /// Where the block behind so many begins.
    fn position(&self, blocks: u16) -> usize {
        self.block_size.saturating_mul(blocks.into())
    }
}

const LAST_BLOCK: u8 = 0x80;
const STREAMING: u8 = 0x40;
const MAX_WINDOW: u8 = 0x3F;

#[cfg(test)]
mod tests {
    use super::*;

    const APDU: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

    fn ack(block_number_ack: u16, window: u8) -> GeneralBlockTransfer<'static> {
        GeneralBlockTransfer {
            last_block: true,
            streaming: false,
            window,
            block_number: 1,
            block_number_ack,
            block_data: &[],
        }
    }

    #[test]
    fn a_push_streams_to_its_end_without_acknowledgements() {
        let mut buffer = [0; 10];
        let mut receiver = BlockReceiver::new(&mut buffer);
        let mut sender = BlockSender::new(&APDU, 4, 0).unwrap();
        let mut progress = Progress::More;
        while let Some(block) = sender.next_block() {
            assert!(block.streaming && progress == Progress::More);
            progress = receiver.receive(&block).unwrap();
        }
        assert_eq!(progress, Progress::Complete);
        assert_eq!(receiver.bytes(), APDU);
    }

    #[test]
    fn a_full_window_waits_and_what_was_lost_is_sent_again() {
        let mut sender = BlockSender::new(&APDU, 2, 2).unwrap();
        assert!(sender.next_block().unwrap().streaming);
        assert!(!sender.next_block().unwrap().streaming);
        assert_eq!(sender.next_block(), None);
        sender.acknowledge(&ack(1, 3)).unwrap();
        let numbers: Vec<_> = core::iter::from_fn(|| sender.next_block()).map(|b| b.block_number).collect();
        assert_eq!(numbers, [2, 3, 4]);
        sender.acknowledge(&ack(4, 3)).unwrap();
        let last = sender.next_block().unwrap();
        assert!(last.last_block && !last.streaming);
        assert_eq!(last.block_data, [8, 9]);
        assert!(sender.is_sent() && !sender.is_acknowledged());
        sender.acknowledge(&ack(5, 3)).unwrap();
        assert!(sender.is_acknowledged());
        assert_eq!(sender.next_block(), None);
    }

    #[test]
    fn nobody_acknowledges_what_was_not_sent() {
        let mut sender = BlockSender::new(&APDU, 2, 2).unwrap();
        sender.next_block().unwrap();
        let error = BlockError::Acknowledgement { found: 2, acknowledged: 0, sent: 1 };
        assert_eq!(sender.acknowledge(&ack(2, 2)), Err(error));
    }

    #[test]
    fn a_lost_block_is_named_and_block_one_begins_anew() {
        let mut buffer = [0; 10];
        let mut receiver = BlockReceiver::new(&mut buffer);
        let block = |block_number| GeneralBlockTransfer {
            last_block: false,
            streaming: true,
            block_number,
            block_data: &[7],
            ..ack(0, 0)
        };
        receiver.receive(&block(1)).unwrap();
        let error = receiver.receive(&block(3)).unwrap_err();
        assert_eq!(error.to_string(), "block 3 came in the place of block 2");
        assert_eq!(receiver.acknowledged(), 0);
        assert_eq!(receiver.receive(&block(0)), Err(BlockError::Number { expected: 1, found: 0 }));
        receiver.receive(&block(1)).unwrap();
        receiver.receive(&block(1)).unwrap();
        assert_eq!(receiver.bytes(), [7]);
    }

    #[test]
    fn what_came_before_a_gap_is_kept_where_the_rest_can_be_asked_for() {
        let mut buffer = [0; 10];
        let mut receiver = BlockReceiver::new(&mut buffer);
        let mut sender = BlockSender::new(&APDU, 4, 3).unwrap();
        let blocks: Vec<_> = core::iter::from_fn(|| sender.next_block()).collect();
        let linked = |block: &GeneralBlockTransfer<'static>| GeneralBlockTransfer { window: 3, ..*block };
        receiver.receive(&linked(&blocks[0])).unwrap();
        let error = BlockError::Number { expected: 2, found: 3 };
        assert_eq!(receiver.receive(&linked(&blocks[2])), Err(error));
        assert_eq!(receiver.acknowledged(), 1);
        sender.acknowledge(&ack(1, 3)).unwrap();
        for block in core::iter::from_fn(|| sender.next_block()) {
            receiver.receive(&linked(&block)).unwrap();
        }
        assert_eq!(receiver.bytes(), APDU);
    }

    #[test]
    fn numbers_of_blocks_that_do_not_suffice_are_refused() {
        assert!(BlockSender::new(&APDU, 0, 0).is_err());
        assert!(BlockSender::new(&[0; 65_536], 1, 0).is_err());
        assert!(BlockSender::new(&[0; 65_535], 1, 0).is_ok());
        assert!(BlockSender::new(&[], 1, 0).unwrap().next_block().unwrap().last_block);
    }
}
