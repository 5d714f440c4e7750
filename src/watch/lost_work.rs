//! The notice that work is lost because `block_on` returns.
//!
//! Lost work is no failure, so it is no report: one warning names what is about to be cancelled, and says how to
//! wait for it.
//!
//! Knows the core.

use log::Level;

use crate::kernel::failure::{Location, Named};
use crate::kernel::tasks::Core;
use crate::report::printing;

/// How many tasks the notice names.
const NAMED: usize = 10;

/// Names the unfinished tasks that are about to be cancelled, except daemons and aborted tasks.
pub(crate) fn tell(core: &Core) {
    let Some(entry) = core.entry.get() else {
        return;
    };
    let mut lines = Vec::new();
    let mut lost = 0;
    for (task, _) in core.slots.borrow().iter() {
        let task = task.header();
        if task.is_daemon || task.is_aborted.get() {
            continue;
        }
        lost += 1;
        if lost <= NAMED {
            let is_new = task.polls.get() == 0;
            let remark = if is_new { ", never polled" } else { "" };
            lines.push(format!(
                "\n   {}, spawned at {}{remark}",
                Named(task.id, task.name()),
                Location::from(task.spawned_at)
            ));
        }
    }
    if lost == 0 {
        return;
    }
    if lost > NAMED {
        lines.push(format!("\n   and {} more", lost - NAMED));
    }
    let text = format!(
        "{entry} is done, so what is unfinished is cancelled now ({lost} in all):{}\n   help: to wait for such \
         tasks, enter by candor::run, or call drain() on an Executor; if they may be lost, spawn them with \
         TaskBuilder::daemon()",
        lines.concat()
    );
    printing::print(Level::Warn, &text);
}
