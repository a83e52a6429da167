//! `ccmaster modbus raw`.

use ccm_modbus::{Request, RequestError};
use serde::Serialize;

use crate::cli::Failure;
use crate::cli::args::Raw;
use crate::cli::output::{Report, hex, print_json};
use crate::cli::session::Session;

#[derive(Debug, Serialize)]
struct Answered {
    ok: bool,
    unit: u8,
    function: u8,
    /// Function code first; nothing where nobody was to answer.
    reply: String,
}

/// Sends one PDU, sound or not, and prints the reply's.
pub(in crate::cli) async fn run(raw: Raw) -> Result<(), Failure> {
    let bytes = &raw.pdu.0;
    let request = request(bytes).map_err(|error| Failure::Misuse(error.to_string()))?;
    let function = request.function().code();
    let mut session = Session::open(&raw.place, &raw.patience).await?;
    if raw.unit != 0 {
        session.learn_echo(&raw.place, raw.unit).await;
    }
    match session.exchange(raw.unit, request, |reply| hex(reply.pdu())).await {
        Ok(reply) => {
            Answered { ok: true, unit: raw.unit, function, reply }.print(raw.place.json);
            Ok(())
        }
        Err(error) => {
            Report::new(raw.unit, function, 0, Err(error)).print(raw.place.json);
            Err(Failure::Told)
        }
    }
}

/// What the bytes say, so that the reply is checked against it; where they make no sense they are sent as they are.
fn request(pdu: &[u8]) -> Result<Request<'_>, RequestError> {
    let (code, data) = pdu.split_first().ok_or(RequestError::Function { code: 0 })?;
    let request = Request::parse(pdu).unwrap_or(Request::Other { code: *code, data });
    let mut buffer = [0; 253];
    request.emit(&mut ccm_core::Writer::new(&mut buffer))?;
    Ok(request)
}

impl Answered {
    fn print(&self, json: bool) {
        match (json, self.reply.as_str()) {
            (true, _) => print_json(self),
            (false, "") => eprintln!("sent; nobody answers this"),
            (false, reply) => println!("{reply}"),
        }
    }
}
