//! The loop.
//!
//! ```text
//! loop {                       once round is a pass
//!     deliver_mail             wakes and errands from other threads
//!     fire_timers              wakes of sleepers; one look at the clock
//!     report_overdue           failures whose grace is over
//!     poll ready tasks         oldest first, at most 128 in one pass;
//!                              after each that has failed, or dropped a failure: report that
//!     wait if idle             until mail comes or a deadline is due
//! }
//! ```
//!
//! The main future (the argument of `block_on`) is polled between tasks, like a task, when it has been woken. It may
//! borrow from the stack, so it is not in the table of tasks. Slot 0 stands for it there.
//!
//! Unwinding is caught around a run of polls, not around each poll. The task that panicked is the one whose slot is
//! noted as being polled. After a panic a new run begins with the next task.
//!
//! Knows the core, tasks, wakers and the inbox, but not how a program enters an executor.
//!
//! Lesson 1 of the course builds a small one.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, RawWakerVTable};
use std::time::{Duration, Instant};

use crate::kernel::tasks::waker::{table, waker_of};
use crate::kernel::tasks::{
    __candor_poll_boundary, AnyTask, Core, Counted, Event, Key, MAIN_SLOT, Main, Ready, Running,
    Stopped,
};

/// How many polls a pass has. A timer or a wake from another thread may have to wait that long.
const POLLS_A_PASS: usize = 128;

/// Why a run of polls is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The main future is done.
    MainIsDone,
    /// Nothing is ready.
    NothingIsReady,
    /// The pass has used its polls, or one of them has left something to do.
    LookAround,
}

/// What the caller has to do after a turn of the loop.
pub(crate) enum Next {
    /// The stay in the loop is over.
    Return(Result<(), Stopped>),
    /// More is ready, or may be: take the next turn.
    GoOn,
    /// There is nothing to do until mail comes, or this time has passed.
    Wait(Option<Duration>),
}

/// One stay in the loop.
pub(crate) struct Loop<'a> {
    pub(crate) core: &'a Rc<Core>,
    main: Option<&'a mut Main<'a>>,
    /// How many polls this pass has left.
    pub(crate) polls_left: usize,
    /// The last turn asked for a park, and its end is not reported to the observer yet.
    is_parked: bool,
}

impl<'a> Loop<'a> {
    pub(crate) fn new(core: &'a Rc<Core>, main: Option<&'a mut Main<'a>>) -> Self {
        Loop {
            core,
            main,
            polls_left: 0,
            is_parked: false,
        }
    }

    /// Runs tasks, and returns what to do next. The stay is over when the main future is done (`Ok`), when there is no main
    /// future and no task is left to wait for (`Ok`), or when the executor has to stop (`Err`).
    pub(crate) fn turn(&mut self) -> Next {
        if std::mem::take(&mut self.is_parked) {
            self.core.say(|| Event::ParkEnds);
        }
        if self.is_over() {
            return Next::Return(Ok(()));
        }
        match self.run_ready_tasks() {
            Err(stopped) => Next::Return(Err(stopped)),
            Ok(Pause::MainIsDone) => Next::Return(Ok(())),
            Ok(Pause::NothingIsReady) => self.wait_if_idle(),
            Ok(Pause::LookAround) => Next::GoOn,
        }
    }

    /// Begins a pass if the last one is over, polls until there is a reason to pause, and reports the failures that the polls
    /// have left. A panic becomes the outcome of its task.
    pub(crate) fn run_ready_tasks(&mut self) -> Result<Pause, Stopped> {
        if self.polls_left == 0 {
            self.begin_pass();
        }
        // A report at the beginning of the pass may have left something to report, or a request to stop.
        self.core.see_to_failures()?;
        let poll = AssertUnwindSafe(|| __candor_poll_boundary(Loop::poll_until_pause, self));
        let pause = catch_unwind(poll).unwrap_or_else(|payload| {
            if self.core.polling.running.get() == Running::Main {
                // For the caller of `block_on` this is an ordinary panic.
                resume_unwind(payload);
            }
            self.core.settle_panic(payload);
            Pause::LookAround
        });
        if self.core.polling.is_pass_over.take() || pause == Pause::NothingIsReady {
            self.polls_left = 0;
        }
        self.core.see_to_failures()?;
        Ok(pause)
    }

    pub(crate) fn begin_pass(&mut self) {
        deliver_mail(self.core, self.main.as_deref_mut());
        self.core.fire_timers();
        self.core.report_overdue();
        self.polls_left = POLLS_A_PASS;
        if let Some(shuffle) = &self.core.config.shuffle {
            // A shuffled pass is a batch: all that is ready now, each once.
            self.polls_left = self.core.slots.reorder(shuffle).max(1);
        }
    }

    /// The hot path.
    fn poll_until_pause(&mut self) -> Pause {
        let core: &Core = self.core;
        let wakers = table(core.is_watched());
        loop {
            if self.polls_left == 0 || core.failures.attention.get() {
                break Pause::LookAround;
            }
            let Some(ready) = core.slots.next_ready() else {
                break Pause::NothingIsReady;
            };
            // Not in a local variable: a poll that panics ends this run, but not the pass.
            self.polls_left -= 1;
            match ready {
                Ready::Tenant(task, slot, generation) => {
                    let key = Key::new(core.number, generation, slot);
                    poll_task(core, &task, key, wakers);
                }
                Ready::Main => {
                    if let Some(main) = &mut self.main
                        && poll_main(core, main, wakers).is_ready()
                    {
                        break Pause::MainIsDone;
                    }
                }
                Ready::Nobody => {}
            }
        }
    }

