//! Lesson 6: a waker that is a number.
//!
//! ```sh
//! cargo run --example lesson_06_a_waker_that_is_a_number
//! ```
//!
//! A waker only has to say a number: lesson 5 allocated, counted and locked, only to say 0 or 1. But in
//! lesson 4 we saw that a waker has one word of data, and a number fits into that. Then `clone` copies it,
//! `drop` forgets it, nothing can leak, and nothing can be used after it was freed.
//!
//! A number can be out of date, though. When a task is done, its *slot* in the table is given to the next
//! one, and the old waker may still be held. So the number has two parts: the slot, and its *generation*,
//! which goes up with each tenant that leaves. A waker of an earlier generation is *stale*, and calling it
//! does nothing.
//!
//! ```text
//!   the word of a waker                    slots
//! ┌────────────┬────────┐                ┌──────────────────────┬─────┐
//! │ generation │  slot  │ ── wake ──►    │ 0: generation 1, egg │ ... │
//! └────────────┴────────┘                └──────────────────────┴─────┘
//!       0           0                      not the one that was meant: stale
//! ```
//!
//! # What changed
//!
//! The waker is a number, so there has to be a place to look it up: the table of tasks is a thread-local. It
//! holds for each slot its generation, and whether it is queued already. Slots are used again, so that the
//! table does not grow for as long as the program runs.
//!
//! # What it gives up
//!
//! - A number leads nowhere by itself. It has to be looked up, and the table here belongs to one thread. So a wake from
//!   another thread finds an empty table, and does nothing. Lesson 7 mends that.
//! - Nobody counts the wakers, so nobody knows whether one is left. A task that can never be woken is not found by that.
//! - A number does not keep its task alive. That is wanted here: the table owns the tasks.
//!
//! # Predict before you run it
//!
//! Each task here is done at its third poll, and leaves its waker in `WAKERS` for others to call. First the wakers call
//! `wrong::wake`, then the right one.
//!
//! 1. The tea is woken twice in a row. How often is it polled?
//! 2. When the tea is done, the egg is spawned. In which slot, and in which generation?
//! 3. Then the waker of the tea is called, which is done. Which task is polled?

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

thread_local! {
    static WAKERS: RefCell<BTreeMap<&'static str, Waker>> = RefCell::default();
    static SLOTS: RefCell<Slots> = RefCell::default();
    /// What a waker does with its number.
    static WAKE: Cell<fn(&mut Slots, usize, usize)> = const { Cell::new(wrong::wake) };
}

fn main() {
    println!("WRONG");
    make_breakfast();
    println!("RIGHT");
    SLOTS.take();
    WAKE.set(Slots::wake);
    make_breakfast();
}

fn make_breakfast() {
    spawn(three_polls("tea"));
    run_after_waking(&[]);
    run_after_waking(&["tea", "tea"]);
    run_after_waking(&["tea"]);
    spawn(three_polls("egg"));
    run_after_waking(&[]);
    run_after_waking(&["tea"]);
}

async fn three_polls(name: &'static str) {
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        println!("    {name}: poll {polls}");
        WAKERS.with_borrow_mut(|wakers| wakers.insert(name, cx.waker().clone()));
        match polls < 3 {
            true => Poll::Pending,
            false => Poll::Ready(()),
        }
    })
    .await;
}

fn run_after_waking(names: &[&str]) {
    println!("woken: {names:?}");
    for name in names {
        WAKERS.with_borrow(|wakers| wakers[name].wake_by_ref());
    }
    run();
}

#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
    run_queue: VecDeque<usize>,
}

#[derive(Default)]
struct Slot {
    /// `None` while the slot is free, and while its task is being polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    generation: usize,
    is_queued: bool,
}

mod wrong {
    /// Queues the slot, whoever is in it, and however often it is queued already.
    pub fn wake(slots: &mut super::Slots, index: usize, _generation: usize) {
        slots.run_queue.push_back(index);
    }
}

impl Slots {
    fn wake(&mut self, index: usize, generation: usize) {
        if let Some(slot) = self.slots.get_mut(index)
            && slot.generation == generation
            && !slot.is_queued
        {
            slot.is_queued = true;
            self.run_queue.push_back(index);
        }
    }
}

fn spawn(future: impl Future<Output = ()> + 'static) {
    SLOTS.with_borrow_mut(|slots| {
        let index = slots.free.pop().unwrap_or(slots.slots.len());
        if index == slots.slots.len() {
            slots.slots.push(Slot::default());
        }
        slots.slots[index].future = Some(Box::pin(future));
        slots.wake(index, slots.slots[index].generation);
    });
}

