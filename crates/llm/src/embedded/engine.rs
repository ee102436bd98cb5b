//! The context and everything that changes it: admission, one step of computing, eviction. Runs on the worker's thread only.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;

use super::EmbeddedOptions;
use super::active::{Active, Job};
use super::cache::{Cache, Plan, common_prefix};
use super::load::{Loaded, backend};
use super::pace::Pace;
use crate::ModelError;

/// From this many on, sequences generate in one batch. Fewer take turns: a batch runs on all prompt threads, and there
/// two or three tokens cost more than one after the other (measured, see ADR 0011).
const BATCH_FROM: usize = 4;
/// A prompt waits for another one that is being read when that saves at least this many tokens.
const WORTH_WAITING: usize = 64;
/// Remembered sequences for each slot: a conversation that pauses is not overwritten by the next one at once.
const SEQUENCES_PER_SLOT: usize = 2;
/// While others generate, prompts are read in pieces this much smaller, so that the others do not stand still.
const SHARED_CHUNK_DIVISOR: usize = 2;

/// One model's context and its requests.
pub(super) struct Engine<'m> {
    loaded: &'m Loaded,
    context: LlamaContext<'m>,
    batch: LlamaBatch<'static>,
    cache: Cache,
    capacity: usize,
    slots: usize,
    chunk: usize,
    pace: Arc<Pace>,
    pub(super) active: Vec<Active>,
    pub(super) pending: VecDeque<Job>,
}

