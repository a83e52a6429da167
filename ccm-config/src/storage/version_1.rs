//! The drafts of version 1: Modbus ports only, and a unit for every device.

use heapless::Vec;
use serde::Deserialize;

use crate::limits::{Address, Id, Label, MAX_DEVICES, MAX_PLANTS, MAX_PORTS, Model, SerialPath};
use crate::list::gather;
use crate::{DeviceDraft, Draft, Parity, PlantDraft, PortDraft, PortalDraft};

/// A draft as version 1 had it. The order of the fields is the storage form.
#[derive(Deserialize)]
pub(super) struct Draft1 {
    portal: PortalDraft,
    ports: Vec<Port1, MAX_PORTS>,
    devices: Vec<Device1, MAX_DEVICES>,
    plants: Vec<PlantDraft, MAX_PLANTS>,
}

#[derive(Deserialize)]
struct Port1 {
    id: Id,
    rtu: Option<SerialPath>,
    tcp: Option<Address>,
    baud: Option<u32>,
    parity: Option<Parity>,
    data_bits: Option<u32>,
    stop_bits: Option<u32>,
    timeout_ms: Option<u32>,
    retries: Option<u32>,
    gap_ms: Option<u32>,
}

#[derive(Deserialize)]
struct Device1 {
    id: Id,
    port: Id,
    unit: u32,
    model: Model,
    alias: Option<Label>,
    secondary: Option<u32>,
    invert: bool,
    every_ms: Option<u32>,
}

impl From<Draft1> for Draft {
    fn from(draft: Draft1) -> Self {
        let Draft1 { portal, ports, devices, plants } = draft;
        let ports = gather(ports.into_iter().map(PortDraft::from));
        let devices = gather(devices.into_iter().map(DeviceDraft::from));
        Self { portal, ports, devices, plants, ..Self::default() }
    }
}

impl From<Port1> for PortDraft {
    fn from(port: Port1) -> Self {
        let Port1 { id, rtu, tcp, baud, parity, data_bits, stop_bits, timeout_ms, retries, gap_ms } = port;
        Self {
            id,
            rtu,
            tcp,
            baud,
            parity,
            data_bits,
            stop_bits,
            timeout_ms,
            retries,
            gap_ms,
            ..Self::default()
        }
    }
}

impl From<Device1> for DeviceDraft {
    fn from(device: Device1) -> Self {
        let Device1 { id, port, unit, model, alias, secondary, invert, every_ms } = device;
        let unit = Some(unit);
        Self { id, port, unit, model, alias, secondary, invert, every_ms, ..Self::default() }
    }
}
