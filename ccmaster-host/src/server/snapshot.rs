//! What the page and its API show: taken from the hub, ready to be sent, shared with tasks of other threads.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use ccm_core::Clock;
use ccm_hub::api::Info;
use serde::Serialize;
use tokio::sync::watch;

use super::HostHub;
use crate::port::TokioTimer;

/// The JSON of everything at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// `/info`.
    pub info: String,
    /// `/devices`: each entry by its device's name, in the order of the settings.
    pub devices: Vec<(String, String)>,
    /// `/devices/{id}/values`.
    pub values: BTreeMap<String, String>,
    /// `/plants/{id}/power`.
    pub plants: BTreeMap<String, String>,
}

/// Where snapshots are to be had.
pub type Snapshots = watch::Receiver<Arc<Snapshot>>;

impl Snapshot {
    /// Takes one now.
    pub fn take(hub: &HostHub, timer: TokioTimer) -> Self {
        let now = timer.now();
        let info = Info {
            model: "CcMaster host",
            serial: host_name(),
            version: env!("CARGO_PKG_VERSION"),
            uptime_s: now.as_micros() / 1_000_000,
            ports: hub.port_views(),
        };
        let values = (0..hub.devices().len()).filter_map(|place| hub.values_view(now, place));
        let plants = hub.plants().iter().map(|plant| hub.power_view(now, plant));
        Self {
            info: json(&info),
            devices: hub.device_views(now).iter().map(|view| (view.id.clone(), json(view))).collect(),
            values: values.map(|view| (view.id.clone(), json(&view))).collect(),
            plants: plants.map(|view| (view.id.clone(), json(&view))).collect(),
        }
    }

    /// Takes one every second for as long as somebody may look.
    pub fn publish(hub: Rc<RefCell<HostHub>>, timer: TokioTimer) -> Snapshots {
        let (sender, receiver) = watch::channel(Arc::new(Self::take(&hub.borrow(), timer)));
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                let snapshot = Arc::new(Self::take(&hub.borrow(), timer));
                if sender.send(snapshot).is_err() {
                    return;
                }
            }
        });
        receiver
    }
}

fn json(view: &impl Serialize) -> String {
    // Views are plain structs with text keys: nothing in them can fail to be written.
    serde_json::to_string(view).unwrap_or_default()
}

/// A host has no serial number; its name tells it from others.
fn host_name() -> String {
    std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned()).unwrap_or_default()
}

const EVERY: Duration = Duration::from_secs(1);
