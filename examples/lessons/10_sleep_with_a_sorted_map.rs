//! Lesson 10: sleep with a sorted map.
//!
//! ```sh
//! cargo run --example lesson_10_sleep_with_a_sorted_map
//! ```
//!
//! A task that sleeps waits for a time, its *deadline*. Nothing rings when it comes, so the executor itself
//! has to look. `sleep` leaves its waker with the *timers*, sorted by deadline. When no task is ready, the
//! loop asks for the first deadline, waits until then, and wakes the tasks that are due.
//!
//! ```text
//! sleep ──deadline, waker──► timers   (2, #2) toast
//!                                     (3, #1) tea         (deadline, number of insertion)
//!                                     (7, #3) egg
//! loop:  run ready tasks ──► next deadline ──► wait ──► wake what is due ──► run ready tasks
//! ```
//!
//! The clock here is a *virtual* one, in minutes. It stands still while a task is ready, and jumps where a
//! real executor would park with a timeout. So seven minutes take no time, and come out the same each time.
//!
//! # What changed
//!
//! `sleep`, the timers, and a loop around `run_ready_tasks`. The handles of lesson 9 are not needed.
//!
//! # Predict before you run it
//!
//! 1. At which minutes does the loop wake a task?
//! 2. Tea and egg are both due at minute 7. Which is woken first: the one that has slept for longer, or the
//!    one that was spawned first?

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

fn main() {
    spawn_boxed(Box::pin(make_tea()));
    spawn_boxed(Box::pin(make_toast()));
    spawn_boxed(Box::pin(boil_egg()));
    run();
}

async fn make_tea() {
    println!("    tea: the water is on");
    sleep(3).await;
    println!("    tea: steeps");
    sleep(4).await;
    println!("    tea: done");
}

async fn make_toast() {
    println!("    toast: one side");
    sleep(2).await;
    println!("    toast: the other side");
    sleep(2).await;
    println!("    toast: done");
}

async fn boil_egg() {
    println!("    egg: goes into the water");
    sleep(7).await;
    println!("    egg: done");
}

/// Waits for so many minutes, counted from this call.
fn sleep(minutes: u32) -> impl Future<Output = ()> {
    let deadline = TIMERS.with_borrow(|timers| timers.now) + minutes;
    poll_fn(move |cx| {
        TIMERS.with_borrow_mut(|timers| {
            if timers.now >= deadline {
                return Poll::Ready(());
            }
            timers.insert(deadline, cx.waker().clone());
            Poll::Pending
        })
    })
}

fn run() {
    run_ready_tasks();
    while let Some(deadline) = TIMERS.with_borrow(Timers::next_event) {
        println!("minute {deadline}");
        while let Some(sleeper) = TIMERS.with_borrow_mut(|timers| timers.pop_expired(deadline)) {
            sleeper.wake();
        }
        run_ready_tasks();
    }
}

thread_local! {
    static TIMERS: RefCell<Timers> = RefCell::default();
}

#[derive(Default)]
struct Timers {
    now: u32,
    insertions: u32,
    /// By deadline, and equal deadlines in the order in which they came.
    sleepers: BTreeMap<(u32, u32), Waker>,
}

impl Timers {
    fn insert(&mut self, deadline: u32, sleeper: Waker) {
        self.insertions += 1;
        self.sleepers.insert((deadline, self.insertions), sleeper);
    }

    /// When to look again.
    fn next_event(&self) -> Option<u32> {
        let (&(deadline, _), _) = self.sleepers.first_key_value()?;
        Some(deadline)
    }

    /// Lets time go on to `now`, and takes out what is due there, one at a time.
    fn pop_expired(&mut self, now: u32) -> Option<Waker> {
        self.now = now;
        let first = self.sleepers.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

// The executor of lesson 6. No slot is used a second time here, so it does without generations.

type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static SLOTS: RefCell<Vec<Option<BoxedFuture>>> = RefCell::default();
    static RUN_QUEUE: RefCell<VecDeque<usize>> = RefCell::default();
}

fn spawn_boxed(future: BoxedFuture) {
    let slot = SLOTS.with_borrow(Vec::len);
    SLOTS.with_borrow_mut(|slots| slots.push(Some(future)));
    RUN_QUEUE.with_borrow_mut(|queue| queue.push_back(slot));
}

fn run_ready_tasks() {
    while let Some(slot) = RUN_QUEUE.with_borrow_mut(VecDeque::pop_front) {
        let future = SLOTS.with_borrow_mut(|slots| slots[slot].take());
        let Some(mut future) = future else { continue };
        println!("poll task {slot}");
        let waker = waker_of(slot);
        let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
        if poll.is_pending() {
            SLOTS.with_borrow_mut(|slots| slots[slot] = Some(future));
        }
    }
}

fn waker_of(slot: usize) -> Waker {
    // SAFETY: The functions of the table take the word for a number and never read through it.
    unsafe { Waker::new(ptr::without_provenance(slot), &VTABLE) }
}

static VTABLE: RawWakerVTable =
    RawWakerVTable::new(|word| RawWaker::new(word, &VTABLE), wake, wake, |_| ());

fn wake(word: *const ()) {
    RUN_QUEUE.with_borrow_mut(|queue| queue.push_back(word.addr()));
}

// # It prints
//
// ```text
// poll task 0
//     tea: the water is on
// poll task 1
//     toast: one side
// poll task 2
//     egg: goes into the water
// minute 2
// poll task 1
//     toast: the other side
// minute 3
// poll task 0
//     tea: steeps
// minute 4
// poll task 1
//     toast: done
// minute 7
// poll task 2
//     egg: done
// poll task 0
//     tea: done
// ```
//
// Time goes on in jumps: 2, 3, 4, 7. At minute 7 the egg comes first, because it has been in the map since
// minute 0 and the tea since minute 3.
//
// # Try
//
// 1. Sleep for real: let the loop call `thread::sleep`, with a second for each minute that the clock jumps.
//    Nothing else has to change. Then let the toast call `thread::sleep` itself. What happens to the others?
// 2. Suppose that a sleeping task has a spurious poll, as every future must expect. Its waker is in the map
//    twice then. What does that cost, and what would `sleep` have to remember to prevent it?
// 3. Drop a `sleep` that has been polled, as a timeout that was not needed does. What remains, and for how
//    long?
//
// # In candor
//
// `src/kernel/time/sleep.rs` is the future, and `src/kernel/time/clock.rs` has a real clock, which counts half milliseconds, and a
// virtual one. The loop in `src/kernel/tasks/run_loop.rs` finds out how long it may wait, and `src/kernel/tasks/inbox.rs` waits for whatever
// comes first: that deadline, or a wake from another thread.
//
// # Answers
//
// 1. All sleep for as long as they did before, now in seconds. If the toast calls `thread::sleep`, nothing else runs meanwhile: there
//    is one thread. The others are late by as much, and no code of theirs is wrong.
// 2. Two entries, so two wakes. The second one is spurious again: it polls the task for nothing, or another task that has the number by
//    then. `sleep` has to remember that it has inserted its waker, and the waker. If it is polled with the same one, it
//    is done. If another task polls it, it replaces the entry.
// 3. Its waker stays in the map until the deadline. A server with a timeout of one hour for each request keeps an hour's
//    requests there. So `sleep` needs a destructor, which takes the entry out by its key: lesson 12.
