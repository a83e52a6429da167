// One plain page: what the hub knows, as it comes to know it. The hub sends whole views, so nothing can drift apart.

const api = "api/v1/";
const byId = (id) => document.getElementById(id);

/** The element of `parent` for `key`, made from the template `kind` where it is new. */
function part(parent, kind, key) {
  const found = [...parent.children].find((child) => child.dataset[kind] === key);
  if (found) return found;
  const made = byId(kind).content.firstElementChild.cloneNode(true);
  made.dataset[kind] = key;
  parent.append(made);
  return made;
}

const text = (element, value) => {
  if (element.textContent !== value) element.textContent = value;
};

const watts = (value) => (value === null ? "unknown" : `${value.toLocaleString()} W`);

/** An age in words short enough for a column. */
function age(ms) {
  if (ms === null) return "never";
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function showPlant(plant) {
  const card = part(byId("plants"), "plant", plant.id);
  text(card.querySelector("h2"), plant.name);
  for (const node of ["production", "consumption", "grid"]) {
    const value = plant[`${node}_w`];
    const output = card.querySelector(`[data-node=${node}] output`);
    text(output, watts(node === "grid" && value !== null ? Math.abs(value) : value));
    output.classList.toggle("unknown", value === null);
  }
  const direction = plant.grid_w > 0 ? "from the grid" : plant.grid_w < 0 ? "to the grid" : "";
  text(card.querySelector("small"), direction);
  const note = card.querySelector(".note");
  text(note, plant.missing_devices.length ? `No current value of ${plant.missing_devices.join(", ")}: the balance is unknown.` : "");
  note.hidden = plant.missing_devices.length === 0;
}

function showDevice(device) {
  const card = part(byId("devices"), "device", device.id);
  text(card.querySelector("h3"), device.alias);
  const health = card.querySelector(".health");
  text(health, { ok: "online", unknown: "not read yet", suspect: "not answering", dead: "offline" }[device.health]);
  health.className = `health ${device.health}`;
  // What is not on Modbus has no unit.
  const unit = device.unit ? ` ${String(device.unit).padStart(3, "0")}` : "";
  const address = unit + (device.secondary ? `.${device.secondary}` : "");
  const serial = [device.serial, device.firmware].filter(Boolean).map((text) => ` · ${text}`).join("");
  text(card.querySelector(".about"), `${device.maker} ${device.model}${serial} · ${device.protocol}${address} on ${device.port}`);
}

function showValues(view) {
  const rows = part(byId("devices"), "device", view.id).querySelector("tbody");
  // What a device turns out not to measure is not shown.
  const known = new Set(view.values.map((value) => value.quantity));
  for (const row of [...rows.children]) if (!known.has(row.dataset.quantity)) row.remove();
  for (const value of view.values) {
    let row = [...rows.children].find((child) => child.dataset.quantity === value.quantity);
    if (!row) {
      row = rows.insertRow();
      row.dataset.quantity = value.quantity;
      row.innerHTML = '<td></td><td class="number"></td><td></td><td class="number"><time></time></td>';
    }
    const [name, number, unit] = row.cells;
    text(name, value.name);
    text(number, value.value === null ? "–" : value.text);
    text(unit, value.unit);
    text(row.querySelector("time"), age(value.age_ms));
    row.className = value.quality;
    row.title = value.reason ?? "";
  }
}

function showInfo(info) {
  text(byId("info"), `${info.model} ${info.serial} · version ${info.version}`);
}

function connect() {
  const link = byId("link");
  const events = new EventSource(`${api}events`);
  const on = (name, show) => events.addEventListener(name, (event) => show(JSON.parse(event.data)));
  events.onopen = () => { text(link, "live"); link.classList.remove("lost"); };
  events.onerror = () => { text(link, "connection lost, trying again…"); link.classList.add("lost"); };
  on("info", showInfo);
  on("plant", showPlant);
  on("device", showDevice);
  on("values", showValues);
}

connect();
