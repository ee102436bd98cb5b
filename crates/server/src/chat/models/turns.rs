//! A model that many ask at once, and everybody in turn: who has fewest answers under way comes first, whoever asked first. When no
//! more may wait, the last one of whoever has most in line gives way. The server's own work (learning at night) comes last.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::Stream;
use secondme_llm::{ChatEvent, ChatModel, ChatRequest, ChatStream, Load, ModelError, ModelInfo, ModelStatus};
use tokio::sync::oneshot;

/// On whose behalf a model is asked; none: the server's own work.
type Party = Option<i64>;

/// What is told before the first answer is over, in seconds.
const UNKNOWN: u64 = 5;
/// Nobody is sent away for longer, in seconds.
const LONGEST: u64 = 120;

/// A model with a line in front of it.
pub(super) struct Turns {
    real: Arc<dyn ChatModel>,
    line: Line,
}

/// Who is being answered, and who waits. Cheap to clone.
#[derive(Clone, Default)]
struct Line(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    running: HashMap<Party, usize>,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    /// How long an answer takes, as a moving average; zero: not known yet.
    pace: Duration,
}

struct Waiting {
    party: Party,
    turn: oneshot::Sender<Turn>,
}

/// The right to be answered; dropped, it is the next one's.
struct Turn {
    line: Line,
    party: Party,
    begun: Instant,
}

impl Turns {
    /// A line in front of a model that says how much it can do at a time; others are asked at once.
    pub(super) fn around(real: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(Self { real, line: Line::default() })
    }
}

impl State {
    fn total(&self) -> usize {
        self.running.values().sum()
    }

    fn running(&self, party: Party) -> usize {
        self.running.get(&party).copied().unwrap_or(0)
    }

    fn waiting(&self, party: Party) -> usize {
        self.waiting.iter().filter(|one| one.party == party).count()
    }

    fn begin(&mut self, line: &Line, party: Party) -> Turn {
        *self.running.entry(party).or_default() += 1;
        Turn { line: line.clone(), party, begun: Instant::now() }
    }

    fn end(&mut self, party: Party, took: Duration) {
        if let Some(count) = self.running.get_mut(&party) {
            *count = count.saturating_sub(1);
        }
        self.running.retain(|_, count| *count > 0);
        self.pace = if self.pace.is_zero() { took } else { (self.pace * 3 + took) / 4 };
    }

    /// Takes out whose turn it is: users before the server, then who has fewest answers under way, then who came first.
    fn next(&mut self) -> Option<Waiting> {
        let rank = |one: &Waiting| (one.party.is_none(), self.running(one.party));
        let (at, _) = self.waiting.iter().enumerate().min_by_key(|(at, one)| (rank(one), *at))?;
        Some(self.waiting.remove(at))
    }

    /// Takes out who has to make room for `party`: the last one of whoever has most in line, the server's own work before any user's.
    /// None when that is `party` itself, or would be after it came.
    fn gives_way(&mut self, party: Party) -> Option<Waiting> {
        let rank = |one: &Waiting| (one.party.is_none(), self.waiting(one.party));
        let (at, one) = self.waiting.iter().enumerate().max_by_key(|(at, one)| (rank(one), *at))?;
        let better = rank(one) > (party.is_none(), self.waiting(party) + 1);
        (one.party != party && better).then(|| self.waiting.remove(at))
    }

    /// Whether this party may be answered at once by a model before which nobody can wait: while half of it is in use, nobody takes
    /// more than their share of it, counting one who may come next.
    fn fits(&self, party: Party, slots: usize) -> bool {
        let parties = self.running.len() + usize::from(self.running(party) == 0);
        let share = slots.div_ceil(parties + 1).max(1);
        let total = self.total();
        total < slots && (total < slots / 2 || self.running(party) < share)
    }

