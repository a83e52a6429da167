//! `ccmaster modbus read`.

use ccm_modbus::{Function, Reply, Request};

use crate::cli::Failure;
use crate::cli::args::{Read, Target};
use crate::cli::output::Report;
use crate::cli::session::Session;

/// Reads all targets in turn, over one connection by one client.
pub(in crate::cli) async fn run(read: Read, targets: Vec<Target>) -> Result<(), Failure> {
    check(&read, &targets)?;
    let mut session = Session::open(&read.place, &read.patience).await?;
    let mut all_good = true;
    for target in targets {
        let result = session.exchange(read.unit, target.request(read.count), values).await;
        let report = Report::new(read.unit, target.function.code(), target.address, result);
        all_good &= report.print(read.place.json);
    }
    if all_good { Ok(()) } else { Err(Failure::Told) }
}

/// Finds what can never work before anything is sent.
fn check(read: &Read, targets: &[Target]) -> Result<(), Failure> {
    if targets.is_empty() {
        return Err(Failure::Misuse(
            "name what to read: --holding, --input, --coil or --discrete ADDR".into(),
        ));
    }
    if read.place.link.is_serial() && !(1..=247).contains(&read.unit) {
        return Err(Failure::Misuse(format!("unit {} cannot be read; use 1 to 247", read.unit)));
    }
    for target in targets {
        let mut buffer = [0; 8];
        let mut writer = ccm_core::Writer::new(&mut buffer);
        target.request(read.count).emit(&mut writer).map_err(|error| Failure::Misuse(error.to_string()))?;
    }
    Ok(())
}

impl Target {
    pub(in crate::cli) const fn request(self, quantity: u16) -> Request<'static> {
        let start = self.address;
        match self.function {
            Function::ReadCoils => Request::ReadCoils { start, quantity },
            Function::ReadDiscreteInputs => Request::ReadDiscreteInputs { start, quantity },
            Function::ReadInputRegisters => Request::ReadInputRegisters { start, quantity },
            _ => Request::ReadHoldingRegisters { start, quantity },
        }
    }
}

/// Registers as they are, coils as 0 and 1.
pub(in crate::cli) fn values(reply: Reply<'_>) -> Vec<u16> {
    match (reply.registers(), reply.coils()) {
        (Some(registers), _) => registers.iter().collect(),
        (None, Some(coils)) => coils.iter().map(u16::from).collect(),
        (None, None) => Vec::new(),
    }
}
