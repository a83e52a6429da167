//! Frames in a file that Wireshark and tshark read.
//!
//! The classic pcap format with packets of the link type "Wireshark upper PDU" (252): each begins with tags, one of which
//! names the dissector. So Wireshark needs no setting to take them for Modbus RTU, and no network has to be made up. The
//! port says who sends: 502 is the unit, as with Modbus TCP.

use std::io::{self, Write};

/// A file of frames.
#[derive(Debug)]
pub(super) struct Pcap<W> {
    out: W,
}

impl<W: Write> Pcap<W> {
    /// Begins the file.
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(&HEADER.map(u32::to_le_bytes).concat())?;
        out.flush()?;
        Ok(Self { out })
    }

    /// Adds a frame of this moment, in microseconds since 1970. Whoever reads along has it at once.
    pub(super) fn write(&mut self, micros: u64, frame: &[u8], from_unit: bool) -> io::Result<()> {
        let packet = [tags(from_unit).as_slice(), frame].concat();
        let length = u32::try_from(packet.len()).map_err(io::Error::other)?;
        let seconds = u32::try_from(micros / 1_000_000).map_err(io::Error::other)?;
        let fraction = u32::try_from(micros % 1_000_000).map_err(io::Error::other)?;
        let head = [seconds, fraction, length, length].map(u32::to_le_bytes).concat();
        self.out.write_all(&[head, packet].concat())?;
        self.out.flush()
    }
}

/// What stands before the frame, big-endian: each tag's number, length and value; a tag 0 ends them.
fn tags(from_unit: bool) -> Vec<u8> {
    let (source, destination) = if from_unit { (UNIT, MASTER) } else { (MASTER, UNIT) };
    [
        tag(DISSECTOR_NAME, b"mbrtu\0\0\0"),
        tag(PORT_TYPE, &TCP.to_be_bytes()),
        tag(SOURCE_PORT, &source.to_be_bytes()),
        tag(DESTINATION_PORT, &destination.to_be_bytes()),
        tag(END, &[]),
    ]
    .concat()
}

fn tag(number: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or_default();
    [&number.to_be_bytes(), &length.to_be_bytes(), value].concat()
}

/// Magic number of microseconds, version 2.4, time zone 0, accuracy 0, longest packet, link type.
const HEADER: [u32; 6] = [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, UPPER_PDU];

const UPPER_PDU: u32 = 252;

const END: u16 = 0;
const DISSECTOR_NAME: u16 = 12;
const PORT_TYPE: u16 = 24;
const SOURCE_PORT: u16 = 25;
const DESTINATION_PORT: u16 = 26;

/// A port type.
const TCP: u32 = 2;

const UNIT: u32 = 502;
const MASTER: u32 = 49_152;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_header_and_a_record_for_each_frame() {
        let mut pcap = Pcap::new(Vec::new()).unwrap();
        pcap.write(1_700_000_000_000_017, &[1, 7, 0x41, 0xE2], true).unwrap();
        let (header, record) = pcap.out.split_at(24);
        assert_eq!(header[..8], [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0]);
        assert_eq!(header[20..], [252, 0, 0, 0]);
        assert_eq!(record[..4], 1_700_000_000_u32.to_le_bytes());
        assert_eq!(record[4..8], 17_u32.to_le_bytes());
        let length = u32::try_from(record.len() - 16).unwrap().to_le_bytes();
        assert_eq!((&record[8..12], &record[12..16]), (&length[..], &length[..]));
        assert_eq!(record[16..28], [0, 12, 0, 8, b'm', b'b', b'r', b't', b'u', 0, 0, 0]);
        assert_eq!(record[record.len() - 8..], [0, 0, 0, 0, 1, 7, 0x41, 0xE2]);
    }
}
