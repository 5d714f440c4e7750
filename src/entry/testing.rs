//! Tests: an executor in which no failure is silent, and which does not hang.
//!
//! Knows the ways in.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use log::Level;

use crate::entry::main_future::{drop_reporting, main_error};
use crate::entry::{Executor, advice_for, reactor};
use crate::kernel::failure::FailureKind;
use crate::kernel::tasks::{Core, Event, drive};
use crate::outcome::Outcome;
use crate::report::printing;
use crate::task_builder::boxed_if_large;
use crate::watch::counted;
use crate::watch::lost_work;
use crate::watch::standstill::MakeObserver;
use crate::watch::watchers::Watchers;

/// Runs `future` in a `#[test]`, and fails the test if anything failed.
///
/// The executor is on virtual time: the clock stands still while anything is ready, and jumps to the next
/// deadline when nothing is. So a test that sleeps for a year takes a millisecond. As with [`block_on`](crate::block_on()),
/// tasks that are unfinished at the end are cancelled, and named.
///
/// An error that is read late was read: under a test the grace never ends.
///
/// # Panics
///
/// When `future` panics or returns `Err`, and when any failure had to be reported; the message holds the
/// reports, which are not printed otherwise. So a test that passes hides no failure.
///
/// A test that cannot end does not hang. If no timer is set, and it waits for nothing but its own tasks and locks, or a wake was
/// lost, it panics after 5 s of real time; in any other case after 60 s in which nothing has moved, or nothing but timers. The
/// message says where each task waits. Tasks that wake one another, or themselves, for ever are work, and no standstill: nobody can
/// know that it never ends.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// // In the body of a `#[test]` function:
/// candor::test(async {
///     let start = candor::time::now();
///     candor::sleep(Duration::from_secs(365 * 24 * 3600)).await;
///     assert_eq!(candor::time::now() - start, Duration::from_secs(365 * 24 * 3600));
/// });
/// ```
#[track_caller]
pub fn test<F: Future<Output: Outcome>>(future: F) -> <F::Output as Outcome>::Ok {
    let reports = PrintedOnPanic::default();
    let collected = Rc::clone(&reports.0);
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(move |failure| match failure.kind() {
            // It is no failure; a test may well catch a panic.
            FailureKind::Caught => printing::print(Level::Error, &failure.report()),
            FailureKind::Panicked | FailureKind::Failed => {
                collected.borrow_mut().push(failure.report())
            }
        })
        .build();
    let tested = boxed_if_large!(|future: F| executor.run_test(&"test", future, ":"));
    match tested {
        Ok(value) => value,
        Err(verdict) => panic!("{}", [&[verdict], &*reports.0.take()].concat().join("\n")),
    }
}

/// The reports of a test: if its own panic comes first, they are printed after all.
#[derive(Default)]
struct PrintedOnPanic(Rc<RefCell<Vec<String>>>);

impl Drop for PrintedOnPanic {
    fn drop(&mut self) {
        for text in self.0.take() {
            printing::print(Level::Error, &text);
        }
    }
}

impl Executor {
    /// Runs `future` as [`test`](crate::test()) does, on this executor and its own clock: one that shuffles, say.
    ///
    /// As there, tasks that are unfinished at the end are cancelled, and named. Failures are reported as this executor reports
    /// them: printed, or given to [`on_failure`](crate::Builder::on_failure).
    ///
    /// An executor that nobody observes has an observer from here on, which makes it somewhat slower: it has to notice that a test
    /// stands still. So has one that is entered within a test.
    ///
    /// # Panics
    ///
    /// As [`test`](crate::test()), and when this executor is running already.
    ///
    /// # Examples
    ///
    /// ```
    /// for seed in 0..3 {
    ///     let executor = candor::Executor::builder().virtual_time().shuffle(seed).build();
    ///     let sum = executor.test(async {
    ///         let parts = [1, 2, 3].map(|part| candor::spawn(async move { part }));
    ///         let mut sum = 0;
    ///         for part in parts {
    ///             sum += part.await?;
    ///         }
    ///         candor::Ok(sum)
    ///     });
    ///     assert_eq!(sum, 6);
    /// }
    /// ```
    #[track_caller]
    pub fn test<F: Future<Output: Outcome>>(&self, future: F) -> <F::Output as Outcome>::Ok {
        let function = &"Executor::test";
        let remark = ", which this executor has reported";
        match boxed_if_large!(|future: F| self.run_test(function, future, remark)) {
            Ok(value) => value,
            Err(verdict) => panic!("{verdict}"),
        }
    }

