//! The drafts of version 2: meters without units of their own and without keys.

use heapless::Vec;
use serde::Deserialize;

use crate::limits::{
    Address, Id, Label, MAX_DEVICES, MAX_PLANTS, MAX_PORTS, MeterAddress, Model, Place, SerialPath,
};
use crate::list::gather;
use crate::{DeviceDraft, Draft, Parity, PlantDraft, PortDraft, PortalDraft};

/// A draft as version 2 had it. The order of the fields is the storage form.
#[derive(Deserialize)]
pub(super) struct Draft2 {
    portal: PortalDraft,
    ports: Vec<Port2, MAX_PORTS>,
    devices: Vec<Device2, MAX_DEVICES>,
    plants: Vec<PlantDraft, MAX_PLANTS>,
}

#[derive(Deserialize)]
struct Port2 {
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
}

#[derive(Deserialize)]
struct Device2 {
    id: Id,
    port: Id,
    unit: Option<u32>,
    address: Option<MeterAddress>,
    model: Model,
    alias: Option<Label>,
    secondary: Option<u32>,
    invert: bool,
    every_ms: Option<u32>,
}

impl From<Draft2> for Draft {
    fn from(draft: Draft2) -> Self {
        let Draft2 { portal, ports, devices, plants } = draft;
        let ports = gather(ports.into_iter().map(PortDraft::from));
        let devices = gather(devices.into_iter().map(DeviceDraft::from));
        Self { portal, ports, devices, plants, ..Self::default() }
    }
}

impl From<Port2> for PortDraft {
    fn from(port: Port2) -> Self {
        let Port2 { id, rtu, tcp, d0, p1, baud, parity, data_bits, stop_bits, .. } = port;
        let Port2 { timeout_ms, retries, gap_ms, echo, wake_up, .. } = port;
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
            ..Self::default()
        }
    }
}

impl From<Device2> for DeviceDraft {
    fn from(device: Device2) -> Self {
        let Device2 { id, port, unit, address, model, alias, secondary, invert, every_ms } = device;
        Self { id, port, unit, address, model, alias, secondary, invert, every_ms, ..Self::default() }
    }
}