    fn busy(&self, slots: usize) -> ModelError {
        let rounds = u32::try_from((self.waiting.len() + 1).div_ceil(slots.max(1))).unwrap_or(u32::MAX);
        let seconds = if self.pace.is_zero() {
            UNKNOWN
        } else {
            self.pace.saturating_mul(rounds).as_secs().saturating_add(1).min(LONGEST)
        };
        ModelError::Busy { retry_after_secs: u32::try_from(seconds).unwrap_or(u32::MAX) }
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn at a model that does so much at a time.
    async fn turn(&self, party: Party, load: Load) -> Result<Turn, ModelError> {
        let waits = {
            let mut state = self.state();
            let free = state.total() < load.slots && state.waiting.is_empty();
            if free && (load.queue > 0 || state.fits(party, load.slots)) {
                return Ok(state.begin(self, party));
            }
            // Whoever gave way hears it when what it waits on is dropped here.
            if load.queue == 0 || state.waiting.len() >= load.queue && state.gives_way(party).is_none() {
                return Err(state.busy(load.slots));
            }
            let (turn, waits) = oneshot::channel();
            state.waiting.push(Waiting { party, turn });
            waits
        };
        waits.await.map_err(|_| self.state().busy(load.slots))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut state = self.line.state();
            state.end(self.party, self.begun.elapsed());
            state.next().map(|next| (state.begin(&self.line, next.party), next.turn))
        };
        if let Some((turn, waits)) = next {
            // Somebody who is gone gives the turn back, and it is the next one's.
            drop(waits.send(turn));
        }
    }
}

/// An answer that holds its turn to its end.
struct Holding {
    answer: ChatStream,
    _turn: Turn,
}

impl Stream for Holding {
    type Item = Result<ChatEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.answer).poll_next(cx)
    }
}

#[async_trait]
impl ChatModel for Turns {
    async fn start(&self, request: ChatRequest) -> Result<ChatStream, ModelError> {
        let Some(load) = self.real.load() else { return self.real.start(request).await };
        let turn = self.line.turn(request.on_behalf_of, load).await?;
        let answer = self.real.start(request).await?;
        Ok(ChatStream::new(Holding { answer, _turn: turn }))
    }

    fn info(&self) -> ModelInfo {
        self.real.info()
    }

    fn status(&self) -> ModelStatus {
        self.real.status()
    }

