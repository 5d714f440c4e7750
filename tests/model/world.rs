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

use candor::{
    AbortHandle, GroupHandle, GroupSpawner, JoinError, JoinHandle, Remote, RemoteHandle,
    TaskFailure, TaskId, TaskPool,
};

use super::mapping::Untaken;
use super::program::{GATES, Parting};
use super::trace::{Delivered, Event, GroupNumber, Kind, MAIN, Number, Report, cause_in};

/// What a remote gives back must be `Send`.
pub type AnyError = Box<dyn Error + Send + Sync>;
pub type Ended = Result<Gift, AnyError>;

/// The handles that a task holds. Others may put some in while the task's future lives.
pub type Pocket = RefCell<Vec<Held>>;

/// How many tasks of the pool may run at once.
pub const POOL_LIMIT: usize = 2;

thread_local! {
    /// For what cannot hold an `Rc`: values and closures that might go to another thread.
    static CURRENT: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

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
    pub pool: TaskPool,
    pub remote: RefCell<Option<Remote>>,
    groups: RefCell<Vec<KnownGroup>>,
}

/// What is known of a group.
struct KnownGroup {
    members: Vec<Number>,
    /// For the members, until the group is over. An independent group has none.
    spawner: Option<GroupSpawner<AnyError>>,
}

/// What is known of a task.
struct Known {
    pocket: Weak<Pocket>,
    kind: Kind,
    /// The main future has none.
    abort: Option<Abort>,
    waker: Option<Waker>,
    waits: Waits,
    spawned_at: Duration,
    is_begun: bool,
    is_over: bool,
}

/// The handle of a remote, wherever it is; `None` once it is detached or has delivered.
type SharedHandle = Rc<RefCell<Option<RemoteHandle<Ended>>>>;

#[derive(Clone)]
enum Abort {
    Here(AbortHandle),
    Member(Rc<GroupHandle<Ended>>),
    /// Only the handle itself can abort such a task.
    Remote(Weak<RefCell<Option<RemoteHandle<Ended>>>>),
}

impl Abort {
    /// Aborts the task, unless that would change nothing. Calls `before` first.
    fn abort(&self, before: impl FnOnce()) {
        match self {
            Abort::Here(handle) if !handle.is_finished() => {
                before();
                handle.abort();
            }
            Abort::Member(handle) if !handle.is_finished() => {
                before();
                handle.abort();
            }
            Abort::Here(_) | Abort::Member(_) => {}
            Abort::Remote(handle) => {
                let Some(handle) = handle.upgrade() else {
                    return;
                };
                // It is borrowed while it is polled.
                if let Ok(handle) = handle.try_borrow()
                    && let Some(handle) = &*handle
                    && !handle.is_finished()
                {
                    before();
                    handle.abort();
                }
            }
        }
    }
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
    /// For all tasks of a group.
    ForGroup(GroupNumber),
    /// For any task of a group, if there is one.
    ForAnyOf(GroupNumber),
    /// For the first of these, or for any of them.
    ForResult(Untaken, bool),
    ForEver,
}

impl World {
    /// Makes the world of a program, and the current one of this thread.
    pub fn begin() -> Rc<World> {
        let world = Rc::new(World {
            trace: RefCell::default(),
            start: Cell::default(),
            now: Cell::default(),
            is_inside: Cell::default(),
            gates: Default::default(),
            tasks: RefCell::default(),
            host: Pocket::default(),
            pool: TaskPool::new(POOL_LIMIT),
            remote: RefCell::default(),
            groups: RefCell::default(),
        });
        CURRENT.set(Some(world.clone()));
        world
    }

    pub fn current() -> Rc<World> {
        CURRENT.with_borrow(|world| world.clone().expect("a program runs"))
    }

