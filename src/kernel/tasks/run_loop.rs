//! The loop.
//!
//! ```text
//! loop {                       one trip is a pass
//!     deliver_mail             wakes and errands from other threads
//!     fire_timers              wakes of sleepers; one look at the clock
//!     poll ready tasks         oldest first, at most 128 before the next look around
//!     see to failures          those that nobody has read
//!     wait if idle             until mail comes or a deadline is due
//! }
//! ```
//!
//! The future that `block_on` is given is polled in between, like a task, when it has been woken. It
//! may borrow from the stack, so it is not in the table of tasks; it is known there as slot 0.
//!
//! Unwinding is caught around a run of polls, not around each: who panicked is the one whose slot is
//! noted as being polled, and after a panic the run begins anew with the next task.
//!
//! Knows everything below it.

mod hosted;
mod watched;

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

pub(crate) use hosted::{pass, run_until_stalled, tick};

use crate::kernel::failure::aside::contain;
use crate::kernel::tasks::core::{__candor_poll_boundary, Core, MAIN_UNCAUGHT, NOBODY, Stop};
use crate::kernel::tasks::key::{Key, MAIN_SLOT};
use crate::kernel::tasks::parking;
use crate::kernel::tasks::parking::Next;
use crate::kernel::tasks::task::{AfterPoll, AnyTask};
use crate::kernel::tasks::waker::waker_of;

/// How many polls a pass has: so long a timer or a wake from another thread may have to wait.
const POLLS_A_PASS: usize = 128;

/// Polls the future that the executor was entered for, whose output it keeps.
pub(crate) type Main<'a> = dyn FnMut(&mut Context<'_>) -> Poll<()> + 'a;

/// Why a run of polls is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// The main future is done.
    MainIsDone,
    /// Nobody is ready.
    NothingIsReady,
    /// The pass has had its polls, or one of them has left something to be seen to.
    LookAround,
}

/// One stay in the loop.
struct Loop<'a> {
    core: &'a Rc<Core>,
    main: Option<&'a mut Main<'a>>,
    polls_left: usize,
    /// The thread was parked, and somebody wants to know.
    parked: Option<watched::Parked>,
}

impl<'a> Loop<'a> {
    fn new(core: &'a Rc<Core>, main: Option<&'a mut Main<'a>>) -> Self {
        Loop {
            core,
            main,
            polls_left: 0,
            parked: None,
        }
    }

    /// Runs tasks, and says what to do next; it ends when the main future is done (`Ok`) or the executor has to
    /// stop (`Err`).
    fn turn(&mut self) -> Next<Result<(), Stop>> {
        if let Some(mut parked) = self.parked.take()
            && let Some(timeout) = watched::end_park(self.core, &mut parked, self.main.is_some())
        {
            self.parked = Some(parked);
            return Next::Wait(Some(timeout));
        }
        match self.step() {
            Err(stop) => Next::Return(Err(stop)),
            Ok(Pause::MainIsDone) => Next::Return(Ok(())),
            Ok(Pause::NothingIsReady) => self.wait_if_idle(),
            Ok(Pause::LookAround) => Next::GoOn,
        }
    }

    /// Begins a pass if the last one is over, polls, and sees to what the polls have left.
    fn step(&mut self) -> Result<Pause, Stop> {
        if self.polls_left == 0 {
            self.begin_pass();
        }
        // A report at the beginning may have left something, or have ended it all.
        if self.core.attention.get() {
            self.core.after_poll();
            if let Some(stop) = self.core.take_stop() {
                return Err(stop);
            }
        }
        let pause = self.run_ready_tasks();
        if self.core.attention.get() {
            self.core.after_poll();
        }
        if self.core.is_pass_over.take() {
            self.polls_left = 0;
        }
        if pause == Pause::NothingIsReady {
            self.polls_left = 0;
        }
        match self.core.take_stop() {
            Some(stop) => Err(stop),
            None => Ok(pause),
        }
    }

