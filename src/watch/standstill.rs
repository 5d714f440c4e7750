//! Looks whether an executor stands still, and whether that may be for ever.
//!
//! ```text
//! untimed park ──► proven? ──yes──► stop
//!                    │ no: park for 5 s at most, and look again
//!                    ▼
//!                 suspected? ──yes──► one warning; a test stops
//!                 a wake was lost? ─► the same
//! ```
//!
//! A look costs nothing while an executor works: it comes before a park without a deadline.
//!
//! Knows the core, and the texts of stalls.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::tasks::{Core, Event, FailurePolicy, Main, Stop, Watch};
use crate::report::printing;
use crate::watch::dump::{Dump, JUDGED_TASKS, TRACED_TASKS};
use crate::watch::instrument::Installed;
use crate::watch::stall;

/// For how long a test may stand still, unless [`Builder::test_timeout`](crate::Builder::test_timeout) says otherwise.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How long everything has to wait before a stall is suspected.
const PATIENCE: Duration = Duration::from_secs(5);

/// A poll of this length computes something. The shorter ones count as time in which only timers move: otherwise a loop over short
/// sleeps on virtual time would hardly ever reach the limit of a test.
const LONG_POLL: Duration = Duration::from_millis(1);

/// A loop of long polls and timers is endless too: what a test computes is left out up to so many times the limit.
const MOST_COMPUTED: u32 = 9;

thread_local! {
    /// The test that runs on this thread. What is entered within it is part of it.
    static TEST: Cell<Option<Test>> = const { Cell::new(None) };
}

/// Makes an observer that looks for a standstill, and tells these instruments.
pub(crate) type MakeObserver = fn(Vec<Installed>) -> Box<dyn Watch>;

/// A test that runs.
#[derive(Clone, Copy)]
pub(crate) struct Test {
    /// For how long it may stand still.
    limit: Duration,
    /// Makes the observer of an executor that is entered within it. A pointer: so a program without a test links no observer.
    pub(crate) observer: MakeObserver,
}

/// The test that runs on this thread.
pub(crate) fn running_test() -> Option<Test> {
    TEST.get()
}

fn is_in_test() -> bool {
    TEST.get().is_some()
}

/// What a test says in which timers are set.
const ONLY_TIMERS: &str = "nothing but timers has moved";

/// What is known of how long one executor has stood still.
pub(super) struct Standstill {
    detects_stalls: bool,
    /// For how long a test of this executor may stand still.
    test_timeout: Duration,
    /// What holds for the test around the one that runs here.
    outer_test: Cell<Option<Test>>,
    /// When the first park without a deadline began after the last poll.
    still_since: Cell<Option<Instant>>,
    /// No stall is to be suspected in the rest of this stay: one was looked for, which is enough, or another thread has woken
    /// something.
    is_settled: Cell<bool>,
    /// Timers wake what waits for them.
    is_firing: Cell<bool>,
    /// The function that has begun the present stay, or the last one. A visit of a host is no stay: the host itself knows what it
    /// waits for.
    entered_by: Cell<&'static str>,
    /// Since when nothing but timers has moved, as far as a test has looked.
    only_timers_since: Cell<Option<Instant>>,
    /// The time since then within long polls.
    computed: Cell<Duration>,
    /// When the running poll of a test began.
    poll_began: Cell<Option<Instant>>,
}

impl Standstill {
    pub(super) fn new(detects_stalls: bool, test_timeout: Option<Duration>) -> Self {
        Standstill {
            detects_stalls,
            test_timeout: test_timeout.unwrap_or(TEST_TIMEOUT),
            outer_test: Cell::new(None),
            still_since: Cell::new(None),
            is_settled: Cell::new(false),
            is_firing: Cell::new(false),
            entered_by: Cell::default(),
            only_timers_since: Cell::new(None),
            computed: Cell::default(),
            poll_began: Cell::new(None),
        }
    }

    /// Learns from an event what moves, and what has moved it.
    pub(super) fn event(&self, core: &Core, event: &mut Event<'_>) {
        match event {
            Event::PollBegins(_) => {
                self.still_since.set(None);
                self.poll_began.set(is_in_test().then(Instant::now));
            }
            Event::PollEnds(..) => self.leave_out_poll(),
            Event::TimerFires(_) => self.is_firing.set(true),
            Event::Woken(_) if self.is_firing.get() => {}
            Event::Spawned(_) | Event::Woken(_) => self.only_timers_since.set(None),
            Event::WokenFromElsewhere(_) => {
                self.only_timers_since.set(None);
                self.is_settled.set(true);
            }
            // Ends a test in which only timers move, for so long that it is a loop.
            Event::TimersFired => {
                let dump = || Dump::without_chains(core);
                if self.is_firing.take()
                    && self.is_in_stay(core)
                    && let Err(stop) = self.left_of_test(core, ONLY_TIMERS, dump)
                {
                    core.stop_for(stop);
                }
            }
            Event::ParkBegins {
                core,
                timeout,
                main,
            } => match self.before_sleep(core, **timeout, main.as_deref_mut()) {
                Ok(allowed) => **timeout = allowed,
                Err(stop) => core.stop_for(stop),
            },
            Event::Test(false) => TEST.set(self.outer_test.get()),
            Event::Entered => {
                self.entered_by.set(function_of(core));
                self.still_since.set(None);
                self.is_settled.set(false);
                self.only_timers_since.set(None);
            }
            _ => {}
        }
    }

