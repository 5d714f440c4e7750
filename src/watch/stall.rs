//! What is told of an executor that stands still.
//!
//! | | is known | is told |
//! |---|---|---|
//! | proven | nobody is left who could wake anybody | whoever runs the executor panics |
//! | suspected | nothing has moved for a while, and every task waits | one warning |
//!
//! Both name the tasks and their last awaits: what is missing is a wake, and that is where it is missing.
//!
//! Knows the core.

use std::fmt::Write;
use std::time::Duration;

use log::Level;

use crate::kernel::failure::{Named, TaskId};
use crate::kernel::tasks::{Core, MAIN_SLOT};
use crate::report::printing;
use crate::watch::Tasks;
use crate::watch::dump::line_of_main;

/// How many tasks the text names.
const NAMED: usize = 10;

/// How long everything has to wait before that is worth a word.
pub(crate) fn patience(core: &Core) -> Duration {
    match core.config.virtual_time {
        false => Duration::from_secs(5),
        // No timer will ever fire, so only other threads can move anything. They know the real clock alone.
        true => Duration::from_millis(100),
    }
}

/// Whether nothing is left that could wake anything. Only where nothing is ready and no deadline is set.
///
/// Wakers in the `Context` of a poll are not counted, but no poll is running. A timer that lies further off than
/// the clock can say is no deadline, but holds a waker.
pub(crate) fn is_proven(core: &Core) -> bool {
    // In this order: what has let go has published its wakes before.
    let is_unreachable = core.inbox.holders() == 0 && !core.has_remotes() && !core.inbox.has_mail();
    // A wake that met another one under way has left the rest to it, and that may be of a waker that is not counted: a
    // stale one, of an earlier executor with this number.
    let is_asked_for = || {
        let slots = core.slots.borrow();
        let mut tasks = slots.iter().map(|(task, _)| task.header().slot.get());
        core.inbox.is_asked_for(MAIN_SLOT) || tasks.any(|slot| core.inbox.is_asked_for(slot))
    };
    is_unreachable && !is_asked_for()
}

/// What the panic says. `has_main` is whether the main future waits as well.
pub(crate) fn proof(core: &Core, has_main: bool) -> String {
    let mut text = format!(
        "{} can never return: what is left waits to be woken, and nobody can wake it. No timer is set, and no \
         waker is kept anywhere:",
        name_of(core)
    );
    if has_main {
        let _infallible = write!(text, "\n   {}", line_of_main(core));
    }
    let tasks = Tasks::of(core);
    for task in tasks.iter().take(NAMED) {
        let _infallible = write!(text, "\n   {task}");
    }
    if tasks.len() > NAMED {
        let _infallible = write!(text, "\n   and {} more", tasks.len() - NAMED);
    }
    text.push_str(
        "\n   likely cause: a future returned Poll::Pending without having kept a clone of `cx.waker()`, or dropped \
         it without calling it\n   help: look at the last await of each, and at what stands behind it in the same \
         task; what returns Pending there has to see to a later wake",
    );
    text
}

/// Warns that everything waits, and perhaps for ever.
pub(crate) fn suspect(core: &Core, has_main: bool) {
    let mut text = format!(
        "{} has stood still for {:?}: everything waits to be woken, and no timer is set",
        name_of(core),
        patience(core)
    );
    if has_main {
        let _infallible = write!(text, "\n   {}", line_of_main(core));
    }
    let _infallible = write!(
        text,
        "\n   {}\n   likely cause: tasks that wait for one another (a deadlock), or for something that nobody does any \
         more\n   help: ask of each last await who ends it, and what that one waits for. If it is another thread, a \
         socket or a process, and it takes its time, all is well: Builder::detect_stalls(false) keeps this quiet",
        Tasks::of(core).to_string().replace('\n', "\n   ")
    );
    printing::print(Level::Warn, &text);
}

fn name_of(core: &Core) -> String {
    let entry = core.entry.get();
    entry.map_or_else(|| "this executor".to_owned(), |entry| entry.to_string())
}
