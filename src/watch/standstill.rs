//! Looks whether an executor stands still, and whether that may be for ever.
//!
//! ```text
//! untimed park ──► proven? ──yes──► stop
//!                    │ no: park for 5 s at most, and look again
//!                    ▼
//!                 suspected? ──yes──► one warning; a test stops
//! ```
//!
//! A look costs nothing while an executor works: it comes before a park without a deadline.
//!
//! Knows the core, and the texts of stalls.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::tasks::{Core, Event, FailurePolicy, Main, Stop};
use crate::report::printing;
use crate::watch::dump::Dump;
use crate::watch::stall;

/// For how long a test may stand still, unless [`Builder::test_timeout`](crate::Builder::test_timeout) says otherwise.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How long everything has to wait before a stall is suspected.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is known of how long one executor has stood still.
#[derive(Default)]
pub(super) struct Standstill {
    detects_stalls: bool,
    /// For how long a test may stand still, if the user has said so.
    test_timeout: Option<Duration>,
    is_test: Cell<bool>,
    /// When the first park without a deadline began after the last poll.
    still_since: Cell<Option<Instant>>,
    /// A stall was looked for in vain, or said: once is enough.
    has_looked: Cell<bool>,
    /// Another thread has woken something.
    is_woken_from_elsewhere: Cell<bool>,
    /// Timers wake what waits for them.
    is_firing: Cell<bool>,
    /// Since when nothing but timers has moved, as far as a test has looked.
    only_timers_since: Cell<Option<Instant>>,
}

impl Standstill {
    pub(super) fn new(detects_stalls: bool, test_timeout: Option<Duration>) -> Self {
        Standstill {
            detects_stalls,
            test_timeout,
            ..Standstill::default()
        }
    }

    /// Learns from an event what moves, and what has moved it.
    pub(super) fn event(&self, core: &Core, event: &Event<'_>) {
        match event {
            Event::PollBegins(_) => self.still_since.set(None),
            Event::TimerFires(_) => self.is_firing.set(true),
            Event::Woken(_) if self.is_firing.get() => {}
            Event::Spawned(_) | Event::Woken(_) => self.only_timers_since.set(None),
            Event::WokenFromElsewhere(_) => {
                self.only_timers_since.set(None);
                self.is_woken_from_elsewhere.set(true);
            }
            // Ends a test in which only timers move, for so long that it is a loop.
            Event::TimersFired => {
                self.is_firing.set(false);
                if let Err(stop) = self.left_of_test(core) {
                    core.stop_for(stop);
                }
            }
            Event::Test(is_test) => {
                self.is_test.set(*is_test);
                self.has_looked.set(false);
                self.only_timers_since.set(None);
            }
            Event::Entered => {
                self.still_since.set(None);
                self.has_looked.set(false);
                self.is_woken_from_elsewhere.set(false);
            }
            _ => {}
        }
    }

    /// Looks for a stall, and looks again after a while: dropping the last waker without a wake ends no park.
    pub(super) fn before_sleep(
        &self,
        core: &Rc<Core>,
        timeout: Option<Duration>,
        main: Option<&mut Main<'_>>,
    ) -> Result<Option<Duration>, Stop> {
        if !(self.detects_stalls || self.is_test.get()) {
            return Ok(timeout);
        }
        // The end of a grace moves nothing, unless the report ends the executor.
        let is_only_grace =
            || core.timers.borrow().is_empty() && core.config.policy == FailurePolicy::Report;
        if self.detects_stalls && (timeout.is_none() || is_only_grace()) && stall::is_proven(core) {
            let dump = Dump::of(core, main);
            return Err(Stop::Stall(stall::proof(core, &dump)));
        }
        if let Some(timeout) = timeout {
            // Only timers move. A test looks again when it has lasted too long.
            return Ok(Some(timeout.min(self.left_of_test(core)?)));
        }
        let patience = self.patience(core);
        let now = Instant::now();
        let since = self.still_since.get().unwrap_or(now);
        self.still_since.set(Some(since));
        let still_for = now - since;
        if still_for >= patience && !core.inbox.has_mail() {
            self.look_for_a_stall(core, main, still_for)?;
            // The polls of a dump are no movement.
            self.still_since.set(Some(since));
        }
        Ok(Some(patience))
    }

    fn test_timeout(&self) -> Duration {
        self.test_timeout.unwrap_or(TEST_TIMEOUT)
    }

    /// How long everything has to wait before it is worth a look. It is real time, also on virtual time: only other threads can
    /// still move anything, and they know no other clock.
    fn patience(&self, core: &Core) -> Duration {
        match self.is_test.get() || core.config.virtual_time {
            true => PATIENCE.min(self.test_timeout()),
            false => PATIENCE,
        }
    }

    /// Everything waits, and has done so for a while.
    fn look_for_a_stall(
        &self,
        core: &Rc<Core>,
        main: Option<&mut Main<'_>>,
        still_for: Duration,
    ) -> Result<(), Stop> {
        let is_over = self.is_test.get() && still_for >= self.test_timeout();
        // What another thread may still ask for is outside as well. Once the last `Remote` is gone, a look is worth its polls.
        let is_open = core.has_remotes();
        let is_nested = core.stay.outer.borrow().is_some();
        let is_worth_it = !self.is_woken_from_elsewhere.get() && (is_nested || !is_open);
        let is_first = is_worth_it && !self.has_looked.replace(true);
        if !is_over && !is_first {
            return Ok(());
        }
        let (dump, waits_for_itself) = Dump::judged(core, main);
        let patience = self.patience(core);
        let (is_stall, text) = match waits_for_itself && !is_open {
            true if is_first => (true, stall::suspicion(core, &dump, patience)),
            _ if is_over => {
                let moves = "nothing has moved";
                (true, stall::standstill(core, &dump, still_for, moves))
            }
            // Perhaps it waits for something outside, and perhaps for a task of the outer one that cannot run meanwhile.
            _ => match stall::nested(core, &dump, patience) {
                Some(text) => (false, text),
                None => return Ok(()),
            },
        };
        if is_stall && self.is_test.get() {
            return Err(Stop::Stall(text));
        }
        printing::print(Level::Warn, &text);
        Ok(())
    }

    /// For how long nothing but timers may still move; outside of tests for ever.
    fn left_of_test(&self, core: &Core) -> Result<Duration, Stop> {
        if !self.is_test.get() {
            return Ok(Duration::MAX);
        }
        let now = Instant::now();
        let since = self.only_timers_since.get().unwrap_or(now);
        self.only_timers_since.set(Some(since));
        let left = self.test_timeout().saturating_sub(now - since);
        if left > Duration::ZERO {
            return Ok(left);
        }
        let dump = Dump::without_chains(core);
        let moves = "nothing but timers has moved";
        let text = stall::standstill(core, &dump, self.test_timeout(), moves);
        Err(Stop::Stall(text))
    }
}