fn run() {
    while let Some(index) = SLOTS.with_borrow_mut(|slots| slots.run_queue.pop_front()) {
        let (future, generation) = SLOTS.with_borrow_mut(|slots| {
            let slot = &mut slots.slots[index];
            slot.is_queued = false;
            (slot.future.take(), slot.generation)
        });
        // A task that was woken in its last poll has left its slot in the queue.
        let Some(mut future) = future else { continue };
        println!("poll slot {index}, generation {generation}");
        // Nothing is borrowed here: the task may spawn and wake.
        let waker = waker_of(index, generation);
        let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
        let future = poll.is_pending().then_some(future);
        SLOTS.with_borrow_mut(|slots| {
            if future.is_none() {
                slots.slots[index].generation += 1;
                slots.free.push(index);
            }
            slots.slots[index].future = future;
        });
    }
}

fn waker_of(index: usize, generation: usize) -> Waker {
    // SAFETY: The functions of the table take the word for a number and never read through it, so they are
    // sound for any word, on any thread, at any time.
    unsafe { Waker::new(ptr::without_provenance(generation << 32 | index), &VTABLE) }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, forget);

fn clone(word: *const ()) -> RawWaker {
    RawWaker::new(word, &VTABLE)
}

fn wake(word: *const ()) {
    let (index, generation) = (word.addr() & 0xffff_ffff, word.addr() >> 32);
    SLOTS.with_borrow_mut(|slots| WAKE.get()(slots, index, generation));
}

fn forget(_: *const ()) {}

// # It prints
//
// ```text
// WRONG
// woken: []
// poll slot 0, generation 0
//     tea: poll 1
// woken: ["tea", "tea"]
// poll slot 0, generation 0
//     tea: poll 2
// poll slot 0, generation 0
//     tea: poll 3
// woken: ["tea"]
// woken: []
// poll slot 0, generation 1
//     egg: poll 1
// woken: ["tea"]
// poll slot 0, generation 1
//     egg: poll 2
// RIGHT
// woken: []
// poll slot 0, generation 0
//     tea: poll 1
// woken: ["tea", "tea"]
// poll slot 0, generation 0
//     tea: poll 2
// woken: ["tea"]
// poll slot 0, generation 0
//     tea: poll 3
// woken: []
// poll slot 0, generation 1
//     egg: poll 1
// woken: ["tea"]
// ```
//
// The wrong wake polls the tea for each wake, so it is done after one event instead of two. And the waker of the tea, which
// is done, polls the egg. With the right one, the second wake finds the tea queued already. The egg gets the slot of the tea, as it
// was freed last. It is generation 1 there, so the tea's old waker, of generation 0, wakes nothing.
//
// # Try
//
// 1. The wrong wake does harm because `three_polls` takes every poll for the one that it waited for. What should a future check
//    instead? Compare the kettle of lesson 3.
// 2. Wake the tea a thousand times, with both. How long is the queue?
// 3. Call the egg's waker from another thread. Nothing happens. Why? And why is it no undefined behaviour?
//
// # In candor
//
// `src/kernel/tasks/task_key.rs` is the number. It has a third part, which answers the last question: whose task it is. The table is
// `src/kernel/tasks/slots_and_queue.rs`, the waker `src/kernel/tasks/waker.rs`, and wakes from other threads go through
// `src/kernel/tasks/inbox.rs`. An executor with instruments or stall detection counts its wakers after all
// (`src/kernel/tasks/waker.rs`): without any, no wake can come.
//
// # Answers
//
// 1. Whether the thing has happened that it waits for. The kettle looks at its water in each poll, so a spurious poll costs it
//    time and nothing else. The two rules of the right wake save such polls. A future must not depend on that.
// 2. A thousand entries, and one.
//
// ```diff
// -    run_after_waking(&["tea", "tea"]);
// +    for _ in 0..1000 {
// +        WAKERS.with_borrow(|wakers| wakers["tea"].wake_by_ref());
// +    }
// +    let length = SLOTS.with_borrow(|slots| slots.run_queue.len());
// +    println!("{length} in the queue");
// +    SLOTS.with_borrow_mut(|slots| slots.run_queue.clear());
// ```
//
// ```text
// WRONG
// woken: []
// poll slot 0, generation 0
//     tea: poll 1
// 1000 in the queue
// ```
//
// 3. `SLOTS` is a thread-local, so the other thread looks into a table of its own, which is empty. And it reads no memory of
//    this thread: the word is a number, and no address. A wrong number finds nothing, or the wrong task.
