//! The executor as a future, which any other runtime can poll.
//!
//! ```text
//! the host polls run_until(future) ──► future, if it was woken ──► a pass of the tasks ──► future again
//!        ▲                                    ▲                        ▲
//!        ├──────────── host's waker ──────────┤                        │
//!        │                              woken flag                     │
//!        └──────────── host's waker ◄── inbox ◄── wakes of tasks, timers by the alarm's thread
//! ```
//!
//! Several of these futures may be alive at once, each in a task of its host. There is only one main slot, so a flag in
//! each one says whether *its* main future was woken. All of them run the same tasks.
//!
//! Knows the loop.

use std::cell::Cell;
use std::fmt;
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::entry::{Executor, advice_for};
use crate::hosts::list::{Host, Hosts};
use crate::hosts::passes::pass;
use crate::hosts::visit::Visit;
use crate::kernel::failure::Entry;
use crate::kernel::tasks::waker::table;
use crate::kernel::tasks::{
    Core, Main, Running, Stopped, current_executor, deliver_mail, poll_main,
};
use crate::watch::chain;

impl Executor {
    /// Runs the executor as a part of another one. The returned future polls `future` and the executor's tasks, and
    /// is done when `future` is.
    ///
    /// So candor's tasks, timers and reports work inside any other runtime, with that runtime's I/O. Each poll runs one
    /// pass, so the other tasks of the host get their turns. `future` may borrow, and may return anything. Any number of
    /// these futures may exist at once. Tasks run as long as one of them is polled. While none is polled, the tasks stand
    /// still. Dropping the future drops `future`, and leaves the executor and its tasks as they are.
    ///
    /// A thread watches the timers. There is one for the whole process, which starts when it is first needed. It calls the host's
    /// waker, which may do anything but wait there for another such future: that one's timers would wait for this thread.
    ///
    /// # Panics
    ///
    /// If it is polled while this executor is running, for example by one of its own tasks. If `future` panics. If a task
    /// calls [`exit`](crate::exit) or a failure shuts the executor down, with a message that says so; of several such
    /// futures, the one that is polled first panics. If the operating system refuses a thread for the timers.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = candor::Executor::new();
    /// let answer = executor.run_until(async {
    ///     let task = candor::spawn(async {
    ///         candor::sleep(Duration::from_millis(1)).await;
    ///         42
    ///     });
    ///     task.await.unwrap()
    /// });
    /// // Another executor; within tokio it would be `.await`.
    /// assert_eq!(futures::executor::block_on(answer), 42);
    /// ```
    #[track_caller]
    pub fn run_until<F: Future>(&self, future: F) -> RunUntil<'_, F> {
        RunUntil {
            executor: self,
            entry: Entry {
                function: &"Executor::run_until",
                at: Location::caller(),
            },
            host: None,
            is_counted: false,
            future: Some(Box::pin(future)),
        }
    }
}

/// The future of [`Executor::run_until`].
///
/// It keeps your future in a box, so it is small and `Unpin`, whatever the future is.
///
/// # Examples
///
/// ```
/// let executor = candor::Executor::new();
/// let mut answer: candor::RunUntil<_> = executor.run_until(async { 42 });
/// assert_eq!(futures::executor::block_on(&mut answer), 42);
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct RunUntil<'a, F> {
    executor: &'a Executor,
    entry: Entry,
    /// The task of another runtime that polls this. `None` until the first poll, and after it is done.
    host: Option<Arc<Host>>,
    is_counted: bool,
    /// `None` once it is done, or has panicked. Dropped while the executor is the current one.
    future: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for RunUntil<'_, F> {
    type Output = F::Output;

    // What panics here is the matter of whoever polls.
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        assert!(
            self.future.is_some(),
            "the future of `Executor::run_until` was polled after its end: it has given its output, or has panicked"
        );
        // One that is done at once counts as one of candor's own futures that are ready.
        if !mem::replace(&mut self.is_counted, true) && current_executor::is_spent(cx) {
            return Poll::Pending;
        }
        let executor = self.executor;
        // The clone of a foreign waker may panic. That is no matter of this executor yet.
        let met = self.meet(cx.waker());
        let visit = Visit::new(&executor.core, &executor.hosts, self.entry);
        let result = visit.run(|core| {
            self.register(met);
            let polled = catch_unwind(AssertUnwindSafe(|| self.poll_inside(core)));
            if !matches!(polled, Ok(Ok(None))) {
                self.end();
            }
            polled.unwrap_or_else(|payload| resume_unwind(payload))
        });
        match result {
            Ok(output) => {
                // As long as it is not done, it is a host itself.
                visit.leave(output.is_none());
                output.map_or(Poll::Pending, Poll::Ready)
            }
            Err(stop) => {
                // It may have had to stop before the future was polled.
                self.end();
                executor.core.cancel_everything();
                // The panic belongs to whoever polls, and so to the task of another executor, if one does.
                drop(visit);
                panic!("{}", advice_for(&stop, self.entry.function))
            }
        }
    }
}

