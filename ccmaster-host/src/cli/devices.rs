//! `ccmaster devices`.

use ccm_registry::{MAPS, Quantity};
use serde_json::json;

use super::Failure;
use super::args::Devices;
use super::output::print_json;

/// Lists what the hub knows.
pub(super) fn list(devices: Devices) -> Result<(), Failure> {
    if devices.quantities {
        list_quantities(devices.json);
    } else {
        list_maps(devices.json);
    }
    Ok(())
}

fn list_maps(as_json: bool) {
    for map in MAPS {
        let kind = format!("{:?}", map.kind).to_lowercase();
        if as_json {
            print_json(&json!({
                "id": map.id, "kind": kind, "maker": map.maker, "class": map.class, "series": map.series,
                "models": map.models, "unit": map.unit, "line": map.line.to_string(), "values": map.quantities().count(),
            }));
        } else {
            println!("{:16} {:9} {} {} ({})", map.id, kind, map.maker, map.series, map.models.join(", "));
        }
    }
}

fn list_quantities(as_json: bool) {
    for quantity in Quantity::ALL {
        let (key, name, unit) = (quantity.key(), quantity.name(), quantity.unit().symbol());
        if as_json {
            print_json(&json!({ "key": key, "name": name, "unit": unit }));
        } else {
            println!("{key:18} {name} {unit}");
        }
    }
}
