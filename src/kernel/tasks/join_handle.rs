//! The handle of a task: awaited, it gives the outcome; dropped, it detaches the task.
//!
//! A handle is a pointer to the task itself. So what it finds there is exact, also after the executor is gone. It needs the
//! core of its task only to report an unread failure. It gets the core from the task, whose parentage holds it weakly. (How a task is
//! aborted is in `src/abort.rs`.)
//!
//! Knows tasks, wakers, the core and the current executor.
//!
//! Lesson 9 of the course builds a small one.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::kernel::failure::when_to_report::discard_outcome;
use crate::kernel::failure::{AwaitKind, await_line};
use crate::kernel::tasks::{
    AnyTask, Core, Counted, JobOf, OutcomeOf, Progress, current_executor, waker,
};
use crate::outcome::Outcome;

/// Awaits a task's outcome.
///
/// Awaiting it gives the task's value or a [`JoinError`](crate::JoinError). Dropping it detaches the task: the task runs on,
/// and if it fails, the failure is reported. As long as the handle is held, a failure waits for it. If
/// nobody awaits the handle within the executor's [grace](crate::Builder::grace), the failure is reported,
/// and can still be awaited.
///
/// When the executor has ended, the outcome of a finished task can still be awaited, anywhere. An unfinished
/// task is [`Cancelled`](crate::JoinError::Cancelled).
///
/// After a task has found 128 of candor's own futures ready in one poll, without waiting for any, it lets others run.
///
/// # Panics
///
/// If it is polled again after it has given its outcome.
///
/// # Examples
///
/// ```
/// let sum = candor::block_on(async {
///     let one = candor::spawn(async { 1 });
///     let two = candor::spawn(async { 2 });
///     candor::Ok(one.await? + two.await?)
/// });
/// assert_eq!(sum.unwrap(), 3);
/// ```
pub struct JoinHandle<T> {
    pub(crate) task: Counted<dyn JobOf<T>>,
    /// Its awaiter has let others run.
    pub(crate) has_waited: bool,
}

impl<T: Outcome> JoinHandle<T> {
    /// Takes the outcome of a finished task; `None` if it was taken before, or is just being asked for its text.
    pub(crate) fn take_outcome(&self) -> Option<OutcomeOf<T>> {
        let outcome = self.task.take_outcome();
        outcome.iter().for_each(current_executor::note_reading);
        outcome
    }
}

impl<T: Outcome> Future for JoinHandle<T> {
    type Output = OutcomeOf<T>;

    // Without `always` it was called and not inlined: 80 of 720 instructions of a spawn with its await.
    #[inline(always)]
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let header = self.task.header();
        let made_at = header.spawned_at;
        let is_done = match header.is_finished() {
            // The next one may be done as well: so a loop of awaits might never let others run.
            true => self.has_waited || !current_executor::is_spent(cx),
            false => {
                let key = waker::key_of(cx.waker());
                (header.joiner).set_waker(key, cx.waker(), header.spawned_by.number);
                // While a foreign waker was cloned, the task may have finished. Then nothing is left that would call it.
                header.is_finished() && {
                    header.joiner.take();
                    true
                }
            }
        };
        if is_done {
            if let Some(outcome) = self.take_outcome() {
                return Poll::Ready(outcome);
            }
            self.task.header().wait_for_report(cx.waker());
        }
        self.has_waited = true;
        current_executor::note_await(AwaitKind::JOIN, await_line(made_at));
        Poll::Pending
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let header = self.task.header();
        header.is_detached.set(true);
        match header.progress.get() {
            // The usual case.
            Progress::Taken => {}
            Progress::Running => drop(header.joiner.take()),
            Progress::Done => leave_outcome(self.task.clone().any()),
        }
    }
}

/// Drops or reports the outcome of a finished task that nobody will ask for any more.
#[inline(never)]
fn leave_outcome(task: Counted<AnyTask>) {
    if !task.has_unread_failure() {
        return discard_outcome(&task);
    }
    match Core::of(task.header()) {
        // The executor has ended, and has reported everything at its end.
        None => discard_outcome(&task),
        Some(owner) => {
            let core = current_executor::polling_core().unwrap_or(owner);
            core.report_after_poll(task);
            if !core.is_polling() {
                core.after_poll();
            }
        }
    }
}
