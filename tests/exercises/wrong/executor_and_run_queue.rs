//! Exercises 14 and 15.

use crate::assert_rejected;

#[test]
fn no_wrong_executor_is_accepted() {
    assert_rejected([
        (returns_too_early::check::check, "`run` returned while"),
        (polls_all_of_them::check::check, "that nobody has woken"),
        (queues_each_wake::check::check, "in the queue once"),
        (forgets_a_wake_within_the_poll::check::check, "does not end"),
        (nobody_rings::check::check, "does not end"),
    ]);
}

/// The executor as it was given: an empty queue is taken for the end.
mod returns_too_early {
    pub type Executor = super::WrongExecutor<0>;

    pub mod check {
        include!("../checks/a_wake_from_elsewhere.rs");
    }
}

/// When the queue is empty, it polls every task, just in case.
mod polls_all_of_them {
    pub type Executor = super::WrongExecutor<1>;

    pub mod check {
        include!("../checks/a_wake_from_elsewhere.rs");
    }
}

/// Each wake puts the task into the queue once more.
mod queues_each_wake {
    pub type Executor = super::WrongExecutor<2>;

    pub mod check {
        include!("../checks/a_wake_from_elsewhere.rs");
    }
}

/// It clears the flag after the poll. A wake within the poll found the flag set, and pushed nothing.
mod forgets_a_wake_within_the_poll {
    pub type Executor = super::WrongExecutor<3>;

    pub mod check {
        include!("../checks/a_wake_from_elsewhere.rs");
    }
}

/// The number is in the queue, but the thread that sleeps does not hear of it.
mod nobody_rings {
    pub type Executor = super::WrongExecutor<4>;

    pub mod check {
        include!("../checks/a_wake_from_elsewhere.rs");
    }
}

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Wake, Waker};

/// The wrong executors differ in a few lines: `WRONG` is their place in the list above.
#[derive(Default)]
pub struct WrongExecutor<const WRONG: usize> {
    tasks: Vec<Option<(Pin<Box<dyn Future<Output = ()>>>, Arc<Ringer<WRONG>>)>>,
    ready: Arc<(Mutex<VecDeque<usize>>, Condvar)>,
}

struct Ringer<const WRONG: usize> {
    task: usize,
    is_queued: AtomicBool,
    ready: Arc<(Mutex<VecDeque<usize>>, Condvar)>,
}

impl<const WRONG: usize> Wake for Ringer<WRONG> {
    fn wake(self: Arc<Self>) {
        if !self.is_queued.swap(true, SeqCst) || WRONG == 2 {
            self.ready.0.lock().unwrap().push_back(self.task);
            if WRONG != 4 {
                self.ready.1.notify_one();
            }
        }
    }
}

impl<const WRONG: usize> WrongExecutor<WRONG> {
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let ringer = Arc::new(Ringer {
            task: self.tasks.len(),
            is_queued: AtomicBool::new(false),
            ready: self.ready.clone(),
        });
        self.tasks.push(Some((Box::pin(future), ringer.clone())));
        ringer.wake();
    }

    pub fn run(&mut self) {
        while self.tasks.iter().any(Option::is_some) {
            let Some(task) = self.next_ready() else {
                return;
            };
            let Some((future, ringer)) = &mut self.tasks[task] else {
                continue;
            };
            if WRONG != 3 {
                ringer.is_queued.store(false, SeqCst);
            }
            let waker = Waker::from(ringer.clone());
            let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
            ringer.is_queued.fetch_and(WRONG != 3, SeqCst);
            if poll.is_ready() {
                self.tasks[task] = None;
            }
        }
    }

    fn next_ready(&self) -> Option<usize> {
        let mut run_queue = self.ready.0.lock().unwrap();
        loop {
            match run_queue.pop_front() {
                Some(task) => return Some(task),
                None if WRONG == 0 => return None,
                None if WRONG == 1 => run_queue.extend(0..self.tasks.len()),
                None => run_queue = self.ready.1.wait(run_queue).unwrap(),
            }
        }
    }
}

#[test]
fn no_wrong_run_queue_is_accepted() {
    assert_rejected([
        (cleared_when_empty::check::check, "pop is wrong after"),
        (the_flag_stays::check::check, "only slot 5 was pushed"),
        (pushed_twice::check::check, "queued once"),
        (a_link_too_early::check::check, "oldest first"),
    ]);
}

/// It clears the links when the queue is empty. A slot that comes back before that still has its old link.
mod cleared_when_empty {
    pub type RunQueue = super::WrongQueue<0>;

    pub mod check {
        include!("../checks/a_run_queue.rs");
    }
}

/// No ghost comes out, because nothing is queued a second time: the flag is never cleared.
mod the_flag_stays {
    pub type RunQueue = super::WrongQueue<1>;

    pub mod check {
        include!("../checks/a_run_queue.rs");
    }
}

/// The flag is gone, so a slot that is pushed twice overwrites its own link.
mod pushed_twice {
    pub type RunQueue = super::WrongQueue<2>;

    pub mod check {
        include!("../checks/a_run_queue.rs");
    }
}

/// It clears the link before it has followed it, and all that is behind the slot is lost.
mod a_link_too_early {
    pub type RunQueue = super::WrongQueue<3>;

    pub mod check {
        include!("../checks/a_run_queue.rs");
    }
}

/// The wrong queues differ in a few lines: `WRONG` is their place in the list above.
pub struct WrongQueue<const WRONG: usize> {
    first: Option<usize>,
    last: usize,
    links: Vec<Option<usize>>,
    is_queued: Vec<bool>,
}

impl<const WRONG: usize> WrongQueue<WRONG> {
    pub fn new(slots: usize) -> Self {
        WrongQueue {
            first: None,
            last: 0,
            links: vec![None; slots],
            is_queued: vec![false; slots],
        }
    }

    pub fn push(&mut self, slot: usize) {
        if std::mem::replace(&mut self.is_queued[slot], true) && WRONG != 2 {
            return;
        }
        match self.first {
            None => self.first = Some(slot),
            Some(_) => self.links[self.last] = Some(slot),
        }
        self.last = slot;
    }

    pub fn pop(&mut self) -> Option<usize> {
        let slot = self.first?;
        self.is_queued[slot] = WRONG == 1;
        if WRONG == 3 {
            self.links[slot] = None;
        }
        self.first = match slot == self.last && WRONG != 0 {
            true => None,
            false => self.links[slot],
        };
        if WRONG == 0 && self.first.is_none() {
            self.links.fill(None);
        }
        Some(slot)
    }
}