    fn load(&self) -> Option<Load> {
        let waiting = self.line.state().waiting.len();
        self.real.load().map(|load| Load { waiting: load.waiting + waiting, ..load })
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.real.count_tokens(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOAD: Load = Load { running: 0, slots: 2, waiting: 0, queue: 4 };

    /// Asks for a turn and waits, in a task of its own, until it has one; then keeps it and says so.
    async fn ask(line: &Line, party: Party) -> tokio::task::JoinHandle<Result<Turn, ModelError>> {
        let (line, before) = (line.clone(), line.clone());
        let count = |line: &Line| {
            let state = line.state();
            (state.waiting.len(), state.total())
        };
        let was = count(&before);
        let asked = tokio::runtime::Handle::current().spawn(async move { line.turn(party, LOAD).await });
        for _ in 0..20 {
            if count(&before) != was || asked.is_finished() {
                break;
            }
            tokio::task::yield_now().await;
        }
        asked
    }

    #[tokio::test]
    async fn who_asks_for_much_does_not_keep_others_waiting() {
        let line = Line::default();
        let (a, b) = (Some(1), Some(2));
        let mut running = Vec::new();
        for _ in 0..2 {
            running.push(ask(&line, a).await.await.unwrap().unwrap());
        }
        let greedy = [ask(&line, a).await, ask(&line, a).await, ask(&line, a).await];
        let modest = ask(&line, b).await;
        running.pop();
        let second = modest.await.unwrap().unwrap();
        assert!(greedy.iter().all(|waits| !waits.is_finished()), "b came last and is first");
        drop(second);
        tokio::task::yield_now().await;
        assert_eq!(line.state().running(a), 2, "nobody else wants it");
        drop((running, greedy));
    }

    #[tokio::test]
    async fn when_no_more_may_wait_the_greedy_and_the_servers_own_work_give_way() {
        let line = Line::default();
        let (a, b) = (Some(1), Some(2));
        let running = [ask(&line, a).await.await.unwrap(), ask(&line, a).await.await.unwrap()];
        let own = ask(&line, None).await;
        let greedy = [ask(&line, a).await, ask(&line, a).await, ask(&line, a).await];
        // Four wait. The server's own work goes first, then the last one of a.
        let first = ask(&line, b).await;
        assert!(matches!(own.await.unwrap(), Err(ModelError::Busy { .. })));
        let second = ask(&line, b).await;
        let [one, two, three] = greedy;
        assert!(matches!(three.await.unwrap(), Err(ModelError::Busy { .. })));
        // Two and two: b has its share.
        assert!(matches!(ask(&line, b).await.await.unwrap(), Err(ModelError::Busy { .. })));
        assert!(matches!(ask(&line, None).await.await.unwrap(), Err(ModelError::Busy { .. })));
        assert!(!one.is_finished() && !two.is_finished() && !first.is_finished() && !second.is_finished());
        drop(running);
    }

    #[tokio::test]
    async fn who_left_the_line_costs_nobody_a_turn() {
        let line = Line::default();
        let (first, second) = (ask(&line, Some(1)).await.await.unwrap(), ask(&line, Some(1)).await.await.unwrap());
        let gone = ask(&line, Some(2)).await;
        let stays = ask(&line, Some(3)).await;
        gone.abort();
        assert!(gone.await.is_err());
        drop(first);
        assert!(stays.await.unwrap().is_ok());
        assert_eq!(line.state().total(), 1);
        drop(second);
        let state = line.state();
        assert_eq!((state.total(), state.waiting.len()), (0, 0));
    }

    #[test]
    fn without_a_line_nobody_takes_more_than_a_share_of_a_model_that_is_half_in_use() {
        let mut state = State::default();
        for party in [1, 1, 1, 1] {
            assert!(state.fits(Some(party), 8));
            *state.running.entry(Some(party)).or_default() += 1;
        }
        assert!(!state.fits(Some(1), 8), "half is for others");
        assert!(state.fits(Some(2), 8));
        state.running.insert(Some(2), 2);
        assert!(state.fits(Some(2), 8) && !state.fits(Some(1), 8));
        state.running.insert(Some(2), 4);
        assert!(!state.fits(Some(3), 8), "it is full");
        assert!(State::default().fits(None, 1));
    }

    proptest! {
        /// However many ask: no turn is lost, and of those who wait, nobody is passed over by somebody who has more.
        #[test]
        fn turns_are_neither_lost_nor_doubled(asks in prop::collection::vec((prop::option::of(0_i64..4), any::<bool>()), 1..60)) {
            let line = Line::default();
            let mut held: Vec<Turn> = Vec::new();
            let mut waits: Vec<oneshot::Receiver<Turn>> = Vec::new();
            for (party, ends) in asks {
                if ends && !held.is_empty() {
                    drop(held.remove(0));
                } else {
                    let mut state = line.state();
                    if state.total() < LOAD.slots && state.waiting.is_empty() {
                        let turn = state.begin(&line, party);
                        drop(state);
                        held.push(turn);
                    } else if state.waiting.len() < LOAD.queue || state.gives_way(party).is_some() {
                        let (turn, wait) = oneshot::channel();
                        state.waiting.push(Waiting { party, turn });
                        waits.push(wait);
                    }
                }
                waits.retain_mut(|wait| match wait.try_recv() {
                    Ok(turn) => { held.push(turn); false }
                    Err(oneshot::error::TryRecvError::Empty) => true,
                    Err(oneshot::error::TryRecvError::Closed) => false,
                });
                let state = line.state();
                prop_assert_eq!(state.total(), held.len());
                prop_assert_eq!(state.waiting.len(), waits.len());
                prop_assert!(held.len() <= LOAD.slots && waits.len() <= LOAD.queue);
                prop_assert!(waits.is_empty() || held.len() == LOAD.slots, "somebody waits although there is room");
            }
            drop(held);
        }
    }
}
