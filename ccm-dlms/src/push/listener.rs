//! Bytes in, pushes out.

use ccm_core::{Duration, Instant};

use super::extent::split;
use super::notification::Push;
use super::source::{Found, Stations};
use super::{Opener, PushError, Source};
use crate::frame::FrameError;
use crate::message::cosem::Layout;
use crate::message::{BlockReceiver, GeneralBlockTransfer, Progress, tag};

/// Listens to one line, connection or sender.
///
/// Nobody can be asked to repeat anything. What does not become whole within [`set_patience`](Self::set_patience) after its
/// last byte is given up, by name; the next push begins anew.
#[derive(Debug)]
pub struct Listener<'b, S, O> {
    source: S,
    opener: O,
    layout: Layout,
    blocks: BlockReceiver<'b>,
    /// Whose blocks are being put together.
    transfer: Option<Stations>,
    /// A block is lost: those that follow are worth nothing.
    skips_blocks: bool,
    /// Where in the source's buffer APDUs wait.
    waiting: Option<Waiting>,
    patience: Duration,
    deadline: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    start: usize,
    end: usize,
    stations: Stations,
}

/// Where a whole APDU lies.
#[derive(Clone, Copy, Debug)]
enum Place {
    Source { start: usize, end: usize },
    Blocks,
}

impl<'b, S: Source, O: Opener> Listener<'b, S, O> {
    /// A listener that has heard nothing, over a source and the memory for blocks that comes with it.
    pub const fn new(source: S, blocks: &'b mut [u8], opener: O) -> Self {
        Self {
            source,
            opener,
            layout: Layout::Detect,
            blocks: BlockReceiver::new(blocks),
            transfer: None,
            skips_blocks: false,
            waiting: None,
            patience: Self::PATIENCE,
            deadline: None,
        }
    }

    /// How long the next byte of a push may take, until something else is said.
    pub const PATIENCE: Duration = Duration::from_secs(5);

    /// How long the next byte of a push may take.
    pub const fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// What is known of the sender's bodies.
    pub const fn set_layout(&mut self, layout: Layout) {
        self.layout = layout;
    }

    /// Who opens what is ciphered.
    pub const fn opener_mut(&mut self) -> &mut O {
        &mut self.opener
    }

    /// Takes bytes and says how many, and what came of them: a push, or why there is none. To be called until it has
    /// taken all and gives nothing.
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> (usize, Option<Result<Push<'_>, PushError>>) {
        let (taken, place) = self.take(bytes);
        if taken > 0 || place.is_some() {
            self.deadline = self.is_within().then(|| now + self.patience);
        }
        (taken, place.map(|place| self.read(place?)))
    }

    /// When to call [`expire`](Self::expire), unless bytes come.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Gives up what has not become whole when the [`deadline`](Self::deadline) has passed. To be called until it gives
    /// nothing.
    pub fn expire(&mut self, now: Instant) -> Option<Result<Push<'_>, PushError>> {
        if self.deadline? > now {
            return None;
        }
        self.finish()
    }

    /// The same when no more bytes will come.
    pub fn finish(&mut self) -> Option<Result<Push<'_>, PushError>> {
        let place = self.last();
        if place.is_none() {
            self.deadline = None;
        }
        place.map(|place| self.read(place?))
    }

    /// Whether something has come of a push that is not whole.
    pub fn is_within(&self) -> bool {
        self.transfer.is_some() || self.waiting.is_some() || self.source.is_within()
    }

    fn take(&mut self, bytes: &[u8]) -> (usize, Option<Result<Place, PushError>>) {
        let mut taken = 0;
        loop {
            if let Some(place) = self.next_waiting() {
                return (taken, Some(place));
            }
            let (count, found) = self.source.take(bytes.get(taken..).unwrap_or_default());
            taken += count;
            match found {
                Ok(None) => return (taken, None),
                found => {
                    if let Err(error) = self.admit(found.transpose()) {
                        return (taken, Some(Err(error)));
                    }
                }
            }
        }
    }

    fn last(&mut self) -> Option<Result<Place, PushError>> {
        loop {
            if let Some(place) = self.next_waiting() {
                return Some(place);
            }
            match self.source.last() {
                None if self.lose_blocks() => return Some(Err(FrameError::Incomplete.into())),
                None => return None,
                found => {
                    if let Err(error) = self.admit(found) {
                        return Some(Err(error));
                    }
                }
            }
        }
    }

    /// An APDU, which may be several, or a bad frame, which may have been a block.
    fn admit(&mut self, found: Option<Result<Found, FrameError>>) -> Result<(), PushError> {
        let Some(found) = found else { return Ok(()) };
        let Found { length, stations } = found.inspect_err(|_| {
            self.lose_blocks();
        })?;
        self.waiting = Some(Waiting { start: 0, end: length, stations });
        Ok(())
    }

    /// The next APDU that waits, or the one that it ends as a block.
    fn next_waiting(&mut self) -> Option<Result<Place, PushError>> {
        while let Some(Waiting { start, end, stations }) = self.waiting.take() {
            let apdus = self.source.apdu_mut().get(start..end).unwrap_or_default();
            let is_block = apdus.first() == Some(&tag::GENERAL_BLOCK_TRANSFER);
            let (length, next) = split(apdus).unwrap_or((apdus.len(), apdus.len()));
            if next < apdus.len() {
                self.waiting = Some(Waiting { start: start + next, end, stations });
            }
            let end = start + length;
            if !is_block {
                return Some(Ok(Place::Source { start, end }));
            }
            match self.block(start, end, stations) {
                Ok(false) => {}
                Ok(true) => return Some(Ok(Place::Blocks)),
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    /// Takes a block, and says whether it is the last of an APDU.
    fn block(&mut self, start: usize, end: usize, stations: Stations) -> Result<bool, PushError> {
        let apdu = self.source.apdu_mut().get(start..end).unwrap_or_default();
        let block = GeneralBlockTransfer::parse(apdu).inspect_err(|_| {
            self.skips_blocks = true;
        });
        let block = block.inspect_err(|_| self.transfer = None)?;
        if block.block_number == 1 {
            (self.skips_blocks, self.transfer) = (false, None);
            self.blocks.restart();
        }
        if self.skips_blocks {
            return Ok(false);
        }
        let is_other = self.transfer.is_some_and(|transfer| transfer != stations);
        if is_other {
            self.blocks.restart();
        }
        let progress = self.blocks.receive(&block);
        self.transfer = progress.is_ok_and(|progress| progress != Progress::Complete).then_some(stations);
        self.skips_blocks = progress.is_err();
        Ok(progress? == Progress::Complete)
    }

    /// Drops the blocks that came, and those that follow up to the next first one. Says whether any had come.
    fn lose_blocks(&mut self) -> bool {
        let torn = self.transfer.take().is_some();
        self.skips_blocks |= torn;
        self.blocks.restart();
        torn
    }

    fn read(&mut self, place: Place) -> Result<Push<'_>, PushError> {
        let apdu = match place {
            Place::Source { start, end } => self.source.apdu_mut().get_mut(start..end).unwrap_or_default(),
            Place::Blocks => self.blocks.bytes_mut(),
        };
        Push::parse(self.opener.open(apdu)?, self.layout)
    }
}