    pub fn is_inside(&self) -> bool {
        self.is_inside.get()
    }

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
            of: match name {
                Some(number) => number.parse().expect("we named it"),
                None if failure.task_id() == TaskId::MAIN => MAIN,
                None => number_in(&message).unwrap_or(MAIN),
            },
            kind: failure.kind(),
            message,
            names_its_cause,
        }));
    }

    /// Ends the world, and returns its trace.
    pub fn take_trace(&self) -> Vec<(Duration, Event)> {
        // An abort handle keeps the task's outcome, and a missed drop would look like one too few.
        self.tasks.take();
        CURRENT.take();
        self.trace.take()
    }

    /// Gives the next task its number.
    pub fn register(&self, kind: Kind) -> Number {
        let number = self.tasks.borrow().len();
        self.note(Event::Spawned(number, kind));
        self.tasks.borrow_mut().push(Known {
            pocket: Weak::new(),
            kind,
            abort: None,
            waker: None,
            waits: Waits::ForItsTurn,
            spawned_at: self.now(),
            is_begun: false,
            is_over: false,
        });
        if let Kind::Member(group) = kind {
            self.groups.borrow_mut()[group].members.push(number);
        }
        number
    }

    /// Wraps a future so that it is watched.
    pub fn watch<A: Future<Output = Ended> + 'static>(
        self: &Rc<Self>,
        number: Number,
        acts: impl FnOnce(Rc<Pocket>) -> A,
        parting: PartingShot,
    ) -> Witness {
        let pocket = Rc::new(Pocket::default());
        self.tasks.borrow_mut()[number].pocket = Rc::downgrade(&pocket);
        Witness {
            world: self.clone(),
            number,
            acts: Box::pin(acts(pocket)),
            _parting: parting,
        }
    }

    pub fn hold(self: &Rc<Self>, number: Number, handle: JoinHandle<Ended>) -> Held {
        let abort = Abort::Here(handle.abort_handle());
        self.tasks.borrow_mut()[number].abort = Some(abort);
        Held {
            world: self.clone(),
            number,
            handle: Some(Handle::Here(handle)),
        }
    }

    pub fn hold_remote(self: &Rc<Self>, number: Number, handle: RemoteHandle<Ended>) -> Held {
        let handle = Rc::new(RefCell::new(Some(handle)));
        let abort = Abort::Remote(Rc::downgrade(&handle));
        self.tasks.borrow_mut()[number].abort = Some(abort);
        Held {
            world: self.clone(),
            number,
            handle: Some(Handle::Remote(handle)),
        }
    }

    pub fn hold_member(&self, number: Number, handle: GroupHandle<Ended>) {
        self.tasks.borrow_mut()[number].abort = Some(Abort::Member(Rc::new(handle)));
    }

    pub fn add_group(&self, spawner: Option<GroupSpawner<AnyError>>) -> GroupNumber {
        let mut groups = self.groups.borrow_mut();
        groups.push(KnownGroup {
            members: Vec::new(),
            spawner,
        });
        groups.len() - 1
    }

    /// Nothing can be spawned into this group any more.
    pub fn end_group(&self, group: GroupNumber) {
        self.groups.borrow_mut()[group].spawner = None;
    }

    pub fn members(&self, group: GroupNumber) -> Vec<Number> {
        self.groups.borrow()[group].members.clone()
    }

    /// The group of a task, and a way to spawn into it.
    pub fn group_of(&self, number: Number) -> Option<(GroupNumber, GroupSpawner<AnyError>)> {
        let Kind::Member(group) = self.tasks.borrow()[number].kind else {
            return None;
        };
        let spawner = self.groups.borrow()[group].spawner.clone()?;
        Some((group, spawner))
    }

    pub fn last_task(&self) -> Number {
        self.tasks.borrow().len() - 1
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
        if let Some(handle) = handle {
            handle.abort(|| self.note(Event::Aborted(number)));
        }
    }

    /// Notes that a task is aborted by what held it, unless that changes nothing.
    pub fn note_abort(&self, number: Number) {
        let is_over = self.tasks.borrow()[number].is_over;
        if !is_over {
            self.note(Event::Aborted(number));
        }
    }

    pub fn nudge_all(&self) {
        for number in (0..).take_while(|number| self.is_task(*number)) {
            self.nudge(number);
        }
    }

    pub fn begins(&self, number: Number) {
        self.tasks.borrow_mut()[number].is_begun = true;
    }

    pub fn is_over(&self, number: Number) {
        self.tasks.borrow_mut()[number].is_over = true;
    }

    pub fn nudge(&self, number: Number) {
        let waker = self.waker_of(number);
        waker.wake();
    }

    /// The waker that a task was last polled with, or one that does nothing.
    pub fn waker_of(&self, number: Number) -> Waker {
        let waker = self.tasks.borrow()[number].waker.clone();
        waker.unwrap_or_else(|| Waker::noop().clone())
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
                // An instrument may wake a waker that spawns it, at this very time.
                Waits::ForItsTurn if task.spawned_at == now => false,
                Waits::ForItsTurn => {
                    let running = tasks
                        .iter()
                        .filter(|task| task.kind == Kind::Pooled && task.is_begun && !task.is_over);
                    task.kind != Kind::Pooled || task.is_begun || running.count() < POOL_LIMIT
                }
                Waits::Until(time) => is_past(*time),
                Waits::AtGate(gate) => self.gates[*gate].is_open.get(),
                Waits::ForTasks(others, until) => {
                    others.iter().any(|other| tasks[*other].is_over) || until.is_some_and(is_past)
                }
                Waits::ForGroup(group) => {
                    let members = self.members(*group);
                    members.iter().all(|member| tasks[*member].is_over)
                }
                Waits::ForAnyOf(group) => {
                    let members = self.members(*group);
                    members.is_empty() || members.iter().any(|member| tasks[*member].is_over)
                }
                Waits::ForResult(untaken, is_in_order) => {
                    let untaken = untaken.borrow();
                    let most = if *is_in_order { 1 } else { untaken.len() };
                    untaken.iter().take(most).any(|one| tasks[*one].is_over)
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

/// The task that a message is of, by its first word.
pub fn number_in(message: &str) -> Option<Number> {
    let name = message.split(' ').next()?;
    name.strip_prefix('t')?.parse().ok()
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
        self.world.begins(self.number);
        let waker = cx.waker().clone();
        let former = self.world.tasks.borrow_mut()[self.number]
            .waker
            .replace(waker);
        drop(former);
        self.acts.as_mut().poll(cx)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.world.note(Event::Dropped(self.number));
        self.world.is_over(self.number);
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
    handle: Option<Handle>,
}

enum Handle {
    Here(JoinHandle<Ended>),
    Remote(SharedHandle),
}

impl Held {
    pub fn detach(mut self) {
        self.world.note(Event::LetGo(self.number));
        match self.handle.take().expect("it has not delivered yet") {
            Handle::Here(handle) => handle.detach(),
            Handle::Remote(handle) => handle.take().expect("it is there").detach(),
        }
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
        let outcome = ready!(match handle {
            Handle::Here(handle) => Pin::new(handle).poll(cx),
            Handle::Remote(handle) => {
                let mut handle = handle.borrow_mut();
                Pin::new(handle.as_mut().expect("it is there")).poll(cx)
            }
        });
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
}

impl candor::Value for Gift {}

impl Drop for Gift {
    fn drop(&mut self) {
        World::current().note(Event::ValueDropped(self.from));
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
