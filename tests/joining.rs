//! A handle gives its task's outcome once, to its awaiter, wherever that is.
//!
//! ```text
//! handle ─┬─ awaited ──► value | Failed | Panicked | Cancelled     once; then it panics with advice
//!         ├─ aborted ──► Cancelled, unless it was done
//!         └─ dropped ──► the task runs on
//! ```

#[path = "any_executor/joining.rs"]
mod any_executor;
mod common;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::error::Error;
use std::fmt::Debug;
use std::future::{pending, poll_fn};
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use candor::{
    AbortHandle, Executor, JoinError, JoinHandle, Plain, TaskBuilder, TaskId, spawn, yield_now,
};
use common::{Reports, assert_contains, finished, panic_message};

// A handle is moved freely on its thread, and never to another.
const _: fn() = || {
    fn unpin<T: Unpin + Debug>() {}
    unpin::<JoinHandle<Result<std::marker::PhantomPinned, String>>>();
    fn sent_and_shared<T: Send + Sync>() {}
    sent_and_shared::<JoinError<String>>();
    sent_and_shared::<TaskId>();

    // If one of the handles were `Send` or `Sync`, two of these impls would fit, and this would not compile.
    trait NotSend<Reason> {
        fn holds() {}
    }
    impl<T: ?Sized> NotSend<()> for T {}
    impl<T: ?Sized + Send> NotSend<u8> for T {}
    impl<T: ?Sized + Sync> NotSend<u16> for T {}
    <JoinHandle<()> as NotSend<_>>::holds();
    <AbortHandle as NotSend<_>>::holds();
};

/// An executor that keeps its tasks from one call to the next.
fn executor() -> Executor {
    Executor::builder().virtual_time().build()
}

/// Polls a handle once, with a waker that does nothing.
fn poll_once<T: candor::Outcome>(
    handle: &mut JoinHandle<T>,
) -> Poll<Result<T::Ok, JoinError<T::Err>>> {
    Pin::new(handle).poll(&mut Context::from_waker(Waker::noop()))
}

/// A type of this file, made a value by the one line that it takes.
#[derive(Debug, PartialEq)]
struct Own(u8);

impl candor::Value for Own {}

#[test]
fn a_handle_gives_the_value_of_its_task() {
    candor::test(async {
        assert_eq!(spawn(async { 5 }).await.unwrap(), 5);
        assert_eq!(spawn(async { "text".to_owned() }).await.unwrap(), "text");
        assert_eq!(
            spawn(async { vec![Some(1), None] }).await.unwrap(),
            [Some(1), None]
        );
        assert_eq!(spawn(async { Own(3) }).await.unwrap(), Own(3));
        assert_eq!(spawn(async { Plain(Cell::new(7)) }).await.unwrap().get(), 7);
    });
}

#[test]
fn the_value_of_a_plain_task_is_had_by_one_question_mark() {
    async fn sum() -> Result<i32, JoinError<Infallible>> {
        Ok(spawn(async { 1 }).await? + spawn(async { 2 }).await?)
    }
    candor::test(async { assert_eq!(sum().await.unwrap(), 3) });
}

#[test]
fn the_value_of_a_task_that_may_fail_is_had_by_one_question_mark() {
    async fn parsed(text: &'static str) -> Result<i32, Box<dyn Error>> {
        Ok(spawn(async move { text.parse::<i32>() }).await?)
    }
    candor::test(async {
        assert_eq!(parsed("7").await.unwrap(), 7);
        assert_contains(&parsed("x").await.unwrap_err().to_string(), "invalid digit");
    });
}

#[test]
fn a_task_that_never_returns_can_be_spawned() {
    candor::test(async {
        let endless = spawn(async {
            loop {
                yield_now().await;
            }
        });
        yield_now().await;
        endless.abort();
        assert!(endless.await.unwrap_err().is_cancelled());
        let unwritten = spawn(async { todo!("write it") });
        let error = unwritten.await.unwrap_err();
        assert!(error.is_panic());
    });
}

#[test]
fn an_err_comes_as_failed_and_a_panic_as_panicked() {
    candor::test(async {
        match spawn(async { Err::<(), _>(404) }).await {
            Err(JoinError::Failed(error, _)) => assert_eq!(error, 404),
            other => panic!("{other:?}"),
        }
        match spawn(async { panic!("boom {}", 7) }).await {
            Err(JoinError::Panicked(panic)) => assert_eq!(panic.message(), "boom 7"),
            other => panic!("{:?}", other.err()),
        }
    });
}

#[test]
fn a_failure_that_is_awaited_is_not_reported() {
    let reports = Reports::new();
    reports.block_on(async {
        let error = spawn(async { panic!("boom") }).await.unwrap_err();
        let failure = error.failure().expect("a panic is a failure");
        assert_eq!(
            (failure.message(), failure.task_id().to_string()),
            ("boom", "#1".into())
        );
    });
    assert_eq!(reports.end(), [""; 0]);
}

