//! `ccmaster modbus write`.

use ccm_modbus::{Coils, Registers, Request};

use super::read::values;
use crate::cli::Failure;
use crate::cli::args::{Assignment, EchoArg, Write};
use crate::cli::output::Report;
use crate::cli::session::{ExchangeError, Session};

/// Writes all assignments in turn, registers before coils.
pub(in crate::cli) async fn run(write: Write) -> Result<(), Failure> {
    check(&write)?;
    let mut session = Session::open(&write.place, &write.patience).await?;
    let mut all_good = true;
    for (assignment, is_coil) in assignments(&write) {
        all_good &= one(&mut session, &write, assignment, is_coil).await.print(write.place.json);
    }
    if write.unit == 0 && !write.place.json {
        eprintln!("unit 0 is everybody: sent to all, confirmed by nobody");
    }
    if all_good { Ok(()) } else { Err(Failure::Told) }
}

fn assignments(write: &Write) -> impl Iterator<Item = (&Assignment, bool)> {
    let registers = write.holding.iter().map(|assignment| (assignment, false));
    registers.chain(write.coil.iter().map(|assignment| (assignment, true)))
}

fn check(write: &Write) -> Result<(), Failure> {
    if write.holding.is_empty() && write.coil.is_empty() {
        return Err(Failure::Misuse("name what to write: --holding ADDR=VALUE or --coil ADDR=0|1".into()));
    }
    if write.place.link.is_serial() && write.unit > 247 {
        return Err(Failure::Misuse(format!("there is no unit {}; use 1 to 247, or 0 for all", write.unit)));
    }
    for (assignment, is_coil) in assignments(write) {
        let mut buffer = [0; 260];
        let mut writer = ccm_core::Writer::new(&mut buffer);
        let checked = with_request(assignment, is_coil, write.multiple, |request| request.emit(&mut writer));
        checked.and_then(|emitted| emitted).map_err(|error| Failure::Misuse(error.to_string()))?;
    }
    Ok(())
}

async fn one(session: &mut Session, write: &Write, assignment: &Assignment, is_coil: bool) -> Report {
    let single = assignment.values.len() == 1 && !write.multiple;
    if single && write.unit != 0 && session.may_echo() && matches!(write.place.echo, EchoArg::Learn) {
        // The reply to a single write equals its request. A read shows whether the line echoes; what it brings, or
        // whether it brings anything, does not matter.
        let start = assignment.address;
        let request = match is_coil {
            true => Request::ReadCoils { start, quantity: 1 },
            false => Request::ReadHoldingRegisters { start, quantity: 1 },
        };
        let _ = session.exchange(write.unit, request, |_| ()).await;
    }
    let function = function(is_coil, single);
    let result = send(session, write, assignment, is_coil).await;
    Report::new(write.unit, function, assignment.address, result.map(|()| assignment.values.clone()))
}

async fn send(
    session: &mut Session,
    write: &Write,
    assignment: &Assignment,
    is_coil: bool,
) -> Result<(), ExchangeError> {
    let mut bytes = [0; 250];
    let request =
        request(assignment, is_coil, write.multiple, &mut bytes).map_err(ccm_modbus::Error::from)?;
    session.exchange(write.unit, request, |response| drop(values(response))).await
}

const fn function(is_coil: bool, single: bool) -> u8 {
    match (is_coil, single) {
        (true, true) => 5,
        (true, false) => 15,
        (false, true) => 6,
        (false, false) => 16,
    }
}

fn with_request<T>(
    assignment: &Assignment,
    is_coil: bool,
    multiple: bool,
    take: impl FnOnce(Request<'_>) -> T,
) -> Result<T, ccm_modbus::RequestError> {
    let mut bytes = [0; 250];
    Ok(take(request(assignment, is_coil, multiple, &mut bytes)?))
}

fn request<'a>(
    assignment: &Assignment,
    is_coil: bool,
    multiple: bool,
    bytes: &'a mut [u8],
) -> Result<Request<'a>, ccm_modbus::RequestError> {
    let address = assignment.address;
    Ok(match (assignment.values.as_slice(), is_coil) {
        ([value], true) if !multiple => Request::WriteSingleCoil { address, on: *value == 1 },
        ([value], false) if !multiple => Request::WriteSingleRegister { address, value: *value },
        (values, true) => {
            let states: Vec<bool> = values.iter().map(|value| *value == 1).collect();
            Request::WriteMultipleCoils { start: address, coils: Coils::pack(&states, bytes)? }
        }
        (values, false) => {
            Request::WriteMultipleRegisters { start: address, registers: Registers::pack(values, bytes)? }
        }
    })
}
