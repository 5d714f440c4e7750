//! Exercises 12 and 13.

use crate::assert_rejected;

#[test]
fn no_wrong_block_on_is_accepted() {
    assert_rejected([
        (never_sleeps::check::check, "the thread has to sleep"),
        (forgets_a_wake_within_the_poll::check::check, "does not end"),
        (unparks_the_wrong_thread::check::check, "does not end"),
        (two_polls_are_not_enough::check::check, "two polls"),
    ]);
}

/// It asks again and again, as lesson 1 does.
mod never_sleeps {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let mut cx = Context::from_waker(Waker::noop());
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
        }
    }

    pub mod check {
        include!("../checks/a_block_on.rs");
    }
}

/// It clears the flag after the poll, and with it a wake that came within the poll.
mod forgets_a_wake_within_the_poll {
    use std::pin::pin;
    use std::sync::{Arc, Condvar, Mutex};
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    struct Signal(Mutex<bool>, Condvar);

    impl Wake for Signal {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() = true;
            self.1.notify_one();
        }
    }

    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let signal = Arc::new(Signal::default());
        let waker = Waker::from(signal.clone());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            let mut is_woken = signal.0.lock().unwrap();
            *is_woken = false;
            while !*is_woken {
                is_woken = signal.1.wait(is_woken).unwrap();
            }
        }
    }

    pub mod check {
        include!("../checks/a_block_on.rs");
    }
}

/// `thread::current()` is asked when the waker is called, and that is on the other thread.
mod unparks_the_wrong_thread {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread;

    struct Unpark;

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            thread::current().unpark();
        }
    }

    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            thread::park();
        }
    }

    pub mod check {
        include!("../checks/a_block_on.rs");
    }
}

/// It takes the first wake for the last: a woken future may still have to wait.
mod two_polls_are_not_enough {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::{self, Thread};

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    pub fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread::park();
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("two polls, and it is not ready"),
        }
    }

    pub mod check {
        include!("../checks/a_block_on.rs");
    }
}

#[test]
fn no_wrong_abort_is_accepted() {
    assert_rejected([
        (nobody_looks_at_the_flag::check::check, "is still there"),
        (the_joiner_sleeps_on::check::check, "sleeps on"),
        (
            an_outcome_is_taken_back::check::check,
            "done before it was aborted",
        ),
        (the_task_runs_on::check::check, "is still there"),
    ]);
}

/// The flag is looked at in the next poll. A task that waits for something that never comes has none.
mod nobody_looks_at_the_flag {
    pub type TaskTable = super::Table<0>;
    pub type TaskHandle<T> = super::Handle<T, 0>;

    pub mod check {
        include!("../checks/an_abort.rs");
    }
}

/// The future is dropped, but the handle is not told, nor whoever awaits it.
mod the_joiner_sleeps_on {
    pub type TaskTable = super::Table<1>;
    pub type TaskHandle<T> = super::Handle<T, 1>;

    pub mod check {
        include!("../checks/an_abort.rs");
    }
}

/// `abort` throws away what a finished task has left for its joiner.
mod an_outcome_is_taken_back {
    pub type TaskTable = super::Table<2>;
    pub type TaskHandle<T> = super::Handle<T, 2>;

    pub mod check {
        include!("../checks/an_abort.rs");
    }
}

/// Only the handle is ended. The task does not know, and goes on.
mod the_task_runs_on {
    pub type TaskTable = super::Table<3>;
    pub type TaskHandle<T> = super::Handle<T, 3>;

    pub mod check {
        include!("../checks/an_abort.rs");
    }
}

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// The executor of the wrong aborts, which differ in a few lines: `WRONG` is their place in the list above.
#[derive(Clone, Default)]
pub struct Table<const WRONG: usize>(Rc<RefCell<Vec<Option<BoxedFuture>>>>, Queue);

type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;
type Queue = Arc<Mutex<VecDeque<usize>>>;

pub struct Handle<T, const WRONG: usize>(Rc<JoinCell<T>>, usize, Queue);

struct JoinCell<T> {
    outcome: Cell<Option<Option<T>>>,
    joiner: Cell<Option<Waker>>,
    is_aborted: Cell<bool>,
}

impl<const WRONG: usize> Table<WRONG> {
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Handle<T, WRONG> {
        let cell = Rc::new(JoinCell {
            outcome: Cell::new(None),
            joiner: Cell::new(None),
            is_aborted: Cell::new(false),
        });
        let task = self.0.borrow().len();
        let handle = Handle(cell.clone(), task, self.1.clone());
        let mut future = Box::pin(future);
        self.0.borrow_mut().push(Some(Box::pin(async move {
            let outcome = poll_fn(|cx| match WRONG != 3 && cell.is_aborted.get() {
                true => Poll::Ready(None),
                false => future.as_mut().poll(cx).map(Some),
            })
            .await;
            drop(future);
            if WRONG == 1 && outcome.is_none() {
                return;
            }
            cell.outcome.set(Some(outcome));
            cell.joiner.take().into_iter().for_each(Waker::wake);
        })));
        self.1.lock().unwrap().push_back(task);
        handle
    }

    pub fn run_ready_tasks(&self) {
        loop {
            let next = self.1.lock().unwrap().pop_front();
            let Some(task) = next else { return };
            let future = self.0.borrow_mut()[task].take();
            let Some(mut future) = future else { continue };
            let waker = Waker::from(Arc::new(Pusher(task, self.1.clone())));
            let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
            if poll.is_pending() {
                self.0.borrow_mut()[task] = Some(future);
            }
        }
    }
}

impl<T, const WRONG: usize> Handle<T, WRONG> {
    pub fn abort(&self) {
        self.0.is_aborted.set(true);
        if WRONG == 2 || WRONG == 3 {
            self.0.outcome.set(Some(None));
            self.0.joiner.take().into_iter().for_each(Waker::wake);
        }
        if WRONG == 1 || WRONG == 2 {
            self.2.lock().unwrap().push_back(self.1);
        }
    }
}

impl<T, const WRONG: usize> Future for Handle<T, WRONG> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(outcome) = self.0.outcome.take() {
            return Poll::Ready(outcome);
        }
        self.0.joiner.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

struct Pusher(usize, Queue);

impl Wake for Pusher {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push_back(self.0);
    }
}