    /// Waits for mail, the next timer or the end of a grace. Virtual time jumps there instead of waiting.
    fn wait_if_idle(&mut self) -> Next {
        let core = self.core;
        if self.is_over() || core.slots.has_ready() || core.inbox.has_mail() {
            return Next::GoOn;
        }
        let next = core.next_event();
        if next.is_some_and(|next| core.clock.jump_to(next) || next <= core.clock.now()) {
            return Next::GoOn;
        }
        self.wait(next)
    }

    /// Whether there is no task left to wait for, nor a main future.
    fn is_over(&self) -> bool {
        self.main.is_none() && !self.core.has_work_to_wait_for()
    }

    fn wait(&mut self, next: Option<Instant>) -> Next {
        let core = self.core;
        let mut timeout = next.map(|next| next.saturating_duration_since(core.clock.seen()));
        core.say(|| Event::ParkBegins {
            core,
            timeout: &mut timeout,
            main: self.main.as_deref_mut().map(|main| main as _),
        });
        self.is_parked = true;
        // An observer may have spawned or woken a task, set a timer, or left a failure to be reported.
        let is_changed = || core.is_watched() && core.next_event() != next;
        match core.slots.has_ready() || core.failures.attention.get() || is_changed() {
            true => Next::GoOn,
            false => Next::Wait(timeout),
        }
    }
}

/// Wakes the tasks that other threads have woken, and runs their errands.
pub(crate) fn deliver_mail(core: &Rc<Core>, main: Option<&mut Main<'_>>) {
    if !core.inbox.has_mail() {
        return;
    }
    core.inbox.drain(|slot| {
        if core.slots.wake_tenant(slot) {
            core.say(|| Event::WokenFromElsewhere(slot));
        }
    });
    let outside = core.stay.outside.borrow().clone();
    if let Some(outside) = outside {
        outside.run_errands(core, main);
    }
}

/// Takes turns until the stay is over, and parks in between.
pub(crate) fn run(tasks: &mut Loop<'_>) -> Result<(), Stopped> {
    loop {
        match tasks.turn() {
            Next::Return(result) => return result,
            Next::GoOn => {}
            Next::Wait(timeout) => tasks.core.inbox.park(timeout),
        }
    }
}

/// Polls a task, and finishes it if it is done.
pub(crate) fn poll_task(
    core: &Core,
    task: &Counted<AnyTask>,
    key: Key,
    wakers: &'static RawWakerVTable,
) {
    let slot = key.slot();
    core.polling.begin(Running::Task(slot));
    core.say(|| Event::PollBegins(slot));
    let waker = waker_of(key, wakers);
    let poll = task.poll(&mut Context::from_waker(&waker), &core.polling.noted_await);
    core.say(|| Event::PollEnds(slot, poll.map(|_| ())));
    if let Poll::Ready(ending) = poll {
        core.finish(task, ending);
    }
    core.polling.end();
}

/// Polls the main future, and notes where it waits.
#[inline]
pub(crate) fn poll_main(
    core: &Core,
    main: &mut Main<'_>,
    wakers: &'static RawWakerVTable,
) -> Poll<()> {
    core.polling.begin(Running::Main);
    core.say(|| Event::PollBegins(MAIN_SLOT));
    let waker = waker_of(core.main_key.get(), wakers);
    let poll = main(&mut Context::from_waker(&waker));
    match core.polling.noted_await.take() {
        None if poll.is_ready() => {}
        // It waits in something that notes nothing.
        None => {
            let mut last = core.polling.main_last_await.get();
            (last.iter_mut()).for_each(|last| last.what = last.what.aged());
            core.polling.main_last_await.set(last);
        }
        noted => core.polling.main_last_await.set(noted),
    }
    core.say(|| Event::PollEnds(MAIN_SLOT, poll));
    core.polling.end();
    poll
}

/// Runs tasks and `future` until it is done. `run` takes the turns: [`run`], or what a program has in its place that waits for
/// more than mail.
#[inline]
pub(crate) fn drive<F: Future>(
    core: &Rc<Core>,
    future: F,
    run: impl FnOnce(&mut Loop<'_>) -> Result<(), Stopped>,
) -> Result<F::Output, Stopped> {
    struct AtDrop<'a>(&'a Core, fn(&Core));

    impl Drop for AtDrop<'_> {
        #[inline]
        fn drop(&mut self) {
            (self.1)(self.0);
        }
    }

    let _after = AtDrop(core, Core::end_main_poll);
    let mut future = pin!(future);
    // What the main future's destructor panics with is the main future's as well.
    let _before = AtDrop(core, |core| {
        core.polling.begin(Running::Main);
        core.polling.is_dropping.set(true);
    });
    // A stale wake of an earlier main future would hide that one of this is missing. (From another thread it costs a poll.)
    (core.main_key).set(Key::new(core.number, core.slots.begin_main(), MAIN_SLOT));
    let mut output = None;
    let mut main = |cx: &mut Context<'_>| match output {
        // An observer has polled it, and it was ready.
        Some(_) => Poll::Ready(()),
        None => future.as_mut().poll(cx).map(|value| output = Some(value)),
    };
    // A future that is ready at once needs no loop.
    if poll_main(core, &mut main, table(core.is_watched())).is_pending() {
        run(&mut Loop::new(core, Some(&mut main)))?;
    }
    core.see_to_failures()?;
    Ok(output.expect("this is a bug in candor: the main future is done without an output"))
}
