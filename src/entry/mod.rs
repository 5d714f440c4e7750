//! How a program enters an executor: `run`, `block_on`, `test`, and an executor that is kept.
//!
//! | | runs | at the end |
//! |---|---|---|
//! | [`run`] | the future, then all tasks that are no daemons | the exit code says whether anything failed |
//! | [`block_on`] | the future | unfinished tasks are cancelled, and named |
//! | [`test()`] | the future, on virtual time | panics if anything failed |
//! | [`Executor`] | as `run` or `block_on`, again and again | its tasks survive until it is dropped |
//! | [`Executor::tick`] | what is ready now, for a host with a loop of its own | the host calls again, or is called |
//! | [`Executor::run_until`] | a pass at each poll, inside of another runtime | as above |
//!
//! After a return, a panic or [`exit`], the tasks are cancelled on this thread and unread failures are
//! reported, before control goes back to the caller.
//!
//! Knows the loop.

mod builder;
mod ending;
mod kept;
pub(crate) mod main_future;
mod reactor;
pub(crate) mod spare;
mod testing;

pub use builder::Builder;
pub use kept::Executor;
pub use testing::test;

use std::panic::Location;
use std::process::ExitCode;
use std::rc::Rc;

use crate::entry::main_future::run_program;
use crate::entry::spare::{fresh_core, retire};
use crate::kernel::failure::Entry;
use crate::kernel::tasks::{Core, Entered, Event, Loop, Stop, Stopped, current_executor, drive};
use crate::outcome::Outcome;
use crate::report::printing;
use crate::task_builder::boxed_if_large;
use crate::watch::lost_work;
use crate::watch::standstill;
use crate::watch::watchers::followed;

/// Runs a program: `future`, then every task that is not a daemon.
///
/// It does what a script with threads would do if threads reported their failures. A failure of
/// `future` itself, an `Err` or a panic, is reported like that of a task, and the tasks go on.
///
/// Returns `FAILURE` if any failure had to be reported, otherwise `SUCCESS`; or the code given to [`exit`]. `future`
/// may borrow from the stack.
///
/// # Panics
///
/// Never because a task fails. In debug builds, if the remaining tasks can never go on, see
/// [`Builder::detect_stalls`].
///
/// # Examples
///
/// ```
/// use std::process::ExitCode;
/// use std::time::Duration;
///
/// fn main() -> ExitCode {
///     candor::run(async {
///         candor::spawn(async {
///             candor::sleep(Duration::from_millis(1)).await;
///             println!("This is still waited for.");
///         }).detach();
///     })
/// }
/// ```
#[track_caller]
#[must_use = "the exit code says whether anything failed"]
pub fn run<F: Future<Output: Outcome>>(future: F) -> ExitCode {
    boxed_if_large!(|future: F| {
        let core = &fresh_core(followed());
        let session = Session::begin(core, &"run");
        let result = run_program(core, future);
        let (result, failures) = session.end(result);
        exit_code(result, failures)
    })
}

/// Runs `future` on this thread, with an executor of its own, until it is done.
///
/// Then unfinished tasks are cancelled: their futures are dropped on this thread. If any of those is
/// neither a daemon nor aborted, one warning names the first ten. Unread failures are reported. Then the
/// output is returned.
///
/// `future` may borrow from the stack, and may return anything. A panic in it is an ordinary panic. Calls may
/// be nested, but while the inner one runs, the tasks of the outer one stand still. A warning in the log says
/// so.
///
/// # Panics
///
/// If `future` panics, or if a task calls [`exit`]; the message names the exit code. In debug builds, if the
/// remaining tasks can never go on, see [`Builder::detect_stalls`].
///
/// If destructors spawn more than 1,000,000 tasks while everything is cancelled, the rest is leaked, its handles are
/// `Cancelled`, and a warning names the task.
///
/// # Examples
///
/// ```
/// let name = String::from("candor");
/// let length = candor::block_on(async { name.len() });
/// assert_eq!(length, 6);
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> F::Output {
    boxed_if_large!(|future: F| {
        let core = &fresh_core(followed());
        let session = Session::begin(core, &"block_on");
        let result = drive(core, future, reactor::run);
        let (result, _) = session.end(result);
        output_of(result, "block_on")
    })
}

/// Ends the executor that runs on this thread, with an exit code: what `sys.exit` is to a script.
///
/// When the poll that calls this returns, every task is cancelled, unread failures are reported, and
/// [`run`] returns `code`. Code after the call still runs, until the next `.await` that waits.
///
/// candor cannot see `std::process::exit`: after it, unread failures are not reported.
///
/// # Panics
///
/// If no executor runs on this thread. [`block_on`] has no exit code to return, so under it `block_on`
/// itself panics.
///
/// # Examples
///
/// ```
/// let code = candor::run(async {
///     candor::spawn(async { candor::exit(3) }).detach();
///     std::future::pending::<()>().await;
/// });
/// assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::from(3)));
/// ```
#[track_caller]
pub fn exit(code: u8) {
    let stopped = current_executor::with(|core| core.stop_for(Stop::Exit(code)));
    assert!(
        stopped.is_some(),
        "`exit({code})` was called where no executor runs on this thread. Call it from within a task, or \
         use std::process::exit",
    );
}

