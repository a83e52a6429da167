//! The clients of a gateway: who may connect, what they send, what they get.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use ccm_modbus::gateway::mbap::{self, Split};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::arguments::Network;
use super::shared::{Client, Shared};

/// Takes connections for as long as the program runs.
pub(super) async fn accept(listener: TcpListener, shared: Rc<Shared>, allowed: Vec<Network>) {
    let mut said = None;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                let refused = welcome(stream, address, &shared, &allowed).err();
                say(address.ip(), refused, &mut said);
            }
            Err(error) => {
                tracing::warn!("a client could not connect: {error}");
                // Out of file descriptors, mostly: the next attempt would fail as fast.
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Gives a connection its own task, or closes it and says why.
fn welcome(
    stream: TcpStream,
    address: SocketAddr,
    shared: &Rc<Shared>,
    allowed: &[Network],
) -> Result<(), &'static str> {
    if !allowed.is_empty() && !allowed.iter().any(|network| network.contains(address.ip())) {
        return Err("not on the list of those allowed");
    }
    let (index, client) = shared.enter().ok_or("there are as many clients as may be")?;
    let shared = Rc::clone(shared);
    tokio::task::spawn_local(async move {
        tracing::debug!("client {address}: connected");
        let ended = serve(stream, index, &client, &shared).await;
        shared.leave(index);
        tracing::debug!("client {address}: {ended}");
    });
    Ok(())
}

/// Who tries again and again is named once: nobody fills the log from outside.
fn say(address: IpAddr, refused: Option<&'static str>, said: &mut Option<(IpAddr, &'static str)>) {
    let news = refused.map(|reason| (address, reason));
    if let Some((address, reason)) = news.filter(|_| news != *said) {
        tracing::warn!("client {address}: {reason}");
        *said = news;
    }
}

/// Serves a client until it goes, and says why it went.
async fn serve(mut stream: TcpStream, index: usize, client: &Client, shared: &Shared) -> String {
    if let Err(error) = stream.set_nodelay(true) {
        return error.to_string();
    }
    let (reader, writer) = stream.split();
    tokio::select! {
        ended = read(reader, index, client, shared) => ended.unwrap_or_else(|error| error.to_string()),
        Err(error) = write(writer, client) => error.to_string(),
        () = client.closing.notified() => "closed: it was idle, or did not fetch its answers".into(),
    }
}

async fn read(
    mut reader: ReadHalf<'_>,
    index: usize,
    client: &Client,
    shared: &Shared,
) -> io::Result<String> {
    let (mut buffer, mut held) = ([0; ROOM], 0);
    loop {
        let count = reader.read(buffer.get_mut(held..).unwrap_or_default()).await?;
        if count == 0 {
            return Ok("gone".into());
        }
        held += count;
        let Some(taken) = requests(buffer.get(..held).unwrap_or_default(), index, client, shared) else {
            return Ok("closed: it does not speak Modbus TCP".into());
        };
        buffer.copy_within(taken..held, 0);
        held -= taken;
        // Others have their turn, however fast this one sends.
        tokio::task::yield_now().await;
    }
}

/// Takes the whole requests at the front of `bytes` and says how many bytes those were; nothing where it is no Modbus.
fn requests(bytes: &[u8], index: usize, client: &Client, shared: &Shared) -> Option<usize> {
    let mut taken = 0;
    loop {
        match mbap::split(bytes.get(taken..)?).ok()? {
            Split::Request { transaction, frame, length } => {
                shared.request(index, client, transaction, frame);
                taken += length;
            }
            Split::Skip(length) => taken += length,
            Split::More => return Some(taken),
        }
    }
}

/// Sends what there is to send; ends only when that fails.
async fn write(mut writer: WriteHalf<'_>, client: &Client) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        client.filled.notified().await;
        client.take(&mut buffer);
        writer.write_all(&buffer).await?;
    }
}

/// Several requests at once; each is 260 bytes at most.
const ROOM: usize = 2048;

const AGAIN: Duration = Duration::from_millis(100);
