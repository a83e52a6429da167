//! Every other function of the standard: diagnostics, logs, files, queues, identification.

use ccm_core::Writer;

use super::answer::{fill_registers, full};
use super::{Handler, Traffic};
use crate::message::{READ_DEVICE_IDENTIFICATION, REFERENCE, RegistersMut};
use crate::{
    Coils, CoilsMut, CommEvent, Exception, FileRange, FileReads, FileWrites, Function, MessageError,
    ReadDeviceId, Registers, Request, SubFunction,
};

/// What a device has to offer beyond coils and registers. What is left out is an illegal function.
pub trait Services: Handler {
    /// Reads eight outputs of the device's own choice (function 7).
    fn read_exception_status(&mut self) -> Result<u8, Exception> {
        Err(Exception::IllegalFunction)
    }

    /// The diagnostic register (function 8, sub-function 2).
    fn diagnostic_register(&mut self) -> u16 {
        0
    }

    /// Sets it to 0 (function 8, sub-function 10).
    fn clear_diagnostic_register(&mut self) {}

    /// Begins communications anew (function 8, sub-function 1): the line is as at power-up.
    fn restart(&mut self) {}

    /// Sets the character that ends an ASCII frame (function 8, sub-function 3).
    fn change_ascii_delimiter(&mut self, delimiter: u8) -> Result<(), Exception> {
        let _ = delimiter;
        Err(Exception::IllegalFunction)
    }

    /// Writes what the device says of itself, up to 250 bytes (function 17).
    fn report_server_id(&mut self, id: &mut Writer<'_>) -> Result<(), Exception> {
        let _ = id;
        Err(Exception::IllegalFunction)
    }

    /// Reads registers of a file (function 20).
    fn read_file(&mut self, range: FileRange, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        let _ = (range, registers);
        Err(Exception::IllegalFunction)
    }

    /// Says whether a file can take these registers (function 21): all groups are asked before the first is written.
    fn can_write_file(&mut self, range: FileRange) -> Result<(), Exception> {
        let _ = range;
        Err(Exception::IllegalFunction)
    }

    /// Writes registers of a file (function 21).
    fn write_file(&mut self, range: FileRange, registers: Registers<'_>) -> Result<(), Exception> {
        let _ = (range, registers);
        Err(Exception::IllegalFunction)
    }

    /// Reads a queue of up to 31 registers (function 24); a longer one is an [`Exception::IllegalDataValue`].
    fn read_fifo_queue(&mut self, address: u16, queue: &mut RegistersMut<'_>) -> Result<(), Exception> {
        let _ = (address, queue);
        Err(Exception::IllegalFunction)
    }

    /// An object of the device's identification, up to 244 bytes (function 43, interface 14). Objects 0 to 2 (maker,
    /// product code, revision) are for all devices that have any.
    fn object(&self, id: u8) -> Option<&[u8]> {
        let _ = id;
        None
    }

    /// Any other interface of function 43: writes what follows the interface type.
    fn encapsulated_interface(
        &mut self,
        interface: u8,
        data: &[u8],
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        let _ = (interface, data, reply);
        Err(Exception::IllegalFunction)
    }

    /// A function of the device's own: writes what follows the function code.
    fn own_function(&mut self, code: u8, data: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
        let _ = (code, data, reply);
        Err(Exception::IllegalFunction)
    }
}

/// A device with all functions of the standard, and the counters, log and listen-only mode that belong to them.
#[derive(Debug)]
pub struct Extended<D> {
    device: D,
    counters: Counters,
    events: u16,
    log: Log,
    listen_only: bool,
    /// The request that is carried out reads the counters and does not count itself (MB-APP 6.9).
    is_fetch: bool,
}

/// What function 8 counts (MB-APP 6.8.1). They stay at 65 535: a counter that begins anew would lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Counters {
    /// Sound messages on the line, other units' included.
    pub bus_messages: u16,
    /// Wrong checksums.
    pub bus_errors: u16,
    /// Refusals sent.
    pub exceptions: u16,
    /// Messages to this unit, broadcasts included.
    pub messages: u16,
    /// Messages to this unit without a reply.
    pub unanswered: u16,
    /// Refusals as "negative acknowledge".
    pub negative: u16,
    /// Refusals as "busy".
    pub busy: u16,
    /// Characters lost because they came too fast.
    pub overruns: u16,
}

#[derive(Clone, Copy, Debug)]
struct Log {
    bytes: [u8; 64],
    /// Where the next event goes, and how many there are.
    next: usize,
    length: usize,
}

impl Log {
    const fn new() -> Self {
        Self { bytes: [0; 64], next: 0, length: 0 }
    }