impl<F: Future> RunUntil<'_, F> {
    /// A host for the task that polls this future, if it is another one than before.
    fn meet(&self, waker: &Waker) -> Option<Arc<Host>> {
        let is_known = self.host.as_ref().is_some_and(|host| host.will_wake(waker));
        (!is_known).then(|| Host::of(waker))
    }

    /// Ensures that the task that polls this future will be woken.
    fn register(&mut self, met: Option<Arc<Host>>) {
        if let Some(host) = met {
            let Executor { core, hosts } = self.executor;
            let hosts = hosts.get_or_init(|| Hosts::of(core.inbox, None));
            hosts.add(Arc::clone(&host));
            self.part();
            self.host = Some(host);
        }
    }

    fn poll_inside(&mut self, core: &Rc<Core>) -> Result<Option<F::Output>, Stopped> {
        let host = self.host.as_ref().expect("whoever polls was met");
        let future = self.future.as_mut();
        let future = future.expect("a future is there as long as it is polled");
        let mut output = None;
        let is_done = Cell::new(false);
        let waker = Waker::from(Arc::clone(host));
        let mut main = |cx: &mut Context<'_>| {
            let is_dumped = chain::is_tracing();
            // One that is ready does not wait, so a dump shows no chain.
            if is_done.get() || is_dumped && host.is_main_woken() {
                return Poll::Pending;
            }
            let mut polled = Poll::Pending;
            if is_dumped {
                polled = future.as_mut().poll(cx);
            }
            // Its own waker calls the host. What a dump polls with would call this executor.
            if polled.is_pending() {
                polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            }
            is_done.set(polled.is_ready());
            polled.map(|value| output = Some(value))
        };
        // Tasks that were woken since the last visit are queued before all that happens now.
        deliver_mail(core, Some(&mut main));
        // What the report of a remote task has left is reported before the future is polled.
        core.see_to_failures()?;
        poll_if_woken(core, host, &mut main);
        // It may also have ended in the poll of a dump.
        if !is_done.get() {
            pass(core, &mut main)?;
            // It may have been woken in this pass.
            poll_if_woken(core, host, &mut main);
        }
        Ok(output)
    }
}

/// Polls the main future if it was woken.
fn poll_if_woken(core: &Core, host: &Host, main: &mut Main<'_>) {
    if host.take_main_woken() {
        let _ready = poll_main(core, main, table(core.is_watched()));
        if core.failures.attention.get() {
            core.after_poll();
        }
    }
}

impl<F> RunUntil<'_, F> {
    /// Drops the future, while the executor is entered.
    fn end(&mut self) {
        self.part();
        if self.future.is_some() {
            drop_main(&self.executor.core, || self.future = None);
        }
    }

    /// The host no longer has to be called for this future.
    fn part(&mut self) {
        if let (Some(host), Some(hosts)) = (self.host.take(), self.executor.hosts.get()) {
            hosts.remove(&host);
        }
    }
}

impl<F> Drop for RunUntil<'_, F> {
    fn drop(&mut self) {
        self.part();
        let core = &self.executor.core;
        // Perhaps one of its own tasks owns the future, so that the executor runs already.
        if self.future.is_none() || core.stay.is_entered.get() {
            return;
        }
        // In the middle of a poll nothing may be reported.
        let outer = current_executor::polling_core();
        // Destructors may spawn, and cancel timers.
        let visit = Visit::new(core, &self.executor.hosts, self.entry);
        self.end();
        match outer {
            None => {
                // A destructor may have failed, or called `exit`.
                let _stopped = visit.run(|_| Ok(()));
            }
            Some(outer) if core.failures.attention.take() => {
                let core = Rc::clone(core);
                outer.do_after_poll(Box::new(move || {
                    core.failures.attention.set(true);
                    core.after_poll();
                }));
            }
            Some(_) => {}
        }
        visit.leave(false);
    }
}

impl<F> fmt::Debug for RunUntil<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_done = self.future.is_none();
        f.debug_struct("RunUntil")
            .field("is_done", &is_done)
            .finish_non_exhaustive()
    }
}

/// Drops the future that the executor was entered for.
fn drop_main(core: &Core, drop_it: impl FnOnce()) {
    core.polling.begin(Running::Main);
    core.polling.is_dropping.set(true);
    drop_it();
    core.polling.is_dropping.set(false);
    core.polling.noted_await.set(None);
    core.polling.end();
}
