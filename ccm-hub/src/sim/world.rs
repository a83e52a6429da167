//! Virtual time for the hub's own loops: ports, lines and a timer, and an executor that lets time pass when all wait.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::vec::Vec;

use ccm_core::asynch::{Port, Timer};
use ccm_core::{Clock, DriveError, Duration, Instant, Line};
use embedded_io_async::{ErrorType, Read, Write};

/// A world with a time of its own. Copies share it.
#[derive(Clone, Debug, Default)]
pub struct World(Rc<Time>);

#[derive(Debug, Default)]
struct Time {
    now: Cell<Instant>,
    /// When the first of those that wait wants to go on.
    next: Cell<Option<Instant>>,
}

/// Something that goes on in a world.
pub type Going<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

impl World {
    /// A world at time zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Two ends of a line. Whoever listens at another speed than was sent at hears garbage.
    pub fn line(&self, line: Line) -> (End, End) {
        let (one, other) = (Rc::new(Way::default()), Rc::new(Way::default()));
        let end = |from: &Rc<Way>, to: &Rc<Way>| self.end(line, from, [to]);
        (end(&one, &other), end(&other, &one))
    }

    /// The ends of a line that several share: each hears all others, in whatever speed.
    pub fn shared_line(&self, line: Line, ends: usize) -> Vec<End> {
        let ways: Vec<Rc<Way>> = (0..ends).map(|_| Rc::new(Way::default())).collect();
        let others = |own: usize| ways.iter().enumerate().filter(move |(place, _)| *place != own);
        ways.iter()
            .enumerate()
            .map(|(place, way)| self.end(line, way, others(place).map(|(_, other)| other)))
            .collect()
    }

    fn end<'w>(&self, line: Line, from: &Rc<Way>, to: impl IntoIterator<Item = &'w Rc<Way>>) -> End {
        let to = to.into_iter().map(Rc::clone).collect();
        End { world: self.clone(), line, from: Rc::clone(from), to }
    }

    /// Lets everything go on until `end`.
    pub fn run(&self, end: Instant, going: &mut [Going<'_>]) {
        let mut context = Context::from_waker(Waker::noop());
        let mut going: Vec<Option<&mut Going<'_>>> = going.iter_mut().map(Some).collect();
        while self.now() < end {
            self.0.next.set(None);
            for slot in &mut going {
                let is_over = slot.as_mut().is_some_and(|one| one.as_mut().poll(&mut context).is_ready());
                *slot = slot.take().filter(|_| !is_over);
            }
            // Who wants to go on at once has his turn again when a moment has passed.
            let soonest = self.now() + Duration::from_micros(1);
            self.0.now.set(self.0.next.get().unwrap_or(end).max(soonest).min(end));
        }
    }

    fn wake(&self, at: Instant) {
        let next = self.0.next.get().map_or(at, |next| next.min(at));
        self.0.next.set(Some(next));
    }
}

impl Clock for World {
    fn now(&self) -> Instant {
        self.0.now.get()
    }
}

impl Timer for World {
    async fn wait(&self, until: Instant) {
        poll_fn(|_| {
            if self.now() >= until {
                return Poll::Ready(());
            }
            self.wake(until);
            Poll::Pending
        })
        .await;
    }
}

/// One end of a line: a port.
#[derive(Debug)]
pub struct End {
    world: World,
    line: Line,
    from: Rc<Way>,
    to: Vec<Rc<Way>>,
}

/// What is under way in one direction, and what happens to it.
#[derive(Debug, Default)]
struct Way {
    bytes: RefCell<VecDeque<(Instant, u8, u32)>>,
    /// When the last bit leaves.
    busy: Cell<Instant>,
    trouble: Rc<Cell<Trouble>>,
}

/// What happens to bytes that are sent from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// They are lost.
    Silence,
    /// One bit of the next byte but so many is turned; the others arrive.
    Flip(u32),
}

impl End {
    /// What happens to what this end sends, on a line of two.
    pub fn trouble(&self) -> Rc<Cell<Trouble>> {
        self.to.first().map(|way| Rc::clone(&way.trouble)).unwrap_or_default()
    }

    fn send(&self, byte: u8) {
        for way in &self.to {
            way.send(self.world.now(), byte, self.line);
        }
    }

    /// What has arrived, as far as it fits.
    fn take(&self, bytes: &mut [u8]) -> usize {
        let mut way = self.from.bytes.borrow_mut();
        let mut length = 0;
        for slot in bytes {
            let Some((_, byte, baud)) = way.pop_front_if(|(at, ..)| *at <= self.world.now()) else { break };
            // At another speed no bit is where it should be.
            *slot = if baud == self.line.baud { byte } else { byte.rotate_left(3) ^ 0x95 };
            length += 1;
        }
        if let Some((at, ..)) = way.front() {
            self.world.wake(*at);
        }
        length
    }
}

impl Way {
    fn send(&self, now: Instant, byte: u8, line: Line) {
        let sent = self.busy.get().max(now) + line.character();
        self.busy.set(sent);
        let byte = match self.trouble.get() {
            Trouble::None => byte,
            Trouble::Silence => return,
            Trouble::Flip(0) => {
                self.trouble.set(Trouble::None);
                byte ^ 0x04
            }
            Trouble::Flip(left) => {
                self.trouble.set(Trouble::Flip(left - 1));
                byte
            }
        };
        self.bytes.borrow_mut().push_back((sent, byte, line.baud));
    }
}

impl ErrorType for End {
    type Error = Infallible;
}

impl Read for End {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Infallible> {
        poll_fn(|_| match self.take(bytes) {
            0 => Poll::Pending,
            length => Poll::Ready(Ok(length)),
        })
        .await
    }
}

impl Write for End {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        bytes.iter().for_each(|byte| self.send(*byte));
        Ok(bytes.len())
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        let until = self.to.iter().map(|way| way.busy.get()).max();
        self.world.wait(until.unwrap_or(self.world.now())).await;
        Ok(())
    }
}

impl Port for End {
    async fn set_line(&mut self, line: Line) -> Result<(), DriveError<Infallible>> {
        self.line = line;
        Ok(())
    }
}
