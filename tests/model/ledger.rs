//! An instrument that counts, and what it must have counted in the end.
//!
//! ```text
//! spawn ──► poll_begin ──► poll_end ──► … ──► done
//!              └── never after `done`, and never two at once of one task
//! ```
//!
//! A task that an instrument or a foreign waker spawns within the instrument's own events is unknown here.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use candor::{Ending, Instrument, TaskFailure, TaskId, TaskView, WokenBy};

use super::program::Watching;
use super::world::World;

/// How many events of a program an instrument answers by waking all tasks.
const WAKING_EVENTS: u8 = 40;

pub struct Ledger {
    world: Rc<World>,
    does: Watching,
    events: Cell<u8>,
    is_over: Cell<bool>,
    tasks: RefCell<BTreeMap<TaskId, Account>>,
    failures: Cell<u64>,
    offence: RefCell<Option<String>>,
}

#[derive(Debug, Default)]
struct Account {
    is_polled: bool,
    has_failed: bool,
    ending: Option<Ending>,
}

impl Ledger {
    pub fn new(world: &Rc<World>, does: Watching) -> Self {
        Ledger {
            world: world.clone(),
            does,
            events: Cell::new(0),
            is_over: Cell::new(false),
            tasks: RefCell::default(),
            failures: Cell::new(0),
            offence: RefCell::default(),
        }
    }

    /// What was wrong, if anything was. The executor is gone.
    pub fn offence(&self) -> Option<String> {
        if self.is_over.get() || self.does == Watching::Nobody {
            return None;
        }
        for (id, account) in &*self.tasks.borrow() {
            if account.ending.is_none() {
                return Some(format!("task {id} was never done"));
            }
        }
        self.offence.take()
    }

    fn check(&self, holds: bool, offence: impl FnOnce() -> String) {
        if !holds {
            self.offence.borrow_mut().get_or_insert_with(offence);
        }
    }

    /// Does what it should do at each event beside counting.
    fn act(&self) {
        let event = self.events.get();
        self.events.set(event.saturating_add(1));
        if self.does == Watching::Panicking(event) {
            // It must not be called again.
            self.is_over.set(true);
            panic!("an instrument panics");
        }
        let was_over = self.is_over.get() && self.does != Watching::Nobody;
        self.check(!was_over, || "called after its panic".to_owned());
    }

    /// Not without end: time stands still while a task is ready.
    fn wake_all(&self) {
        if self.does == Watching::Waking && self.events.get() < WAKING_EVENTS {
            self.world.nudge_all();
        }
    }

    fn with(&self, task: &TaskView<'_>, change: impl FnOnce(&mut Account)) {
        self.act();
        if task.id() == TaskId::MAIN {
            return;
        }
        let mut tasks = self.tasks.borrow_mut();
        match tasks.get_mut(&task.id()) {
            Some(account) => change(account),
            None => self.check(false, || format!("{task} was never spawned")),
        }
    }
}

impl Instrument for Ledger {
    fn spawn(&self, _: Instant, task: &TaskView<'_>) {
        self.act();
        let known = self
            .tasks
            .borrow_mut()
            .insert(task.id(), Account::default());
        self.check(known.is_none(), || format!("two tasks are {}", task.id()));
    }

    fn poll_begin(&self, _: Instant, task: &TaskView<'_>) {
        self.with(task, |account| {
            let is_fine = !account.is_polled && account.ending.is_none();
            self.check(is_fine, || format!("{task} is polled: {account:?}"));
            account.is_polled = true;
        });
        self.wake_all();
    }

    fn poll_end(&self, _: Instant, task: &TaskView<'_>, _: Poll<()>) {
        self.with(task, |account| {
            self.check(account.is_polled, || format!("no poll of {task} ends"));
            account.is_polled = false;
        });
        self.wake_all();
    }

    fn wake(&self, _: Instant, task: &TaskView<'_>, _: WokenBy) {
        self.with(task, |account| {
            let is_there = account.ending.is_none();
            self.check(is_there, || format!("{task} is woken after its end"));
        });
    }

    fn timer(&self, _: Instant, _: Option<&TaskView<'_>>) {
        self.act();
    }

    fn failure(&self, _: Instant, failure: &TaskFailure) {
        self.act();
        self.failures.set(self.failures.get() + 1);
        if failure.task_id() == TaskId::MAIN {
            return;
        }
        if let Some(account) = self.tasks.borrow_mut().get_mut(&failure.task_id()) {
            account.has_failed = true;
        }
    }

    fn done(&self, _: Instant, task: &TaskView<'_>, ending: Ending) {
        self.with(task, |account| {
            let is_first = account.ending.is_none();
            self.check(is_first, || format!("{task} is done twice"));
            let has_failed = matches!(ending, Ending::Failed | Ending::Panicked);
            self.check(has_failed == account.has_failed, || {
                format!("{task} {ending}, and {account:?}")
            });
            account.ending = Some(ending);
        });
    }
}
