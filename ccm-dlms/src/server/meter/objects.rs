//! The attributes and methods of the meter's objects.

use ccm_core::Writer;

use super::{Entry, Meter};
use crate::message::cosem::{
    AssociationLn, Clock, DisconnectControl, ImageTransfer, ProfileGeneric, Register,
};
use crate::message::data::{BitString, Data, Event, Value};
use crate::message::{
    ActionResult, AttributeAccess, ContextName, DataAccessResult, MechanismName, MethodDescriptor,
};
use crate::server::{Caller, Part};

impl Meter<'_> {
    pub(super) fn show(
        &self,
        caller: &Caller,
        access: &AttributeAccess<'_>,
        part: u32,
        out: &mut Writer<'_>,
    ) -> Result<Part, DataAccessResult> {
        let attribute = access.attribute;
        let (class_id, name, id) = (attribute.class_id, attribute.instance_id, attribute.attribute_id);
        self.check(class_id, name)?;
        match (class_id, id) {
            (_, 1) => Value::OctetString(&name).emit(out)?,
            (7, ProfileGeneric::BUFFER) => return self.rows(access, part, out),
            (15, AssociationLn::OBJECT_LIST) => return self.object_list(part, out),
            (12, 2) => return self.object_list_sn(part, out),
            (1, 2) => self.show_data(name, out)?,
            (3, _) => self.show_register(name, id, out)?,
            (7, _) => self.show_profile(id, out)?,
            (8, _) => self.show_clock(caller, id, out)?,
            (15, _) => show_association(caller, id, out)?,
            (17, 2) => self.show_devices(caller, out)?,
            (ImageTransfer::CLASS_ID, _) => self.image.show(id, out)?,
            (64, _) => self.show_security(id, out)?,
            (70, _) => self.show_disconnector(id, out)?,
            _ => return Err(DataAccessResult::ObjectUndefined),
        }
        Ok(Part::Last)
    }

    /// Whether there is such an object, and of that class.
    fn check(&self, class_id: u16, name: [u8; 6]) -> Result<(), DataAccessResult> {
        if (class_id, name) == (12, ASSOCIATION) {
            return Ok(());
        }
        let objects =
            || (0..).map_while(|index| self.object(index)).filter(|object| object.logical_name == name);
        match objects().next() {
            None => Err(DataAccessResult::ObjectUndefined),
            Some(_) if objects().any(|object| object.class_id == class_id) => Ok(()),
            Some(_) => Err(DataAccessResult::ObjectClassInconsistent),
        }
    }

    fn show_data(&self, name: [u8; 6], out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let value = match name {
            DEVICE_NAME => Value::OctetString(self.device_name),
            STATUS => Value::Unsigned(0),
            SCRATCH if self.scratch_length > 0 => {
                let written = self.scratch.get(..self.scratch_length).unwrap_or_default();
                return Ok(out.slice(written)?);
            }
            SCRATCH => Value::OctetString(&[]),
            _ => return Err(DataAccessResult::ObjectUnavailable),
        };
        Ok(value.emit(out)?)
    }

    fn show_register(&self, name: [u8; 6], id: i8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let register = self.registers.iter().find(|register| register.logical_name == name);
        let Entry { value, scaler_unit, .. } = register.ok_or(DataAccessResult::ObjectUndefined)?;
        let value = match (u32::try_from(*value), i32::try_from(*value)) {
            (Ok(value), _) => Value::DoubleLongUnsigned(value),
            (_, Ok(value)) => Value::DoubleLong(value),
            _ => Value::Long64(*value),
        };
        match id {
            Register::VALUE => Ok(value.emit(out)?),
            Register::SCALER_UNIT => Ok(scaler_unit.emit(out)?),
            _ => Err(DataAccessResult::ObjectUndefined),
        }
    }

    fn show_profile(&self, id: i8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let value = match id {
            ProfileGeneric::CAPTURE_OBJECTS => {
                Event::Array(4).emit(out)?;
                return (0..4).try_for_each(|column| self.show_column(column, out));
            }
            ProfileGeneric::CAPTURE_PERIOD => Value::DoubleLongUnsigned(self.load.period),
            ProfileGeneric::SORT_METHOD => Value::Enum(1),
            ProfileGeneric::SORT_OBJECT => return self.show_column(0, out),
            ProfileGeneric::ENTRIES_IN_USE | ProfileGeneric::PROFILE_ENTRIES => {
                Value::DoubleLongUnsigned(self.load.rows)
            }
            _ => return Err(DataAccessResult::ObjectUndefined),
        };
        Ok(value.emit(out)?)
    }

    fn show_column(&self, column: u8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let column = self.column(column);
        Event::Structure(4).emit(out)?;
        Value::LongUnsigned(column.class_id).emit(out)?;
        Value::OctetString(&column.logical_name).emit(out)?;
        Value::Integer(column.attribute_index).emit(out)?;
        Ok(Value::LongUnsigned(column.data_index).emit(out)?)
    }

    fn show_clock(&self, caller: &Caller, id: i8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let time = self.date_time(self.time(caller.now)).to_bytes();
        let value = match id {
            Clock::TIME => Value::OctetString(&time),
            Clock::TIME_ZONE => Value::Long(self.deviation),
            Clock::STATUS => Value::Unsigned(0),
            Clock::DAYLIGHT_SAVINGS_BEGIN => Value::OctetString(&SUMMER),
            Clock::DAYLIGHT_SAVINGS_END => Value::OctetString(&WINTER),
            Clock::DAYLIGHT_SAVINGS_DEVIATION => Value::Integer(60),
            Clock::DAYLIGHT_SAVINGS_ENABLED => Value::Boolean(false),
            Clock::CLOCK_BASE => Value::Enum(1),
            _ => return Err(DataAccessResult::ObjectUndefined),
        };
        Ok(value.emit(out)?)
    }

    fn show_devices(&self, caller: &Caller, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        Event::Array(1).emit(out)?;
        Event::Structure(2).emit(out)?;
        Value::LongUnsigned(caller.server).emit(out)?;
        Ok(Value::OctetString(self.device_name).emit(out)?)
    }

    fn show_security(&self, id: i8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let value = match id {
            2 => Value::Enum(3),
            3 => Value::Enum(0),
            4 => Value::OctetString(&[]),
            5 => Value::OctetString(&self.system_title),
            _ => return Err(DataAccessResult::ObjectUndefined),
        };
        Ok(value.emit(out)?)
    }

    fn show_disconnector(&self, id: i8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
        let value = match id {
            DisconnectControl::OUTPUT_STATE => Value::Boolean(self.is_connected),
            DisconnectControl::CONTROL_STATE => Value::Enum(self.is_connected.into()),
            DisconnectControl::CONTROL_MODE => Value::Enum(4),
            _ => return Err(DataAccessResult::ObjectUndefined),
        };
        Ok(value.emit(out)?)
    }

    pub(super) fn take(
        &mut self,
        caller: &Caller,
        access: &AttributeAccess<'_>,
        value: Data<'_>,
    ) -> Result<(), DataAccessResult> {
        let attribute = access.attribute;
        self.check(attribute.class_id, attribute.instance_id)?;
        match (attribute.class_id, attribute.instance_id, attribute.attribute_id) {
            (1, SCRATCH, 2) => self.keep(value),
            (8, _, Clock::TIME) => self.set_time(caller, value),
            (7, _, ProfileGeneric::CAPTURE_PERIOD) => {
                let period = value.value().ok().and_then(Value::integer);
                let period =
                    period.and_then(|period| u32::try_from(period).ok()).filter(|period| *period > 0);
                self.load.period = period.ok_or(DataAccessResult::TypeUnmatched)?;
                Ok(())
            }
            _ => Err(DataAccessResult::ReadWriteDenied),
        }
    }

    fn keep(&mut self, value: Data<'_>) -> Result<(), DataAccessResult> {
        let bytes = value.encoded().ok_or(DataAccessResult::TypeUnmatched)?;
        value.check().map_err(|_| DataAccessResult::TypeUnmatched)?;
        let mut writer = Writer::new(self.scratch);
        writer.slice(bytes)?;
        self.scratch_length = writer.finish();
        Ok(())
    }

    fn set_time(&mut self, caller: &Caller, value: Data<'_>) -> Result<(), DataAccessResult> {
        let time = value.value().ok().and_then(Value::date_time).ok_or(DataAccessResult::TypeUnmatched)?;
        let local = || time.local_seconds().map(|seconds| seconds + i64::from(self.deviation) * 60);
        let seconds =
            time.unix_seconds().or_else(|_| local()).map_err(|_| DataAccessResult::TypeUnmatched)?;
        let elapsed = i64::from(self.time(caller.now)) - i64::from(self.epoch);
        self.epoch = u32::try_from(seconds - elapsed).map_err(|_| DataAccessResult::TypeUnmatched)?;
        Ok(())
    }

    pub(super) fn act(
        &mut self,
        method: &MethodDescriptor,
        parameters: Option<Data<'_>>,
        _out: &mut Writer<'_>,
    ) -> Result<(), ActionResult> {
        let MethodDescriptor { class_id, instance_id, method_id } = *method;
        self.check(class_id, instance_id).map_err(|result| ActionResult::from_code(result.code()))?;
        match (class_id, method_id) {
            (ImageTransfer::CLASS_ID, method) => self.image.act(method, parameters),
            (70, DisconnectControl::REMOTE_DISCONNECT) => {
                self.is_connected = false;
                Ok(())
            }
            (70, DisconnectControl::REMOTE_RECONNECT) => {
                self.is_connected = true;
                Ok(())
            }
            (3, Register::RESET) => {
                let registers = self.registers.iter_mut();
                registers.filter(|register| register.logical_name == instance_id).for_each(|r| r.value = 0);
                Ok(())
            }
            (7, ProfileGeneric::RESET) => {
                self.load.rows = 0;
                Ok(())
            }
            (7, ProfileGeneric::CAPTURE) => {
                self.load.rows = self.load.rows.saturating_add(1);
                Ok(())
            }
            (8, Clock::SHIFT_TIME) => self.shift(parameters),
            _ => Err(ActionResult::ObjectUndefined),
        }
    }

    fn shift(&mut self, parameters: Option<Data<'_>>) -> Result<(), ActionResult> {
        let shift = parameters.and_then(|data| data.value().ok()?.integer());
        let shift = shift.and_then(|shift| i32::try_from(shift).ok()).filter(|shift| shift.abs() <= 900);
        let epoch = shift.and_then(|shift| self.epoch.checked_add_signed(shift));
        self.epoch = epoch.ok_or(ActionResult::TypeUnmatched)?;
        Ok(())
    }
}

