//! Blocks in order become one value: of GET, SET, ACTION, and of the general block transfer.

/// What has arrived so far, in the caller's buffer.
///
/// After any error the next transfer begins anew: a block number never outlives the transfer it belongs to.
#[derive(Debug)]
pub struct Assembly<'b> {
    buffer: &'b mut [u8],
    length: usize,
    /// The number of the block that came last.
    last: Option<u32>,
}

impl<'b> Assembly<'b> {
    /// Waits for the first block.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0, last: None }
    }

    /// Adds a block. The first has number 1, or 0 where a meter counts so; each other has the next number.
    ///
    /// # Errors
    /// Another number, or more bytes than the buffer has; what came before is dropped then.
    pub fn append(&mut self, block_number: u32, raw_data: &[u8]) -> Result<(), BlockError> {
        let added = self.check(block_number).and_then(|()| self.copy(raw_data));
        match added {
            Ok(()) => self.last = Some(block_number),
            Err(_) => self.restart(),
        }
        added
    }

    /// Drops what came, and waits for a first block.
    pub const fn restart(&mut self) {
        self.length = 0;
        self.last = None;
    }

    /// The number of the block that came last.
    pub const fn last_block_number(&self) -> Option<u32> {
        self.last
    }

    /// What has arrived.
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// What has arrived, to be deciphered where it is.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.get_mut(..self.length).unwrap_or_default()
    }

    const fn check(&self, found: u32) -> Result<(), BlockError> {
        let expected = match self.last {
            Some(last) => last.wrapping_add(1),
            None if found == 0 => 0,
            None => 1,
        };
        if found == expected { Ok(()) } else { Err(BlockError::Number { expected, found }) }
    }

    fn copy(&mut self, bytes: &[u8]) -> Result<(), BlockError> {
        let end = self.length + bytes.len();
        let room = self.buffer.get_mut(self.length..end).ok_or(BlockError::Buffer { needed: end })?;
        // Byte by byte: `copy_from_slice` would bring in a panic for lengths that differ.
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.length = end;
        Ok(())
    }
}

/// Why a transfer of blocks ends without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum BlockError {
    /// A block is lost, or came twice.
    #[error("block {found} came in the place of block {expected}")]
    Number {
        /// The number that should have come.
        expected: u32,
        /// The number that came.
        found: u32,
    },
    /// The buffer is too small for what arrives.
    #[error("the buffer must hold {needed} bytes at least")]
    Buffer {
        /// Bytes that have arrived.
        needed: usize,
    },
    /// The peer says that it has received what was not sent yet, or takes back what it said before.
    #[error("block {found} is acknowledged; {acknowledged} was before, and {sent} was sent last")]
    Acknowledgement {
        /// What the peer says.
        found: u16,
        /// What it said before.
        acknowledged: u16,
        /// What was sent last.
        sent: u16,
    },
    /// The APDU would take more than 65 535 blocks, or the blocks have no bytes.
    #[error("{length} bytes do not fit 65535 blocks of {block_size}")]
    Blocks {
        /// Bytes of the APDU.
        length: usize,
        /// Bytes of a block.
        block_size: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_in_order_become_one_value() {
        let mut buffer = [0; 8];
        let mut assembly = Assembly::new(&mut buffer);
        assembly.append(1, &[1, 2]).unwrap();
        assembly.append(2, &[3]).unwrap();
        assert_eq!(assembly.bytes(), [1, 2, 3]);
    }

    #[test]
    fn a_meter_may_count_from_zero() {
        let mut buffer = [0; 8];
        let mut assembly = Assembly::new(&mut buffer);
        assembly.append(0, &[1]).unwrap();
        assembly.append(1, &[2]).unwrap();
        assert_eq!(assembly.bytes(), [1, 2]);
    }

    #[test]
    fn a_jump_is_an_error_and_leaves_nothing_behind() {
        let mut buffer = [0; 8];
        let mut assembly = Assembly::new(&mut buffer);
        assembly.append(1, &[1]).unwrap();
        assert_eq!(assembly.append(3, &[3]), Err(BlockError::Number { expected: 2, found: 3 }));
        assert_eq!(assembly.bytes(), []);
        assembly.append(1, &[7]).unwrap();
        assert_eq!(assembly.bytes(), [7]);
    }

    #[test]
    fn a_small_buffer_is_said_to_be_small() {
        let mut buffer = [0; 2];
        let mut assembly = Assembly::new(&mut buffer);
        assembly.append(1, &[1, 2]).unwrap();
        assert_eq!(assembly.append(2, &[3]), Err(BlockError::Buffer { needed: 3 }));
    }
}
