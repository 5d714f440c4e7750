//! What the tasks of a program share, and the types that observe all that happens.
//!
//! ```text
//! World ── the trace, the gates, what is known of each task
//!   ▲
//!   ├── Witness   polled, dropped      a task's future; holds its pocket and its destructor
//!   ├── Held      delivered, let go    a JoinHandle
//!   ├── Gift      dropped              a task's value
//!   └── note_report                    the executor's `on_failure`
//! ```
//!
//! Everything that the executor does to a task goes through one of these.
//!
//! Knows no steps.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use candor::{AbortHandle, JoinError, JoinHandle, TaskBuilder, TaskFailure};

use super::program::{GATES, Parting};
use super::trace::{Delivered, Event, MAIN, Number, Report, cause_in};

pub type AnyError = Box<dyn Error>;
pub type Ended = Result<Gift, AnyError>;

/// The handles that a task holds. Others may put some in while the task's future lives.
pub type Pocket = RefCell<Vec<Held>>;

#[derive(Default)]
pub struct World {
    trace: RefCell<Vec<(Duration, Event)>>,
    start: Cell<Option<Instant>>,
    /// The virtual time. It stands still while the host has control.
    now: Cell<Duration>,
    is_inside: Cell<bool>,
    pub gates: [Gate; GATES],
    tasks: RefCell<Vec<Known>>,
    /// The handles that the host holds.
    pub host: Pocket,
}

/// What is known of a task.
struct Known {
    pocket: Weak<Pocket>,
    /// The main future has none.
    abort: Option<AbortHandle>,
    waker: Option<Waker>,
    waits: Waits,
    is_over: bool,
}

/// What a task waits for.
#[derive(Clone, Debug)]
pub enum Waits {
    /// For a poll that it has a right to: its first, or one after a yield.
    ForItsTurn,
    Until(Duration),
    AtGate(usize),
    /// For any of them, but not longer than until then.
    ForTasks(Vec<Number>, Option<Duration>),
    ForEver,
}

impl World {
    /// Gives control to `executor_runs`.
    pub fn enter<R>(&self, executor_runs: impl FnOnce() -> R) -> R {
        self.is_inside.set(true);
        let result = executor_runs();
        self.is_inside.set(false);
        self.note(Event::ControlReturns);
        result
    }

    pub fn now(&self) -> Duration {
        if self.is_inside.get() {
            let now = candor::time::now();
            let start = self.start.get().unwrap_or(now);
            self.start.set(Some(start));
            self.now.set(now - start);
        }
        self.now.get()
    }

    pub fn note(&self, event: Event) {
        let now = self.now();
        self.trace.borrow_mut().push((now, event));
    }

    pub fn note_report(&self, failure: &TaskFailure) {
        let message = failure.message().to_owned();
        // The text is made only where it is needed: it takes a while.
        let names_its_cause =
            cause_in(&message).is_none_or(|cause| failure.report().contains(&format!("`{cause}`")));
        let name = failure.task_name().and_then(|name| name.strip_prefix('t'));
        self.note(Event::Reported(Report {
            of: name.map_or(MAIN, |number| number.parse().expect("we named it")),
            kind: failure.kind(),
            message,
            names_its_cause,
        }));
    }

    /// Ends the world, and returns its trace.
    pub fn take_trace(&self) -> Vec<(Duration, Event)> {
        // An abort handle keeps the task's outcome, and a missed drop would look like one too few.
        self.tasks.take();
        self.trace.take()
    }

