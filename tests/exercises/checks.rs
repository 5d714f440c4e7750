//! What the exercises ask for. The exercises and their solutions have to pass these same checks.
//!
//! Each check calls what the file above it defines: `tests/exercises.rs` when you run the exercises,
//! `solutions.rs` when the solutions are tested.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use candor::{JoinError, sleep, spawn, time};

use crate::{
    Either, Event, ReadyTasks, Semaphore, count_polls, debounce, join, oneshot, request_id, select,
    try_all, with_request_id, yield_now,
};

const SECOND: Duration = Duration::from_secs(1);

pub fn yielding() {
    check(async {
        let mut yielding = Box::pin(yield_now());
        assert!(poll_once(yielding.as_mut()).is_pending());
        assert!(poll_once(yielding.as_mut()).is_ready());
        let trace = Trace::default();
        for name in ["a", "b"] {
            let trace = trace.clone();
            spawn(async move {
                for turn in 1..=2 {
                    trace.note(format!("{name}{turn}"));
                    yield_now().await;
                }
            });
        }
        sleep(SECOND).await;
        assert_eq!(trace.notes(), ["a1", "b1", "a2", "b2"], "they take turns");
    });
}

pub fn counting_polls() {
    check(async {
        assert_eq!(count_polls(ready("x")).await, ("x", 1));
        assert_eq!(count_polls(sleep(SECOND)).await, ((), 2));
        let three_yields = async {
            for _ in 0..3 {
                candor::yield_now().await;
            }
        };
        assert_eq!(count_polls(three_yields).await, ((), 4));
    });
}

pub fn joining() {
    check(async {
        let start = time::now();
        // An async block panics when it is polled after it was ready.
        let after = |seconds| async move {
            sleep(seconds * SECOND).await;
            seconds
        };
        assert_eq!(join(after(2), after(1)).await, (2, 1));
        assert_eq!(
            time::now() - start,
            2 * SECOND,
            "they sleep at the same time"
        );
        assert_eq!(join(after(1), after(2)).await, (1, 2));
        assert_eq!(join(ready(1), ready(2)).await, (1, 2));
    });
}

pub fn selecting() {
    check(async {
        let start = time::now();
        let loser_is_gone = Rc::new(Cell::new(false));
        let flag = SetOnDrop(loser_is_gone.clone());
        let loser = async move {
            let _flag = flag;
            pending::<()>().await;
        };
        let winner = sleep(SECOND);
        assert!(matches!(select(loser, winner).await, Either::Second(())));
        assert_eq!(time::now() - start, SECOND);
        assert!(
            loser_is_gone.get(),
            "the loser is dropped before select returns"
        );
        let both = select(ready(1), ready(2)).await;
        assert!(matches!(both, Either::First(1)), "the first one wins");
    });
}

pub fn an_event() {
    check(async {
        let event = Event::default();
        let two = [event.wait(), event.wait()].map(spawn);
        candor::yield_now().await;
        event.set();
        for task in two {
            task.await.unwrap();
        }
        event.wait().await;
    });
    check(async {
        let event = Event::default();
        let mut wait = event.wait();
        let first = spawn(async move {
            let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut wait).poll(cx)));
            assert!(polled.await.is_pending());
            candor::Plain(wait)
        });
        // The task that polled it is done; now another one awaits it.
        let wait = first.await.unwrap();
        let second = spawn(wait);
        candor::yield_now().await;
        event.set();
        assert!(
            time::timeout(SECOND, second).await.is_ok(),
            "the event is set, but the task that waits for it sleeps on"
        );
    });
}