    fn begin_pass(&mut self) {
        deliver_mail(self.core);
        self.fire_timers();
        self.core.report_overdue();
        self.polls_left = POLLS_A_PASS;
        if self.core.config.shuffle.is_some() {
            // A shuffled pass is a batch: all that is ready now, each once.
            let mut slots = self.core.slots.borrow_mut();
            let batch = slots.reorder(|batch| self.core.config.shuffle(batch));
            self.polls_left = batch.max(1);
        }
    }

    fn fire_timers(&self) {
        let core = self.core;
        core.clock.begin_pass();
        core.forget_timers();
        if core.timers.borrow().is_empty() {
            return;
        }
        let now = core.clock.tick_now();
        // The wheel is free again when the waker is called: a foreign one may come back to it.
        let next_expired = || core.timers.borrow_mut().pop_expired(now);
        while let Some(sleeper) = next_expired() {
            match core.config.watch {
                None => wake_guarded(sleeper),
                Some(_) => watched::fire(core, sleeper),
            }
        }
    }

    /// Polls until there is a reason to pause, and gives a panic to the task that it came from.
    fn run_ready_tasks(&mut self) -> Pause {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            __candor_poll_boundary(|| self.poll_until_pause())
        }));
        polled.unwrap_or_else(|payload| {
            if self.core.is_polling_slot(MAIN_UNCAUGHT) {
                // An ordinary panic, as far as whoever called `block_on` is concerned.
                resume_unwind(payload);
            }
            self.core.settle_panic(payload);
            Pause::LookAround
        })
    }

    /// The hot path.
    fn poll_until_pause(&mut self) -> Pause {
        let core = self.core;
        loop {
            if self.polls_left == 0 || core.attention.get() {
                break Pause::LookAround;
            }
            let next = core.slots.borrow_mut().next_ready();
            let Some(ready) = next else {
                break Pause::NothingIsReady;
            };
            // Not in a local: a poll that panics ends this run, and not the pass.
            self.polls_left -= 1;
            if let Some(task) = ready.tenant {
                poll_task(core, &task, core.key_of(ready.index, ready.generation));
            } else if ready.index == MAIN_SLOT
                && let Some(main) = &mut self.main
                && poll_main(core, main).is_ready()
            {
                break Pause::MainIsDone;
            }
        }
    }

    /// Waits for mail, the next timer or the end of a grace; virtual time jumps there instead.
    fn wait_if_idle<R>(&mut self) -> Next<R> {
        let core = self.core;
        let is_over = self.main.is_none() && !core.has_work_to_wait_for();
        if is_over || core.slots.borrow().has_ready() || core.inbox.has_mail() {
            return Next::GoOn;
        }
        match next_event(core) {
            None => self.wait(None),
            Some(deadline) if core.clock.jump_to(deadline) => Next::GoOn,
            Some(deadline) => match deadline.saturating_duration_since(core.clock.now()) {
                Duration::ZERO => Next::GoOn,
                timeout => self.wait(Some(timeout)),
            },
        }
    }

    fn wait<R>(&mut self, timeout: Option<Duration>) -> Next<R> {
        if self.core.config.watch.is_none() {
            return Next::Wait(timeout);
        }
        match watched::begin_park(self.core, timeout, self.main.is_some()) {
            None => Next::GoOn,
            Some((parked, timeout)) => {
                self.parked = Some(parked);
                Next::Wait(timeout)
            }
        }
    }
}

/// Wakes whom other threads have woken, and runs their errands.
#[inline]
pub(crate) fn deliver_mail(core: &Rc<Core>) {
    if core.inbox.has_mail() {
        match core.config.watch {
            None => {
                let mut slots = core.slots.borrow_mut();
                core.inbox.drain(|slot| slots.wake_tenant(slot));
            }
            Some(_) => watched::deliver_mail(core),
        }
        core.run_errands();
    }
}

