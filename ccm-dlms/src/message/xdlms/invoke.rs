//! Which request a response belongs to, and how urgent it is.

use ccm_core::{Full, Writer};

use crate::message::cursor::Cursor;
use crate::message::{Fault, MessageError};

/// Invoke-Id-And-Priority of GET, SET and ACTION (Green Book 9.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InvokeIdAndPriority(pub u8);

impl InvokeIdAndPriority {
    /// A confirmed request of high priority, as nearly everybody sends it; the number is 0 to 15 and starts again from 0
    /// beyond.
    pub const fn confirmed(invoke_id: u8) -> Self {
        Self(0xC0 | (invoke_id & 0x0F))
    }

    /// The number that the response repeats: 0 to 15.
    pub const fn invoke_id(self) -> u8 {
        self.0 & 0x0F
    }

    /// Whether a response is wanted.
    pub const fn is_confirmed(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Whether the priority is high.
    pub const fn is_high_priority(self) -> bool {
        self.0 & 0x80 != 0
    }
}

/// Long-Invoke-Id-And-Priority of notifications (Green Book 9.3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LongInvokeIdAndPriority(pub u32);

impl LongInvokeIdAndPriority {
    /// The number: 24 bits.
    pub const fn invoke_id(self) -> u32 {
        self.0 & 0x00FF_FFFF
    }

    /// Whether the notification wants to be confirmed.
    pub const fn is_confirmed(self) -> bool {
        self.0 & 0x4000_0000 != 0
    }

    /// Whether the priority is high.
    pub const fn is_high_priority(self) -> bool {
        self.0 & 0x8000_0000 != 0
    }
}

/// A service and the number of the request that it is, or that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Invoked<T> {
    /// The same in a request and its responses.
    pub invoke_id_and_priority: InvokeIdAndPriority,
    /// The service.
    pub service: T,
}

/// One of the services that begin with a tag, a choice and the invoke-id.
pub trait Service<'a>: Sized {
    /// The tag of the APDU.
    const TAG: u8;
    /// What an error calls it.
    const NAME: &'static str;
    /// Reads what follows the invoke-id. `None` where there is no such choice.
    fn read(choice: u8, cursor: &mut Cursor<'a>) -> Result<Option<Self>, MessageError>;
    /// Which of the forms it is.
    fn choice(&self) -> u8;
    /// Writes what follows the invoke-id.
    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full>;
}

impl<'a, T: Service<'a>> Invoked<T> {
    /// Reads a whole APDU, tag first.
    ///
    /// # Errors
    /// The first field that cannot be, and where it stands.
    pub fn parse(apdu: &'a [u8]) -> Result<Self, MessageError> {
        let mut cursor = Cursor::new(apdu);
        cursor.expect(T::TAG, T::NAME)?;
        let message = Self::read(&mut cursor)?;
        cursor.finish(T::NAME)?;
        Ok(message)
    }

    /// Writes the whole APDU, tag first.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.array([T::TAG, self.service.choice(), self.invoke_id_and_priority.0])?;
        self.service.write(writer)
    }

    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let wrong = *cursor;
        let found = cursor.u8(T::NAME)?;
        let invoke_id_and_priority = InvokeIdAndPriority(cursor.u8("invoke-id-and-priority")?);
        let service = T::read(found, cursor)?.ok_or(wrong.fail(T::NAME, Fault::Choice { found }))?;
        Ok(Self { invoke_id_and_priority, service })
    }
}
