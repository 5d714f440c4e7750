//! How many hold the number of an executor: its owner, and those of its wakers that are counted.
//!
//! A number is not given out again while anybody holds it. Whoever lets go last gives it back, be it the owner or
//! a waker that has outlived it. Ordinary wakers do not count: a stale one costs a spurious poll at worst.
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

    /// The owner alone, after everybody had let go.
    pub(super) fn begin(&self) {
        // Relaxed: the lock around the numbers puts the owners in order.
        self.0.store(1, Relaxed);
    }

    pub(super) fn add(&self) {
        // Relaxed: whoever adds a holder has one, so the count cannot have come down to nobody.
        self.0.fetch_add(1, Relaxed);
    }

    /// Lets go, and says whether that was the last one.
    pub(super) fn remove(&self) -> bool {
        // Release: whoever counts the holders must see the wakes of those that have gone.
        self.0.fetch_sub(1, Release) == 1
    }

    /// How many there are. What those that are gone have published is seen.
    pub(super) fn count(&self) -> u64 {
        // Acquire: the other half of `remove`. Only read-modify-writes change the count, so to meet the last is to
        // meet all.
        self.0.load(Acquire)
    }
}
