//! Who reads along in this process. One task hears the bus and hands frames to the readers of each conversation.
//!
//! A reader waits without a queue of its own: it asks for what follows its cursor, gets it from the last few frames kept here,
//! and reads the log when these do not reach back far enough. So a slow reader costs nothing and loses nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OnceCell, Semaphore, watch};

use super::close::Close;
use super::log::Frame;

/// What a reader does next.
#[derive(Debug)]
pub enum Next {
    /// Shows these, which follow its cursor.
    Frames(Vec<Frame>),
    /// Reads the log.
    Log,
    /// Waits.
    Wait,
    /// Leaves.
    Leave(Close),
}

/// Everybody who reads along in this process.
#[derive(Debug)]
pub struct Live {
    channels: Mutex<HashMap<Box<str>, Arc<Channel>>>,
    seats: AtomicUsize,
    next_seat: AtomicU64,
    /// Frames that clients are known to have, not written down yet.
    acks: Mutex<HashMap<Box<str>, i64>>,
    /// Set once the task that hears the bus runs.
    pub(super) started: OnceCell<()>,
    /// Replies that are generated at a time.
    pub(super) replies: Semaphore,
}

/// One conversation that somebody reads.
#[derive(Debug)]
struct Channel {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    /// The last frame that was heard of; 0: none yet.
    head: i64,
    /// The last few frames, ending at `head`.
    frames: VecDeque<Frame>,
    /// Raised when something may have been missed.
    gaps: u32,
    /// In the order of their ids: whoever sat down first comes first.
    seats: Vec<SeatState>,
    /// Whether frames came since the last look.
    warm: bool,
}

#[derive(Debug)]
struct SeatState {
    id: u64,
    epoch: i64,
    leave: Option<Close>,
}