#[test]
fn a_task_is_finished_from_its_last_poll_on() {
    candor::test(async {
        let task = spawn(yield_now());
        assert!(!task.is_finished());
        yield_now().await;
        assert!(!task.is_finished());
        yield_now().await;
        assert!(task.is_finished() && task.abort_handle().is_finished());
        task.await.unwrap();
    });
}

#[test]
fn a_task_that_failed_or_was_cancelled_is_finished_too() {
    candor::test(async {
        let tasks = [
            spawn(async { panic!("boom") }),
            spawn(pending::<()>()),
            spawn(async {}),
        ];
        tasks[1].abort();
        assert!(
            !tasks[1].is_finished(),
            "it is dropped by the executor, not by `abort`"
        );
        yield_now().await;
        assert!(tasks.iter().all(JoinHandle::is_finished));
        for task in tasks {
            let _read = task.await;
        }
    });
}

#[test]
fn ids_are_unique_and_names_are_what_they_were_given() {
    candor::test(async {
        let tasks: Vec<_> = (0..100).map(|_| spawn(async {})).collect();
        let mut ids: Vec<_> = tasks.iter().map(JoinHandle::id).collect();
        assert!(
            tasks
                .iter()
                .all(|task| task.abort_handle().id() == task.id())
        );
        assert!(ids.is_sorted());
        ids.dedup();
        assert_eq!(ids.len(), 100);
        let named = TaskBuilder::new().name("fetch").spawn(async {});
        assert_eq!((named.name(), tasks[0].name()), (Some("fetch"), None));
        assert_contains(&format!("{named:?}"), "task #101 `fetch`");
    });
}

/// The slot is used again at once; the number of the task never is.
#[test]
fn an_id_is_never_given_twice() {
    candor::test(async {
        let mut last = spawn(async {}).id();
        for _ in 0..1000 {
            let task = spawn(async {});
            assert!(task.id() > last);
            last = task.id();
            task.await.unwrap();
        }
    });
}

#[test]
fn a_finished_task_keeps_its_outcome_when_it_is_aborted() {
    candor::test(async {
        let task = spawn(async { 5 });
        finished(&task).await;
        task.abort();
        yield_now().await;
        assert_eq!(task.await.unwrap(), 5);
    });
}

#[test]
fn a_task_that_aborts_itself_in_its_last_poll_keeps_its_outcome() {
    candor::test(async {
        let own = Rc::new(RefCell::new(None::<AbortHandle>));
        let handle = own.clone();
        let task = spawn(async move {
            handle.borrow().as_ref().unwrap().abort();
            5
        });
        own.replace(Some(task.abort_handle()));
        assert_eq!(task.await.unwrap(), 5);
    });
}

#[test]
fn aborting_the_first_tenant_of_a_slot_does_not_abort_the_next() {
    candor::test(async {
        let first = spawn(async {});
        let stop = first.abort_handle();
        first.await.unwrap();
        let second = spawn(async {
            yield_now().await;
            5
        });
        stop.abort();
        assert_eq!(second.await.unwrap(), 5);
    });
}

#[test]
fn an_abort_handle_aborts_after_the_handle_was_dropped() {
    let executor = executor();
    let task = executor.spawn(pending::<()>());
    let stop = task.abort_handle();
    task.detach();
    let again = stop.clone();
    executor.block_on(async move { again.abort() });
    executor.drain();
    assert!(stop.is_finished());
}

#[test]
fn an_abort_handle_outlives_its_executor() {
    let executor = executor();
    let task = executor.spawn(pending::<()>());
    let stop = task.abort_handle();
    drop(executor);
    stop.abort();
    assert!(stop.is_finished() && task.is_finished());
}

