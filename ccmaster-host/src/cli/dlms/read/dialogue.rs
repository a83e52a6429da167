//! One client on one line or connection.

use ccm_core::asynch::Driver;
use ccm_core::{Clock, DriveError, Line};
use ccm_dlms::hdlc::{Address, Hdlc, Parameters, Width};
use ccm_dlms::script::Script;
use ccm_dlms::security::SecurityError;
use ccm_dlms::wrapper::Wrapper;
use ccm_dlms::{Client, Error, Framing, Policy, RequestError};
use ccm_iec62056::script::Reading;
use ccm_iec62056::{Policy as D0Policy, Response};

use super::arguments::{Reach, Server};
use super::counter::Store;
use crate::cli::dlms::arguments::FramingArg;
use crate::cli::dlms::error::stop;
use crate::cli::place::line;
use crate::cli::stop::Stop;
use crate::port::{Follow, Link, TokioTimer};

type Port = Driver<Follow<Link>, TokioTimer, 2048>;

/// A client and the port it talks through.
pub(super) struct Dialogue {
    port: Port,
    client: AnyClient,
    store: Store,
    /// The port failed: there is nobody left to talk to.
    broken: bool,
}

enum AnyClient {
    Hdlc(Client<'static, Hdlc>),
    Wrapper(Client<'static, Wrapper>),
}

impl Dialogue {
    /// Opens the port for the client of this address; in mode E signs on and goes over to binary.
    pub(super) async fn open(reach: &Reach, client: u16, store: Store) -> Result<Self, Stop> {
        let mut line = reach.line();
        let link = reach.place.open(line).await?;
        let mut port = Driver::new(Follow::new(link), TokioTimer::default());
        if reach.mode_e {
            line = sign_on(reach, &mut port).await?;
        }
        let client = any_client(reach, client, line).map_err(|error| Stop::Misuse(error.to_string()))?;
        Ok(Self { port, client, store, broken: false })
    }

    /// Carries out a script to its end.
    pub(super) async fn run(&mut self, script: &mut impl Script) -> Result<(), Stop> {
        self.try_run(script).await?.map_err(|error| stop(&error))
    }

    /// The same, for who looks at what the meter did wrong.
    pub(super) async fn try_run(&mut self, script: &mut impl Script) -> Result<Result<(), Error>, Stop> {
        let result = match &mut self.client {
            AnyClient::Hdlc(client) => run(&mut self.port, client, script, &self.store).await,
            AnyClient::Wrapper(client) => run(&mut self.port, client, script, &self.store).await,
        };
        self.broken |= result.is_err();
        result
    }

    pub(super) const fn is_broken(&self) -> bool {
        self.broken
    }
}

async fn run<F: Framing>(
    port: &mut Port,
    client: &mut Client<'static, F>,
    script: &mut impl Script,
    store: &Store,
) -> Result<Result<(), Error>, Stop> {
    loop {
        match script.next(port.clock().now(), client) {
            Ok(Some(machine)) => port.run(machine).await.map_err(closed)?,
            Ok(None) => return Ok(Ok(())),
            Err(Error::Security(SecurityError::StoreFirst { ceiling })) => {
                store.save(ceiling)?;
                script.stored(ceiling);
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}

fn closed(error: DriveError<std::io::Error>) -> Stop {
    match error {
        DriveError::Closed => Stop::failed("closed", "the meter has closed the connection"),
        error => error.into(),
    }
}

/// The dialogue of IEC 62056-21 that ends in binary; gives the line on which it does.
async fn sign_on(reach: &Reach, port: &mut Port) -> Result<Line, Stop> {
    let policy = D0Policy { timeout: reach.timeout.into(), ..D0Policy::DEFAULT };
    let buffer = Box::leak(Box::new([0; 256]));
    let mut client = ccm_iec62056::Client::new(policy, (), buffer);
    let mut script = Reading::new(&policy, &[]).binary();
    let mut request = script.next(None)?;
    while let Some(next) = request {
        let now = port.clock().now();
        client.start(now, next).map_err(|error| Stop::Misuse(error.to_string()))?;
        port.run(&mut client).await?;
        request = script.next(Some(client.outcome()))?;
    }
    match client.outcome()? {
        Response::Binary(line) => Ok(line),
        _ => Err(Stop::failed("unexpected", "the meter does not offer mode E")),
    }
}

fn any_client(reach: &Reach, client: u16, line: Line) -> Result<AnyClient, RequestError> {
    // The tool ends with its process; what it leaks ends with it.
    let buffer = Box::leak(vec![0; BUFFER].into_boxed_slice());
    let policy = Policy { timeout: reach.timeout.into(), retries: reach.retries, ..Policy::DEFAULT };
    if reach.framing() == FramingArg::Wrapper {
        let framing = Wrapper::tcp(client, reach.server.logical);
        return Ok(AnyClient::Wrapper(Client::new(framing, buffer).with_policy(policy)));
    }
    let client = u8::try_from(client).map_err(|_| RequestError::Address { upper: client, lower: 0 })?;
    let framing = Hdlc::new(Address::new(client.into(), 0, Width::One)?, hdlc_address(reach.server)?)
        .with_parameters(Parameters::new(reach.max_info, reach.window)?)
        .with_line(line);
    Ok(AnyClient::Hdlc(Client::new(framing, buffer).with_policy(policy)))
}

/// A meter's address, as wide as it has to be.
pub(in crate::cli::dlms) fn hdlc_address(server: Server) -> Result<Address, RequestError> {
    let Server { logical, physical } = server;
    let lower = physical.unwrap_or(0);
    let width = match (logical.max(lower), physical) {
        (..0x80, None) => Width::One,
        (..0x80, Some(_)) => Width::Two,
        _ => Width::Four,
    };
    Address::new(logical, lower, width)
}

impl Reach {
    /// The line on which the dialogue begins.
    fn line(&self) -> Line {
        match self.mode_e {
            true => line(SIGN_ON, true),
            false => Line::new(self.baud).with_parity(self.parity.into()),
        }
    }
}

/// Where every dialogue of IEC 62056-21 begins.
const SIGN_ON: u32 = 300;

/// The longest frame and the longest APDU that there are.
const BUFFER: usize = 2_100 + 65_535;
