//! Group commit: one fsync for every transaction that waits.
//!
//! The writer connection sits behind a fair lock. The first transaction opens a group (`BEGIN IMMEDIATE`), later ones a
//! savepoint inside it. Committing releases the savepoint, lets the next writer in and waits; a thread queues for the lock
//! behind the writers that are already waiting, commits the group, and only then are its members told. So whatever queued
//! up during one fsync shares the next, and a lone writer waits for nobody.

use std::sync::{Arc, mpsc};

use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::PATIENCE;
use super::checkpoint::Checkpoints;
use crate::error::StoreError;
use crate::row::Row;
use crate::sql::Sql;
use crate::tx::{Hook, run_hooks};
use crate::value::Params;

pub(super) struct Writer {
    group: Arc<Mutex<Group>>,
    wake: mpsc::Sender<()>,
}

/// The writer connection and the transactions that were released into its open transaction.
struct Group {
    conn: Connection,
    members: Vec<Member>,
}

struct Member {
    hooks: Vec<Hook>,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Writer {
    pub(super) fn start(conn: Connection, checkpoints: Checkpoints) -> Result<Self, StoreError> {
        let group = Arc::new(Mutex::new(Group { conn, members: Vec::new() }));
        let (wake, woken) = mpsc::channel();
        let (shared, runtime) = (Arc::clone(&group), Handle::current());
        let thread = std::thread::Builder::new().name("sqlite-commit".to_owned());
        thread
            .spawn(move || {
                while woken.recv().is_ok() {
                    commit_group(&shared, &runtime, &checkpoints);
                }
            })
            .map_err(|e| StoreError::other(format!("cannot start the commit thread: {e}"), None))?;
        Ok(Self { group, wake })
    }

    pub(super) async fn begin(&self) -> Result<WriteTx, StoreError> {
        let group = match Arc::clone(&self.group).try_lock_owned() {
            Ok(group) => group,
            Err(_) => tokio::time::timeout(PATIENCE, Arc::clone(&self.group).lock_owned())
                .await
                .map_err(|_| StoreError::Busy("no turn to write in time"))?,
        };
        group.begin()?;
        Ok(WriteTx { group: Some(group), wake: self.wake.clone() })
    }
}

fn commit_group(group: &Mutex<Group>, runtime: &Handle, checkpoints: &Checkpoints) {
    let mut group = group.blocking_lock();
    if group.members.is_empty() {
        return;
    }
    let result = group.commit();
    let members = std::mem::take(&mut group.members);
    if checkpoints.overdue() {
        checkpoints.finish(&group.conn);
    }
    drop(group);
    checkpoints.committed(members.len());
    let _inside = runtime.enter();
    for member in members {
        if result.is_ok() {
            run_hooks(member.hooks);
        }
        let _ = member.done.send(result.clone());
    }
}

impl Group {
    fn begin(&self) -> Result<(), StoreError> {
        // Alone in the group, the whole transaction is ours and needs no savepoint.
        let text = if self.members.is_empty() { "BEGIN IMMEDIATE" } else { "SAVEPOINT own" };
        super::control(&self.conn, text)
    }

    /// Undoes the transaction that holds the lock, and only that.
    fn rollback(&mut self) {
        let undone = if self.members.is_empty() {
            self.conn.is_autocommit() || super::control(&self.conn, "ROLLBACK").is_ok()
        } else {
            super::control(&self.conn, "ROLLBACK TO own")
                .and_then(|()| super::control(&self.conn, "RELEASE own"))
                .is_ok()
        };
        if !undone {
            self.fail(&StoreError::other("a rollback failed; the transactions of its group were undone with it", None));
        }
    }

    fn commit(&self) -> Result<(), StoreError> {
        super::control(&self.conn, "COMMIT").inspect_err(|_| {
            if !self.conn.is_autocommit() {
                let _ = super::control(&self.conn, "ROLLBACK");
            }
        })
    }

    /// Nothing of the group can be kept: undo it and tell everyone.
    fn fail(&mut self, error: &StoreError) {
        if !self.conn.is_autocommit() {
            let _ = super::control(&self.conn, "ROLLBACK");
        }
        for member in self.members.drain(..) {
            let _ = member.done.send(Err(error.clone()));
        }
    }

    /// A full disk or a damaged file makes SQLite roll back the whole transaction, and with it the members before us.
    fn after_error(&mut self, error: StoreError) -> StoreError {
        if self.conn.is_autocommit() {
            self.fail(&error);
        }
        error
    }
}

/// The write transaction that holds the lock.
pub(crate) struct WriteTx {
    group: Option<OwnedMutexGuard<Group>>,
    wake: mpsc::Sender<()>,
}

impl WriteTx {
    fn with<T>(&mut self, f: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let group = self.group.as_mut().ok_or(StoreError::Aborted)?;
        f(&group.conn).map_err(|error| group.after_error(error))
    }

    pub(crate) fn all(&mut self, sql: Sql, params: &Params) -> Result<Vec<Row>, StoreError> {
        self.with(|conn| super::all(conn, sql, params))
    }

    pub(crate) fn run(&mut self, sql: Sql, params: &Params) -> Result<u64, StoreError> {
        self.with(|conn| super::run(conn, sql, params))
    }

    pub(crate) fn batch(&mut self, text: &str) -> Result<(), StoreError> {
        self.with(|conn| conn.execute_batch(text).map_err(|e| StoreError::sqlite(&e, None)))
    }

    /// Joins the group and waits for its commit. A caller that stops waiting changes nothing: the thread commits all the same.
    pub(crate) async fn commit(mut self, hooks: Vec<Hook>) -> Result<(), StoreError> {
        self.join(hooks)?.await.unwrap_or_else(|_| Err(StoreError::stopping()))
    }

    fn join(&mut self, hooks: Vec<Hook>) -> Result<oneshot::Receiver<Result<(), StoreError>>, StoreError> {
        let group = self.group.as_mut().ok_or(StoreError::Aborted)?;
        if !group.members.is_empty() {
            super::control(&group.conn, "RELEASE own")?;
        }
        let (done, outcome) = oneshot::channel();
        group.members.push(Member { hooks, done });
        if group.members.len() == 1 {
            let _ = self.wake.send(());
        }
        self.group = None;
        Ok(outcome)
    }
}

impl Drop for WriteTx {
    fn drop(&mut self) {
        if let Some(group) = self.group.as_mut() {
            group.rollback();
        }
    }
}