/// When there is something to do, if nobody is woken before: a timer to fire or to bring closer, or a failure to tell.
pub(crate) fn next_event(core: &Core) -> Option<Instant> {
    core.forget_timers();
    let tick = core.timers.borrow().next_event();
    with_grace(core, tick)
}

/// When the next timer is due or the next grace is over, exactly.
pub(crate) fn next_deadline(core: &Core) -> Option<Instant> {
    core.forget_timers();
    let tick = core.timers.borrow().next_deadline();
    with_grace(core, tick)
}

/// The earlier of this tick of the wheel and the end of a grace.
fn with_grace(core: &Core, tick: Option<u64>) -> Option<Instant> {
    let timer = tick.and_then(|tick| core.clock.instant_of(tick));
    timer.into_iter().chain(core.end_of_grace()).min()
}

/// A foreign waker may panic; std's hook has told it then, and the others are woken all the same.
pub(crate) fn wake_guarded(waker: Waker) {
    contain(|| waker.wake());
}

/// Polls a task, and sees to its end.
#[inline]
fn poll_task(core: &Rc<Core>, task: &Rc<AnyTask>, key: Key) {
    core.begin_poll(key.slot());
    let after = if core.config.watch.is_none() {
        // Its drop does nothing, which the compiler cannot know.
        let waker = ManuallyDrop::new(waker_of(key));
        task.poll(&mut Context::from_waker(&waker), &core.noted_await)
    } else {
        watched::poll_task(core, task, key)
    };
    if after != AfterPoll::Wait {
        core.finish(task, after == AfterPoll::Failed);
    }
    core.end_poll();
}

/// Polls the main future, and notes where it waits.
#[inline]
pub(crate) fn poll_main(core: &Core, main: &mut Main<'_>) -> Poll<()> {
    core.begin_poll(MAIN_UNCAUGHT);
    let poll = if core.config.watch.is_none() {
        let waker = ManuallyDrop::new(waker_of(core.main_key()));
        main(&mut Context::from_waker(&waker))
    } else {
        watched::poll_main(core, main)
    };
    core.end_poll();
    if let Some(noted) = core.noted_await.take() {
        core.main_last_await.set(Some(noted));
    }
    poll
}

/// Runs tasks and `future` until it is done.
#[inline]
pub(crate) fn drive<F: Future>(core: &Rc<Core>, future: F) -> Result<F::Output, Stop> {
    /// Begins or ends the poll of the main future.
    struct Dropping<'a>(&'a Core, u32);

    impl Drop for Dropping<'_> {
        #[inline]
        fn drop(&mut self) {
            self.0.begin_poll(self.1);
        }
    }

    // What the destructor of the main future panics with is the main future's as well.
    let _end = Dropping(core, NOBODY);
    let mut future = pin!(future);
    let _begin = Dropping(core, MAIN_UNCAUGHT);
    core.begin_main();
    let mut output = None;
    let mut main =
        |cx: &mut Context<'_>| future.as_mut().poll(cx).map(|value| output = Some(value));
    // A future that is ready at once needs no loop.
    if poll_main(core, &mut main).is_pending() {
        let mut tasks = Loop::new(core, Some(&mut main));
        parking::run(core, || tasks.turn())?;
    }
    if core.attention.get() {
        core.after_poll();
    }
    match core.take_stop() {
        Some(stop) => Err(stop),
        None => {
            Ok(output.expect("this is a bug in candor: the main future is done without an output"))
        }
    }
}

/// Runs tasks until none is left that is not a daemon.
pub(crate) fn drain(core: &Rc<Core>) -> Result<(), Stop> {
    let mut tasks = Loop::new(core, None);
    parking::run(core, || match core.has_work_to_wait_for() {
        false => Next::Return(Ok(())),
        true => tasks.turn(),
    })?;
    // What the last of them have left unread will not be read by anybody that runs here.
    core.after_poll();
    core.take_stop().map_or(Ok(()), Err)
}
