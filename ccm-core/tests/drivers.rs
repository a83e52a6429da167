//! Both drivers run the same machine over a port made of memory, and end alike.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ccm_core::{Clock, DriveError, Duration, Instant, Line, Machine, Step, asynch, blocking};

/// Switches to 4800 baud, sends `?`, and takes three bytes, two at a time at most, within 100 ms.
#[derive(Default)]
struct Toy {
    phase: usize,
    deadline: Option<Instant>,
    taken: Vec<u8>,
}

impl Machine for Toy {
    fn receive(&mut self, _now: Instant, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(2);
        self.taken.extend(&bytes[..taken]);
        taken
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        self.phase += 1;
        match self.phase {
            1 => Step::SetLine(Line::new(4800)),
            2 => Step::Send(b"?"),
            _ if self.taken.len() >= 3 || self.deadline.is_some_and(|deadline| now >= deadline) => Step::Done,
            _ => Step::Wait(Some(*self.deadline.get_or_insert(now + Duration::from_millis(100)))),
        }
    }
}

/// Gives its pieces one after the other; an empty one is the end of the connection.
#[derive(Default)]
struct Memory {
    incoming: VecDeque<Vec<u8>>,
    sent: Vec<u8>,
    line: Option<Line>,
    fixed: bool,
}

impl Memory {
    fn with(pieces: &[&[u8]]) -> Self {
        Self { incoming: pieces.iter().map(|piece| piece.to_vec()).collect(), ..Self::default() }
    }

    fn take(&mut self, bytes: &mut [u8]) -> usize {
        let Some(piece) = self.incoming.pop_front() else { return 0 };
        bytes[..piece.len()].copy_from_slice(&piece);
        piece.len()
    }

    fn set_line(&mut self, line: Line) -> Result<(), DriveError<std::io::Error>> {
        if self.fixed {
            return Err(DriveError::FixedLine(line));
        }
        self.line = Some(line);
        Ok(())
    }
}

/// The port as the drivers borrow it, so that a test can look at it afterwards.
struct Port<'a>(&'a RefCell<Memory>);

impl embedded_io::ErrorType for Port<'_> {
    type Error = std::io::Error;
}

impl embedded_io::Read for Port<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.0.borrow_mut().take(bytes))
    }
}

impl embedded_io::ReadReady for Port<'_> {
    fn read_ready(&mut self) -> std::io::Result<bool> {
        Ok(!self.0.borrow().incoming.is_empty())
    }
}

impl embedded_io::Write for Port<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().sent.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl blocking::Port for Port<'_> {
    fn set_line(&mut self, line: Line) -> Result<(), DriveError<std::io::Error>> {
        self.0.borrow_mut().set_line(line)
    }
}

impl embedded_io_async::Read for Port<'_> {
    async fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        if self.0.borrow().incoming.is_empty() {
            std::future::pending::<()>().await;
        }
        Ok(self.0.borrow_mut().take(bytes))
    }
}

impl embedded_io_async::Write for Port<'_> {
    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        embedded_io::Write::write(self, bytes)
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl asynch::Port for Port<'_> {
    async fn set_line(&mut self, line: Line) -> Result<(), DriveError<std::io::Error>> {
        self.0.borrow_mut().set_line(line)
    }
}

/// Time passes only by waiting for it.
#[derive(Default)]
struct Time(Cell<u64>);

impl Clock for Time {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.get())
    }
}

impl blocking::Idle for Time {
    fn idle(&self, _until: Option<Instant>) {
        self.0.set(self.0.get() + 1000);
    }
}

