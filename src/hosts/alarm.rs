//! A thread that calls the hosts of executors whose timers are due while they are not running.
//!
//! A host knows nothing of candor's timers. So when an executor returns to its host, it sets an alarm here for
//! the time when it has to run again. At that time the thread notifies the executor's inbox, and that calls the
//! hosts.
//!
//! ```text
//! the thread sleeps until the first of     12:00:01 executor 4     ring_at(2, 12:00:05) ───► in between
//!                                          12:00:07 executor 1
//! ```
//!
//! There is one thread for the whole process. It starts when the first executor needs it. An alarm may be useless,
//! because an executor that no longer needs it does not remove it. That costs a pass.
//!
//! Knows inboxes.

use std::collections::BTreeMap;
use std::sync::{LazyLock, PoisonError};
use std::thread;
use std::time::Instant;

use crate::kernel::tasks::Inbox;
use crate::kernel::tasks::inbox::std_or_loom::{Condvar, Mutex, MutexGuard};

static CLOCK: LazyLock<AlarmClock> = LazyLock::new(AlarmClock::new);

/// What the thread and the executors share.
pub(crate) struct AlarmClock {
    alarms: Mutex<Alarms>,
    is_set_earlier: Condvar,
}

#[derive(Default)]
struct Alarms {
    /// At which time each executor is to be notified. The first time is searched for: few executors have hosts.
    times: BTreeMap<u16, Instant>,
    is_running: bool,
}

/// Makes the thread notify the executor with this number at `deadline`, or earlier.
///
/// # Panics
///
/// If the operating system refuses to start the thread.
pub(crate) fn ring_at(executor: u16, deadline: Instant) {
    // Before the alarm is set: without the thread there is none.
    start_thread(&mut CLOCK.alarms());
    CLOCK.set(executor, deadline);
}

fn start_thread(alarms: &mut Alarms) {
    if alarms.is_running {
        return;
    }
    let thread = thread::Builder::new().name("candor-timers".to_owned());
    thread.spawn(ring).unwrap_or_else(|error| {
        panic!(
            "candor cannot start the thread that wakes executors for their timers under `run_until`: {error}. \
             The process has too many threads, or too little memory; `Executor::block_on` needs no such thread"
        )
    });
    alarms.is_running = true;
}

fn ring() {
    loop {
        // A host that is called may set another alarm, so the lock is released by then.
        if let Some(inbox) = Inbox::of(CLOCK.wait_for_next()) {
            inbox.notify();
        }
    }
}

impl AlarmClock {
    pub(crate) fn new() -> Self {
        AlarmClock {
            alarms: Mutex::new(Alarms::default()),
            is_set_earlier: Condvar::new(),
        }
    }

    pub(crate) fn set(&self, executor: u16, deadline: Instant) {
        if self.alarms().set(executor, deadline) {
            self.is_set_earlier.notify_one();
        }
    }

    /// Waits until an alarm is due. Removes it, and returns the executor to notify.
    pub(crate) fn wait_for_next(&self) -> u16 {
        loop {
            let (mut alarms, now) = (self.alarms(), Instant::now());
            match alarms.take_due(now) {
                Ok(executor) => return executor,
                Err(Some(next)) => drop(self.is_set_earlier.wait_timeout(alarms, next - now)),
                Err(None) => drop(self.is_set_earlier.wait(alarms)),
            }
        }
    }

    fn alarms(&self) -> MutexGuard<'_, Alarms> {
        // It is poisoned if no thread could be started. The alarms are intact.
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarms {
    /// Sets an alarm, unless there is an earlier one. At that earlier time the executor will set another one. Returns
    /// whether the new alarm is now the first of all.
    fn set(&mut self, executor: u16, deadline: Instant) -> bool {
        let is_first = self.first().is_none_or(|(_, first)| deadline < first);
        let time = self.times.entry(executor).or_insert(deadline);
        *time = deadline.min(*time);
        is_first
    }

    /// Removes and returns an executor whose alarm is due; otherwise returns when the next alarm will be due.
    fn take_due(&mut self, now: Instant) -> Result<u16, Option<Instant>> {
        match self.first() {
            Some((executor, deadline)) if deadline <= now => {
                self.times.remove(&executor);
                Ok(executor)
            }
            next => Err(next.map(|(_, deadline)| deadline)),
        }
    }

    fn first(&self) -> Option<(u16, Instant)> {
        let times = self.times.iter().map(|(executor, time)| (*executor, *time));
        times.min_by_key(|(_, time)| *time)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Wake, Waker};
    use std::time::Duration;

    use super::*;
    use crate::Executor;
    use crate::in_time::in_time;

    struct Tells(mpsc::Sender<()>);

    impl Wake for Tells {
        fn wake(self: std::sync::Arc<Self>) {
            let _told = self.0.send(());
        }
    }

    #[test]
    fn alarms_are_due_in_the_order_of_their_time() {
        let (mut alarms, start) = (Alarms::default(), Instant::now());
        let at = |count| start + Duration::from_secs(count);
        assert!(alarms.set(1, at(7)));
        assert!(alarms.set(2, at(5)));
        assert!(!alarms.set(3, at(6)));
        assert_eq!(alarms.take_due(at(4)), Err(Some(at(5))));
        assert_eq!(alarms.take_due(at(6)), Ok(2));
        assert_eq!(alarms.take_due(at(6)), Ok(3));
        assert_eq!(alarms.take_due(at(6)), Err(Some(at(7))));
    }

    #[test]
    fn an_executor_has_one_alarm_and_that_is_the_earliest_it_asked_for() {
        let (mut alarms, start) = (Alarms::default(), Instant::now());
        let at = |count| start + Duration::from_secs(count);
        assert!(alarms.set(1, at(5)));
        assert!(!alarms.set(1, at(7)));
        assert!(alarms.set(1, at(3)));
        assert_eq!(alarms.take_due(at(9)), Ok(1));
        assert_eq!(alarms.take_due(at(9)), Err(None));
    }

    #[test]
    fn the_thread_calls_a_host_when_the_alarm_of_its_executor_is_due() {
        let (tells, told) = mpsc::channel();
        let host = Waker::from(std::sync::Arc::new(Tells(tells)));
        let executor = Executor::new();
        let mut run = pin!(executor.run_until(std::future::pending::<()>()));
        assert!(
            run.as_mut()
                .poll(&mut Context::from_waker(&host))
                .is_pending()
        );
        assert!(told.try_recv().is_err());
        ring_at(executor.core.number, Instant::now());
        in_time(move || told.recv()).expect("the alarm rings");
    }

    #[test]
    fn an_alarm_wakes_the_thread_that_waits_for_one() {
        let clock: &AlarmClock = Box::leak(Box::new(AlarmClock::new()));
        let waits = thread::spawn(|| clock.wait_for_next());
        clock.set(7, Instant::now());
        assert_eq!(in_time(|| waits.join().unwrap()), 7);
    }
}
