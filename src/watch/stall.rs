//! How an executor that stands still is found and reported.
//!
//! | | what is known | what is reported |
//! |---|---|---|
//! | proven | nothing is left that could wake anything | `block_on`, `run` or `drain` panics |
//! | suspected | nothing has moved for a while, and every task waits | one warning |
//! | a lost wake | the same, and something was ready all the time | one warning |
//!
//! Both texts name the tasks and their last awaits: a wake is missing, and those are the places where it is missing.
//!
//! Knows the core.

use std::time::Duration;

use crate::kernel::failure::AwaitKind;
use crate::kernel::tasks::{Core, MAIN_SLOT, current_executor};
use crate::watch::TaskInfo;
use crate::watch::dump::{self, Dump};

/// How many tasks the text names.
const NAMED: usize = 10;

/// Whether nothing is left that could wake anything. Only where nothing is ready and no deadline is set.
///
/// Wakers in the `Context` of a poll are not counted, but no poll is running. A timer that is further away than
/// the clock can express is no deadline, but it holds a waker.
pub(crate) fn is_proven(core: &Core) -> bool {
    // In this order: a holder publishes its wakes before it lets go.
    if core.inbox.holders() > 0 || core.has_remotes() || core.inbox.has_mail() {
        return false;
    }
    // A wake that found the bit set relies on the push of another wake, which may still be to come. That other one may come
    // from a waker that is not counted: a stale one, of an earlier executor with this number.
    let tenants = core.slots.tenants();
    let mut slots = tenants.map(|(slot, _)| slot).chain([MAIN_SLOT]);
    !slots.any(|slot| core.inbox.is_asked_for(slot))
}

/// What the panic says of an executor that can never go on.
pub(crate) fn proof(core: &Core, dump: &Dump) -> String {
    let what = "can never return: what is left waits to be woken, and nobody can wake it. No timer is set, and no \
                waker is kept anywhere";
    let mut of_tasks = dump.tasks().iter().filter_map(TaskInfo::last_await);
    let or = match of_tasks.any(|last| last.what == AwaitKind::JOIN) {
        true => {
            ", or tasks that wait for one another: each for the end of the next, or one for its own"
        }
        false => "",
    };
    let advice = format!(
        "likely cause: a future returned Poll::Pending without having kept a clone of `cx.waker()`, \
         or dropped it without calling it{or}\n   help: look at the last await of each, if one is named, and at what stands \
         behind it in the same task; what returns Pending there has to see to a later wake"
    );
    text(core, dump, what, &advice)
}

/// What is said of an executor in which everything waits, and perhaps for ever.
pub(crate) fn suspicion(core: &Core, dump: &Dump, still_for: Duration, is_test: bool) -> String {
    // No timer is set, so a sleep has none: its end is beyond the clock.
    let of_main = core.polling.main_last_await.get();
    let mut all = (dump.tasks().iter().filter_map(TaskInfo::last_await)).chain(of_main);
    let timed = [AwaitKind::SLEEP, AwaitKind::INTERVAL, AwaitKind::TIMEOUT];
    let sleep = match all.any(|last| timed.contains(&last.what)) {
        true => "a sleep without an end, or ",
        false => "",
    };
    let what = format!(
        "has stood still for {still_for:?}: everything waits to be woken, no timer is set, and all that is waited for is \
         {sleep}a task, or a lock, of this program"
    );
    let silence = match is_test {
        true => "but a test must not wait so long for that",
        false => "and Builder::detect_stalls(false) keeps this quiet",
    };
    let advice = format!(
        "likely cause: {sleep}tasks that wait for one another (a deadlock)\n   help: ask of each `.await` what ends it, and \
         what that waits for. A lock that is held over an `.await` must not be wanted by what that waits for; if another \
         thread holds the lock, this is no deadlock, {silence}"
    );
    text(core, dump, &what, &advice)
}

/// What is said of an executor that stood still because a wake was lost. The dump has let it go on.
pub(crate) fn lost_wake(core: &Core, dump: &Dump, still_for: Duration) -> String {
    let what = format!("has stood still for {still_for:?}, because a wake was lost");
    let advice = "likely cause: a future became ready and woke nothing, or woke the waker of an earlier poll; or it is ready at its \
                  next poll, whatever has caused that\n   help: a future keeps a clone of the `cx.waker()` of its last poll; what it \
                  waits for has to wake that, and it is ready only after that has come. Without the poll of this look it would \
                  still wait, as it does where no stalls are looked for";
    text(core, dump, &what, advice)
}

/// What is said of an executor that stands still within others, and waits for something outside of it. `None` if nothing of these
/// stands still but what has made the inner call.
pub(crate) fn nested(core: &Core, dump: &Dump, still_for: Duration) -> Option<String> {
    let mut outers = current_executor::entered().skip(1);
    outers.any(|outer| dump::has_waiting(&outer)).then(|| {
        let what = format!("has stood still for {still_for:?}");
        let advice = "perhaps what it waits for would come from a task of the outer executor, which cannot run before this \
                      one returns\n   help: if so, `.await` the future instead, in the task that has made the inner call";
        text(core, dump, &what, advice)
    })
}

/// What a test says that does not end.
pub(crate) fn standstill(core: &Core, dump: &Dump, limit: Duration, moves: &str) -> String {
    let what = format!("has not ended: for {limit:?} {moves}");
    let advice = "help: what is waited for never comes. If it only takes longer, run the test on an executor whose \
                  Builder::test_timeout allows for more";
    text(core, dump, &what, advice)
}

/// What stands still, all its tasks, the executors around it, and advice.
fn text(core: &Core, dump: &Dump, what: &str, advice: &str) -> String {
    let name = name_of(core);
    let tasks = indented(dump, usize::MAX);
    format!("{name} {what}:{tasks}{}\n   {advice}", outers())
}

/// The executors that stand still because the innermost one runs within them, and their tasks; nothing if there are none.
fn outers() -> String {
    let mut text = String::new();
    for core in current_executor::entered().skip(1) {
        let tasks = indented(&Dump::without_chains(&core), NAMED);
        let name = name_of(&core);
        text.push_str(&format!(
            "\n   it runs inside {name}, where all stands still meanwhile:{}",
            tasks.replace('\n', "\n   ")
        ));
    }
    text
}

fn indented(dump: &Dump, limit: usize) -> String {
    dump.lines(limit).replace('\n', "\n   ")
}

fn name_of(core: &Core) -> String {
    let entry = core.stay.entry.get();
    entry.map_or_else(|| "this executor".to_owned(), |entry| entry.to_string())
}