    /// What is entered from now on is part of a test, and is observed by what `observer` makes.
    pub(super) fn begin_test(&self, observer: MakeObserver) {
        let limit = self.test_timeout;
        let outer = TEST.replace(Some(Test { limit, observer }));
        self.outer_test.set(outer);
    }

    fn is_in_stay(&self, core: &Core) -> bool {
        function_of(core) == self.entered_by.get()
    }

    /// What computes does not stand still.
    fn leave_out_poll(&self) {
        let held = self.poll_began.take().map(|began| began.elapsed());
        if let Some(held) = held.filter(|held| *held >= LONG_POLL) {
            self.computed.set(self.computed.get().saturating_add(held));
        }
    }

    /// Looks for a stall, and looks again after a while: dropping the last waker without a wake ends no park.
    fn before_sleep(
        &self,
        core: &Rc<Core>,
        timeout: Option<Duration>,
        mut main: Option<&mut Main<'_>>,
    ) -> Result<Option<Duration>, Stop> {
        // An instrument may just have spawned or woken a task, set a timer, or left a failure.
        let has_timer = timeout.is_none() && core.next_event().is_some();
        let has_work = core.slots.has_ready() || core.failures.attention.get() || has_timer;
        if has_work || !(self.detects_stalls || is_in_test()) {
            return Ok(timeout);
        }
        // The end of a grace moves nothing, unless the report ends the executor.
        let is_only_grace =
            || core.timers.borrow().is_empty() && core.config.policy == FailurePolicy::Report;
        if self.detects_stalls && (timeout.is_none() || is_only_grace()) && stall::is_proven(core) {
            let dump = Dump::of(core, main, TRACED_TASKS);
            return Err(Stop::Stall(stall::proof(core, &dump)));
        }
        if let Some(timeout) = timeout {
            // A test looks again when nothing else has moved for too long.
            let dump = || Dump::of(core, main, TRACED_TASKS);
            let left = self.left_of_test(core, ONLY_TIMERS, dump)?;
            return Ok(Some(timeout.min(left)));
        }
        let patience = self.patience(core);
        let now = Instant::now();
        let since = self.still_since.get().unwrap_or(now);
        self.still_since.set(Some(since));
        let mut looked = None;
        if now - since >= patience && !core.inbox.has_mail() && self.is_worth_a_look(core) {
            let dump = Dump::of(core, main.as_deref_mut(), JUDGED_TASKS);
            // The polls of a dump are no movement.
            self.still_since.set(Some(since));
            self.judge(core, &dump, patience)?;
            looked = Some(dump);
        }
        let dump = || looked.unwrap_or_else(|| Dump::of(core, main, TRACED_TASKS));
        let left = self.left_of_test(core, "nothing has moved", dump)?;
        Ok(Some(patience.min(left)))
    }

    /// How long everything has to wait before it is worth a look. It is real time, also on virtual time: only other threads can
    /// still move anything, and they know no other clock.
    fn patience(&self, core: &Core) -> Duration {
        let of_test = TEST.get().map(|test| test.limit);
        let of_virtual_time = core.config.virtual_time.then_some(self.test_timeout);
        let shorter = of_test.into_iter().chain(of_virtual_time);
        shorter.fold(PATIENCE, Duration::min)
    }

    /// Whether a dump could tell anything of an executor in which everything has waited for a while. Once a stay.
    fn is_worth_a_look(&self, core: &Core) -> bool {
        // What another thread may still ask for is outside as well. Once the last `Remote` is gone, a look is worth its polls.
        let is_nested = core.stay.outer.borrow().is_some();
        (is_nested || !core.has_remotes()) && !self.is_settled.replace(true)
    }

    /// Says what the dump has shown of an executor that stands still, if it is likely to be a fault.
    fn judge(&self, core: &Core, dump: &Dump, still_for: Duration) -> Result<(), Stop> {
        let text = if dump.has_lost_wake {
            // The dump has healed it. Without a word, the program would only be late.
            stall::lost_wake(core, dump, still_for)
        } else if dump.is_inside && !core.has_remotes() {
            stall::suspicion(core, dump, still_for, is_in_test())
        } else {
            // Perhaps it waits for something outside, and perhaps for a task of the outer one that cannot run meanwhile.
            if let Some(text) = stall::nested(core, dump, still_for) {
                printing::print(Level::Warn, &text);
            }
            return Ok(());
        };
        if is_in_test() {
            return Err(Stop::Stall(text));
        }
        printing::print(Level::Warn, &text);
        Ok(())
    }

    /// For how long a test may go on like this; outside of tests for ever.
    fn left_of_test(
        &self,
        core: &Core,
        moves: &str,
        dump: impl FnOnce() -> Dump,
    ) -> Result<Duration, Stop> {
        let Some(Test { limit, .. }) = TEST.get() else {
            return Ok(Duration::MAX);
        };
        let now = Instant::now();
        let since = self.only_timers_since.get().unwrap_or_else(|| {
            self.computed.set(Duration::ZERO);
            now
        });
        self.only_timers_since.set(Some(since));
        let computed = self.computed.get().min(limit.saturating_mul(MOST_COMPUTED));
        let left = limit.saturating_sub((now - since).saturating_sub(computed));
        if left > Duration::ZERO {
            return Ok(left);
        }
        let dump = dump();
        Err(Stop::Stall(match dump.has_lost_wake {
            true => stall::lost_wake(core, &dump, limit),
            false => stall::standstill(core, &dump, limit, moves),
        }))
    }
}

/// The function by which the executor was entered.
fn function_of(core: &Core) -> &'static str {
    let entry = core.stay.entry.get();
    entry.map_or("", |entry| *entry.function)
}
