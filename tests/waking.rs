//! From wherever a future is woken, and however often: it is polled again, once, by its own executor.
//!
//! The futures here are written by hand against std's `Context` and `Waker`, as those of other crates are.
//!
//! ```text
//! who wakes                          while the executor of the task
//! the task itself, a sibling         polls it, polls another, has finished it
//! another thread                     is busy, is asleep, is gone
//! another executor on this thread    stands still
//! a thread-local's destructor        is somewhere else
//! ```

#[path = "any_executor/waking.rs"]
mod any_executor;
mod common;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::thread;
use std::time::Duration;

use any_executor::{Probe, settle};
use candor::{Executor, spawn, yield_now};
use common::finished;

/// An executor that keeps its tasks, so that a test can look at them between two of its runs.
fn executor() -> Executor {
    Executor::builder().virtual_time().build()
}

/// A flag that another thread sets, and the waker of the task that waits for it.
#[derive(Default)]
struct Signal {
    is_raised: AtomicBool,
    waiting: Mutex<Option<Waker>>,
}

impl Signal {
    fn raise(&self) {
        self.is_raised.store(true, Ordering::SeqCst);
        let waiting = self.waiting.lock().unwrap().take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    async fn raised(&self) {
        poll_fn(|cx| {
            *self.waiting.lock().unwrap() = Some(cx.waker().clone());
            if self.is_raised.swap(false, Ordering::SeqCst) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

#[test]
fn a_wake_during_the_poll_causes_another() {
    let polls = Rc::new(Cell::new(0));
    let seen = polls.clone();
    candor::test(async move {
        spawn(poll_fn(move |cx| {
            seen.set(seen.get() + 1);
            cx.waker().wake_by_ref();
            cx.waker().wake_by_ref();
            if seen.get() < 5 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        }))
        .await
    });
    assert_eq!(polls.get(), 5);
}

#[test]
fn a_wake_during_the_poll_from_another_thread_causes_another() {
    let mut polls = 0;
    candor::block_on(poll_fn(|cx| {
        polls += 1;
        let waker = cx.waker().clone();
        thread::spawn(|| waker.wake()).join().unwrap();
        if polls < 5 {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }));
    assert_eq!(polls, 5);
}

/// Then the slots that were woken are free, and later tenants must find them in order.
#[test]
fn a_wake_of_an_earlier_main_future_hides_no_wake_of_this_one() {
    let executor = Executor::builder().detect_stalls(true).build();
    let waker = executor.block_on(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
    for _ in 0..3 {
        waker.wake_by_ref();
        // It is woken in its first poll. A main future that is not polled then is a proven stall, which panics.
        executor.block_on(yield_now());
        let mut polls = 0;
        waker.wake_by_ref();
        executor.block_on(poll_fn(|cx| {
            polls += 1;
            if polls < 3 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        }));
        assert_eq!(polls, 3);
    }
}

#[test]
fn a_main_future_is_not_polled_for_a_wake_of_an_earlier_one() {
    let executor = executor();
    let waker = executor.block_on(poll_fn(|cx| Poll::Ready(cx.waker().clone())));
    waker.wake();
    let polls = Cell::new(0);
    let mut sleep = Box::pin(candor::sleep(Duration::from_secs(1)));
    executor.block_on(poll_fn(|cx| {
        polls.set(polls.get() + 1);
        sleep.as_mut().poll(cx)
    }));
    assert_eq!(polls.get(), 2, "its first, and that of its own timer");
}

#[test]
fn stale_wakes_from_another_thread_disturb_no_task_that_is_spawned_later() {
    let executor = executor();
    let gone: [Probe; 3] = Default::default();
    for probe in &gone {
        executor.spawn(probe.clone()).detach();
    }
    settle(&executor);
    let stale = gone.each_ref().map(Probe::waker);
    gone.iter().for_each(Probe::end);
    settle(&executor);
    for waker in stale {
        thread::spawn(|| waker.wake()).join().unwrap();
        settle(&executor);
    }
    let later: [Probe; 6] = Default::default();
    for probe in &later {
        executor.spawn(probe.clone()).detach();
    }
    settle(&executor);
    assert_eq!(executor.tasks().len(), later.len());
    assert_eq!(later.each_ref().map(Probe::polls), [1; 6]);
}

#[test]
fn a_wake_after_the_executor_is_gone_does_nothing() {
    let (gone, probe) = (executor(), Probe::default());
    gone.spawn(probe.clone()).detach();
    settle(&gone);
    let waker = probe.waker();
    drop(gone);
    waker.wake_by_ref();
    // Many executors, so that one of them has the number of the one that is gone.
    for _ in 0..100 {
        let next = executor();
        let tenant = Probe::default();
        next.spawn(tenant.clone()).detach();
        settle(&next);
        waker.wake_by_ref();
        let sent = waker.clone();
        thread::spawn(move || sent.wake()).join().unwrap();
        settle(&next);
        assert!(tenant.polls() <= 3, "{} polls", tenant.polls());
    }
    assert_eq!(probe.polls(), 1);
}

#[test]
fn a_sleeping_executor_wakes_for_another_thread_each_of_a_thousand_times() {
    let (there, back) = (Arc::new(Signal::default()), mpsc::channel::<()>());
    let (ask, asked) = back;
    let raiser = there.clone();
    let thread = thread::spawn(move || {
        for () in asked {
            raiser.raise();
        }
    });
    candor::block_on(async {
        for _ in 0..1000 {
            ask.send(()).unwrap();
            there.raised().await;
        }
    });
    drop(ask);
    thread.join().unwrap();
}

#[test]
fn a_busy_executor_takes_note_of_another_thread() {
    let (signal, is_busy) = (Arc::new(Signal::default()), Arc::new(AtomicU32::new(0)));
    let (raiser, seen_busy) = (signal.clone(), is_busy.clone());
    let thread = thread::spawn(move || {
        while seen_busy.load(Ordering::SeqCst) < 1000 {
            thread::yield_now();
        }
        raiser.raise();
    });
    candor::block_on(async {
        let busy = spawn(async move {
            loop {
                is_busy.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
            }
        });
        let _ends_it = candor::spawn(async move { signal.raised().await }).await;
        busy.abort();
    });
    thread.join().unwrap();
}

#[test]
fn four_threads_that_wake_a_thousand_tasks_miss_none() {
    candor::block_on(async {
        let signals: Vec<_> = (0..1000).map(|_| Arc::new(Signal::default())).collect();
        let tasks: Vec<_> = signals
            .iter()
            .cloned()
            .map(|signal| spawn(async move { signal.raised().await }))
            .collect();
        let threads: Vec<_> = (0..4)
            .map(|offset| {
                let mine: Vec<_> = signals.iter().skip(offset).step_by(4).cloned().collect();
                thread::spawn(move || mine.iter().for_each(|signal| signal.raise()))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_wake_may_hold_the_lock_that_the_future_takes() {
    let (executor, lock) = (executor(), Rc::new(Mutex::new(None::<Waker>)));
    let taken = lock.clone();
    let task = executor.spawn(poll_fn(move |cx| {
        let mut waker = taken.lock().unwrap();
        match waker.replace(cx.waker().clone()) {
            None => Poll::Pending,
            Some(_) => Poll::Ready(()),
        }
    }));
    settle(&executor);
    executor.block_on(async {
        let waker = lock.lock().unwrap();
        // If the task were polled or dropped in here, it would wait for this same lock.
        waker.as_ref().unwrap().wake_by_ref();
    });
    executor.block_on(task).unwrap();
}

/// Wakes when its thread ends.
struct WakesWhenDropped(RefCell<Option<Waker>>);

impl Drop for WakesWhenDropped {
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

thread_local! {
    static AT_THE_END: WakesWhenDropped = const { WakesWhenDropped(RefCell::new(None)) };
}

#[test]
fn a_thread_that_ends_may_wake_a_task_of_another() {
    let has_ended = Arc::new(AtomicBool::new(false));
    candor::block_on(poll_fn(|cx| {
        if has_ended.swap(true, Ordering::SeqCst) {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        thread::spawn(move || AT_THE_END.with(|end| end.0.replace(Some(waker))));
        Poll::Pending
    }));
}

#[test]
fn a_thread_that_ends_may_wake_what_it_has_run_itself() {
    thread::spawn(|| {
        // First, so that it is destroyed after whatever candor keeps for the thread.
        AT_THE_END.with(|_| ());
        candor::block_on(poll_fn(|cx| {
            AT_THE_END.with(|end| end.0.replace(Some(cx.waker().clone())));
            Poll::Ready(())
        }));
    })
    .join()
    .unwrap();
}

#[test]
fn wakers_are_cloned_dropped_and_used_on_any_thread() {
    let polls = Cell::new(0);
    candor::block_on(poll_fn(|cx| {
        polls.set(polls.get() + 1);
        if polls.get() == 2 {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        thread::spawn(move || {
            let clones: Vec<_> = (0..1000).map(|_| waker.clone()).collect();
            assert!(clones.iter().all(|clone| clone.will_wake(&waker)));
            let one = clones[500].clone();
            drop((clones, waker));
            thread::spawn(|| one.wake()).join().unwrap();
        })
        .join()
        .unwrap();
        Poll::Pending
    }));
}

#[test]
fn wakers_of_two_tasks_are_told_apart() {
    let (executor, probes) = (executor(), [(); 2].map(|()| Probe::default()));
    for probe in &probes {
        executor.spawn(probe.clone()).detach();
    }
    settle(&executor);
    let [one, other] = probes.each_ref().map(Probe::waker);
    assert!(one.will_wake(&one.clone()) && !one.will_wake(&other));
}

/// Both tasks are in the first slot of their executor, so only its number distinguishes them.
#[test]
fn a_wake_goes_to_its_own_executor_and_not_to_the_one_that_runs_here() {
    let [here, elsewhere] = [executor(), executor()];
    let [mine, theirs] = [Probe::default(), Probe::default()];
    here.spawn(mine.clone()).detach();
    elsewhere.spawn(theirs.clone()).detach();
    settle(&here);
    settle(&elsewhere);
    let waker = theirs.waker();
    here.block_on(async {
        waker.wake();
        yield_now().await;
    });
    settle(&here);
    assert_eq!((mine.polls(), theirs.polls()), (1, 1));
    settle(&elsewhere);
    assert_eq!((mine.polls(), theirs.polls()), (1, 2));
}

#[test]
fn a_task_woken_while_a_nested_executor_runs_is_polled_after_that() {
    let (outer, probe) = (executor(), Probe::default());
    let waiting = outer.spawn(probe.clone());
    settle(&outer);
    outer.block_on(async {
        candor::block_on(async {
            let inner = Probe::default();
            let task = spawn(inner.clone());
            yield_now().await;
            probe.end();
            yield_now().await;
            assert_eq!((inner.polls(), probe.polls()), (1, 1));
            task.abort();
        });
        assert_eq!(probe.polls(), 1);
        waiting.await.unwrap();
    });
    assert_eq!(probe.polls(), 2);
}

#[test]
fn the_main_future_woken_from_a_nested_executor_is_polled_after_that() {
    let polls = Cell::new(0);
    candor::block_on(poll_fn(|cx| {
        polls.set(polls.get() + 1);
        if polls.get() == 2 {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        candor::block_on(async move {
            spawn(async move { waker.wake() }).await.unwrap();
        });
        Poll::Pending
    }));
}

#[test]
fn a_park_token_taken_by_user_code_loses_no_wake() {
    let signal = Arc::new(Signal::default());
    candor::block_on(async {
        let waits = signal.clone();
        let waiting = spawn(async move { waits.raised().await });
        yield_now().await;
        let raiser = signal.clone();
        thread::spawn(move || raiser.raise()).join().unwrap();
        // Whatever a wake has left for std's parker is taken here.
        thread::park_timeout(Duration::ZERO);
        waiting.await.unwrap();
    });
}

#[test]
fn stray_park_tokens_neither_wake_nor_confuse() {
    let (signal, polls) = (Arc::new(Signal::default()), Cell::new(0));
    let (ask, asked) = mpsc::channel();
    let raiser = signal.clone();
    let thread = thread::spawn(move || {
        let executor: thread::Thread = asked.recv().unwrap();
        for _ in 0..100 {
            executor.unpark();
        }
        raiser.raise();
    });
    candor::block_on(async {
        thread::current().unpark();
        ask.send(thread::current()).unwrap();
        let mut raised = std::pin::pin!(signal.raised());
        poll_fn(|cx| {
            polls.set(polls.get() + 1);
            raised.as_mut().poll(cx)
        })
        .await;
    });
    thread.join().unwrap();
    assert!(polls.get() <= 2, "{} polls", polls.get());
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Clone,
    Wake,
    Drop,
}

type Reaction = Rc<dyn Fn(Call)>;

thread_local! {
    /// What the wakers of [`foreign_waker`] do when they are called on this thread.
    static REACTION: RefCell<Option<Reaction>> = const { RefCell::new(None) };
}

static FOREIGN: RawWakerVTable = RawWakerVTable::new(
    |data| {
        react(Call::Clone);
        RawWaker::new(data, &FOREIGN)
    },
    |_| react(Call::Wake),
    |_| react(Call::Wake),
    |_| react(Call::Drop),
);

fn react(call: Call) {
    let reaction = REACTION.with_borrow(Option::clone);
    if let Some(reaction) = reaction {
        reaction(call);
    }
}

/// A waker that belongs to no executor. Those of different numbers do not `will_wake` each other.
fn foreign_waker(number: usize) -> Waker {
    let data = std::ptr::without_provenance(number);
    // SAFETY: The functions of the table never look at the data.
    unsafe { Waker::new(data, &FOREIGN) }
}

/// What can be polled with any waker: a handle and a timer.
#[derive(Clone, Copy, Debug)]
enum Polled {
    Handle,
    Timer,
}

/// Polls a handle or a timer with two foreign wakers in turn, which react to `call`. Then lets it become
/// ready, and expects that everything else, and a later await of it, goes on as if they had been harmless.
///
/// They react the first `times` only: two wakers of one future that both panic when dropped abort the process.
fn hostile_waker_does_no_harm(
    polled: Polled,
    call: Call,
    times: u32,
    reaction: impl Fn() + 'static,
) {
    let (executor, probe) = (executor(), Probe::default());
    let bystander = executor.spawn(candor::sleep(Duration::from_secs(2)));
    let reacted = Rc::new(Cell::new(0));
    executor.block_on(async {
        let mut subject: Pin<Box<dyn Future<Output = ()>>> = match polled {
            Polled::Handle => {
                let handle = spawn(probe.clone());
                Box::pin(async { handle.await.unwrap() })
            }
            Polled::Timer => Box::pin(candor::sleep(Duration::from_secs(1))),
        };
        yield_now().await;
        let counted = reacted.clone();
        let react: Reaction = Rc::new(move |happened| {
            if happened == call && counted.get() < times {
                counted.set(counted.get() + 1);
                reaction();
            }
        });
        REACTION.set(Some(react));
        for number in [1, 2] {
            let waker = foreign_waker(number);
            // A panicking waker panics in the code that polls with it, and only there.
            let poll = catch_unwind(AssertUnwindSafe(|| {
                subject.as_mut().poll(&mut Context::from_waker(&waker))
            }));
            std::mem::forget(waker);
            if let Err(payload) = poll {
                let message = payload.downcast_ref::<&str>();
                assert!(
                    message.is_some_and(|it| it.starts_with("a foreign")),
                    "{message:?}"
                );
                // An async block that was unwound cannot be polled again.
                subject = match polled {
                    Polled::Handle => return,
                    Polled::Timer => Box::pin(candor::sleep(Duration::from_secs(1))),
                };
            }
        }
        if let Polled::Handle = polled {
            probe.end();
        }
        candor::sleep(Duration::from_secs(1)).await;
        yield_now().await;
        subject.await;
    });
    if let Polled::Handle = polled
        && !probe.0.is_over.get()
    {
        probe.end();
    }
    executor.block_on(bystander).unwrap();
    executor.drain();
    REACTION.set(None);
    assert!(reacted.get() > 0, "{polled:?} never called {call:?}");
    assert_eq!(executor.block_on(executor.spawn(async { 5 })).unwrap(), 5);
    assert_eq!(executor.failures(), 0);
}

#[test]
fn a_foreign_waker_may_panic_when_it_wakes() {
    for polled in [Polled::Handle, Polled::Timer] {
        hostile_waker_does_no_harm(polled, Call::Wake, 1, || panic!("a foreign wake"));
    }
}

#[test]
fn a_foreign_waker_may_panic_when_it_is_cloned() {
    for polled in [Polled::Handle, Polled::Timer] {
        hostile_waker_does_no_harm(polled, Call::Clone, 1, || panic!("a foreign clone"));
    }
}

#[test]
fn a_foreign_waker_may_panic_when_it_is_dropped() {
    for polled in [Polled::Handle, Polled::Timer] {
        hostile_waker_does_no_harm(polled, Call::Drop, 1, || panic!("a foreign drop"));
    }
}

/// Calls back into the executor in all the ways there are.
fn re_enter() {
    let spawned = spawn(async {});
    drop(spawned);
    assert_eq!(
        candor::block_on(async { spawn(async { 7 }).await.unwrap() }),
        7
    );
    let _in_the_wheel = Box::pin(candor::sleep(Duration::from_secs(9)))
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
}

#[test]
fn a_foreign_waker_may_re_enter_the_executor_when_it_wakes() {
    for polled in [Polled::Handle, Polled::Timer] {
        hostile_waker_does_no_harm(polled, Call::Wake, 9, re_enter);
    }
}

#[test]
fn a_foreign_waker_may_re_enter_the_executor_when_it_is_cloned() {
    for polled in [Polled::Handle, Polled::Timer] {
        hostile_waker_does_no_harm(polled, Call::Clone, 9, re_enter);
    }
}

#[test]
fn a_foreign_waker_may_re_enter_the_executor_when_it_is_dropped() {
    for polled in [Polled::Handle, Polled::Timer] {
        hostile_waker_does_no_harm(polled, Call::Drop, 9, re_enter);
    }
}

#[test]
fn a_foreign_wake_that_panics_does_not_keep_the_others_from_their_timers() {
    candor::test(async {
        REACTION.set(Some(Rc::new(|call| {
            assert_ne!(call, Call::Wake, "a foreign wake")
        })));
        let waker = foreign_waker(1);
        let mut sleeps: Vec<_> = (0..3)
            .map(|_| candor::sleep(Duration::from_secs(1)))
            .collect();
        for sleep in &mut sleeps {
            assert!(
                Pin::new(sleep)
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
        }
        candor::sleep(Duration::from_secs(1)).await;
        REACTION.set(None);
    });
}

#[test]
fn a_task_may_wake_another_that_it_has_just_aborted() {
    let (executor, probe) = (executor(), Probe::default());
    let task = executor.spawn(probe.clone());
    settle(&executor);
    executor.block_on(async {
        task.abort();
        probe.waker().wake();
        finished(&task).await;
    });
    assert_eq!(probe.polls(), 1);
}