impl asynch::Timer for Time {
    async fn wait(&self, until: Instant) {
        self.0.set(self.0.get().max(until.as_micros()));
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..1000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
    panic!("the future never ends")
}

type Ended = (Result<(), String>, Vec<u8>, Memory);

/// Runs the toy with both drivers; gives how each ended, what the machine took, and the port.
fn both(memory: impl Fn() -> Memory) -> [Ended; 2] {
    let finish = |result: Result<(), DriveError<std::io::Error>>, toy: Toy, memory: RefCell<Memory>| {
        (result.map_err(|error| error.to_string()), toy.taken, memory.into_inner())
    };
    let (port, mut toy) = (RefCell::new(memory()), Toy::default());
    let ran = blocking::Driver::<_, _, 8>::new(Port(&port), Time::default()).run(&mut toy);
    let first = finish(ran, toy, port);
    let (port, mut toy) = (RefCell::new(memory()), Toy::default());
    let ran = block_on(asynch::Driver::<_, _, 8>::new(Port(&port), Time::default()).run(&mut toy));
    [first, finish(ran, toy, port)]
}

#[test]
fn a_machine_is_run_to_its_end_and_gets_what_it_left_again() {
    for (result, taken, memory) in both(|| Memory::with(&[b"a", b"bcde"])) {
        assert_eq!(result, Ok(()));
        assert_eq!(taken, b"abc");
        assert_eq!((memory.sent.as_slice(), memory.line), (b"?".as_slice(), Some(Line::new(4800))));
    }
}

#[test]
fn a_silent_port_ends_at_the_deadline() {
    for (result, taken, _) in both(Memory::default) {
        assert_eq!((result, taken), (Ok(()), Vec::new()));
    }
}

#[test]
fn a_closed_port_is_said_and_not_waited_for() {
    for (result, _, _) in both(|| Memory::with(&[b"a", b""])) {
        assert_eq!(result, Err("the port was closed".to_string()));
    }
}

#[test]
fn a_line_that_cannot_change_is_said() {
    for (result, _, memory) in both(|| Memory { fixed: true, ..Memory::default() }) {
        assert_eq!(result, Err("the port cannot change its line to 4800 8N1".to_string()));
        assert!(memory.sent.is_empty());
    }
}

#[test]
fn bytes_that_nobody_took_wait_for_the_next_machine_even_if_a_future_was_dropped() {
    let port = RefCell::new(Memory::with(&[b"abcde"]));
    let mut driver = asynch::Driver::<_, _, 8>::new(Port(&port), Time::default());
    let mut first = Toy::default();
    block_on(driver.run(&mut first)).unwrap();
    assert_eq!(first.taken, b"abcd", "two at a time");
    let mut dropped = Toy { phase: 2, taken: b"zzz".to_vec(), ..Toy::default() };
    drop(driver.run(&mut dropped));
    let mut second = Toy::default();
    port.borrow_mut().incoming.push_back(b"fg".to_vec());
    block_on(driver.run(&mut second)).unwrap();
    assert_eq!(second.taken, b"efg");
}

/// The pin writes down when it takes and leaves the line, and how much had been sent by then.
struct Pin<'a>(&'a RefCell<Vec<(bool, usize)>>, &'a RefCell<Memory>);

impl Pin<'_> {
    fn note(&self, transmits: bool) {
        self.0.borrow_mut().push((transmits, self.1.borrow().sent.len()));
    }
}

impl ccm_core::Direction for Pin<'_> {
    fn transmit(&mut self) {
        self.note(true);
    }

    fn listen(&mut self) {
        self.note(false);
    }
}

#[test]
fn a_half_duplex_line_is_taken_before_the_first_byte_and_left_after_the_last() {
    let (turns, memory) = (RefCell::default(), RefCell::new(Memory::with(&[b"abc"])));
    let port = ccm_core::HalfDuplex::new(Port(&memory), Pin(&turns, &memory));
    block_on(asynch::Driver::<_, _, 8>::new(port, Time::default()).run(&mut Toy::default())).unwrap();
    assert_eq!(*turns.borrow(), [(false, 0), (true, 0), (true, 1), (false, 1)]);
    let (turns, memory) = (RefCell::default(), RefCell::new(Memory::with(&[b"abc"])));
    let port = ccm_core::HalfDuplex::new(Port(&memory), Pin(&turns, &memory));
    blocking::Driver::<_, _, 8>::new(port, Time::default()).run(&mut Toy::default()).unwrap();
    assert_eq!(*turns.borrow(), [(false, 0), (true, 0), (true, 1), (false, 1)]);
}

/// A port whose bytes never leave.
struct Stuck;

impl embedded_io::ErrorType for Stuck {
    type Error = std::io::Error;
}

impl embedded_io_async::Write for Stuck {
    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> std::io::Result<()> {
        std::future::pending().await
    }
}

#[test]
fn a_dropped_future_leaves_the_line_to_others() {
    let (turns, memory) = (RefCell::default(), RefCell::new(Memory::default()));
    let mut port = ccm_core::HalfDuplex::new(Stuck, Pin(&turns, &memory));
    block_on(embedded_io_async::Write::write(&mut port, b"?")).unwrap();
    {
        let mut flush = pin!(embedded_io_async::Write::flush(&mut port));
        assert!(flush.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(turns.borrow().last().unwrap().0, "the line is ours while bytes leave");
    }
    assert!(!turns.borrow().last().unwrap().0, "and nobody's when nobody waits for them any more");
}
