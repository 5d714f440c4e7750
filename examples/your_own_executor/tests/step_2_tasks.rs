//! Step 2: many tasks, and a queue of those that are ready.

mod in_time;

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use in_time::in_time;
use your_own_executor::{Executor, block_on, spawn, yield_now};

type Trace = Rc<RefCell<Vec<String>>>;

fn two_turns(name: &'static str, trace: &Trace) -> impl Future<Output = ()> + use<> {
    let trace = Rc::clone(trace);
    async move {
        for turn in 1..=2 {
            trace.borrow_mut().push(format!("{name}{turn}"));
            yield_now().await;
        }
    }
}

#[test]
fn tasks_that_yield_take_turns() {
    in_time(|| {
        let trace = Trace::default();
        block_on(async {
            drop(spawn(two_turns("a", &trace)));
            drop(spawn(two_turns("b", &trace)));
            for _ in 0..4 {
                yield_now().await;
            }
        });
        assert_eq!(*trace.borrow(), ["a1", "b1", "a2", "b2"]);
    });
}

#[test]
fn a_task_may_spawn_another() {
    in_time(|| {
        let trace = Trace::default();
        let inner = Rc::clone(&trace);
        block_on(async {
            drop(spawn(
                async move { drop(spawn(two_turns("inner", &inner))) },
            ));
            for _ in 0..4 {
                yield_now().await;
            }
        });
        assert_eq!(*trace.borrow(), ["inner1", "inner2"]);
    });
}

#[test]
fn two_wakes_before_a_poll_cause_one_poll_and_no_wake_causes_none() {
    in_time(|| {
        let executor = Executor::new();
        let polls = Rc::new(Cell::new(0));
        let waker = Rc::new(RefCell::new(None::<Waker>));
        let (seen, kept) = (polls.clone(), waker.clone());
        drop(executor.spawn(poll_fn(move |cx| {
            seen.set(seen.get() + 1);
            *kept.borrow_mut() = Some(cx.waker().clone());
            Poll::<()>::Pending
        })));
        let settle = || {
            executor.block_on(async {
                yield_now().await;
                yield_now().await
            })
        };
        settle();
        settle();
        assert_eq!(polls.get(), 1);
        let waker = waker.take().unwrap();
        waker.wake_by_ref();
        waker.wake();
        settle();
        assert_eq!(polls.get(), 2);
    });
}

#[test]
fn tasks_stay_from_one_block_on_to_the_next() {
    in_time(|| {
        let (executor, trace) = (Executor::new(), Trace::default());
        drop(executor.spawn(two_turns("a", &trace)));
        assert!(trace.borrow().is_empty(), "nothing runs before `block_on`");
        executor.block_on(yield_now());
        assert_eq!(trace.borrow()[0], "a1");
        executor.block_on(yield_now());
        executor.block_on(yield_now());
        assert_eq!(*trace.borrow(), ["a1", "a2"]);
    });
}

#[test]
fn tasks_that_are_left_do_not_keep_block_on() {
    in_time(|| {
        let output = block_on(async {
            drop(spawn(pending::<()>()));
            5
        });
        assert_eq!(output, 5);
    });
}
