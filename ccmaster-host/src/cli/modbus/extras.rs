//! What `ccmaster modbus serve` offers beside registers and coils: identification, files, queues and what is left.

use std::collections::BTreeMap;

use ccm_core::Writer;
use ccm_modbus::{Exception, FileRange, Registers, RegistersMut, Services};
use serde::Deserialize;

use super::id::object_number;
use super::image::{Image, register};

/// All of it; what is not there is an illegal function.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Extras {
    pub(super) exception_status: Option<u8>,
    pub(super) server_id: Option<Vec<u8>>,
    pub(super) objects: BTreeMap<u8, Vec<u8>>,
    pub(super) files: BTreeMap<u16, Vec<u16>>,
    pub(super) queues: BTreeMap<u16, Vec<u16>>,
}

/// A text, or numbers from 0 to 255.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Bytes {
    Text(String),
    Numbers(Vec<i64>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileEntry {
    number: u16,
    records: Vec<i64>,
}

impl Bytes {
    fn within(self, limit: usize) -> Result<Vec<u8>, String> {
        let bytes = match self {
            Self::Text(text) => text.into_bytes(),
            Self::Numbers(numbers) => numbers.into_iter().map(byte).collect::<Result<_, _>>()?,
        };
        match bytes.len() {
            length if length > limit => Err(format!("{length} bytes are too many; {limit} fit")),
            _ => Ok(bytes),
        }
    }
}

fn byte(number: i64) -> Result<u8, String> {
    u8::try_from(number).map_err(|_| format!("{number} is no byte; use 0 to 255"))
}

pub(super) fn exception_status(number: i64) -> Result<u8, String> {
    byte(number).map_err(|problem| format!("exception_status: {problem}"))
}

pub(super) fn server_id(bytes: Bytes) -> Result<Vec<u8>, String> {
    bytes.within(MOST_SERVER_ID).map_err(|problem| format!("server_id: {problem}"))
}

/// Objects by their numbers; the first three are there, or none (MB-APP 6.21).
pub(super) fn objects(named: BTreeMap<String, Bytes>) -> Result<BTreeMap<u8, Vec<u8>>, String> {
    let mut objects = BTreeMap::new();
    for (name, bytes) in named {
        let place = |problem| format!("id.{name}: {problem}");
        let number = object_number(&name).map_err(place)?;
        if objects.insert(number, bytes.within(MOST_OBJECT).map_err(place)?).is_some() {
            return Err(place("this object is given twice; keep one".into()));
        }
    }
    if !objects.is_empty() && !(0..=2).all(|number| objects.contains_key(&number)) {
        return Err("id: vendor_name, product_code and revision are needed".into());
    }
    Ok(objects)
}

pub(super) fn files(entries: Vec<FileEntry>) -> Result<BTreeMap<u16, Vec<u16>>, String> {
    let mut files = BTreeMap::new();
    for (index, FileEntry { number, records }) in entries.into_iter().enumerate() {
        let place = |problem| format!("file[{index}]: {problem}");
        if number == 0 || records.len() > MOST_RECORDS {
            return Err(place(format!("files are 1 to 65535 and have {MOST_RECORDS} records at most")));
        }
        let records = records.into_iter().map(register).collect::<Result<_, _>>().map_err(place)?;
        if files.insert(number, records).is_some() {
            return Err(place(format!("file {number} is given twice; keep one")));
        }
    }
    Ok(files)
}

pub(super) fn queues(
    entries: impl Iterator<Item = (u16, Vec<i64>)>,
) -> Result<BTreeMap<u16, Vec<u16>>, String> {
    let mut queues = BTreeMap::new();
    for (index, (address, values)) in entries.enumerate() {
        let place = |problem| format!("fifo[{index}]: {problem}");
        if values.len() > MOST_QUEUED {
            return Err(place(format!("a queue has {MOST_QUEUED} values at most")));
        }
        let values = values.into_iter().map(register).collect::<Result<_, _>>().map_err(place)?;
        if queues.insert(address, values).is_some() {
            return Err(place(format!("address {address} is given twice; keep one")));
        }
    }
    Ok(queues)
}

impl Extras {
    fn records(&mut self, range: FileRange) -> Result<&mut [u16], Exception> {
        if self.files.is_empty() {
            return Err(Exception::IllegalFunction);
        }
        let (first, length) = (usize::from(range.record), usize::from(range.length));
        let file = self.files.get_mut(&range.file).ok_or(Exception::IllegalDataAddress)?;
        file.get_mut(first..first + length).ok_or(Exception::IllegalDataAddress)
    }
}

impl Services for Image {
    fn read_exception_status(&mut self) -> Result<u8, Exception> {
        self.extras.exception_status.ok_or(Exception::IllegalFunction)
    }

    fn report_server_id(&mut self, id: &mut Writer<'_>) -> Result<(), Exception> {
        let bytes = self.extras.server_id.as_deref().ok_or(Exception::IllegalFunction)?;
        id.slice(bytes).map_err(|_| Exception::ServerDeviceFailure)
    }

    fn read_file(&mut self, range: FileRange, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        registers.extend(self.extras.records(range)?.iter().copied());
        Ok(())
    }

    fn can_write_file(&mut self, range: FileRange) -> Result<(), Exception> {
        self.extras.records(range).map(drop)
    }

    fn write_file(&mut self, range: FileRange, registers: Registers<'_>) -> Result<(), Exception> {
        let records = self.extras.records(range)?;
        records.iter_mut().zip(registers.iter()).for_each(|(record, value)| *record = value);
        Ok(())
    }

    fn read_fifo_queue(&mut self, address: u16, queue: &mut RegistersMut<'_>) -> Result<(), Exception> {
        if self.extras.queues.is_empty() {
            return Err(Exception::IllegalFunction);
        }
        let values = self.extras.queues.get(&address).ok_or(Exception::IllegalDataAddress)?;
        queue.extend(values.iter().copied());
        Ok(())
    }

    fn object(&self, id: u8) -> Option<&[u8]> {
        self.extras.objects.get(&id).map(Vec::as_slice)
    }
}

/// What a reply of 253 bytes has room for (MB-APP 4.1, 6.13).
const MOST_SERVER_ID: usize = 250;

/// The same less what stands before an object (MB-APP 6.21).
const MOST_OBJECT: usize = 244;

/// MB-APP 6.14.
const MOST_RECORDS: usize = 10_000;

/// MB-APP 6.18.
const MOST_QUEUED: usize = 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let table = [
            ("exception_status = 256", "exception_status: 256 is no byte; use 0 to 255"),
            ("server_id = [1, -1]", "server_id: -1 is no byte; use 0 to 255"),
            ("[id]\nvendor_name = \"A\"", "id: vendor_name, product_code and revision are needed"),
            (
                "[id]\nmaker = \"A\"",
                "id.maker: there is no such object; use vendor_name, product_code, revision, vendor_url, \
                 product_name, model_name, user_application_name, or a number from 0 to 255",
            ),
            (
                "[[file]]\nnumber = 0\nrecords = []",
                "file[0]: files are 1 to 65535 and have 10000 records at most",
            ),
            ("[[file]]\nnumber = 1\nrecords = [-1]", "file[0]: -1 is no register; use 0 to 65535"),
            (
                "fifo = [{ address = 0, values = [1] }, { address = 0, values = [] }]",
                "fifo[1]: address 0 is given twice; keep one",
            ),
        ];
        for (text, message) in table {
            assert_eq!(Image::parse(text), Err(message.to_string()));
        }
    }

    #[test]
    fn objects_have_names_or_numbers_and_values_are_texts_or_bytes() {
        let text =
            "[id]\nvendor_name = \"A\"\nproduct_code = [66, 0]\nrevision = \"1\"\n0x80 = \"x\"\n129 = \"y\"";
        let objects = Image::parse(text).unwrap().extras.objects;
        let expected = [(0, &b"A"[..]), (1, b"B\0"), (2, b"1"), (0x80, b"x"), (0x81, b"y")];
        assert!(objects.iter().map(|(id, value)| (*id, value.as_slice())).eq(expected));
    }
}