fn show_association(caller: &Caller, id: i8, out: &mut Writer<'_>) -> Result<(), DataAccessResult> {
    let value = match id {
        AssociationLn::ASSOCIATED_PARTNERS_ID => {
            Event::Structure(2).emit(out)?;
            Value::Integer(i8::try_from(caller.client).unwrap_or_default()).emit(out)?;
            Value::LongUnsigned(caller.server)
        }
        AssociationLn::APPLICATION_CONTEXT_NAME => {
            let oid = ContextName::LogicalName.oid();
            return Ok(named(oid, caller.context, out)?);
        }
        AssociationLn::AUTHENTICATION_MECHANISM_NAME => {
            let oid = MechanismName::Low.oid();
            return Ok(named(oid, caller.mechanism, out)?);
        }
        AssociationLn::XDLMS_CONTEXT_INFO => {
            let conformance = caller.conformance.to_bytes();
            Event::Structure(6).emit(out)?;
            BitString::new(&conformance, 24).map_or(Value::Null, Value::BitString).emit(out)?;
            Value::LongUnsigned(caller.server_max_receive_pdu_size).emit(out)?;
            Value::LongUnsigned(caller.client_max_receive_pdu_size).emit(out)?;
            Value::Unsigned(6).emit(out)?;
            Value::Integer(0).emit(out)?;
            Value::OctetString(&[])
        }
        AssociationLn::SECRET => return Err(DataAccessResult::ReadWriteDenied),
        AssociationLn::ASSOCIATION_STATUS => Value::Enum(2),
        AssociationLn::SECURITY_SETUP_REFERENCE => Value::OctetString(&SECURITY),
        _ => return Err(DataAccessResult::ObjectUndefined),
    };
    Ok(value.emit(out)?)
}