/// A stay in an executor that was made for it, and ends with it.
struct Session<'a> {
    core: &'a Rc<Core>,
    /// Dropped after everything is cancelled: destructors of tasks may still spawn and wake.
    _entered: Entered,
}

impl<'a> Session<'a> {
    #[track_caller]
    #[inline(always)]
    fn begin(core: &'a Rc<Core>, function: &'static &'static str) -> Self {
        let at = Location::caller();
        let entry = Entry { function, at };
        see_to_nesting(core, entry);
        let _entered = Entered::new(core, entry);
        core.say(|| Event::Entered);
        Session { core, _entered }
    }

    /// Ends the executor; returns how many failures it has reported.
    #[inline(always)]
    fn end<R>(self, result: Result<R, Stopped>) -> (Result<R, Stop>, u64) {
        let core = self.core;
        if result.is_ok() && core.slots.len() > 0 {
            lost_work::tell(core);
        }
        drop(self);
        // A destructor may have called `exit`, or have failed.
        let result = match (result, core.take_stop()) {
            (Ok(output), None) => Ok(output),
            (_, stop) => Err(stop.expect("this is a bug in candor: it has stopped for no reason")),
        };
        let failures = core.failures.reported.get();
        retire(core);
        (result, failures)
    }
}

impl Drop for Session<'_> {
    /// Cancels and reports when control goes back, also by a panic of the main future.
    #[inline]
    fn drop(&mut self) {
        self.core.cancel_everything();
    }
}

/// The exit code that `run` returns.
#[track_caller]
pub(crate) fn exit_code(result: Result<(), Stop>, failures: u64) -> ExitCode {
    match result {
        Err(Stop::Stall(text)) => panic!("{text}"),
        Err(Stop::Exit(code)) => ExitCode::from(code),
        Err(Stop::Failure(_)) => ExitCode::FAILURE,
        Ok(()) if failures > 0 => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// Runs tasks until none is left that is not a daemon.
pub(crate) fn drain(core: &Rc<Core>) -> Result<(), Stopped> {
    reactor::run(&mut Loop::new(core, None))?;
    // The last tasks may have left failures to report.
    core.see_to_failures()
}

/// The output that `block_on` returns. Not a closure: its panic would name the closure's place instead of the caller's.
#[track_caller]
pub(crate) fn output_of<R>(result: Result<R, Stop>, function: &str) -> R {
    match result {
        Ok(output) => output,
        Err(stop) => panic!("{}", advice_for(&stop, function)),
    }
}

pub(crate) fn advice_for(stop: &Stop, function: &str) -> String {
    match stop {
        Stop::Exit(code) => format!(
            "a task called `candor::exit({code})`, and {function} has no exit code to return; \
             enter by `candor::run` if the program shall end with this code",
        ),
        Stop::Stall(text) => text.clone(),
        Stop::Failure(failure) => format!(
            "shut down by the failure policy, because {}",
            failure.one_line()
        ),
    }
}

/// Sees to an executor that is entered while another one runs on this thread.
#[inline]
pub(crate) fn see_to_nesting(core: &Core, entry: Entry) {
    if let Some(outer) = current_executor::with(|outer| outer.stay.entry.get()) {
        begin_nested(outer, core, entry);
    }
}

/// Warns that the outer one stands still. In a test, the inner one must not hang either.
///
/// Apart, so that what is inlined at each entry point stays small: `block_on` of a ready future takes 4 % less.
#[cold]
fn begin_nested(outer: Option<Entry>, core: &Core, entry: Entry) {
    if let Some(test) = standstill::running_test() {
        testing::observe(core, test.observer);
    }
    // It has no entry while it is dropped.
    let Some(outer) = outer else { return };
    printing::warn_once("nested", entry.at, || {
        format!(
            "{entry} runs inside {outer}: until it returns, no task of the outer executor is polled. \
             If that is not intended, `.await` the future instead"
        )
    });
}

/// Where these fail, much else hangs.
#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::panic::catch_unwind;
    use std::rc::Rc;
    use std::task::Poll;
    use std::thread;

    use super::*;
    use crate::in_time::in_time;

    #[test]
    fn a_wake_from_another_thread_ends_a_park() {
        let polls = in_time(|| {
            let mut polls = 0;
            block_on(poll_fn(|cx| {
                polls += 1;
                if polls == 3 {
                    return Poll::Ready(polls);
                }
                let waker = cx.waker().clone();
                thread::spawn(move || waker.wake());
                Poll::Pending
            }))
        });
        assert_eq!(polls, 3);
    }

    #[test]
    fn panics_that_one_poll_has_caught_are_taken_once() {
        let reported = in_time(|| {
            let reported = Rc::new(Cell::new(0));
            let counted = Rc::clone(&reported);
            let count = move |_: &_| counted.set(counted.get() + 1);
            let executor = Executor::builder().on_failure(count).build();
            let catches = executor.spawn(async {
                for _ in 0..2 {
                    catch_unwind(|| panic!("caught")).unwrap_err();
                }
            });
            executor.block_on(catches).unwrap();
            reported.get()
        });
        assert_eq!(reported, 2);
    }
}