    /// Wraps a future so that it is watched. It gets the next number.
    pub fn watch<A: Future<Output = Ended> + 'static>(
        self: &Rc<Self>,
        acts: impl FnOnce(Number, Rc<Pocket>) -> A,
        parting: impl FnOnce(Number) -> PartingShot,
    ) -> Witness {
        let number = self.tasks.borrow().len();
        self.note(Event::Spawned(number));
        let pocket = Rc::new(Pocket::default());
        self.tasks.borrow_mut().push(Known {
            pocket: Rc::downgrade(&pocket),
            abort: None,
            waker: None,
            waits: Waits::ForItsTurn,
            is_over: false,
        });
        Witness {
            world: self.clone(),
            number,
            acts: Box::pin(acts(number, pocket)),
            _parting: parting(number),
        }
    }

    pub fn spawn(self: &Rc<Self>, witness: Witness, is_daemon: bool) -> Held {
        let number = witness.number;
        let mut task = TaskBuilder::new().name(format!("t{number}"));
        if is_daemon {
            task = task.daemon();
        }
        let handle = task.spawn(witness);
        self.tasks.borrow_mut()[number].abort = Some(handle.abort_handle());
        Held {
            world: self.clone(),
            number,
            handle: Some(handle),
        }
    }

    pub fn is_task(&self, number: Number) -> bool {
        number < self.tasks.borrow().len()
    }

    /// One of all the tasks that have been spawned so far.
    pub fn any_task(&self, choice: usize) -> Number {
        choice % self.tasks.borrow().len()
    }

    pub fn abort(&self, number: Number) {
        let handle = self.tasks.borrow()[number].abort.clone();
        if let Some(handle) = handle
            && !handle.is_finished()
        {
            self.note(Event::Aborted(number));
            handle.abort();
        }
    }

    pub fn nudge(&self, number: Number) {
        let waker = self.tasks.borrow()[number].waker.clone();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The pocket of a task that is not over yet.
    pub fn pocket_of(&self, number: Number) -> Option<Rc<Pocket>> {
        self.tasks.borrow()[number].pocket.upgrade()
    }

    pub fn waits(&self, number: Number, waits: Waits) {
        self.tasks.borrow_mut()[number].waits = waits;
    }

    /// Nothing has happened for long: notes the tasks that wait for something that has happened.
    pub fn note_lost_wakes(&self) {
        let now = self.now();
        let tasks = self.tasks.borrow();
        let is_past = |time: Duration| time < now;
        let waiting = tasks.iter().enumerate().filter(|(_, task)| !task.is_over);
        for (number, task) in waiting {
            let has_happened = match &task.waits {
                Waits::ForItsTurn => true,
                Waits::Until(time) => is_past(*time),
                Waits::AtGate(gate) => self.gates[*gate].is_open.get(),
                Waits::ForTasks(others, until) => {
                    others.iter().any(|other| tasks[*other].is_over) || until.is_some_and(is_past)
                }
                Waits::ForEver => false,
            };
            if has_happened {
                let what = format!("it has happened: {:?}", task.waits);
                self.note(Event::WaitsInVain(number, what));
            }
        }
    }
}

/// The future of a task, watched.
pub struct Witness {
    world: Rc<World>,
    number: Number,
    acts: Pin<Box<dyn Future<Output = Ended>>>,
    /// The last field, so that it is dropped after the handles in the pocket.
    _parting: PartingShot,
}

impl Future for Witness {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        self.world.note(Event::Polled(self.number));
        self.world.tasks.borrow_mut()[self.number].waker = Some(cx.waker().clone());
        self.acts.as_mut().poll(cx)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.world.note(Event::Dropped(self.number));
        self.world.tasks.borrow_mut()[self.number].is_over = true;
    }
}

/// What the destructor of a task's future does.
pub struct PartingShot {
    pub number: Number,
    pub parting: Parting,
    pub world: Rc<World>,
    pub spawn: fn(&Rc<World>),
}

impl Drop for PartingShot {
    fn drop(&mut self) {
        match self.parting {
            Parting::Quiet => {}
            Parting::Panic => {
                let message = format!("t{} panics when it is dropped", self.number);
                self.world.note(Event::Fails(self.number, message.clone()));
                panic!("{message}");
            }
            Parting::Spawn => (self.spawn)(&self.world),
        }
    }
}

/// A handle, watched. It is a future of what the handle gives.
pub struct Held {
    world: Rc<World>,
    pub number: Number,
    handle: Option<JoinHandle<Ended>>,
}

impl Held {
    pub fn detach(mut self) {
        self.world.note(Event::LetGo(self.number));
        self.handle
            .take()
            .expect("it has not delivered yet")
            .detach();
    }

    pub fn forget(mut self) {
        self.world.note(Event::Forgotten(self.number));
        std::mem::forget(self.handle.take());
    }
}

impl Future for Held {
    type Output = Result<Gift, JoinError<AnyError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let handle = self.handle.as_mut().expect("it has not delivered yet");
        let outcome = ready!(Pin::new(handle).poll(cx));
        let delivered = match &outcome {
            Ok(gift) => Delivered::Value(gift.from),
            Err(error) => match error.failure() {
                Some(failure) => Delivered::Failure(failure.message().to_owned()),
                None => Delivered::Cancelled,
            },
        };
        self.world.note(Event::Delivered(self.number, delivered));
        self.handle = None;
        Poll::Ready(outcome)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(handle) = self.handle.take() {
            self.world.note(Event::LetGo(self.number));
            drop(handle);
        }
    }
}

/// The value of a task.
pub struct Gift {
    pub from: Number,
    pub world: Rc<World>,
}

impl candor::Value for Gift {}

impl Drop for Gift {
    fn drop(&mut self) {
        self.world.note(Event::ValueDropped(self.from));
    }
}

/// Lets tasks through once it is open. Written by hand, as a user would.
#[derive(Default)]
pub struct Gate {
    is_open: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

impl Gate {
    pub fn open(&self) {
        self.is_open.set(true);
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    pub fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_open.get() {
            return Poll::Ready(());
        }
        self.waiting.borrow_mut().push(cx.waker().clone());
        Poll::Pending
    }
}

/// An error with a given text.
#[derive(Debug)]
pub struct Fault {
    pub message: String,
    pub cause: Option<JoinError<AnyError>>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}
