//! The house's meter that speaks DLMS/COSEM over HDLC.

use std::boxed::Box;
use std::vec;
use std::vec::Vec;

use ccm_core::Writer;
use ccm_core::crypto::{Key, Software};
use ccm_dlms::hdlc::{Address, Station};
use ccm_dlms::message::cosem::{DataClass, Register, ScalerUnit, Unit};
use ccm_dlms::message::data::Value;
use ccm_dlms::message::{AttributeAccess, DataAccessResult};
use ccm_dlms::security::{AuthenticationKey, Context, InvocationCounter, Keys, Suite, SystemTitle};
use ccm_dlms::wrapper::Service;
use ccm_dlms::{Association, Authentication, Buffers, Caller, Part, Quirks, Server, Serving, Store};

use super::Electrical;
use super::meter::{Dials, tariffs, watts};

/// A simulated meter that is asked by DLMS/COSEM, behind this link.
pub type SimDlms<L> = Server<'static, L, Software, SimObjects>;

/// The objects of a meter that shows the house's grid connection.
#[derive(Debug)]
pub struct SimObjects {
    dials: Dials,
    /// No challenge comes twice; that nobody can foresee it a simulation does not need.
    challenges: u64,
}

/// A register as it is shown.
struct Shown {
    value: Value<'static>,
    scale: ScalerUnit,
}

impl SimObjects {
    /// The meter at this address over HDLC.
    pub(crate) fn over_hdlc(
        dials: Dials,
        address: Address,
        quirks: Quirks,
    ) -> Option<SimDlms<Station<'static>>> {
        let station = Station::new(address, buffer(2048)).with_quirks(quirks.link);
        Some(Self::serve(dials, station)?.with_quirks(quirks))
    }

    /// The meter over TCP.
    pub(crate) fn over_tcp(dials: Dials) -> Option<SimDlms<Service<'static>>> {
        Self::serve(dials, Service::new(buffer(2048)))
    }

    /// A meter with one client, which proves itself by GMAC and encrypts, and the public one.
    fn serve<L: Serving>(dials: Dials, link: L) -> Option<SimDlms<L>> {
        let title = SystemTitle::new(TITLE);
        let keys = Keys::new(Key::Aes128(KEY), AuthenticationKey::short(AUTHENTICATION_KEY));
        let context = Context::new(Suite::Zero, title, keys, InvocationCounter::volatile(1)).ok()?;
        let secured = Association::new(CLIENT, Authentication::Gmac).with_security(context, Some(COUNTER));
        let associations = Box::leak(Box::new([secured, Association::public()]));
        let buffers = Buffers { request: buffer(1024), pieces: buffer(1024) };
        Some(Server::new(link, Software, Self { dials, challenges: 0 }, associations, buffers))
    }
}

/// As long as the program.
fn buffer(length: usize) -> &'static mut [u8] {
    Box::leak(vec![0; length].into_boxed_slice())
}

impl Store for SimObjects {
    fn get(
        &mut self,
        _caller: &Caller,
        access: &AttributeAccess<'_>,
        _part: u32,
        out: &mut Writer<'_>,
    ) -> Result<Part, DataAccessResult> {
        let wanted = access.attribute;
        let shown = match wanted.instance_id {
            [0, 0, 96, 1, 0, 255] => None,
            [1, 0, c, d, e, 255] => Some(
                register(&self.dials.borrow().measured, [c, d, e])
                    .ok_or(DataAccessResult::ObjectUndefined)?,
            ),
            _ => return Err(DataAccessResult::ObjectUndefined),
        };
        match (shown, wanted.class_id, wanted.attribute_id) {
            (None, DataClass::CLASS_ID, DataClass::VALUE) => Value::OctetString(SERIAL).emit(out)?,
            (Some(shown), Register::CLASS_ID, Register::VALUE) => shown.value.emit(out)?,
            (Some(shown), Register::CLASS_ID, Register::SCALER_UNIT) => shown.scale.emit(out)?,
            _ => return Err(DataAccessResult::ObjectClassInconsistent),
        }
        Ok(Part::Last)
    }

    fn challenge(&mut self, challenge: &mut [u8]) {
        self.challenges += 1;
        let number = self.challenges.to_be_bytes();
        challenge.iter_mut().zip(number.into_iter().cycle()).for_each(|(slot, byte)| *slot = byte);
    }
}

/// Import and export apart, and the total of both with a sign, as many meters have it; per phase only apart.
fn register(measured: &Electrical, code: [u8; 3]) -> Option<Shown> {
    let total = measured.phases.iter().map(|phase| phase.power).sum::<f64>();
    let energy = |energy: u64| shown(Value::Long64Unsigned(energy), 0, Unit::WATT_HOUR);
    let power = |power: f64| shown(Value::DoubleLongUnsigned(least(watts(power))), 0, Unit::WATT);
    let (imported, exported) = (tariffs(measured.imported), tariffs(measured.exported));
    Some(match code {
        [1, 8, 0] => energy(imported.0 + imported.1),
        [1, 8, 1] => energy(imported.0),
        [1, 8, 2] => energy(imported.1),
        [2, 8, 0] => energy(exported.0 + exported.1),
        [2, 8, 1] => energy(exported.0),
        [2, 8, 2] => energy(exported.1),
        [1, 7, 0] => power(total),
        [2, 7, 0] => power(-total),
        [16, 7, 0] => shown(Value::DoubleLong(signed(total)), 0, Unit::WATT),
        [14, 7, 0] => shown(Value::LongUnsigned(5000), -2, Unit::HERTZ),
        [c @ 21..=72, 7, 0] => {
            let phase = measured.phases.get(usize::from(c / 20).checked_sub(1)?)?;
            match c % 20 {
                1 => power(phase.power),
                2 => power(-phase.power),
                11 => {
                    shown(Value::DoubleLongUnsigned(least(watts(phase.current() * 100.0))), -2, Unit::AMPERE)
                }
                12 => shown(Value::DoubleLongUnsigned(least(watts(phase.voltage * 10.0))), -1, Unit::VOLT),
                _ => return None,
            }
        }
        _ => return None,
    })
}

const fn shown(value: Value<'static>, scaler: i8, unit: Unit) -> Shown {
    Shown { value, scale: ScalerUnit::new(scaler, unit) }
}

fn least(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "a house's power")]
fn signed(power: f64) -> i32 {
    power.round() as i32
}

/// What a person would write for this meter at the serial port `path`. Its keys are those of the standard's examples.
pub fn dlms_settings(path: &str) -> std::string::String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| std::format!("{byte:02X}")).collect::<Vec<_>>().concat();
    SETTINGS
        .replace("PATH", path)
        .replace("EK", &hex(&KEY))
        .replace("AK", &hex(&AUTHENTICATION_KEY))
        .replace("TITLE", &hex(b"CCC\0\0\0\0\x01"))
}

const SETTINGS: &str = r#"
[[ports]]
id = "dlms"
dlms = "PATH"

[[devices]]
id = "reference"
alias = "Fiscal meter (DLMS)"
port = "dlms"
model = "dlms"
every_ms = 5000

[[dlms]]
device = "reference"
client = 1
auth = "hls-gmac"
key = "EK"
authentication_key = "AK"
system_title = "TITLE"
"#;

const CLIENT: u16 = 1;
const TITLE: [u8; 8] = *b"CCM\0\0\0\0\x01";
const COUNTER: [u8; 6] = [0, 0, 43, 1, 0, 255];
const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F];
const AUTHENTICATION_KEY: [u8; 16] =
    [0xD0, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, 0xD7, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF];
const SERIAL: &[u8] = b"CCM62056DLMS0001";
