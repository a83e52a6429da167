//! The registers that `ccmaster modbus serve` serves; what it offers beside them is in `extras`.

use std::collections::BTreeMap;

use ccm_modbus::{Coils, CoilsMut, Exception, Handler, Registers, RegistersMut};
use serde::Deserialize;

use super::extras::{self, Extras};

/// A register image: what is not in it does not exist.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Image {
    holding: BTreeMap<u16, u16>,
    input: BTreeMap<u16, u16>,
    coils: BTreeMap<u16, bool>,
    discrete: BTreeMap<u16, bool>,
    pub(super) extras: Extras,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    holding: Vec<Entry<i64>>,
    #[serde(default)]
    input: Vec<Entry<i64>>,
    #[serde(default)]
    coils: Vec<Entry<State>>,
    #[serde(default)]
    discrete: Vec<Entry<State>>,
    exception_status: Option<i64>,
    server_id: Option<extras::Bytes>,
    #[serde(default)]
    id: BTreeMap<String, extras::Bytes>,
    #[serde(default)]
    file: Vec<extras::FileEntry>,
    #[serde(default)]
    fifo: Vec<Entry<i64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<T> {
    address: u16,
    values: Vec<T>,
}

/// 0, 1, true or false.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum State {
    Bool(bool),
    Number(i64),
}

impl Image {
    /// Reads the file's text.
    ///
    /// # Errors
    /// One line that names the entry.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| one_line(&error.to_string()))?;
        let state = |state: State| match state {
            State::Bool(state) => Ok(state),
            State::Number(number @ (0 | 1)) => Ok(number == 1),
            State::Number(number) => Err(format!("{number} is no state; use 0 or 1")),
        };
        Ok(Self {
            holding: table("holding", file.holding, register)?,
            input: table("input", file.input, register)?,
            coils: table("coils", file.coils, state)?,
            discrete: table("discrete", file.discrete, state)?,
            extras: Extras {
                exception_status: file.exception_status.map(extras::exception_status).transpose()?,
                server_id: file.server_id.map(extras::server_id).transpose()?,
                objects: extras::objects(file.id)?,
                files: extras::files(file.file)?,
                queues: extras::queues(file.fifo.into_iter().map(|entry| (entry.address, entry.values)))?,
            },
        })
    }
}

pub(super) fn register(value: i64) -> Result<u16, String> {
    u16::try_from(value).map_err(|_| format!("{value} is no register; use 0 to 65535"))
}

fn table<T, V>(
    name: &str,
    entries: Vec<Entry<T>>,
    convert: impl Fn(T) -> Result<V, String>,
) -> Result<BTreeMap<u16, V>, String> {
    let mut table = BTreeMap::new();
    for (index, entry) in entries.into_iter().enumerate() {
        for (offset, value) in entry.values.into_iter().enumerate() {
            let address = usize::from(entry.address) + offset;
            let place = |problem: String| format!("{name}[{index}].values[{offset}]: {problem}");
            let address = u16::try_from(address).map_err(|_| place("beyond address 65535".into()))?;
            let value = convert(value).map_err(place)?;
            if table.insert(address, value).is_some() {
                return Err(place(format!("address {address} is given twice; keep one")));
            }
        }
    }
    Ok(table)
}

/// The TOML parser draws a picture of the line; a log wants one line.
pub(in crate::cli) fn one_line(text: &str) -> String {
    let picture = |line: &&str| !line.trim_start().starts_with('|') && !line.contains(" | ");
    text.lines().filter(picture).map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(": ")
}

fn read<V>(table: &BTreeMap<u16, V>, start: u16, length: usize) -> Result<Vec<&V>, Exception> {
    let found: Vec<_> = (usize::from(start)..usize::from(start) + length)
        .map_while(|address| table.get(&u16::try_from(address).ok()?))
        .collect();
    if found.len() == length { Ok(found) } else { Err(Exception::IllegalDataAddress) }
}

fn write<V>(table: &mut BTreeMap<u16, V>, start: u16, values: Vec<V>) -> Result<(), Exception> {
    read(table, start, values.len())?;
    for (address, value) in (start..=u16::MAX).zip(values) {
        table.insert(address, value);
    }
    Ok(())
}

impl Handler for Image {
    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        coils.extend(read(&self.coils, start, coils.len())?.into_iter().copied());
        Ok(())
    }

    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        inputs.extend(read(&self.discrete, start, inputs.len())?.into_iter().copied());
        Ok(())
    }

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        registers.extend(read(&self.holding, start, registers.len())?.into_iter().copied());
        Ok(())
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        registers.extend(read(&self.input, start, registers.len())?.into_iter().copied());
        Ok(())
    }

    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        write(&mut self.coils, start, coils.iter().collect())
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        write(&mut self.holding, start, registers.iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_with_its_entry() {
        let table = [
            (
                "holding = [{ address = 0, values = [70000] }]",
                "holding[0].values[0]: 70000 is no register; use 0 to 65535",
            ),
            ("coils = [{ address = 0, values = [2] }]", "coils[0].values[0]: 2 is no state; use 0 or 1"),
            ("input = [{ address = 65535, values = [1, 2] }]", "input[0].values[1]: beyond address 65535"),
            (
                "holding = [{ address = 0, values = [1, 2] }, { address = 1, values = [3] }]",
                "holding[1].values[0]: address 1 is given twice; keep one",
            ),
        ];
        for (text, message) in table {
            assert_eq!(Image::parse(text), Err(message.to_string()));
        }
        let error = Image::parse("holdings = []").unwrap_err();
        assert!(error.contains("unknown field") && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_range_that_is_not_whole_is_refused_and_changes_nothing() {
        let mut image = Image::parse("holding = [{ address = 10, values = [1, 2, 3] }]").unwrap();
        assert_eq!(write(&mut image.holding, 12, vec![8, 9]), Err(Exception::IllegalDataAddress));
        assert_eq!(image.holding.values().copied().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(read(&image.holding, 65_535, 2), Err(Exception::IllegalDataAddress));
    }
}