    fn push(&mut self, event: CommEvent) {
        if let Some(slot) = self.bytes.get_mut(self.next) {
            *slot = event.byte();
        }
        self.next = (self.next + 1) % self.bytes.len();
        self.length = (self.length + 1).min(self.bytes.len());
    }

    /// The newest first.
    fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        let size = self.bytes.len();
        (1..=self.length).filter_map(move |back| self.bytes.get((self.next + size - back) % size).copied())
    }
}

impl<D: Services> Extended<D> {
    /// A device that has heard nothing yet.
    pub const fn new(device: D) -> Self {
        let counters = Counters {
            bus_messages: 0,
            bus_errors: 0,
            exceptions: 0,
            messages: 0,
            unanswered: 0,
            negative: 0,
            busy: 0,
            overruns: 0,
        };
        Self { device, counters, events: 0, log: Log::new(), listen_only: false, is_fetch: false }
    }

    /// The device itself.
    pub const fn device(&mut self) -> &mut D {
        &mut self.device
    }

    /// What was counted so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The receiver has lost a character: nobody but the port's driver sees that.
    pub fn overrun(&mut self) {
        count(&mut self.counters.overruns);
    }

    fn carry_out(
        &mut self,
        request: Request<'_>,
        pdu: &[u8],
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        let code = request.function().code();
        match request {
            Request::ReadExceptionStatus => {
                reply.array([code, self.device.read_exception_status()?]).map_err(full)
            }
            Request::Diagnostics { sub_function, data } => self.diagnostics(sub_function, data, pdu, reply),
            Request::GetCommEventCounter => self.event_counter(code, reply),
            Request::GetCommEventLog => self.event_log(code, reply),
            Request::ReportServerId => counted(code, reply, |id| self.device.report_server_id(id)),
            Request::ReadFileRecord(reads) => self.read_files(code, reads, reply),
            Request::WriteFileRecord(writes) => self.write_files(writes, pdu, reply),
            Request::ReadFifoQueue { address } => self.queue(code, address, reply),
            Request::ReadDeviceIdentification { kind, object } => {
                self.identification(code, kind, object, reply)
            }
            Request::EncapsulatedInterface { interface, data } => {
                reply.array([code, interface]).map_err(full)?;
                self.device.encapsulated_interface(interface, data, reply)
            }
            Request::Other { code, data } => {
                reply.u8(code).map_err(full)?;
                self.device.own_function(code, data, reply)
            }
            _ => Err(Exception::IllegalFunction),
        }
    }

    /// Function 8. In listen-only mode nothing but a restart is obeyed, and not even that is answered.
    fn diagnostics(
        &mut self,
        sub_function: SubFunction,
        data: &[u8],
        pdu: &[u8],
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        let was_deaf = self.listen_only;
        if matches!(sub_function, SubFunction::Other(_)) {
            return Err(Exception::IllegalFunction);
        }
        if was_deaf && sub_function != SubFunction::RestartCommunications {
            return Ok(());
        }
        let value = match sub_function {
            SubFunction::ReturnQueryData => return reply.slice(pdu).map_err(full),
            SubFunction::RestartCommunications => {
                self.restart(data)?;
                return if was_deaf { Ok(()) } else { reply.slice(pdu).map_err(full) };
            }
            SubFunction::ChangeAsciiInputDelimiter => {
                let [delimiter, 0] = *data else { return Err(Exception::IllegalDataValue) };
                self.device.change_ascii_delimiter(delimiter)?;
                return reply.slice(pdu).map_err(full);
            }
            _ if *data != [0, 0] => return Err(Exception::IllegalDataValue),
            SubFunction::ForceListenOnlyMode => {
                self.listen_only = true;
                self.log.push(CommEvent::ListenOnly);
                return Ok(());
            }
            SubFunction::ClearCounters => {
                (self.counters, self.events) = (Counters::default(), 0);
                self.device.clear_diagnostic_register();
                0
            }
            SubFunction::ClearOverrunCounter => {
                self.counters.overruns = 0;
                0
            }
            _ => self.counter(sub_function)?,
        };
        let ([a, b], [c, d]) = (sub_function.code().to_be_bytes(), value.to_be_bytes());
        reply.array([0x08, a, b, c, d]).map_err(full)
    }

    fn counter(&mut self, sub_function: SubFunction) -> Result<u16, Exception> {
        let counters = &self.counters;
        Ok(match sub_function {
            SubFunction::ReturnDiagnosticRegister => self.device.diagnostic_register(),
            SubFunction::ReturnBusMessageCount => counters.bus_messages,
            SubFunction::ReturnBusCommunicationErrorCount => counters.bus_errors,
            SubFunction::ReturnBusExceptionErrorCount => counters.exceptions,
            SubFunction::ReturnServerMessageCount => counters.messages,
            SubFunction::ReturnServerNoResponseCount => counters.unanswered,
            SubFunction::ReturnServerNakCount => counters.negative,
            SubFunction::ReturnServerBusyCount => counters.busy,
            SubFunction::ReturnBusCharacterOverrunCount => counters.overruns,
            _ => return Err(Exception::IllegalFunction),
        })
    }