pub fn a_oneshot_channel() {
    check(async {
        let (sender, receiver) = oneshot();
        sender.send("before it is awaited");
        assert_eq!(receiver.await, Some("before it is awaited"));

        let (sender, receiver) = oneshot();
        let receiving = spawn(receiver);
        sleep(SECOND).await;
        let polls = candor::tasks().iter().map(|task| task.polls()).sum::<u32>();
        assert_eq!(polls, 1, "nobody has woken it yet");
        sender.send("while it is awaited");
        assert_eq!(receiving.await.unwrap(), Some("while it is awaited"));

        let (sender, receiver) = oneshot::<u32>();
        let receiving = spawn(receiver);
        candor::yield_now().await;
        drop(sender);
        let received = time::timeout(SECOND, receiving).await;
        let received = received.expect("the sender is gone, but the receiver sleeps on");
        assert_eq!(received.unwrap(), None);

        let (sender, receiver) = oneshot();
        drop(receiver);
        sender.send("to nobody");
    });
}

pub fn a_fair_queue() {
    const BUSY: u32 = 0;
    const BUSY_REMOTE: u32 = 1;

    let mut ready = ReadyTasks::default();
    for task in [10, 11, 12] {
        ready.push_local(task);
    }
    let popped: Vec<_> = std::iter::from_fn(|| ready.pop()).collect();
    assert_eq!(popped, [10, 11, 12], "who came first is polled first");

    // Both sources have a task that is woken again in each of its polls.
    for start in 0..100 {
        let mut ready = ReadyTasks::default();
        ready.push_local(BUSY);
        ready.push_remote(BUSY_REMOTE);
        let pop = |ready: &mut ReadyTasks| {
            let task = ready.pop().expect("two tasks are always ready");
            match task {
                BUSY => ready.push_local(BUSY),
                BUSY_REMOTE => ready.push_remote(BUSY_REMOTE),
                _ => {}
            }
            task
        };
        for _ in 0..start {
            pop(&mut ready);
        }
        ready.push_remote(20);
        ready.push_remote(21);
        ready.push_local(22);
        ready.push_local(23);
        let popped: Vec<u32> = (0..64).map(|_| pop(&mut ready)).collect();
        let place = |task| popped.iter().position(|&popped| popped == task);
        for task in [20, 21, 22, 23] {
            assert!(place(task).is_some(), "{task} is not among {popped:?}");
        }
        assert!(place(20) < place(21) && place(22) < place(23), "{popped:?}");
    }
}

pub fn debouncing() {
    check(async {
        let start = time::now();
        let acts = Rc::new(RefCell::new(Vec::new()));
        let (keys, input) = async_channel::unbounded();
        let noted = acts.clone();
        let debouncing = spawn(debounce(input, SECOND, move |text| {
            noted
                .borrow_mut()
                .push((text, (time::now() - start).as_millis()));
        }));
        for (pause, text) in [
            (0, "h"),
            (600, "he"),
            (600, "hey"),
            (5000, "y"),
            (100, "yo"),
        ] {
            sleep(Duration::from_millis(pause)).await;
            // If the receiver is gone, the task says why when it is joined.
            keys.send(text).await.ok();
        }
        sleep(Duration::from_millis(10)).await;
        drop(keys);
        debouncing.await.unwrap();
        assert_eq!(acts.take(), [("hey", 2200), ("yo", 6310)]);
    });
}

pub fn a_task_local() {
    check(async {
        assert_eq!(request_id(), None);
        let tasks = [1, 2].map(|id| {
            spawn(with_request_id(id, async move {
                for _ in 0..3 {
                    assert_eq!(request_id(), Some(id), "each task has its own");
                    candor::yield_now().await;
                }
                with_request_id(id + 10, async {
                    candor::yield_now().await;
                    assert_eq!(
                        request_id(),
                        Some(id + 10),
                        "the inner scope hides the outer"
                    );
                })
                .await;
                assert_eq!(request_id(), Some(id), "and the outer is there again");
            }))
        });
        candor::yield_now().await;
        assert_eq!(
            request_id(),
            None,
            "a task that waits leaves nothing behind"
        );
        for task in tasks {
            task.await.unwrap();
        }
    });
    let panics = poll_fn(|_| -> Poll<()> { panic!("on purpose") });
    let scope = AssertUnwindSafe(|| poll_once(pin!(with_request_id(3, panics))));
    assert!(catch_unwind(scope).is_err());
    assert_eq!(request_id(), None, "a panic leaves nothing behind");
}