/// A name of the standard as an octet string with its last number.
fn named(oid: &[u8], number: u8, out: &mut Writer<'_>) -> Result<(), ccm_core::Full> {
    let Some((_, front)) = oid.split_last() else { return Ok(()) };
    let mut bytes = [0; 7];
    bytes.iter_mut().zip(front.iter().chain([&number])).for_each(|(slot, byte)| *slot = *byte);
    Value::OctetString(&bytes).emit(out)
}

pub(super) const ASSOCIATION: [u8; 6] = [0, 0, 40, 0, 0, 255];
pub(super) const SAP: [u8; 6] = [0, 0, 41, 0, 0, 255];
pub(super) const DEVICE_NAME: [u8; 6] = [0, 0, 42, 0, 0, 255];
pub(super) const SECURITY: [u8; 6] = [0, 0, 43, 0, 0, 255];
pub(super) const IMAGE: [u8; 6] = [0, 0, 44, 0, 0, 255];
pub(super) const CLOCK: [u8; 6] = [0, 0, 1, 0, 0, 255];
pub(super) const DISCONNECTOR: [u8; 6] = [0, 0, 96, 3, 10, 255];
pub(super) const STATUS: [u8; 6] = [0, 0, 96, 10, 1, 255];
pub(super) const SCRATCH: [u8; 6] = [0, 0, 96, 50, 0, 255];
pub(super) const LOAD: [u8; 6] = [1, 0, 99, 1, 0, 255];

/// The last Sunday of March and of October, at 2 and at 3 o'clock.
const SUMMER: [u8; 12] = [0xFF, 0xFF, 3, 0xFE, 7, 2, 0, 0, 0, 0x80, 0, 0];
const WINTER: [u8; 12] = [0xFF, 0xFF, 10, 0xFE, 7, 3, 0, 0, 0, 0x80, 0, 0];
