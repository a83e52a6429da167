//! `ccmaster modbus read`.

use ccm_modbus::{FileRange, FileReads, Function, Reply, Request, RequestError, Response};

use crate::cli::Failure;
use crate::cli::args::{Read, Target};
use crate::cli::output::Report;
use crate::cli::session::{ExchangeError, Session};

/// Reads all targets in turn, over one connection by one client.
pub(in crate::cli) async fn run(read: Read, targets: Vec<Target>) -> Result<(), Failure> {
    check(&read, &targets)?;
    let mut session = Session::open(&read.place, &read.patience).await?;
    let mut all_good = true;
    for target in targets {
        let result = target.read(&mut session, read.unit, read.count).await;
        let report = Report::new(read.unit, target.function.code(), target.address, result);
        all_good &= report.print(read.place.json);
    }
    if all_good { Ok(()) } else { Err(Failure::Told) }
}

/// Finds what can never work before anything is sent.
fn check(read: &Read, targets: &[Target]) -> Result<(), Failure> {
    if targets.is_empty() {
        return Err(Failure::Misuse(
            "name what to read: --holding, --input, --coil, --discrete or --fifo ADDR, or --file FILE:RECORD"
                .into(),
        ));
    }
    read.place.check_unit(read.unit)?;
    targets
        .iter()
        .try_for_each(|target| {
            let (mut bytes, mut buffer) = ([0; 7], [0; 9]);
            let request = target.request(read.count, &mut bytes);
            request.and_then(|request| request.emit(&mut ccm_core::Writer::new(&mut buffer)))
        })
        .map_err(|error| Failure::Misuse(error.to_string()))
}

impl Target {
    async fn read(self, session: &mut Session, unit: u8, quantity: u16) -> Result<Vec<u16>, ExchangeError> {
        let mut bytes = [0; 7];
        let request = self.request(quantity, &mut bytes).map_err(ccm_modbus::Error::from)?;
        session.exchange(unit, request, values).await
    }

    fn request(self, quantity: u16, bytes: &mut [u8; 7]) -> Result<Request<'_>, RequestError> {
        let start = self.address;
        Ok(match self.function {
            Function::ReadCoils => Request::ReadCoils { start, quantity },
            Function::ReadDiscreteInputs => Request::ReadDiscreteInputs { start, quantity },
            Function::ReadInputRegisters => Request::ReadInputRegisters { start, quantity },
            Function::ReadFifoQueue => Request::ReadFifoQueue { address: start },
            Function::ReadFileRecord => {
                let range = FileRange { file: self.file, record: start, length: quantity };
                Request::ReadFileRecord(FileReads::pack(&[range], bytes)?)
            }
            _ => Request::ReadHoldingRegisters { start, quantity },
        })
    }
}

/// Registers as they are, coils as 0 and 1.
pub(in crate::cli) fn values(reply: Reply<'_>) -> Vec<u16> {
    let Ok(response) = reply.response() else { return Vec::new() };
    match (response.registers(), response.coils(), response) {
        (Some(registers), ..) => registers.iter().collect(),
        (_, Some(coils), _) => coils.iter().map(u16::from).collect(),
        (.., Response::ReadFileRecord(records)) => {
            records.iter().flatten().flat_map(|registers| registers.iter()).collect()
        }
        _ => Vec::new(),
    }
}
