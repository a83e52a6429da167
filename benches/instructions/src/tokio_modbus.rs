//! tokio-modbus, over a line in memory; its codec is not public, so only whole exchanges can be measured.

use std::future::Ready;
use std::hint::black_box;
use std::sync::mpsc;

use tokio::sync::oneshot;
use tokio_modbus::client::{Context, rtu};
use tokio_modbus::prelude::Reader;
use tokio_modbus::server::{Service, rtu_over_tcp};
use tokio_modbus::{ExceptionCode, Request, Response, Slave};

use crate::line::{Replier, Requester, now};
use crate::{Bench, QUANTITY, START, UNIT};

pub fn run(name: &str, bench: &Bench) {
    match name {
        "call_tokio_modbus" => {
            let mut context = rtu::attach_slave(Replier::new(&bench.reply), Slave(UNIT));
            bench.sum(|_| call_tokio_modbus(&mut context, black_box(QUANTITY)));
        }
        "serve_tokio_modbus" => serve(bench),
        _ => panic!("there is no function {name:?}"),
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
fn call_tokio_modbus(context: &mut Context, quantity: u16) -> usize {
    let values = now(context.read_holding_registers(START, quantity)).unwrap().unwrap();
    values.into_iter().map(usize::from).sum()
}

struct Table([u16; QUANTITY as usize]);

impl Service for Table {
    type Request = Request<'static>;
    type Response = Response;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Response, ExceptionCode>>;

    fn call(&self, request: Self::Request) -> Self::Future {
        let Request::ReadHoldingRegisters(start, quantity) = request else {
            return std::future::ready(Err(ExceptionCode::IllegalFunction));
        };
        let values = self.0.get(usize::from(start)..).and_then(|values| values.get(..quantity.into()));
        let response = values.map(|values| Response::ReadHoldingRegisters(values.to_vec()));
        std::future::ready(response.ok_or(ExceptionCode::IllegalDataAddress))
    }
}

/// One connection brings all requests: what it costs to begin with is the same for few and for many.
fn serve(bench: &Bench) {
    let (replies, received) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let _caller = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (end, ended) = oneshot::channel();
    let line = Requester { request: bench.request.clone(), left: bench.calls, replies, end: Some(end) };
    serve_tokio_modbus(&runtime, rtu_over_tcp::Server::new(listener), line, bench.values, ended);
    assert_eq!(received.try_recv().unwrap(), bench.reply);
}

#[unsafe(no_mangle)]
#[inline(never)]
fn serve_tokio_modbus(
    runtime: &tokio::runtime::Runtime,
    server: rtu_over_tcp::Server,
    line: Requester,
    values: [u16; QUANTITY as usize],
    ended: oneshot::Receiver<()>,
) {
    let line = std::sync::Mutex::new(Some(line));
    let connected =
        |_, _| std::future::ready(Ok(line.lock().unwrap().take().map(|line| (Table(values), line))));
    let end = async { drop(ended.await) };
    runtime.block_on(server.serve_until(&connected, |error| panic!("{error}"), end)).unwrap();
}
