//! The observer that candor's entry points install: what looks for stalls and slow polls, and the instruments.
//!
//! ```text
//! the executor ──Event──► Watchers ──► Standstill, SlowPoll    what is looked for
//!                             └──────► Instruments ──one method per event──► Instrument, Instrument, …
//! ```
//!
//! A release build looks for nothing unless it says so. There the observer of an executor that is logged is its instruments alone
//! (in a test it looks for a standstill as well), so that a program links no more than these. If it linked all, a program that
//! says hello would be 73 KiB larger (784 instead of 711).
//!
//! Knows the core, instruments and stalls.

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use log::Level;

use crate::kernel::failure::{TaskId, guarded};
use crate::kernel::tasks::{Config, Core, Event, Running, Watch};
use crate::report::printing;
use crate::watch::instrument::{Installed, Instrument, TaskView, WokenBy, with_task};
use crate::watch::slow_poll::SlowPoll;
use crate::watch::standstill::{Standstill, running_test};
use crate::watch::trace_log;

/// What observes one executor.
pub(crate) struct Watchers {
    /// Always there: any executor that is kept may run a test.
    standstill: Standstill,
    slow_poll: Option<SlowPoll>,
    instruments: Option<Instruments>,
}

impl Watchers {
    /// Empty if there is nothing to observe.
    pub(crate) fn boxed(
        instruments: Vec<Installed>,
        slow_poll_limit: Option<Duration>,
        detects_stalls: bool,
        test_timeout: Option<Duration>,
    ) -> OnceCell<Box<dyn Watch>> {
        let slow_poll = SlowPoll::new(slow_poll_limit);
        let instruments = Instruments::if_any(instruments);
        let has_timer = slow_poll.is_some() || test_timeout.is_some();
        if instruments.is_none() && !detects_stalls && !has_timer {
            return OnceCell::new();
        }
        let watchers = Watchers {
            standstill: Standstill::new(detects_stalls, test_timeout),
            slow_poll,
            instruments,
        };
        OnceCell::from(Box::new(watchers) as Box<dyn Watch>)
    }

    /// For a test of an executor that has no observer: it must not stand still for ever.
    pub(crate) fn of_test(instruments: Vec<Installed>) -> Box<dyn Watch> {
        Box::new(Watchers {
            standstill: Standstill::new(false, None),
            slow_poll: None,
            instruments: Instruments::if_any(instruments),
        })
    }

    /// The configuration of an executor that nobody configured: a debug build looks for stalls and slow polls.
    ///
    /// With an instrument it is custom, so that the core is not kept for a later executor, which may not be logged.
    pub(crate) fn usual(instrument: Option<Installed>) -> Config {
        let is_custom = Cell::new(instrument.is_some());
        let watch = match (cfg!(debug_assertions), instrument) {
            (true, instrument) => {
                Watchers::boxed(instrument.into_iter().collect(), None, true, None)
            }
            (false, Some(instrument)) => OnceCell::from(match running_test() {
                Some(test) => (test.observer)(vec![instrument]),
                None => Box::new(Instruments::new(vec![instrument])),
            }),
            (false, None) => OnceCell::new(),
        };
        Config {
            is_custom,
            watch,
            ..Config::default()
        }
    }
}

/// The configuration of an executor that is logged; `None` if the logger does not take trace lines.
#[inline]
pub(crate) fn followed() -> Option<Config> {
    trace_log::wanted().map(|instrument| Watchers::usual(Some(instrument)))
}

impl Watch for Watchers {
    fn event(&self, core: &Core, event: &mut Event<'_>) {
        if let Some(slow_poll) = &self.slow_poll {
            slow_poll.event(core, event);
        }
        if let Some(instruments) = &self.instruments {
            instruments.event(core, event);
        }
        if let Event::Test(true) = event {
            self.standstill.begin_test(Watchers::of_test);
        }
        // Last: what an instrument does before a park is seen.
        self.standstill.event(core, event);
    }
}

/// All instruments of one executor, in the order in which they are called.
pub(crate) struct Instruments {
    /// Taken out while they are called: so what they do is no event. `None` for one that has panicked.
    installed: Cell<Vec<Option<Installed>>>,
    /// A poll has begun and has not ended.
    is_in_poll: Cell<bool>,
    /// What calls wakers now, while no poll is running.
    cause: Cell<Option<WokenBy>>,
}

