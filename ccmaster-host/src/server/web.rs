//! The page and its API, `/api/v1`.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::Stream;
use futures_util::stream;
use tokio::net::TcpListener;

use super::{Snapshot, Snapshots};

/// Opens the page's port.
///
/// # Errors
/// What the system says: most often that the port is in use.
pub async fn listen(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves the page and its API for as long as the program runs.
///
/// # Errors
/// What the system says of the listener.
pub async fn serve(listener: TcpListener, snapshots: Snapshots) -> io::Result<()> {
    axum::serve(listener, router(snapshots)).await
}

fn router(snapshots: Snapshots) -> Router {
    Router::new()
        .route("/", get(|| async { file("text/html; charset=utf-8", INDEX) }))
        .route("/app.js", get(|| async { file("text/javascript; charset=utf-8", SCRIPT) }))
        .route("/style.css", get(|| async { file("text/css; charset=utf-8", STYLE) }))
        .route("/api/v1/info", get(info))
        .route("/api/v1/devices", get(devices))
        .route("/api/v1/devices/{id}/values", get(values))
        .route("/api/v1/plants/{id}/power", get(power))
        .route("/api/v1/events", get(events))
        .fallback(|| async { not_found("page", "there is nothing at this address") })
        .with_state(snapshots)
}

async fn info(State(snapshots): State<Snapshots>) -> Response {
    json(snapshots.borrow().info.clone())
}

async fn devices(State(snapshots): State<Snapshots>) -> Response {
    let snapshot = Arc::clone(&snapshots.borrow());
    let entries: Vec<&str> = snapshot.devices.iter().map(|(_, device)| device.as_str()).collect();
    json(format!("[{}]", entries.join(",")))
}

async fn values(State(snapshots): State<Snapshots>, Path(id): Path<String>) -> Response {
    let found = snapshots.borrow().values.get(&id).cloned();
    found.map_or_else(|| not_found("device", "no device has this name; api/v1/devices lists them"), json)
}

async fn power(State(snapshots): State<Snapshots>, Path(id): Path<String>) -> Response {
    let found = snapshots.borrow().plants.get(&id).cloned();
    found.map_or_else(|| not_found("plant", "no plant has this name"), json)
}

/// Everything at once, then whatever has changed, once a second.
async fn events(State(snapshots): State<Snapshots>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let start = (snapshots, Snapshot::default(), true);
    let changes = stream::unfold(start, |(mut snapshots, shown, is_first)| async move {
        if !is_first {
            snapshots.changed().await.ok()?;
        }
        let snapshot = Snapshot::clone(&snapshots.borrow_and_update());
        let events = changed(&shown, &snapshot);
        Some((stream::iter(events.into_iter().map(Ok)), (snapshots, snapshot, false)))
    });
    Sse::new(futures_util::StreamExt::flatten(changes)).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}

fn changed(shown: &Snapshot, snapshot: &Snapshot) -> Vec<Event> {
    let event = |name: &str, data: &String| Event::default().event(name).data(data);
    let mut events = Vec::new();
    if shown.info.is_empty() {
        events.push(event("info", &snapshot.info));
    }
    let plants = snapshot.plants.iter().filter(|(id, plant)| shown.plants.get(*id) != Some(plant));
    events.extend(plants.map(|(_, plant)| event("plant", plant)));
    let devices = snapshot.devices.iter().filter(|device| !shown.devices.contains(device));
    events.extend(devices.map(|(_, device)| event("device", device)));
    let values = snapshot.values.iter().filter(|(id, values)| shown.values.get(*id) != Some(values));
    events.extend(values.map(|(_, values)| event("values", values)));
    events
}

fn json(body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, body).into_response()
}

fn file(kind: &'static str, body: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, body).into_response()
}

fn not_found(code: &str, message: &str) -> Response {
    let body = serde_json::json!({ "code": format!("no_such_{code}"), "message": message });
    (StatusCode::NOT_FOUND, json(body.to_string())).into_response()
}

const INDEX: &str = include_str!("../../../web/index.html");
const SCRIPT: &str = include_str!("../../../web/app.js");
const STYLE: &str = include_str!("../../../web/style.css");

/// Nothing from anywhere else, and no other page may show this one.
const POLICY: &str =
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// So that proxies and browsers know the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);
