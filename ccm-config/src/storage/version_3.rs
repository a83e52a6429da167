//! The drafts of version 3: no meters that speak DLMS.

use heapless::Vec;
use serde::Deserialize;

use crate::limits::{
    Address, Id, Label, MAX_DEVICES, MAX_PLANTS, MAX_PORTS, MeterAddress, Model, Place, SerialPath, Units,
};
use crate::list::gather;
use crate::{DeviceDraft, Draft, Parity, PlantDraft, PortDraft, PortalDraft, Secret};

/// A draft as version 3 had it. The order of the fields is the storage form.
#[derive(Deserialize)]
pub(super) struct Draft3 {
    portal: PortalDraft,
    ports: Vec<Port3, MAX_PORTS>,
    devices: Vec<Device3, MAX_DEVICES>,
    plants: Vec<PlantDraft, MAX_PLANTS>,
}

#[derive(Deserialize)]
struct Port3 {
    id: Id,
    rtu: Option<SerialPath>,
    tcp: Option<Address>,
    d0: Option<Place>,
    p1: Option<Place>,
    baud: Option<u32>,
    parity: Option<Parity>,
    data_bits: Option<u32>,
    stop_bits: Option<u32>,
    timeout_ms: Option<u32>,
    retries: Option<u32>,
    gap_ms: Option<u32>,
    echo: Option<bool>,
    wake_up: Option<bool>,
    key: Option<Secret>,
    authentication_key: Option<Secret>,
}

#[derive(Deserialize)]
struct Device3 {
    id: Id,
    port: Id,
    unit: Option<u32>,
    address: Option<MeterAddress>,
    model: Model,
    alias: Option<Label>,
    secondary: Option<u32>,
    invert: bool,
    every_ms: Option<u32>,
    units: Option<Units>,
}

impl From<Draft3> for Draft {
    fn from(draft: Draft3) -> Self {
        let Draft3 { portal, ports, devices, plants } = draft;
        let ports = gather(ports.into_iter().map(PortDraft::from));
        let devices = gather(devices.into_iter().map(DeviceDraft::from));
        Self { portal, ports, devices, plants, ..Self::default() }
    }
}

impl From<Port3> for PortDraft {
    fn from(port: Port3) -> Self {
        let Port3 { id, rtu, tcp, d0, p1, baud, parity, data_bits, stop_bits, .. } = port;
        let Port3 { timeout_ms, retries, gap_ms, echo, wake_up, key, authentication_key, .. } = port;
        Self {
            id,
            rtu,
            tcp,
            d0,
            p1,
            baud,
            parity,
            data_bits,
            stop_bits,
            timeout_ms,
            retries,
            gap_ms,
            echo,
            wake_up,
            key,
            authentication_key,
            ..Self::default()
        }
    }
}

impl From<Device3> for DeviceDraft {
    fn from(device: Device3) -> Self {
        let Device3 { id, port, unit, address, model, alias, secondary, invert, every_ms, units } = device;
        Self { id, port, unit, address, model, alias, secondary, invert, every_ms, units }
    }
}