#[test]
fn a_finished_outcome_is_delivered_when_the_executor_is_gone() {
    let executor = executor();
    let value = executor.spawn(async { 5 });
    let failed = executor.spawn(async { Err::<(), _>("boom") });
    executor.block_on(async {
        finished(&value).await;
        finished(&failed).await;
    });
    drop(executor);
    candor::block_on(async {
        assert_eq!(value.await.unwrap(), 5);
        match failed.await {
            Err(JoinError::Failed(error, _)) => assert_eq!(error, "boom"),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_handle_polled_after_it_gave_its_outcome_panics_with_advice() {
    let executor = executor();
    let mut task = TaskBuilder::new()
        .name("fetch")
        .spawn_on(&executor, async { 5 });
    executor.block_on(&mut task).unwrap();
    let message = panic_message(|| {
        let _never = poll_once(&mut task);
    });
    assert_contains(
        &message,
        "the JoinHandle of task #1 `fetch` was polled after",
    );
    assert_contains(&message, "it can be awaited once");
}

#[test]
fn the_latest_waker_of_a_handle_is_the_one_that_is_woken() {
    candor::test(async {
        let stop = Rc::new(Cell::new(false));
        let stopped = stop.clone();
        let shared = Rc::new(RefCell::new(spawn(poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            if stopped.get() {
                Poll::Ready(5)
            } else {
                Poll::Pending
            }
        }))));
        let polls = Rc::new(Cell::new(0));
        let (first, seen) = (shared.clone(), polls.clone());
        let first = spawn(poll_fn(move |cx| {
            seen.set(seen.get() + 1);
            let _pending = Pin::new(&mut *first.borrow_mut()).poll(cx).is_ready();
            Poll::<()>::Pending
        }));
        yield_now().await;
        let second = spawn(poll_fn(move |cx| {
            Pin::new(&mut *shared.borrow_mut()).poll(cx)
        }));
        yield_now().await;
        stop.set(true);
        assert_eq!(second.await.unwrap(), 5);
        assert_eq!(polls.get(), 1);
        first.abort();
    });
}

#[test]
fn a_handle_in_the_hands_of_its_own_task_is_just_not_ready() {
    let executor = executor();
    let own = Rc::new(RefCell::new(None::<JoinHandle<()>>));
    let handle = own.clone();
    let task = executor.spawn(async move {
        let mut handle = handle.take().unwrap();
        assert!(poll_once(&mut handle).is_pending());
    });
    own.replace(Some(task));
    executor.drain();
    assert_eq!(executor.failures(), 0);
}

#[test]
fn a_handle_is_moved_between_two_polls() {
    let executor = executor();
    let mut task = executor.spawn(async { 5 });
    assert!(poll_once(&mut task).is_pending());
    let mut moved = Box::new(task);
    assert!(poll_once(&mut moved).is_pending());
    assert_eq!(executor.block_on(*moved).unwrap(), 5);
}

#[test]
#[expect(
    clippy::async_yields_async,
    reason = "that the handle comes out unawaited is the point"
)]
fn a_task_may_return_the_handle_of_another() {
    candor::test(async {
        let outer = spawn(async { spawn(async { 5 }) });
        assert_eq!(outer.await.unwrap().await.unwrap(), 5);
    });
}

#[test]
fn a_handle_is_sent_to_another_task_and_awaited_there() {
    candor::test(async {
        let task = spawn(async {
            yield_now().await;
            5
        });
        let awaiter = spawn(task);
        assert_eq!(awaiter.await.unwrap(), 5);
    });
}

#[test]
fn a_task_whose_handle_aborts_on_drop_gives_its_value_or_goes_with_the_handle() {
    candor::block_on(async {
        let task = spawn(async { 5 }).abort_on_drop();
        assert_eq!(task.await.unwrap(), 5);
        let task = spawn(pending::<()>());
        let known = task.abort_handle();
        let handle = task.abort_on_drop();
        yield_now().await;
        assert!(!known.is_finished());
        drop(handle);
        yield_now().await;
        assert!(known.is_finished());
    });
}

/// Counts how often it is asked for its text.
struct CountsTexts(Rc<Cell<u32>>);

impl Debug for CountsTexts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.set(self.0.get() + 1);
        f.write_str("text")
    }
}

#[test]
fn a_task_that_has_awaited_a_cancelled_one_has_read_no_failure() {
    let executor = Executor::new();
    let remote = executor.remote();
    executor.block_on(async {
        let texts = Rc::new(Cell::new(0));
        let near = spawn(pending::<()>()).cancel();
        let far = remote.spawn(pending::<()>).unwrap();
        far.abort();
        let error = CountsTexts(texts.clone());
        let reads_near = spawn(async move {
            assert!(near.await.unwrap_err().is_cancelled());
            Err::<(), _>(error)
        });
        assert!(reads_near.await.is_err());
        assert_eq!(texts.get(), 0);
        let error = CountsTexts(texts.clone());
        let reads_far = spawn(async move {
            assert!(far.await.unwrap_err().is_cancelled());
            Err::<(), _>(error)
        });
        assert!(reads_far.await.is_err());
        assert_eq!(texts.get(), 0);
    });
}

/// Notes where it is, at each poll and when it is dropped.
struct NotesItsPlace {
    polls: usize,
    places: Rc<RefCell<Vec<usize>>>,
    _pinned: PhantomPinned,
}

impl NotesItsPlace {
    fn note(&self) {
        let place = std::ptr::from_ref(self).addr();
        self.places.borrow_mut().push(place);
    }
}

impl Future for NotesItsPlace {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.note();
        cx.waker().wake_by_ref();
        match self.places.borrow().len() < self.polls {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    }
}

impl Drop for NotesItsPlace {
    fn drop(&mut self) {
        self.note();
    }
}

#[test]
fn a_future_stays_where_it_was_polled_first() {
    // One ends in its third poll, and the other one is aborted between two polls.
    for polls in [3, usize::MAX] {
        let executor = executor();
        let places = Rc::new(RefCell::new(Vec::new()));
        let notes = NotesItsPlace {
            polls,
            places: Rc::clone(&places),
            _pinned: PhantomPinned,
        };
        let task = executor.spawn(notes);
        executor.block_on(async {
            // Others of the same size come and go meanwhile.
            for _ in 0..3 {
                candor::spawn(async { [0_u8; 40] }).await.unwrap();
            }
            task.abort();
            assert_eq!(task.await.is_ok(), polls == 3);
        });
        let places = places.take();
        assert!(places.len() > 3, "{places:?}");
        assert!(places.iter().all(|place| *place == places[0]), "{places:?}");
    }
}