impl<'m> Engine<'m> {
    pub(super) fn new(loaded: &'m Loaded, options: &EmbeddedOptions, pace: Arc<Pace>) -> Result<Self, ModelError> {
        let sequences = (options.slots * SEQUENCES_PER_SLOT).min(256);
        let capacity = options.cache_tokens.max(loaded.context_tokens).next_multiple_of(256);
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let threads = |n: usize| i32::try_from(n).unwrap_or(1);
        let rows = options.prompt_chunk + options.slots;
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(small(capacity)))
            .with_n_batch(small(rows))
            .with_n_ubatch(small(rows))
            .with_n_seq_max(small(sequences))
            .with_kv_unified(true)
            .with_n_threads(threads(options.decode_threads))
            .with_n_threads_batch(threads(options.prompt_threads))
            .with_no_perf(true);
        let context = loaded
            .model
            .new_context(backend(options.engine_log)?, params)
            .map_err(|e| ModelError::Unavailable(format!("no memory for a context of {capacity} tokens: {e}")))?;
        let reuse = !loaded.model.is_recurrent() && !loaded.model.is_hybrid();
        Ok(Self {
            loaded,
            context,
            batch: LlamaBatch::new(rows, 1),
            cache: Cache::new(sequences, reuse),
            capacity,
            slots: options.slots,
            chunk: options.prompt_chunk,
            pace,
            active: Vec::new(),
            pending: VecDeque::new(),
        })
    }

    /// Gives waiting requests a sequence, in their order, as long as there are slots and room.
    pub(super) fn admit(&mut self) {
        self.pending.retain(|job| !job.events.is_closed());
        while self.active.len() < self.slots {
            let Some(job) = self.pending.pop_front() else { return };
            match self.place(&job) {
                Some(plan) => self.begin(job, plan),
                None if self.active.is_empty() => {
                    // Cannot happen, as one request always fits; and if it did, waiting would never end.
                    let _ = job.events.send(Err(ModelError::Broken("no room in the empty cache".into())));
                }
                None => return self.pending.push_front(job),
            }
        }
    }

    /// Where a request can go now, room made.
    fn place(&mut self, job: &Job) -> Option<Plan> {
        let plan = self.cache.plan(&job.prompt, job.key.as_deref())?;
        let soon = self.active.iter().filter(|a| a.next.is_none()).any(|a| {
            let common = common_prefix(&a.prompt, &job.prompt);
            common >= plan.keep + WORTH_WAITING && self.cache.len(a.sequence) < common
        });
        if soon {
            return None;
        }
        let needed = job.prompt.len() - plan.keep + job.max_tokens;
        self.make_room(needed, plan).then_some(plan)
    }

    /// Forgets idle sequences, the oldest first, then what the plan does not need of its own two, until `needed` tokens fit.
    fn make_room(&mut self, needed: usize, plan: Plan) -> bool {
        let promised: usize = self.active.iter().map(|a| self.promised(a)).sum();
        let fits = |engine: &Self| engine.cache.used() + promised + needed <= engine.capacity;
        let spare = [plan.sequence, plan.copy_from.unwrap_or(plan.sequence)];
        while !fits(self) {
            let Some(oldest) = self.cache.oldest_idle(&spare) else { break };
            self.cut(oldest, 0);
        }
        if !fits(self) {
            self.cut(plan.sequence, if plan.copy_from.is_some() { 0 } else { plan.keep });
        }
        if let Some(donor) = plan.copy_from.filter(|&d| !fits(self) && !self.active.iter().any(|a| a.sequence == d)) {
            self.cut(donor, plan.keep);
        }
        fits(self)
    }

    /// Tokens an active request may still add.
    fn promised(&self, active: &Active) -> usize {
        active.prompt.len().saturating_sub(self.cache.len(active.sequence)) + active.left
    }

    fn begin(&mut self, job: Job, mut plan: Plan) {
        if let Some(donor) = plan.copy_from {
            self.cut(plan.sequence, 0);
            let (from, to, end) = (id(donor), id(plan.sequence), u32::try_from(plan.keep).ok());
            if self.context.copy_kv_cache_seq(from, to, Some(0), end).is_err() {
                (plan.keep, plan.copy_from) = (0, None);
            }
        } else {
            plan.keep = self.cut(plan.sequence, plan.keep);
        }
        self.cache.occupy(plan, job.key.clone());
        self.active.push(Active::new(job, plan.sequence, plan.keep));
    }

    /// Forgets a sequence from `keep` on; returns how much is left, which is nothing with models that cannot forget a part.
    fn cut(&mut self, sequence: usize, keep: usize) -> usize {
        let number = u32::try_from(sequence).ok();
        let from = u32::try_from(keep).ok();
        let partly = self.context.clear_kv_cache_seq(number, from, None).unwrap_or(false);
        let keep = if partly { keep } else { 0 };
        if !partly {
            let _ = self.context.clear_kv_cache_seq(number, None, None);
        }
        self.cache.truncate(sequence, keep);
        keep
    }

    /// One step: a piece of the prompts being read together with one token of each answer, or one token of each answer.
    ///
    /// # Errors
    /// When the engine failed. The requests under way were told, the cache is empty, and further steps are possible.
    pub(super) fn step(&mut self) -> Result<(), ModelError> {
        self.sweep();
        let (answering, reading): (Vec<usize>, Vec<usize>) =
            (0..self.active.len()).partition(|&i| self.active[i].next.is_some());
        let done = if !reading.is_empty() {
            let chunk = if answering.is_empty() { self.chunk } else { (self.chunk / SHARED_CHUNK_DIVISOR).max(16) };
            self.compute(&answering, &reading, chunk)
        } else if answering.len() >= BATCH_FROM {
            self.compute(&answering, &[], 0)
        } else {
            answering.iter().try_for_each(|&i| self.compute(&[i], &[], 0))
        };
        if let Err(error) = &done {
            self.reset(error);
        }
        self.sweep();
        done
    }

    /// Puts rows into a batch, computes it and samples where an answer goes on.
    fn compute(&mut self, answering: &[usize], reading: &[usize], mut chunk: usize) -> Result<(), ModelError> {
        let broken = |e: &dyn std::fmt::Display| ModelError::Broken(format!("computing failed: {e}"));
        self.batch.clear();
        let mut rows: Vec<(usize, i32)> = Vec::new();
        let mut computed: Vec<(usize, i32)> = Vec::new();
        for &i in answering.iter().chain(reading) {
            let request = &self.active[i];
            let at = self.cache.len(request.sequence);
            let tokens = match &request.next {
                Some(token) => std::slice::from_ref(token),
                None => {
                    let end = (at + chunk).min(request.prompt.len());
                    chunk -= end - at;
                    &request.prompt[at..end]
                }
            };
            let whole = request.next.is_some() || at + tokens.len() == request.prompt.len();
            for (offset, &token) in tokens.iter().enumerate() {
                let last = whole && offset + 1 == tokens.len();
                if last {
                    rows.push((i, self.batch.n_tokens()));
                }
                let position = i32::try_from(at + offset).map_err(|e| broken(&e))?;
                self.batch.add(LlamaToken(token), position, &[id(request.sequence)], last).map_err(|e| broken(&e))?;
                computed.push((request.sequence, token));
            }
        }
        if computed.is_empty() {
            return Ok(());
        }
        self.context.decode(&mut self.batch).map_err(|e| broken(&e))?;
        for (sequence, token) in computed {
            self.cache.push(sequence, token);
        }
        for (i, row) in rows {
            self.active[i].advance(&self.loaded.model, self.context.get_logits_ith(row));
        }
        Ok(())
    }

    /// Lets go of the requests that are over or that nobody listens to.
    fn sweep(&mut self) {
        let (cache, pace) = (&mut self.cache, &self.pace);
        self.active.retain(|request| {
            let keep = !request.over && !request.is_cancelled();
            if !keep {
                cache.release(request.sequence);
                pace.record(request.age());
            }
            keep
        });
    }

    /// Tells all requests under way, and starts over with an empty cache.
    pub(super) fn reset(&mut self, error: &ModelError) {
        for request in &mut self.active {
            request.fail(error.clone());
        }
        self.active.clear();
        self.context.clear_kv_cache();
        self.cache.clear();
    }
}

fn id(sequence: usize) -> i32 {
    i32::try_from(sequence).unwrap_or(i32::MAX)
}