/// Frames that are kept of a conversation while they are fresh.
const KEPT: usize = 128;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// Nobody, and room for this many replies.
    pub fn new(replies: usize) -> Self {
        Self {
            channels: Mutex::default(),
            seats: AtomicUsize::new(0),
            next_seat: AtomicU64::new(1),
            acks: Mutex::default(),
            started: OnceCell::new(),
            replies: Semaphore::new(replies.max(1)),
        }
    }

    /// Takes a seat; the oldest of the conversation leaves when there are more than `crowd`.
    ///
    /// # Errors
    /// [`Close::Full`] when this process has `most` seats taken.
    pub(super) fn join(
        self: &Arc<Self>,
        session_id: &str,
        epoch: i64,
        (crowd, most): (usize, usize),
    ) -> Result<Seat, Close> {
        if self.seats.fetch_add(1, Ordering::Relaxed) >= most {
            self.seats.fetch_sub(1, Ordering::Relaxed);
            return Err(Close::Full);
        }
        let mut channels = lock(&self.channels);
        let channel = channels
            .entry(session_id.into())
            .or_insert_with(|| Arc::new(Channel { state: Mutex::default(), changed: watch::Sender::new(()) }));
        let channel = Arc::clone(channel);
        let mut state = lock(&channel.state);
        drop(channels);
        let id = self.next_seat.fetch_add(1, Ordering::Relaxed);
        state.seats.push(SeatState { id, epoch, leave: None });
        let staying = state.seats.iter().filter(|s| s.leave.is_none()).count();
        if let Some(oldest) = state.seats.iter_mut().find(|s| s.leave.is_none()).filter(|_| staying > crowd.max(1)) {
            oldest.leave = Some(Close::Crowded);
            channel.changed.send_replace(());
        }
        // Whoever sits down reads the log first.
        let seen = state.gaps.wrapping_sub(1);
        drop(state);
        let changed = channel.changed.subscribe();
        Ok(Seat { live: Arc::clone(self), session_id: session_id.into(), channel, changed, id, seen })
    }

    /// How many read along.
    pub fn seats(&self) -> usize {
        self.seats.load(Ordering::Relaxed)
    }

    fn channel(&self, session_id: &str) -> Option<Arc<Channel>> {
        lock(&self.channels).get(session_id).cloned()
    }

    /// Hands frames that end at `head` to the readers of a conversation. True: there are some, and they were idle before.
    pub(super) fn deliver(&self, session_id: &str, head: i64, frames: Vec<Frame>) -> bool {
        let Some(channel) = self.channel(session_id) else { return false };
        let mut state = lock(&channel.state);
        if head <= state.head {
            return false;
        }
        let follows = frames.first().is_some_and(|first| first.seq == state.head + 1);
        if !follows {
            state.frames.clear();
        }
        state.frames.extend(frames);
        let excess = state.frames.len().saturating_sub(KEPT);
        state.frames.drain(..excess);
        state.head = head;
        let woken = !std::mem::replace(&mut state.warm, true);
        drop(state);
        channel.changed.send_replace(());
        woken
    }

    /// Lets go of the frames of a conversation where nothing came since the last call. False: it is still warm.
    pub(super) fn cool(&self, session_id: &str) -> bool {
        let Some(channel) = self.channel(session_id) else { return true };
        let mut state = lock(&channel.state);
        if std::mem::replace(&mut state.warm, false) {
            return false;
        }
        state.frames = VecDeque::new();
        true
    }

    /// Something may have been missed: everybody looks into the log.
    pub(super) fn missed(&self) {
        let channels: Vec<_> = lock(&self.channels).values().cloned().collect();
        for channel in channels {
            let mut state = lock(&channel.state);
            state.gaps = state.gaps.wrapping_add(1);
            drop(state);
            channel.changed.send_replace(());
        }
    }

    /// Readers of a conversation whose credential is older than `epoch` leave.
    pub(super) fn end_before(&self, session_id: &str, epoch: i64) {
        if let Some(channel) = self.channel(session_id) {
            channel.leave(Close::Revoked, |seat| seat.epoch < epoch);
        }
    }

    /// A client has everything up to `cursor`.
    pub(super) fn ack(&self, session_id: &str, cursor: i64) {
        let mut acks = lock(&self.acks);
        let known = acks.entry(session_id.into()).or_default();
        *known = cursor.max(*known);
    }

    /// What is not written down yet about one conversation.
    pub(super) fn acked(&self, session_id: &str) -> i64 {
        lock(&self.acks).get(session_id).copied().unwrap_or_default()
    }

    /// Takes what is to be written down.
    pub(super) fn take_acks(&self) -> HashMap<Box<str>, i64> {
        std::mem::take(&mut *lock(&self.acks))
    }
}

impl State {
    /// Readers may be thousands, and each looks for itself at every frame.
    fn place(&self, id: u64) -> Option<usize> {
        self.seats.binary_search_by_key(&id, |seat| seat.id).ok()
    }
}

impl Channel {
    fn leave(&self, close: Close, whom: impl Fn(&SeatState) -> bool) {
        let mut state = lock(&self.state);
        for seat in state.seats.iter_mut().filter(|seat| whom(seat)) {
            seat.leave.get_or_insert(close);
        }
        drop(state);
        self.changed.send_replace(());
    }
}

/// A reader's place; given back when dropped.
#[derive(Debug)]
pub struct Seat {
    live: Arc<Live>,
    session_id: Box<str>,
    channel: Arc<Channel>,
    changed: watch::Receiver<()>,
    id: u64,
    /// The gaps that were read over.
    seen: u32,
}

impl Seat {
    /// The conversation.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// What follows `cursor`. After [`Next::Log`] the log has to be read.
    pub(super) fn next(&mut self, cursor: i64) -> Next {
        self.changed.mark_unchanged();
        let state = lock(&self.channel.state);
        if let Some(close) = state.place(self.id).and_then(|place| state.seats[place].leave) {
            return Next::Leave(close);
        }
        if state.gaps != self.seen {
            self.seen = state.gaps;
            return Next::Log;
        }
        if state.head <= cursor {
            return Next::Wait;
        }
        match state.frames.front() {
            Some(first) if first.seq <= cursor + 1 => {
                Next::Frames(state.frames.iter().filter(|frame| frame.seq > cursor).cloned().collect())
            }
            _ => Next::Log,
        }
    }