pub fn a_semaphore() {
    check(async {
        let semaphore = Semaphore::new(2);
        let trace = Trace::default();
        let running = Rc::new(Cell::new(0));
        let tasks: Vec<_> = (1..=5)
            .map(|number| {
                let (semaphore, trace) = (semaphore.clone(), trace.clone());
                let running = running.clone();
                spawn(async move {
                    let _permit = semaphore.acquire().await;
                    running.set(running.get() + 1);
                    assert!(running.get() <= 2, "there are two permits");
                    trace.note(number.to_string());
                    sleep(SECOND).await;
                    running.set(running.get() - 1);
                })
            })
            .collect();
        let start = time::now();
        for task in tasks {
            let ended = time::timeout(60 * SECOND, task).await;
            ended
                .expect("a task waits for a permit that is free")
                .unwrap();
        }
        assert_eq!(
            trace.notes(),
            ["1", "2", "3", "4", "5"],
            "first come, first served"
        );
        assert_eq!(time::now() - start, 3 * SECOND);
    });
    check(async {
        let semaphore = Semaphore::new(1);
        let permit = semaphore.acquire().await;
        let mut gives_up = Box::pin(semaphore.acquire());
        let mut is_too_late = Box::pin(semaphore.acquire());
        let mut waits = Box::pin(semaphore.acquire());
        assert!(poll_once(gives_up.as_mut()).is_pending());
        assert!(poll_once(is_too_late.as_mut()).is_pending());
        assert!(poll_once(waits.as_mut()).is_pending());
        drop(gives_up);
        drop(permit);
        let newcomer = semaphore.acquire();
        assert!(
            poll_once(pin!(newcomer)).is_pending(),
            "a newcomer does not push in"
        );
        // It has been handed the permit, or soon would have been, and is dropped without taking it.
        drop(is_too_late);
        let permit = poll_once(waits);
        assert!(
            permit.is_ready(),
            "the permit is lost with somebody who did not wait for it"
        );
        drop(permit);
        assert!(poll_once(pin!(semaphore.acquire())).is_ready());
    });
}

pub fn all_or_nothing() {
    check(async {
        let start = time::now();
        let tasks = [3, 1, 2].map(|seconds| {
            spawn(async move {
                sleep(seconds * SECOND).await;
                Ok::<_, &str>(seconds)
            })
        });
        assert_eq!(try_all(tasks.into()).await.unwrap(), [3, 1, 2]);
        assert_eq!(time::now() - start, 3 * SECOND);
    });
    check(async {
        let start = time::now();
        let is_gone = Rc::new(Cell::new(false));
        let flag = SetOnDrop(is_gone.clone());
        let endless = spawn(async move {
            let _flag = flag;
            pending().await
        });
        let quick = spawn(async { Ok::<(), &str>(()) });
        let fails = spawn(async {
            sleep(2 * SECOND).await;
            Err("failed after two seconds")
        });
        let joined = time::timeout(60 * SECOND, try_all(vec![endless, quick, fails])).await;
        let error = joined
            .expect("try_all waits for a task that never ends")
            .unwrap_err();
        assert!(matches!(error, JoinError::Failed(..)), "{error}");
        assert_eq!(time::now() - start, 2 * SECOND);
        assert!(is_gone.get(), "a task runs on that was to be aborted");
    });
}

/// Runs a check on virtual time, and does not let it wait forever.
fn check(body: impl Future<Output = ()>) {
    candor::test(async {
        let ended = time::timeout(3600 * SECOND, body).await;
        ended.expect("everybody waits, and nobody will wake them: where was a wake forgotten?");
    });
}

/// What has happened, in order.
#[derive(Clone, Default)]
struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    fn note(&self, event: impl Into<String>) {
        self.0.borrow_mut().push(event.into());
    }

    fn notes(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

struct SetOnDrop(Rc<Cell<bool>>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// Polls with a waker that does nothing.
fn poll_once<F: Future + Unpin>(mut future: F) -> Poll<F::Output> {
    Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()))
}
