//! Warnings from within a destructor.
//!
//! A logger is user code, and none of it may run in the middle of a user's `Drop`. So while a poll is running, such a warning waits
//! until it returns.
//!
//! Knows which executor is polling.

use log::Level;

use crate::kernel::tasks::current_executor;
use crate::report::printing;

/// Prints a warning as soon as no poll is running.
pub(crate) fn warn(text: String) {
    // Afterwards nobody could see that it was the logger who has dropped it.
    let is_of_logger = printing::is_logging();
    let print = move || printing::print_of_task(is_of_logger, Level::Warn, &text);
    match current_executor::polling_core() {
        Some(core) => core.do_after_poll(Box::new(print)),
        None => print(),
    }
}
