//! The loop.
//!
//! ```text
//! loop {                       one trip is a pass
//!     deliver_mail             wakes from other threads
//!     fire_timers              wakes of sleepers; one look at the clock
//!     poll ready tasks         oldest first, at most 128 before the next look around
//!     see to failures          those that nobody has read
//!     sleep if idle            until mail comes or a deadline is due
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

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::core::{__candor_poll_boundary, Core, Stop};
use crate::failure::text::drop_payload;
use crate::key::MAIN_SLOT;
use crate::task::AfterPoll;
use crate::waker::waker_of;

/// How many polls a pass has: so long a timer or a wake from another thread may have to wait.
const POLLS_A_PASS: u32 = 128;

/// Why a run of polls is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// The main future was woken.
    MainIsReady,
    /// Nobody is ready.
    NothingIsReady,
    /// The pass has had its polls.
    PassIsOver,
    /// A poll has left something to be seen to.
    Attention,
}

/// One stay in the loop.
struct Loop<'a> {
    core: &'a Rc<Core>,
    polls_left: u32,
}

impl<'a> Loop<'a> {
    fn new(core: &'a Rc<Core>) -> Self {
        Loop {
            core,
            polls_left: 0,
        }
    }

    /// Runs tasks until the main future is ready (`Ok`) or the executor has to stop (`Err`).
    fn run_until_main_is_ready(&mut self) -> Result<(), Stop> {
        loop {
            match self.step()? {
                Pause::MainIsReady => return Ok(()),
                Pause::NothingIsReady => self.sleep_if_idle(),
                Pause::PassIsOver | Pause::Attention => {}
            }
        }
    }

    /// Begins a pass if the last one is over, polls, and sees to what the polls have left.
    fn step(&mut self) -> Result<Pause, Stop> {
        if self.polls_left == 0 {
            self.begin_pass();
        }
        let pause = self.run_ready_tasks();
        match pause {
            Pause::MainIsReady | Pause::PassIsOver => {}
            Pause::Attention => self.core.after_poll(),
            Pause::NothingIsReady => {
                self.polls_left = 0;
                self.core.age_unread();
            }
        }
        if self.core.is_stopping()
            && let Some(stop) = self.core.take_stop()
        {
            return Err(stop);
        }
        Ok(pause)
    }

    fn begin_pass(&mut self) {
        self.core.age_unread();
        self.deliver_mail();
        self.fire_timers();
        self.core.report_overdue();
        self.polls_left = POLLS_A_PASS;
        if self.core.config.shuffle.is_some() {
            // A shuffled pass is a batch: all that is ready now, each once.
            self.polls_left = u32::try_from(self.core.slots.borrow().ready_len())
                .unwrap_or(u32::MAX)
                .max(1);
        }
    }

    fn deliver_mail(&self) {
        if self.core.inbox.has_mail() {
            let mut slots = self.core.slots.borrow_mut();
            self.core.inbox.drain(|slot| slots.wake_tenant(slot));
        }
    }

    fn fire_timers(&self) {
        let core = self.core;
        if core.timers.borrow().is_empty() {
            return;
        }
        core.clock.begin_pass();
        let now = core.clock.pass_tick();
        // The wheel is free again when the waker is called: a foreign one may come back to it.
        let next_expired = || core.timers.borrow_mut().pop_expired(now);
        while let Some(sleeper) = next_expired() {
            wake_guarded(sleeper);
        }
    }

