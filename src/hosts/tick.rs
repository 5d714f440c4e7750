//! Turns for a host with a loop of its own, such as a GUI or a game: the host decides when the executor has a
//! turn.
//!
//! ```text
//! the host's loop                                   any thread
//!
//!   loop {                                          wake ──► on_wake: requests a tick of the host
//!       handle events                                            │
//!       while tick() {}                                          ▼
//!       wait for an event, until next_deadline() ◄── an event of the host's own, posted by on_wake
//!   }
//! ```
//!
//! Knows the loop.

use std::panic::Location;
use std::time::{Duration, Instant};

use crate::entry::Executor;
use crate::hosts::passes::next_deadline;
use crate::hosts::visit::Visit;
use crate::kernel::failure::Entry;
use crate::kernel::tasks::{Loop, Pause, Stopped};
use crate::time::advance::advance_clock;

impl Executor {
    /// Gives the executor a turn: polls each task that is ready now once, fires the timers that are due, and
    /// handles failures. Never waits.
    ///
    /// Returns whether more is ready: tasks that were woken meanwhile wait for another turn. After `false`, the
    /// next work comes with [`on_wake`](crate::Builder::on_wake) or at
    /// [`next_deadline`](Executor::next_deadline).
    ///
    /// On virtual time, a call that finds nothing ready first lets the clock jump to the next deadline. If a task
    /// calls [`exit`](crate::exit), or a failure shuts the executor down, everything is cancelled.
    ///
    /// # Panics
    ///
    /// If this executor is running already.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let task = executor.spawn(async {
    ///     candor::yield_now().await;
    ///     "done"
    /// });
    /// assert!(executor.tick());
    /// assert!(!executor.tick());
    /// assert!(task.is_finished());
    /// ```
    #[track_caller]
    pub fn tick(&self) -> bool {
        let visit = self.give_turn(&"Executor::tick", |tasks| {
            tasks.begin_hosted(self.hosts.get());
            let batch = match &self.core.config.shuffle {
                Some(_) => tasks.polls_left,
                // Keeps the order: it is called for the length only.
                None => self.core.slots.reorder(|_| ()),
            };
            for _ in 0..batch {
                // One by one: a panic ends a run of polls, and the rest of the batch would not be polled.
                tasks.polls_left = 1;
                tasks.run_ready_tasks()?;
            }
            Ok(())
        });
        visit.leave(true)
    }

    /// Runs until no task is ready, no timer is due and no task was woken from elsewhere. Never waits.
    ///
    /// If tasks wake themselves again and again, for example by [`yield_now`](crate::yield_now()), it does not return. A
    /// host that must stay responsive calls [`tick`](Executor::tick). Everything else is as in `tick`.
    ///
    /// # Panics
    ///
    /// If this executor is running already.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// let task = executor.spawn(async {
    ///     for _ in 0..3 {
    ///         candor::yield_now().await;
    ///     }
    /// });
    /// executor.run_until_stalled();
    /// assert!(task.is_finished());
    /// ```
    #[track_caller]
    pub fn run_until_stalled(&self) {
        let function = &"Executor::run_until_stalled";
        let visit = self.give_turn(function, |tasks| {
            tasks.begin_hosted(self.hosts.get());
            while tasks.run_ready_tasks()? != Pause::NothingIsReady || tasks.is_anything_due() {}
            Ok(())
        });
        // What has come after the last look.
        visit.leave(false);
    }

    /// Returns when the next timer is due, or the [grace](crate::Builder::grace) of an unread failure is over; `None`
    /// if there is neither. The time may have passed already.
    ///
    /// A host that has nothing else to do sleeps until then, or until [`on_wake`](crate::Builder::on_wake) is called.
    /// The result of [`tick`](Executor::tick) says whether a task is ready now.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// let executor = candor::Executor::new();
    /// assert_eq!(executor.next_deadline(), None);
    /// let start = Instant::now();
    /// executor.spawn(candor::sleep(Duration::from_secs(5))).detach();
    /// executor.tick();
    /// assert!(executor.next_deadline().unwrap() >= start + Duration::from_secs(5));
    /// ```
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        next_deadline(&self.core)
    }

    /// Polls one task that is ready, and returns whether a task ran: for a host that counts what it does. Otherwise as
    /// [`tick`](Executor::tick).
    ///
    /// # Panics
    ///
    /// When this executor is running already.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// executor.spawn(async {}).detach();
    /// executor.spawn(async {}).detach();
    /// assert_eq!([executor.try_tick(), executor.try_tick(), executor.try_tick()], [true, true, false]);
    /// ```
    #[track_caller]
    pub fn try_tick(&self) -> bool {
        let mut has_run = false;
        let visit = self.give_turn(&"Executor::try_tick", |tasks| {
            // Virtual time stands still: whoever steps by hand moves it by hand.
            tasks.begin_pass();
            // A report may have dropped the handle of a remote task, whose failure is to be reported before time is moved.
            while self.core.inbox.has_mail() && !self.core.slots.has_ready() {
                tasks.begin_pass();
            }
            while !has_run && self.core.slots.has_ready() {
                // A slot may be queued whose task has left.
                let is_task = self.core.slots.is_task_next();
                tasks.polls_left = 1;
                let result = tasks.run_ready_tasks();
                // A stop may come before the poll.
                has_run = is_task && tasks.polls_left == 0;
                result?;
            }
            Ok(())
        });
        // A host that goes on as long as tasks run looks again by itself.
        visit.leave(has_run);
        has_run
    }

    /// Moves this executor's [virtual time](crate::Builder::virtual_time) forward: for a test that steps by hand. Timers that are
    /// due by then fire in the next pass.
    ///
    /// # Panics
    ///
    /// When this executor is not on virtual time.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let executor = candor::Executor::builder().virtual_time().build();
    /// let sleeper = executor.spawn(candor::sleep(Duration::from_secs(60)));
    /// executor.try_tick();
    /// executor.advance(Duration::from_secs(60));
    /// executor.run_until_stalled();
    /// assert!(sleeper.is_finished());
    /// ```
    #[track_caller]
    pub fn advance(&self, duration: Duration) {
        advance_clock(&self.core, duration);
    }

    #[track_caller]
    fn give_turn(
        &self,
        function: &'static &'static str,
        turn: impl FnOnce(&mut Loop<'_>) -> Result<(), Stopped>,
    ) -> Visit<'_> {
        let entry = Entry {
            function,
            at: Location::caller(),
        };
        let visit = Visit::new(&self.core, &self.hosts, entry);
        // If it had to stop, everything is cancelled already.
        let _stopped = visit.run(|core| turn(&mut Loop::new(core, None)));
        visit
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::in_time::in_time;

    #[test]
    fn a_turn_ends_when_nothing_is_ready() {
        let turns: [fn(&Executor); 3] = [
            |executor| _ = executor.tick(),
            Executor::run_until_stalled,
            |executor| _ = executor.try_tick(),
        ];
        for turn in turns {
            let has_run = in_time(move || {
                let executor = Executor::builder().on_wake(|| ()).build();
                let done = executor.spawn(async {});
                let waits = executor.spawn(std::future::pending::<()>());
                turn(&executor);
                turn(&executor);
                turn(&executor);
                [done.is_finished(), waits.is_finished()]
            });
            assert_eq!(has_run, [true, false]);
        }
    }
}
