//! Results on standard output: for people, or one JSON object a line.

use serde::Serialize;

use super::session::ExchangeError;

/// What came of one exchange.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) ok: bool,
    pub(super) unit: u8,
    pub(super) function: u8,
    pub(super) address: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) values: Option<Vec<u16>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Report {
    pub(super) fn new(unit: u8, function: u8, address: u16, result: Result<Vec<u16>, ExchangeError>) -> Self {
        let error = result.as_ref().err();
        Self {
            ok: error.is_none(),
            unit,
            function,
            address,
            error: error.map(ExchangeError::tag),
            exception: error.and_then(ExchangeError::exception),
            message: error.map(ToString::to_string),
            values: result.ok(),
        }
    }

    /// Prints it and says whether all was well.
    pub(super) fn print(&self, json: bool) -> bool {
        if json {
            print_json(self);
        } else {
            self.print_table();
        }
        self.ok
    }

    fn print_table(&self) {
        if let Some(message) = &self.message {
            eprintln!("{:>5}  unit {}, function {}: {message}", self.address, self.unit, self.function);
        }
        for (index, value) in self.values.iter().flatten().enumerate() {
            println!("{:>5}  {value:>5}  {value:#06x}", usize::from(self.address) + index);
        }
    }
}

/// Two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One object, one line.
pub(super) fn print_json(object: &impl Serialize) {
    match serde_json::to_string(object) {
        Ok(line) => println!("{line}"),
        Err(error) => eprintln!("error: the result cannot be written as JSON: {error}"),
    }
}
