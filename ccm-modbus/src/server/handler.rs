//! What a device has to offer.

use ccm_core::Writer;

use crate::{Coils, CoilsMut, Exception, Function, Registers, RegistersMut};

/// What a device has to offer: each method one table of MB-APP 4.3. What is left out is an illegal function.
///
/// Ranges arrive checked against the protocol's limits; whether the device has the addresses is for the handler to
/// say, with [`Exception::IllegalDataAddress`]. A write that is refused must have changed nothing.
///
/// ```
/// use ccm_modbus::{Exception, Handler, RegistersMut};
///
/// /// A thermometer: one input register, in tenths of a degree.
/// struct Thermometer(u16);
///
/// impl Handler for Thermometer {
///     fn read_input_registers(&mut self, start: u16, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
///         if start != 0 || registers.len() != 1 {
///             return Err(Exception::IllegalDataAddress);
///         }
///         registers.push(self.0);
///         Ok(())
///     }
/// }
/// ```
pub trait Handler {
    /// Reads coils from `start` on (function 1).
    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        let _ = (start, coils);
        Err(Exception::IllegalFunction)
    }

    /// Reads discrete inputs from `start` on (function 2).
    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        let _ = (start, inputs);
        Err(Exception::IllegalFunction)
    }

    /// Reads holding registers from `start` on (functions 3, 22 and 23).
    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        let _ = (start, registers);
        Err(Exception::IllegalFunction)
    }

    /// Reads input registers from `start` on (function 4).
    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        let _ = (start, registers);
        Err(Exception::IllegalFunction)
    }

    /// Switches coils from `start` on (functions 5 and 15).
    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        let _ = (start, coils);
        Err(Exception::IllegalFunction)
    }

    /// Writes holding registers from `start` on (functions 6, 16, 22 and 23).
    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        let _ = (start, registers);
        Err(Exception::IllegalFunction)
    }

    /// Carries out any other function and writes the reply, function code first; where nothing is written there is no
    /// reply. [`Extended`](crate::Extended) does this for all functions of the standard.
    fn other(&mut self, pdu: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
        let _ = (pdu, reply);
        Err(Exception::IllegalFunction)
    }

    /// Whether a function may be asked for at all, before anything else of the request is looked at; what may not is an
    /// illegal function.
    fn permits(&self, function: Function) -> bool {
        let _ = function;
        true
    }

    /// Whether [`notice`](Self::notice) does anything: a server that need not count has no code for it.
    const NOTICES: bool = false;

    /// Hears what happens on the line: for counters and logs. Set [`NOTICES`](Self::NOTICES) too.
    fn notice(&mut self, traffic: Traffic) {
        let _ = traffic;
    }

    /// Whether the device hears everything and says nothing: only diagnostics reach [`other`](Self::other) then.
    fn is_listen_only(&self) -> bool {
        false
    }
}

/// What a server notices on its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Traffic {
    /// A sound frame for somebody else.
    Foreign,
    /// Bytes that are no frame.
    Garbled,
    /// A request to this unit.
    Asked {
        /// To all units.
        broadcast: bool,
    },
    /// A reply leaves: a refusal where there is an exception.
    Answered(Option<Exception>),
    /// A request is left without a reply.
    Unanswered,
}

/// One device behind several servers, as with several connections.
impl<H: Handler> Handler for &core::cell::RefCell<H> {
    const NOTICES: bool = H::NOTICES;

    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.borrow_mut().read_coils(start, coils)
    }

    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.borrow_mut().read_discrete_inputs(start, inputs)
    }

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.borrow_mut().read_holding_registers(start, registers)
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.borrow_mut().read_input_registers(start, registers)
    }

    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        self.borrow_mut().write_coils(start, coils)
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        self.borrow_mut().write_holding_registers(start, registers)
    }

    fn other(&mut self, pdu: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
        self.borrow_mut().other(pdu, reply)
    }

    fn permits(&self, function: Function) -> bool {
        self.borrow().permits(function)
    }

    fn notice(&mut self, traffic: Traffic) {
        self.borrow_mut().notice(traffic);
    }

    fn is_listen_only(&self) -> bool {
        self.borrow().is_listen_only()
    }
}
