//! `ccmaster modbus id`.

use ccm_modbus::{Error, Exception, ReadDeviceId, Reply, Request, Response};
use serde::Serialize;

use crate::cli::Failure;
use crate::cli::args::Id;
use crate::cli::output::{Report, hex, print_json};
use crate::cli::session::{ExchangeError, Session};

/// Something that a device says of itself.
#[derive(Debug, Serialize)]
struct Object {
    unit: u8,
    /// None is the server ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// Where it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    hex: String,
}

/// Objects as they came, and the one to ask for next.
type Part = (Vec<(u8, Vec<u8>)>, Option<u8>);

/// Prints all objects that the device has; where it refuses, its server ID.
pub(in crate::cli) async fn run(id: Id) -> Result<(), Failure> {
    id.place.check_unit(id.unit)?;
    let mut session = Session::open(&id.place, &id.patience).await?;
    session.learn_echo(&id.place, id.unit).await;
    let mut function = IDENTIFICATION;
    let mut found = objects(&mut session, id.unit).await;
    if is_nothing(&found) {
        function = Request::ReportServerId.function().code();
        found = server_id(&mut session, id.unit).await;
    }
    let report = found.map(|objects| objects.iter().for_each(|object| object.print(id.place.json)));
    report.map_err(|error| {
        Report::new(id.unit, function, 0, Err(error)).print(id.place.json);
        Failure::Told
    })
}

/// The device refuses, or has no object to name.
fn is_nothing(found: &Result<Vec<Object>, ExchangeError>) -> bool {
    match found {
        Ok(objects) => objects.is_empty(),
        Err(error) => error.exception().is_some(),
    }
}

/// All kinds, the most telling first: a device should answer at its own level, but some refuse what is above it.
async fn objects(session: &mut Session, unit: u8) -> Result<Vec<Object>, ExchangeError> {
    let kinds = [ReadDeviceId::Extended, ReadDeviceId::Regular, ReadDeviceId::Basic];
    let mut found = Err(Error::Unfinished.into());
    for kind in kinds {
        found = stream(session, unit, kind).await;
        match found {
            Err(ExchangeError::Modbus(Error::Exception(Exception::IllegalFunction))) => break,
            Err(ExchangeError::Modbus(Error::Exception(_))) => {}
            _ => break,
        }
    }
    found
}

/// As many replies as it takes.
async fn stream(session: &mut Session, unit: u8, kind: ReadDeviceId) -> Result<Vec<Object>, ExchangeError> {
    let (mut objects, mut next) = (Vec::new(), Some(0));
    while let Some(object) = next {
        let request = Request::ReadDeviceIdentification { kind, object };
        let (found, more) = session.exchange(unit, request, part).await??;
        objects.extend(found.into_iter().map(|(id, value)| Object::new(unit, Some(id), &value)));
        // A device that points back would be asked for ever.
        next = more.filter(|more| *more > object);
    }
    Ok(objects)
}

fn part(reply: Reply<'_>) -> Result<Part, Error> {
    let Response::ReadDeviceIdentification(identification) = reply.response()? else {
        return Ok(Part::default());
    };
    let owned = |(id, value): (u8, &[u8])| (id, value.to_vec());
    let objects = identification.objects.iter().map(|object| object.map(owned)).collect::<Result<_, _>>()?;
    Ok((objects, identification.next_object))
}

async fn server_id(session: &mut Session, unit: u8) -> Result<Vec<Object>, ExchangeError> {
    let read = |reply: Reply<'_>| match reply.response()? {
        Response::ReportServerId(bytes) => Ok(Object::new(unit, None, bytes)),
        _ => Err(Error::Unfinished),
    };
    Ok(vec![session.exchange(unit, Request::ReportServerId, read).await??])
}

impl Object {
    fn new(unit: u8, object: Option<u8>, value: &[u8]) -> Self {
        let text = str::from_utf8(value).ok().filter(|text| !text.chars().any(char::is_control));
        Self { unit, object, name: name(object), value: text.map(Into::into), hex: hex(value) }
    }

    fn print(&self, json: bool) {
        if json {
            return print_json(self);
        }
        let number = self.object.map_or_else(String::new, |object| format!("{object:#04x}"));
        println!(
            "{number:>4}  {:21}  {}",
            self.name.unwrap_or("its own"),
            self.value.as_ref().unwrap_or(&self.hex)
        );
    }
}

fn name(object: Option<u8>) -> Option<&'static str> {
    match object {
        None => Some("server_id"),
        Some(number) => NAMES.get(usize::from(number)).copied(),
    }
}

/// The number of an object that is named as here or by its number.
pub(super) fn object_number(text: &str) -> Result<u8, String> {
    if let Some(number) = NAMES.iter().position(|name| *name == text) {
        return u8::try_from(number).map_err(|error| error.to_string());
    }
    let number =
        text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u8::from_str_radix(digits, 16));
    let names = NAMES.join(", ");
    number.map_err(|_| format!("there is no such object; use {names}, or a number from 0 to 255"))
}

/// The objects that the standard names, in the order of their numbers (MB-APP 6.21).
const NAMES: [&str; 7] = [
    "vendor_name",
    "product_code",
    "revision",
    "vendor_url",
    "product_name",
    "model_name",
    "user_application_name",
];

const IDENTIFICATION: u8 = 43;
