//! `ccmaster run`, and what it shares with the demo.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use ccm_config::Settings;
use ccm_hub::BuildError;
use ccm_registry::{Map, find, parse_map};
use tokio::net::TcpListener;

use super::Failure;
use super::args::Run;
use super::modbus::image::one_line;
use crate::port::TokioTimer;
use crate::server::{FileVault, HostHub, Snapshot, listen, read_ports, serve, until_stopped};

/// Runs the hub with the devices of a settings file.
pub(super) async fn run(run: Run) -> Result<(), Failure> {
    let catalogue = Catalogue::load(run.devices.as_deref())?;
    let path = run.config.display();
    let text = std::fs::read_to_string(&run.config)
        .map_err(|error| Failure::Misuse(format!("cannot read {path}: {error}")))?;
    let settings = Settings::from_toml(&text, |model| catalogue.find(model).is_some())
        .map_err(|error| Failure::Misuse(format!("{path}: {}", one_line(&error.to_string()))))?;
    let listener = open(settings.portal().listen.text()).await?;
    let folder = run.state.as_deref().or(run.config.parent()).unwrap_or(Path::new(""));
    let vault = FileVault::new(folder.join(COUNTERS));
    start(&settings, &catalogue, listener, (TokioTimer::default(), vault)).await
}

/// Opens the page's port before anything else is started.
pub(super) async fn open(address: &str) -> Result<TcpListener, Failure> {
    listen(address).await.map_err(|error| Failure::Failed(format!("cannot listen on {address}: {error}")))
}

/// Starts the hub and its page and runs until stopped.
pub(super) async fn start(
    settings: &Settings,
    catalogue: &Catalogue,
    listener: TcpListener,
    (timer, vault): (TokioTimer, FileVault),
) -> Result<(), Failure> {
    let hub = HostHub::new(settings, |model| catalogue.find(model))
        .map_err(|error| Failure::Misuse(explain(error, settings)))?;
    let hub = Rc::new(RefCell::new(hub));
    read_ports(&hub, settings, timer, &vault);
    let snapshots = Snapshot::publish(hub, timer);
    if let Ok(address) = listener.local_addr() {
        println!("the page is at http://{address}");
    }
    match until_stopped(serve(listener, snapshots)).await {
        Some(Err(error)) => Err(Failure::Failed(format!("the page stopped: {error}"))),
        _ => Ok(()),
    }
}

fn explain(error: BuildError, settings: &Settings) -> String {
    let model = |place: usize| settings.devices().get(place).map_or("", |device| device.model.as_str());
    match error {
        BuildError::Ports { most } => format!("more than {most} ports"),
        BuildError::Devices { most } => format!("more than {most} devices"),
        BuildError::Plants { most } => format!("more than {most} plants"),
        BuildError::Values { most } => format!("a device with more than {most} values"),
        BuildError::Link { device } => format!(
            "devices[{device}].model: \"{}\" does not speak what its port does; choose another model or port",
            model(device)
        ),
        BuildError::Model { device } => {
            let model = model(device);
            format!(
                "devices[{device}].model: nobody knows \"{model}\"; `ccmaster devices` lists what is known"
            )
        }
    }
}

/// The devices compiled in and those of the user; his win.
pub(super) struct Catalogue(BTreeMap<String, &'static Map<'static>>);

impl Catalogue {
    /// Reads the device files of a folder.
    pub(super) fn load(folder: Option<&Path>) -> Result<Self, Failure> {
        let mut maps = BTreeMap::new();
        for path in folder.map(files).transpose()?.into_iter().flatten() {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
            let text = std::fs::read_to_string(&path)
                .map_err(|error| Failure::Misuse(format!("cannot read {}: {error}", path.display())))?;
            let map = parse_map(&id, &text).map_err(|error| Failure::Misuse(one_line(&error.to_string())))?;
            maps.insert(id, map);
        }
        Ok(Self(maps))
    }

    /// The map of that name or model.
    pub(super) fn find(&self, name: &str) -> Option<&'static Map<'static>> {
        self.0.values().copied().find(|map| map.is_called(name)).or_else(|| find(name))
    }
}

/// The file of the invocation counters.
const COUNTERS: &str = "invocation-counters";

fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder)
        .map_err(|error| Failure::Misuse(format!("cannot read {}: {error}", folder.display())))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    Ok(paths)
}
