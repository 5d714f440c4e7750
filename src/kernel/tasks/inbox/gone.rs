//! Timers whose sleeps were dropped where their executor does not run.
//!
//! A sleep may be dropped on another thread, or while its executor is not running. It cannot reach the wheel from there, so
//! it leaves the key of its timer here. The executor takes the keys before it asks its wheel for anything. A key here is
//! no mail: it unparks nobody.
//!
//! Knows keys of timers.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use crate::kernel::time::EntryKey;

pub(super) struct Gone {
    /// Each with the serial number of its executor: the inbox may have a later owner by now.
    keys: Mutex<Vec<(u64, EntryKey)>>,
    /// Whether there are any keys. Relaxed is enough: a key that is not seen now is found at the next check.
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