impl Instruments {
    fn if_any(installed: Vec<Installed>) -> Option<Self> {
        (!installed.is_empty()).then(|| Instruments::new(installed))
    }

    pub(crate) fn new(installed: Vec<Installed>) -> Self {
        Instruments {
            installed: Cell::new(installed.into_iter().map(Some).collect()),
            is_in_poll: Cell::new(false),
            cause: Cell::new(None),
        }
    }

    /// Keeps what is needed for later events. Returns whether the event is one for the instruments.
    fn note(&self, event: &Event<'_>, task: Option<&TaskView<'_>>) -> bool {
        match event {
            Event::PollBegins(_) => {
                self.cause.set(None);
                // If the future of an aborted task is only dropped, that is no poll.
                let is_aborted = task.is_some_and(|task| task.is_aborted);
                self.is_in_poll.set(!is_aborted);
                return !is_aborted;
            }
            Event::PollEnds(..) => {
                self.cause.set(None);
                return self.is_in_poll.take();
            }
            Event::TimersFired | Event::Entered => self.cause.set(None),
            Event::TimerFires(_) => self.cause.set(Some(WokenBy::Timer)),
            Event::Done(task, _) => self.cause.set(Some(WokenBy::Task(task.header().id))),
            _ => {}
        }
        true
    }

    /// Calls all instruments. They run on no task's behalf: a panic is printed here, and is no task's failure.
    #[inline(always)]
    fn tell(&self, core: &Core, event: &Event<'_>, task: Option<&TaskView<'_>>) {
        let mut installed = self.installed.take();
        let at = core.clock.now();
        let by = match event {
            Event::Woken(_) => self.waking(core),
            _ => WokenBy::Elsewhere,
        };
        core.aside(|| {
            for one in &mut installed {
                if let Some(instrument) = one
                    && let Err(caught) = guarded(|| call(&***instrument, at, event, task, by))
                {
                    let remark =
                        ". It is told nothing any more; the executor and other instruments go on";
                    let text = format!("an instrument panicked: {}", caught.quoted(remark));
                    printing::print(Level::Warn, &text);
                    *one = None;
                }
            }
        });
        self.installed.set(installed);
    }

    /// What calls wakers right now.
    fn waking(&self, core: &Core) -> WokenBy {
        let task = match core.polling.running.get() {
            Running::Main | Running::MainOfRun => Some(TaskId::MAIN),
            _ => core.running_task().map(|task| task.header().id),
        };
        // A report runs a callback or a logger, which belongs to no task.
        let cause = (self.cause.get()).filter(|_| !core.failures.is_reporting.get());
        let cause = task.map(WokenBy::Task).or(cause);
        cause.unwrap_or(WokenBy::Elsewhere)
    }
}

/// The observer of an executor that only has instruments: nothing is looked for.
impl Watch for Instruments {
    fn event(&self, core: &Core, event: &mut Event<'_>) {
        let event = &*event;
        with_task(core, event, |task| {
            if !self.note(event, task) {
                return;
            }
            // This asks the error for its text.
            if let Event::Done(task, ending) = event
                && ending.is_failure()
                && let Some(failure) = core.failure_of(*task)
            {
                self.tell(core, &Event::Failed(&failure), None);
            }
            self.tell(core, event, task);
        });
    }
}

/// Calls the method of an event. `task` is the one that it is about.
fn call(
    instrument: &dyn Instrument,
    at: Instant,
    event: &Event<'_>,
    task: Option<&TaskView<'_>>,
    by: WokenBy,
) {
    match (event, task) {
        (Event::Spawned(_), Some(task)) => instrument.spawn(at, task),
        (Event::PollBegins(_), Some(task)) => instrument.poll_begin(at, task),
        (Event::PollEnds(_, poll), Some(task)) => instrument.poll_end(at, task, *poll),
        (Event::Woken(_) | Event::WokenFromElsewhere(_), Some(task)) => {
            instrument.wake(at, task, by);
        }
        (Event::TimerFires(_), task) => instrument.timer(at, task),
        (Event::ParkBegins { timeout, .. }, _) => instrument.park_begin(at, **timeout),
        (Event::ParkEnds, _) => instrument.park_end(at),
        (Event::Failed(failure), _) => instrument.failure(at, failure),
        (Event::Done(_, ending), Some(task)) => instrument.done(at, task, *ending),
        _ => {}
    }
}