    /// Polls until there is a reason to pause, and gives a panic to the task that it came from.
    fn run_ready_tasks(&mut self) -> Pause {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            __candor_poll_boundary(|| self.poll_until_pause())
        }));
        polled.unwrap_or_else(|payload| {
            self.core.settle_panic(payload);
            Pause::Attention
        })
    }

    /// The hot path.
    fn poll_until_pause(&mut self) -> Pause {
        let core = self.core;
        while self.polls_left > 0 {
            self.polls_left -= 1;
            if core.config.shuffle.is_some() {
                self.shuffle();
            }
            let next = core.slots.borrow_mut().next_ready();
            let Some(ready) = next else {
                return Pause::NothingIsReady;
            };
            let Some(task) = ready.tenant else {
                if ready.index == MAIN_SLOT {
                    return Pause::MainIsReady;
                }
                // Its tenant has left while it waited.
                continue;
            };
            core.begin_poll(ready.index);
            let waker = waker_of(core.key_of(ready.index, ready.generation));
            let began = core.config.slow_poll.map(|_| Instant::now());
            let after = if task.header.is_aborted.get() {
                task.job.cancel();
                AfterPoll::Done
            } else {
                task.header
                    .polls
                    .set(task.header.polls.get().wrapping_add(1));
                task.job
                    .poll(&task.header, &mut Context::from_waker(&waker))
            };
            if after == AfterPoll::Wait {
                if let Some(noted) = core.noted_await.take() {
                    task.header.last_await.set(Some(noted));
                }
            } else {
                core.finish(&task, after == AfterPoll::Failed);
            }
            core.end_poll();
            if let Some(began) = began {
                core.warn_if_slow(&task.header.origin(), began.elapsed());
            }
            if core.attention.get() {
                return Pause::Attention;
            }
        }
        Pause::PassIsOver
    }

    /// Lets any of those that are left in this pass be the next.
    #[cold]
    fn shuffle(&self) {
        let left = self.polls_left as usize + 1;
        let mut slots = self.core.slots.borrow_mut();
        let choices = left.min(slots.ready_len());
        if choices > 1 {
            slots.bring_to_front((self.core.config.random() % choices as u64) as usize);
        }
    }

    /// Waits for mail, the next timer or the end of a grace; virtual time jumps there instead.
    fn sleep_if_idle(&self) {
        let core = self.core;
        if core.slots.borrow().ready_len() > 0 || core.inbox.has_mail() {
            return;
        }
        let next_timer = core
            .timers
            .borrow()
            .next_event()
            .and_then(|tick| core.clock.instant_of(tick));
        let deadline = [next_timer, core.end_of_grace()]
            .into_iter()
            .flatten()
            .min();
        match deadline {
            Some(deadline) if core.clock.jump_to(deadline) => {}
            Some(deadline) => {
                let timeout = deadline.saturating_duration_since(core.clock.now());
                if timeout > Duration::ZERO {
                    core.inbox.park(Some(timeout));
                }
            }
            None => core.inbox.park(None),
        }
    }
}

/// A foreign waker may panic; std's hook has told it then, and the others are woken all the same.
fn wake_guarded(waker: Waker) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        drop_payload(payload);
    }
}

/// Runs tasks and `future` until it is done.
pub(crate) fn drive<F: Future>(core: &Rc<Core>, future: F) -> Result<F::Output, Stop> {
    let mut future = pin!(future);
    let waker = waker_of(core.key_of(MAIN_SLOT, 0));
    let mut cx = Context::from_waker(&waker);
    let mut tasks = Loop::new(core);
    loop {
        core.begin_main_poll();
        let poll = future.as_mut().poll(&mut cx);
        core.end_poll();
        if core.noted_await.get().is_some() {
            core.main_last_await.set(core.noted_await.take());
        }
        if core.attention.get() {
            core.after_poll();
        }
        if let Some(stop) = core.take_stop() {
            return Err(stop);
        }
        if let Poll::Ready(output) = poll {
            return Ok(output);
        }
        tasks.run_until_main_is_ready()?;
    }
}

/// Runs tasks until none is left that is not a daemon.
pub(crate) fn drain(core: &Rc<Core>) -> Result<(), Stop> {
    let mut tasks = Loop::new(core);
    while core.has_work_to_wait_for() {
        if tasks.step()? == Pause::NothingIsReady && core.has_work_to_wait_for() {
            tasks.sleep_if_idle();
        }
    }
    // What the last of them have left unread will not be read by anybody that runs here.
    core.after_poll();
    core.take_stop().map_or(Ok(()), Err)
}