    /// The log has more than was read: the next step reads on.
    pub(super) fn read_on(&mut self) {
        self.seen = self.seen.wrapping_sub(1);
    }

    /// Waits until [`Seat::next`] may have something else to say.
    pub(super) async fn changed(&mut self) {
        // The sender lives as long as the channel, which we hold.
        let _ = self.changed.changed().await;
    }

    /// A client has everything up to `cursor`.
    pub(super) fn ack(&self, cursor: i64) {
        self.live.ack(&self.session_id, cursor);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut channels = lock(&self.live.channels);
        let mut state = lock(&self.channel.state);
        if let Some(place) = state.place(self.id) {
            state.seats.remove(place);
        }
        if state.seats.is_empty() {
            channels.remove(&self.session_id);
        }
        self.live.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visitor::log::Draft;

    fn frames(range: std::ops::RangeInclusive<i64>) -> Vec<Frame> {
        range.map(|seq| Draft::piece("m", seq, "x").frame("s", seq)).collect()
    }

    fn seqs(next: Next) -> Vec<i64> {
        match next {
            Next::Frames(frames) => frames.iter().map(|f| f.seq).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn sit(live: &Arc<Live>) -> Seat {
        let mut seat = live.join("s", 0, (2, 10)).unwrap();
        assert!(matches!(seat.next(0), Next::Log), "the log comes first");
        seat
    }

    #[test]
    fn frames_come_in_order_and_gaps_are_read_from_the_log() {
        let live = Arc::new(Live::new(1));
        let mut seat = sit(&live);
        assert!(matches!(seat.next(0), Next::Wait));
        live.deliver("s", 2, frames(1..=2));
        assert_eq!(seqs(seat.next(0)), [1, 2]);
        assert_eq!(seqs(seat.next(1)), [2]);
        assert!(matches!(seat.next(2), Next::Wait));
        live.deliver("s", 4, frames(4..=4));
        assert!(matches!(seat.next(2), Next::Log), "3 was never heard");
        assert_eq!(seqs(seat.next(3)), [4]);
        live.deliver("s", 3, frames(3..=3));
        assert!(matches!(seat.next(4), Next::Wait), "3 came too late to matter");
        live.deliver("s", 9, Vec::new());
        assert!(matches!(seat.next(4), Next::Log));
        live.missed();
        assert!(matches!(seat.next(9), Next::Log));
        assert!(matches!(seat.next(9), Next::Wait));
    }

    #[test]
    fn kept_frames_are_few_and_cool_down() {
        let live = Arc::new(Live::new(1));
        let mut seat = sit(&live);
        for seq in 1..=1_000 {
            live.deliver("s", seq, frames(seq..=seq));
        }
        assert!(matches!(seat.next(0), Next::Log));
        assert_eq!(seqs(seat.next(1_000 - 128)).len(), 128);
        assert!(!live.cool("s") && live.cool("s"));
        assert!(matches!(seat.next(998), Next::Log));
    }

    #[test]
    fn the_oldest_leaves_a_crowd_and_nothing_stays_behind() {
        let live = Arc::new(Live::new(1));
        let (mut one, mut two, mut three) = (sit(&live), sit(&live), sit(&live));
        assert!(matches!(one.next(0), Next::Leave(Close::Crowded)));
        assert!(matches!(two.next(0), Next::Wait) && matches!(three.next(0), Next::Wait));
        live.end_before("s", 1);
        assert!(matches!(two.next(0), Next::Leave(Close::Revoked)));
        drop((one, two, three));
        assert_eq!((live.seats(), lock(&live.channels).len()), (0, 0));
    }

    #[test]
    fn a_process_takes_so_many_and_no_more() {
        let live = Arc::new(Live::new(1));
        let seats: Vec<_> = ["a", "b"].iter().map(|s| live.join(s, 0, (8, 2)).unwrap()).collect();
        assert_eq!(live.join("c", 0, (8, 2)).unwrap_err(), Close::Full);
        drop(seats);
        assert!(live.join("c", 0, (8, 2)).is_ok());
    }
}
