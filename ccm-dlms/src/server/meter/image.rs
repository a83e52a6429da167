//! An image transfer that counts blocks and keeps none.

use ccm_core::Writer;

use crate::message::cosem::ImageTransfer;
use crate::message::data::{BitString, Data, Event, Value};
use crate::message::{ActionResult, DataAccessResult};

/// Up to 256 blocks of 128 bytes.
#[derive(Debug, Default)]
pub(super) struct Image {
    size: u32,
    come: [u8; 32],
    status: u8,
}

impl Image {
    /// Blocks that have come.
    pub(super) const fn blocks(&self) -> u32 {
        let mut count = 0;
        let mut rest: &[u8] = &self.come;
        while let [first, more @ ..] = rest {
            count += first.count_ones();
            rest = more;
        }
        count
    }

    const fn count(&self) -> u32 {
        self.size.div_ceil(BLOCK_SIZE)
    }

    fn first_missing(&self) -> u32 {
        let bits = BitString::new(&self.come, 256);
        (0..self.count())
            .find(|number| bits.and_then(|bits| bits.get(*number)) != Some(true))
            .unwrap_or(self.count())
    }

    pub(super) fn show(&self, attribute: i8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let value = match attribute {
            ImageTransfer::IMAGE_BLOCK_SIZE => Value::DoubleLongUnsigned(BLOCK_SIZE),
            ImageTransfer::IMAGE_TRANSFERRED_BLOCKS_STATUS => {
                let length = self.count().min(256);
                let bytes =
                    self.come.get(..usize::try_from(length.div_ceil(8)).unwrap_or(32)).unwrap_or_default();
                BitString::new(bytes, length).map_or(Value::Null, Value::BitString)
            }
            ImageTransfer::IMAGE_FIRST_NOT_TRANSFERRED_BLOCK_NUMBER => {
                Value::DoubleLongUnsigned(self.first_missing())
            }
            ImageTransfer::IMAGE_TRANSFER_ENABLED => Value::Boolean(true),
            ImageTransfer::IMAGE_TRANSFER_STATUS => Value::Enum(self.status),
            ImageTransfer::IMAGE_TO_ACTIVATE_INFO => return Ok(Event::Array(0).emit(out)?),
            _ => return Err(DataAccessResult::ObjectUndefined),
        };
        Ok(value.emit(out)?)
    }

    pub(super) fn act(&mut self, method: i8, parameters: Option<Data<'_>>) -> Result<(), ActionResult> {
        match method {
            ImageTransfer::IMAGE_TRANSFER_INITIATE => self.initiate(parameters),
            ImageTransfer::IMAGE_BLOCK_TRANSFER => self.block(parameters),
            ImageTransfer::IMAGE_VERIFY if self.is_whole() => {
                self.status = VERIFIED;
                Ok(())
            }
            ImageTransfer::IMAGE_ACTIVATE if self.status == VERIFIED => {
                self.status = ACTIVATED;
                Ok(())
            }
            ImageTransfer::IMAGE_VERIFY | ImageTransfer::IMAGE_ACTIVATE => {
                Err(ActionResult::TemporaryFailure)
            }
            _ => Err(ActionResult::ObjectUndefined),
        }
    }

    fn is_whole(&self) -> bool {
        self.status == INITIATED && self.first_missing() == self.count()
    }

    fn initiate(&mut self, parameters: Option<Data<'_>>) -> Result<(), ActionResult> {
        let mut events = parameters.ok_or(ActionResult::TypeUnmatched)?.events();
        let size = events.structure_of("image", 2).and_then(|()| {
            events.octets("identifier")?;
            events.integer("size")
        });
        let size = size.map_err(|_| ActionResult::TypeUnmatched)?;
        *self = Self { size, status: INITIATED, ..Self::default() };
        if self.count() > 256 { Err(ActionResult::HardwareFault) } else { Ok(()) }
    }

    fn block(&mut self, parameters: Option<Data<'_>>) -> Result<(), ActionResult> {
        let mut events = parameters.ok_or(ActionResult::TypeUnmatched)?.events();
        let block = events.structure_of("block", 2).and_then(|()| {
            let number: u32 = events.integer("number")?;
            Ok((number, events.octets("block")?.len()))
        });
        let (number, length) = block.map_err(|_| ActionResult::TypeUnmatched)?;
        let left = self.size.saturating_sub(number.saturating_mul(BLOCK_SIZE)).min(BLOCK_SIZE);
        if self.status != INITIATED || left == 0 || usize::try_from(left) != Ok(length) {
            return Err(ActionResult::OtherReason);
        }
        let byte = self.come.get_mut(usize::try_from(number / 8).unwrap_or(usize::MAX));
        *byte.ok_or(ActionResult::OtherReason)? |= 0x80 >> (number & 7);
        Ok(())
    }
}

const BLOCK_SIZE: u32 = 128;
const INITIATED: u8 = 1;
const VERIFIED: u8 = 3;
const ACTIVATED: u8 = 6;