    /// Returns what the test has returned, or why it has failed: `remark` follows the number of failures that were not read. They
    /// have been reported by then.
    ///
    /// An error, and the value of a test that has failed, are dropped in here: their destructors may call candor, or panic, and
    /// that hides no other failure.
    #[track_caller]
    fn run_test<F: Future<Output: Outcome>>(
        &self,
        function: &'static &'static str,
        future: F,
        remark: &str,
    ) -> Result<<F::Output as Outcome>::Ok, String> {
        observe(&self.core, Watchers::of_test);
        let before = self.failures();
        let result = self.enter(function, |core| {
            let _limited = Limited::begin(core);
            let test = UnderTest::begin(core);
            let outcome = drive(core, future, reactor::run)?.into_result();
            lost_work::tell(core);
            let outcome = outcome.map_err(|error| {
                let error = main_error(core, error);
                let text = core.aside(|| format!("{error:?}"));
                drop_reporting(core, || drop(error));
                text
            });
            drop(test);
            if outcome.is_ok() && self.failures() == before {
                return Ok(outcome);
            }
            let error = outcome.map(|value| drop_reporting(core, || drop(value)));
            // What the destructor has spawned is unfinished as well.
            core.cancel_all_that_was_asked_for();
            // It has failed anyway, even if a destructor has asked to stop.
            core.see_to_failures().ok();
            core.take_stop();
            Ok(Err(error.err().unwrap_or_else(|| {
                let failures = (self.failures() - before) as usize;
                format!(
                    "the test has {}{remark}",
                    counted(failures, "unread failure")
                )
            })))
        });
        result.unwrap_or_else(|stop| Err(advice_for(&stop, function)))
    }
}

/// Gives an observer to an executor that runs in a test and has none. It is not kept for the next executor.
pub(super) fn observe(core: &Core, observer: MakeObserver) {
    core.config.is_custom.set(true);
    core.config.watch.get_or_init(|| observer(Vec::new()));
}

/// A test that must not stand still for ever, nor what is dropped at its end.
struct Limited<'a>(&'a Core);

impl<'a> Limited<'a> {
    fn begin(core: &'a Core) -> Self {
        core.say(|| Event::Test(true));
        Limited(core)
    }
}

impl Drop for Limited<'_> {
    fn drop(&mut self) {
        self.0.say(|| Event::Test(false));
    }
}

/// A test on an executor that may be used for other things as well. At its end, also by a panic of its main future, all
/// tasks are cancelled.
struct UnderTest<'a> {
    core: &'a Rc<Core>,
    grace: Option<Duration>,
}

impl<'a> UnderTest<'a> {
    fn begin(core: &'a Rc<Core>) -> Self {
        let grace = core.config.grace.replace(Some(Duration::MAX));
        // What has failed in an earlier stay begins its grace anew: that never ends either.
        let earlier = core.unread.borrow_mut().take_all();
        for failure in earlier {
            let read = core.unread.borrow_mut().push(failure);
            drop(read);
        }
        UnderTest { core, grace }
    }
}

impl Drop for UnderTest<'_> {
    fn drop(&mut self) {
        self.core.cancel_all_that_was_asked_for();
        self.core.config.grace.set(self.grace);
    }
}
