//! The notice that work is lost: because `block_on` returns, or because a group is dropped.
//!
//! Lost work is no failure, so it is not reported as one. One warning names the tasks that are about to be cancelled,
//! and says how to wait for them.
//!
//! ```text
//! block_on returns                          ──► tell           ┐
//! code drops a group that nobody has joined ──► tell_of_group  ┴─► the first ten tasks, and how to wait for them
//! a group goes with its task or executor    ──► nothing: that is what it is for
//! ```
//!
//! Knows the core.

use std::thread;

use log::Level;

use crate::kernel::failure::{Location, Named};
use crate::kernel::tasks::{AnyTask, Core, Counted, Header, current_executor};
use crate::report::{after_poll, printing};

/// How many tasks the notice names.
const NAMED: usize = 10;

/// Prints the warning. It names the unfinished tasks that are about to be cancelled, except daemons and aborted tasks.
pub(crate) fn tell(core: &Core) {
    let Some(entry) = core.stay.entry.get() else {
        return;
    };
    let tasks: Vec<_> = core.slots.tenants().map(|(_, task)| task).collect();
    let Some(list) = list_of(tasks.iter().map(|task| task.header())) else {
        return;
    };
    let text = format!(
        "{entry} is done, so what is unfinished is cancelled now {list}\n   help: to wait for such \
         tasks, enter by candor::run, or call drain() on an Executor; if they may be lost, spawn them with \
         TaskBuilder::daemon()",
    );
    printing::print(Level::Warn, &text);
}

/// Names the unfinished tasks of a group that is being dropped, if that is the doing of code that runs.
pub(crate) fn tell_of_group(tasks: impl Iterator<Item = Counted<AnyTask>>) {
    if thread::panicking() || !is_dropped_by_running_code() {
        return;
    }
    let tasks: Vec<_> = tasks.collect();
    let Some(list) = list_of(tasks.iter().map(|task| task.header())) else {
        return;
    };
    let text = format!(
        "a group of tasks was dropped that was neither joined nor cancelled, so what is unfinished is cancelled now \
         {list}\n   help: to wait for such tasks, await the group's join(); if they may be lost, call its cancel() before",
    );
    // This is a destructor.
    after_poll::warn(text);
}

/// Whether whatever is dropped now is dropped by code that runs, and not with the future that owns it.
fn is_dropped_by_running_code() -> bool {
    let Some(core) = current_executor::get() else {
        return true;
    };
    let is_aborted = || {
        let task = core.running_task();
        task.is_some_and(|task| task.header().is_aborted.get())
    };
    core.is_polling() && !core.polling.is_dropping.get() && !is_aborted()
}

/// How many of them are unfinished, and who; `None` if it is nobody.
fn list_of<'a>(tasks: impl Iterator<Item = &'a Header>) -> Option<String> {
    let is_lost = |task: &&Header| !task.is_finished() && !task.is_daemon && !task.is_aborted.get();
    let mut lost: Vec<_> = tasks.filter(is_lost).collect();
    // A slot may have had other tenants, so its number says nothing of who came first.
    lost.sort_by_key(|task| task.id);
    let mut lost = lost.into_iter();
    let named: Vec<String> = lost.by_ref().take(NAMED).map(line_of).collect();
    let more = lost.count();
    let mut text = format!("({} in all):{}", named.len() + more, named.concat());
    if more > 0 {
        text.push_str(&format!("\n   and {more} more"));
    }
    (!named.is_empty()).then_some(text)
}

fn line_of(task: &Header) -> String {
    let name = Named(task.id, task.name());
    let place = Location::from(task.spawned_at);
    let is_new = task.polls.get() == 0;
    let remark = if is_new { ", never polled" } else { "" };
    format!("\n   {name}, spawned at {place}{remark}")
}
