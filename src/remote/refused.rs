//! Drops futures and closures that came too late: for an executor that has ended, or for a group that is over.
//!
//! Such a future is dropped where it was given. Its destructor may try to spawn a successor, and so on. Each one would be
//! dropped inside of the one before, until the stack is used up. So they are dropped one after the other:
//!
//! ```text
//! spawn ──refused──► drop ──► its destructor spawns ──refused──► waits here, until the drop has returned
//!                     ▲                                                │
//!                     └──────── 1,000,000 times, the rest is leaked ◄──┘
//! ```
//!
//! Knows of candor only how to contain a panic and how to warn.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem::{self, ManuallyDrop};
use std::thread;

use crate::kernel::failure::{Location, Site, Warning, discard, reporter};
use crate::kernel::tasks::SUCCESSORS;

type Waiting = VecDeque<Box<dyn Any>>;

thread_local! {
    static IS_DROPPING: Cell<bool> = const { Cell::new(false) };
    /// Never dropped, so that it can be used in the destructors of other thread-locals. Empty whenever nothing is being
    /// dropped by this file.
    static WAITING: RefCell<ManuallyDrop<Waiting>> = const { RefCell::new(ManuallyDrop::new(VecDeque::new())) };
}

/// Drops what was refused. Within the destructor of another refused one, it is dropped after that has returned. If it panics,
/// that panic comes out here, unless another panic is on its way: two would abort the process.
pub(crate) fn drop_refused(refused: impl Any, spawned_at: Site) {
    let rest = (!IS_DROPPING.replace(true)).then(|| Rest(spawned_at));
    match rest.is_some() && !thread::panicking() {
        true => drop(refused),
        false => WAITING.with_borrow_mut(|waiting| waiting.push_back(Box::new(refused))),
    }
}

/// Drops the ones that wait, also if the first one has panicked.
struct Rest(Site);

impl Drop for Rest {
    fn drop(&mut self) {
        let next = || WAITING.with_borrow_mut(|waiting| waiting.pop_front());
        for _ in 0..SUCCESSORS {
            let Some(refused) = next() else { break };
            discard(
                format_args!("what was spawned at {}", Location::from(self.0)),
                || drop(refused),
            );
        }
        let rest = WAITING.with_borrow_mut(|waiting| mem::take(&mut **waiting));
        IS_DROPPING.set(false);
        if !rest.is_empty() {
            mem::forget(rest);
            reporter().warn(Warning::EndlessRefusals { spawned_at: self.0 });
        }
    }
}
