//! Primitives that are made here for loom: see [`super`].

use std::sync::LockResult;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use crossbeam_queue::SegQueue;
use loom::sync::MutexGuard;
use loom::sync::atomic::AtomicUsize;

/// A condition variable on which a timeout of zero passes at once, and a longer one never passes.
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar(loom::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.0.wait(guard)
    }

    pub(crate) fn wait_timeout<T>(
        &self,
        guard: MutexGuard<'_, T>,
        timeout: Duration,
    ) -> LockResult<()> {
        match timeout {
            Duration::ZERO => drop(guard),
            _ => drop(self.0.wait(guard)),
        }
        Ok(())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }
}

/// A queue whose reader may see an old state, unless something else orders a push before the
/// read. It is read by one thread at a time.
pub(crate) struct Queue<T> {
    entries: SegQueue<T>,
    pushed: AtomicUsize,
    popped: AtomicUsize,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Queue<T> {
        Queue {
            entries: SegQueue::new(),
            pushed: AtomicUsize::new(0),
            popped: AtomicUsize::new(0),
        }
    }

    pub(crate) fn push(&self, entry: T) {
        // These two are one step, because loom changes threads only at its own operations.
        self.pushed.fetch_add(1, Release);
        self.entries.push(entry);
    }

    pub(crate) fn len(&self) -> usize {
        self.pushed.load(Acquire) - self.popped.load(Relaxed)
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.popped.fetch_add(1, Relaxed);
        self.entries.pop()
    }
}