    fn restart(&mut self, data: &[u8]) -> Result<(), Exception> {
        match *data {
            [0xFF, 0x00] => self.log = Log::new(),
            [0x00, 0x00] => {}
            _ => return Err(Exception::IllegalDataValue),
        }
        (self.counters, self.events, self.listen_only) = (Counters::default(), 0, false);
        self.log.push(CommEvent::Restarted);
        self.device.restart();
        Ok(())
    }

    fn event_counter(&mut self, code: u8, reply: &mut Writer<'_>) -> Result<(), Exception> {
        self.is_fetch = true;
        let [high, low] = self.events.to_be_bytes();
        // The status is 0xFFFF only while a program command is carried out, and there is none here.
        reply.array([code, 0, 0, high, low]).map_err(full)
    }

    fn event_log(&mut self, code: u8, reply: &mut Writer<'_>) -> Result<(), Exception> {
        let ([a, b], [c, d]) = (self.events.to_be_bytes(), self.counters.bus_messages.to_be_bytes());
        let count = u8::try_from(self.log.length + 6).map_err(|_| Exception::ServerDeviceFailure)?;
        reply.array([code, count, 0, 0, a, b, c, d]).map_err(full)?;
        self.log.iter().try_for_each(|event| reply.u8(event)).map_err(full)
    }

    fn read_files(
        &mut self,
        code: u8,
        reads: FileReads<'_>,
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        check(reads.iter())?;
        counted(code, reply, |reply| {
            for range in reads.iter().flatten() {
                let length = u8::try_from(range.length * 2 + 1).map_err(|_| Exception::IllegalDataValue)?;
                reply.array([length, REFERENCE]).map_err(full)?;
                let bytes = reply.room(usize::from(range.length) * 2).map_err(full)?;
                fill_registers(bytes, |registers| self.device.read_file(range, registers))?;
            }
            Ok(())
        })
    }

    fn write_files(
        &mut self,
        writes: FileWrites<'_>,
        pdu: &[u8],
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        check(writes.iter())?;
        for (range, _) in writes.iter().flatten() {
            self.device.can_write_file(range)?;
        }
        for (range, registers) in writes.iter().flatten() {
            self.device.write_file(range, registers)?;
        }
        reply.slice(pdu).map_err(full)
    }

    /// Counts bytes, and then registers again (MB-APP 6.18).
    fn queue(&mut self, code: u8, address: u16, reply: &mut Writer<'_>) -> Result<(), Exception> {
        // Room for one more than there may be, so that a queue that is too long shows.
        let mut bytes = [0; 2 * MOST_QUEUED + 2];
        let mut queue = RegistersMut::new(&mut bytes);
        self.device.read_fifo_queue(address, &mut queue)?;
        let filled = queue.filled();
        if filled > 2 * MOST_QUEUED {
            return Err(Exception::IllegalDataValue);
        }
        let [a, b] = u16::try_from(filled + 2).unwrap_or_default().to_be_bytes();
        let [c, d] = u16::try_from(filled / 2).unwrap_or_default().to_be_bytes();
        reply.array([code, a, b, c, d]).map_err(full)?;
        bytes.iter().take(filled).try_for_each(|byte| reply.u8(*byte)).map_err(full)
    }

    fn identification(
        &mut self,
        code: u8,
        kind: ReadDeviceId,
        object: u8,
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        let conformity = self.conformity();
        if self.device.object(0).is_none() {
            return Err(Exception::IllegalFunction);
        }
        let single = kind == ReadDeviceId::Individual;
        let (first, last) = match self.device.object(object) {
            Some(_) if single => (object, object),
            None if single => return Err(Exception::IllegalDataAddress),
            // A device answers at its own level where more is asked for (MB-APP 6.21).
            Some(_) if object <= kind.last_object() => (object, kind.last_object()),
            _ => (0, kind.last_object()),
        };
        let (count, next) = self.fitting(first, last)?;
        let (more, next) = next.map_or((0, 0), |next| (0xFF, next));
        let conformity = conformity | 0x80;
        reply
            .array([code, READ_DEVICE_IDENTIFICATION, kind.code(), conformity, more, next, count])
            .map_err(full)?;
        for id in (first..=last).filter(|id| self.device.object(*id).is_some()).take(count.into()) {
            let value = self.device.object(id).unwrap_or_default();
            reply.array([id, u8::try_from(value.len()).unwrap_or_default()]).map_err(full)?;
            reply.slice(value).map_err(full)?;
        }
        Ok(())
    }

