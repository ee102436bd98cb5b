//! How much a process asks of its database, in three numbers that only grow: what a request costs is the difference.

use std::sync::atomic::{AtomicU64, Ordering};

static READS: AtomicU64 = AtomicU64::new(0);
static WRITES: AtomicU64 = AtomicU64::new(0);
static STATEMENTS: AtomicU64 = AtomicU64::new(0);

/// What this process asked of all its databases so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Read transactions, single statements among them.
    pub reads: u64,
    /// Write transactions that were begun.
    pub writes: u64,
    /// Statements, without those that begin and end a transaction.
    pub statements: u64,
}

/// The numbers as they are now.
pub fn usage() -> Usage {
    let now = |number: &AtomicU64| number.load(Ordering::Relaxed);
    Usage { reads: now(&READS), writes: now(&WRITES), statements: now(&STATEMENTS) }
}

pub(crate) fn read() {
    READS.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn write() {
    WRITES.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn statement() {
    STATEMENTS.fetch_add(1, Ordering::Relaxed);
}

/// What the databases of this process refused so far, by the reason: numbers that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Troubles {
    /// No connection within the time limit, or none left on the server; transactions that waited for each other.
    pub busy: u64,
    /// Not reached, or gone.
    pub away: u64,
    /// It only reads: a replica, or the old primary after a fail-over.
    pub read_only: u64,
    /// Its disk is full.
    pub full: u64,
}

/// One kind of [`Troubles`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Busy,
    Away,
    ReadOnly,
    Full,
}

static TROUBLES: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// The numbers as they are now.
pub fn troubles() -> Troubles {
    let [busy, away, read_only, full] = TROUBLES.each_ref().map(|number| number.load(Ordering::Relaxed));
    Troubles { busy, away, read_only, full }
}

pub(crate) fn trouble(kind: Trouble) {
    if let Some(number) = TROUBLES.get(kind as usize) {
        number.fetch_add(1, Ordering::Relaxed);
    }
}
