//! Timers whose sleeps were dropped where their executor does not run.
//!
//! A sleep may be dropped on another thread, or while its executor rests. It cannot reach the wheel from there, so it leaves
//! the key of its timer here. The executor looks before it asks its wheel for anything.
//!
//! Plays no part in parking: what lies here is no reason to wake anybody. Knows keys of timers.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::kernel::time::EntryKey;

pub(super) struct Gone {
    /// With the serial number of the executor: the inbox may have a later owner by now.
    keys: Mutex<Vec<(u64, EntryKey)>>,
    /// Whether there are any. Relaxed is enough: one that is overlooked is found at the next look.
    has_any: AtomicBool,
}

impl Gone {
    pub(super) const fn new() -> Self {
        Gone {
            keys: Mutex::new(Vec::new()),
            has_any: AtomicBool::new(false),
        }
    }

    pub(super) fn push(&self, executor: u64, key: EntryKey) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.push((executor, key));
        self.has_any.store(true, Relaxed);
    }

    #[inline]
    pub(super) fn take(&self) -> Vec<(u64, EntryKey)> {
        match self.has_any.load(Relaxed) {
            false => Vec::new(),
            true => self.take_all(),
        }
    }

    #[cold]
    fn take_all(&self) -> Vec<(u64, EntryKey)> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        self.has_any.store(false, Relaxed);
        mem::take(&mut *keys)
    }
}