    /// How many of the objects fit one reply, each whole, and the first that does not.
    fn fitting(&self, first: u8, last: u8) -> Result<(u8, Option<u8>), Exception> {
        let (mut room, mut count) = (OBJECTS_ROOM, 0);
        for id in first..=last {
            let Some(value) = self.device.object(id) else { continue };
            let Some(left) = room.checked_sub(2 + value.len()) else {
                let error = Exception::ServerDeviceFailure; // It would not fit any reply.
                return if count == 0 { Err(error) } else { Ok((count, Some(id))) };
            };
            (room, count) = (left, count + 1);
        }
        Ok((count, None))
    }

    fn conformity(&self) -> u8 {
        let has = |mut ids: core::ops::RangeInclusive<u8>| ids.any(|id| self.device.object(id).is_some());
        if has(0x80..=0xFF) { 3 } else { 1 + u8::from(has(0x03..=0x7F)) }
    }
}

/// A byte count before what `fill` writes.
fn counted(
    code: u8,
    reply: &mut Writer<'_>,
    fill: impl FnOnce(&mut Writer<'_>) -> Result<(), Exception>,
) -> Result<(), Exception> {
    reply.u8(code).map_err(full)?;
    let mut inner = Writer::new(reply.rest_mut().get_mut(1..).unwrap_or_default());
    fill(&mut inner)?;
    let length = inner.finish();
    reply.u8(u8::try_from(length).map_err(|_| Exception::ServerDeviceFailure)?).map_err(full)?;
    reply.room(length).map(drop).map_err(full)
}

/// Whether all items of a message make sense; the first that does not is refused.
fn check<T>(items: impl Iterator<Item = Result<T, MessageError>>) -> Result<(), Exception> {
    items.into_iter().try_for_each(|item| item.map(drop)).map_err(MessageError::exception)
}

fn count(counter: &mut u16) {
    *counter = counter.saturating_add(1);
}

impl<D: Services> Handler for Extended<D> {
    const NOTICES: bool = true;

    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.device.read_coils(start, coils)
    }

    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.device.read_discrete_inputs(start, inputs)
    }

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.device.read_holding_registers(start, registers)
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.device.read_input_registers(start, registers)
    }

    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        self.device.write_coils(start, coils)
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        self.device.write_holding_registers(start, registers)
    }

    fn other(&mut self, pdu: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
        let was_deaf = self.listen_only;
        let request = Request::parse(pdu).map_err(MessageError::exception);
        let carried_out = request.and_then(|request| self.carry_out(request, pdu, reply));
        // In listen-only mode not even a refusal is sent (MB-APP 6.8.1).
        if was_deaf { Ok(()) } else { carried_out }
    }

    fn permits(&self, function: Function) -> bool {
        self.device.permits(function)
    }

    fn notice(&mut self, traffic: Traffic) {
        let deaf = u8::from(self.listen_only) << 5;
        match traffic {
            Traffic::Foreign => count(&mut self.counters.bus_messages),
            Traffic::Garbled => {
                count(&mut self.counters.bus_errors);
                self.log.push(CommEvent::Received(0x02 | deaf));
            }
            Traffic::Asked { broadcast } => {
                self.is_fetch = false;
                count(&mut self.counters.bus_messages);
                count(&mut self.counters.messages);
                self.log.push(CommEvent::Received(u8::from(broadcast) << 6 | deaf));
            }
            Traffic::Answered(exception) => self.answered(exception),
            Traffic::Unanswered => {
                count(&mut self.counters.unanswered);
                // It is an event all the same (MB-APP 6.10).
                self.log.push(CommEvent::Sent(deaf));
            }
        }
        self.device.notice(traffic);
    }

    fn is_listen_only(&self) -> bool {
        self.listen_only
    }
}

impl<D> Extended<D> {
    fn answered(&mut self, exception: Option<Exception>) {
        let is_fetch = core::mem::take(&mut self.is_fetch);
        let bits = match exception.map(Exception::code) {
            None => 0,
            Some(code) => {
                count(&mut self.counters.exceptions);
                self.count_refusal(code)
            }
        };
        if exception.is_none() && !is_fetch {
            count(&mut self.events);
        }
        self.log.push(CommEvent::Sent(bits));
    }

    /// The bit of an exception in the log (MB-APP 6.10).
    fn count_refusal(&mut self, code: u8) -> u8 {
        match code {
            1..=3 => 0x01,
            4 => 0x02,
            5 | 6 => {
                count(&mut self.counters.busy);
                0x04
            }
            7 => {
                count(&mut self.counters.negative);
                0x08
            }
            _ => 0,
        }
    }
}

/// MB-APP 6.18.
const MOST_QUEUED: usize = 31;

/// What a PDU of 253 bytes has left behind the seven of the head.
const OBJECTS_ROOM: usize = 246;
