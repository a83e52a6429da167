//! What a client brings back.

use crate::frame::Expected;
use crate::message::{Coils, REFUSED, Registers, Response};
use crate::{Error, Exception, FrameError, MessageError, Request};

/// The answer to a request: from the unit that was asked, of the function and length that were asked for.
///
/// What is in it is read only when somebody wants it, so that a program that reads registers has no code for files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// How many coils were asked for: the reply counts eight at once.
    quantity: u16,
    pdu: &'a [u8],
}

impl<'a> Reply<'a> {
    /// Takes a response PDU that came for `request`, where it answers that: for programs that have frames and no
    /// [`Client`](crate::Client).
    ///
    /// ```
    /// use ccm_modbus::{Error, Exception, FrameError, Reply, Request};
    ///
    /// let request = Request::ReadHoldingRegisters { start: 5, quantity: 2 };
    /// let reply = Reply::to(&request, &[3, 4, 0, 230, 0, 50])?;
    /// assert_eq!(reply.registers().map(|registers| registers.iter().sum()), Some(280_u16));
    /// assert_eq!(Reply::to(&request, &[3, 2, 0, 230]), Err(Error::Frame(FrameError::Mismatch)));
    /// assert_eq!(Reply::to(&request, &[0x83, 2]), Err(Error::Exception(Exception::IllegalDataAddress)));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Exception`] where the device refused, [`FrameError::Mismatch`] where this is no answer to that request.
    #[inline]
    pub fn to(request: &Request<'_>, pdu: &'a [u8]) -> Result<Self, Error> {
        let asked = Expected::of(0, request);
        let [code, exception, ..] = *pdu else { return Err(Error::Frame(FrameError::Mismatch)) };
        if !asked.is_answered_by(pdu) {
            return Err(Error::Frame(FrameError::Mismatch));
        }
        if code & REFUSED != 0 {
            return Err(Error::Exception(Exception::from_code(exception)));
        }
        Ok(Self::new(range(request).1, pdu))
    }

    pub(crate) const fn new(quantity: u16, pdu: &'a [u8]) -> Self {
        Self { quantity, pdu }
    }

    /// The reply's bytes, function code first; none where nobody was to answer.
    pub const fn pdu(&self) -> &'a [u8] {
        self.pdu
    }

    /// The registers of a reply to functions 3, 4 and 23.
    #[inline]
    pub fn registers(&self) -> Option<Registers<'a>> {
        let [3 | 4 | 23, _, values @ ..] = self.pdu else { return None };
        Registers::parse(values).ok()
    }

    /// The coils or discrete inputs of a reply to functions 1 and 2: as many as were asked for.
    #[inline]
    pub fn coils(&self) -> Option<Coils<'a>> {
        let [1 | 2, _, values @ ..] = self.pdu else { return None };
        Coils::parse(values, self.quantity).ok()
    }

    /// All there is to know of it.
    ///
    /// # Errors
    /// Where the reply contradicts itself: the device's fault.
    pub fn response(&self) -> Result<Response<'a>, MessageError> {
        match (self.pdu, self.coils()) {
            ([], _) => Ok(Response::Broadcast),
            ([1, ..], Some(coils)) => Ok(Response::ReadCoils(coils)),
            (_, Some(coils)) => Ok(Response::ReadDiscreteInputs(coils)),
            // A refusal is an error of the exchange and never comes here.
            _ => Response::parse(self.pdu).map(|response| response.unwrap_or(Response::Broadcast)),
        }
    }
}

/// Where a read begins, and how much of it is wanted.
#[inline]
pub(crate) const fn range(request: &Request<'_>) -> (u16, u16) {
    match *request {
        Request::ReadCoils { start, quantity }
        | Request::ReadDiscreteInputs { start, quantity }
        | Request::ReadHoldingRegisters { start, quantity }
        | Request::ReadInputRegisters { start, quantity } => (start, quantity),
        _ => (0, 0),
    }
}
