//! The count of what holds the number of an executor: its owner, and those of its wakers that are counted.
//!
//! A number is not given out again while it has a holder. The last holder gives it back, whether that is the owner or
//! a waker that has outlived the owner. Ordinary wakers do not count: a stale one costs a spurious poll at worst.
//!
//! Knows nothing of what is held.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::kernel::tasks::inbox::sync::AtomicU64;

/// A count of holders.
pub(super) struct Holders(AtomicU64);

impl Holders {
    /// The owner alone.
    pub(super) fn new() -> Holders {
        Holders(AtomicU64::new(1))
    }

    /// Starts again with the owner alone, after all holders are gone.
    pub(super) fn begin(&self) {
        // Relaxed: the lock around the numbers orders the owners.
        self.0.store(1, Relaxed);
    }

    pub(super) fn add(&self) {
        // Relaxed: the caller has a holder, so the count cannot have reached 0.
        self.0.fetch_add(1, Relaxed);
    }

    /// Removes a holder, and returns whether it was the last one.
    pub(super) fn remove(&self) -> bool {
        // Release: a thread that counts the holders must see the wakes of those that are gone.
        self.0.fetch_sub(1, Release) == 1
    }

    /// How many there are. The caller sees what the holders that are gone have published.
    pub(super) fn count(&self) -> u64 {
        // Acquire: the other half of `remove`. Only read-modify-writes change the count, so each one continues the release
        // sequence of those before it, and an acquire from the last one is an acquire from all.
        self.0.load(Acquire)
    }
}
