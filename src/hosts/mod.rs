//! Hosts: foreign loops that run an executor.
//!
//! Knows the loop, and how an executor is entered.

pub(crate) mod alarm;
pub(crate) mod drained;
pub(crate) mod list;
pub(crate) mod passes;
pub(crate) mod run_until;
pub(crate) mod tick;
pub(crate) mod visit;

use crate::kernel::tasks::{Core, current_executor};

/// Notifies an executor that something was queued, if it is not the current one: its hosts have to be called.
pub(crate) fn notify_elsewhere(core: &Core) {
    if current_executor::with(|here| here.number == core.number) != Some(true) {
        core.inbox.notify();
    }
}
