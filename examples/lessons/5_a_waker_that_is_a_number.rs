//! Lesson 5: a waker that is a number.
//!
//! ```sh
//! cargo run --example lesson_5_a_waker_that_is_a_number
//! ```
//!
//! A waker only has to say a number: lesson 4 allocated, counted and locked, only to say 0 or 1. But in
//! lesson 3 we saw that a waker has one word of data, and a number fits into that. Then `clone` copies it,
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
//! # Predict before you run it
//!
//! Each task here is done at its second poll, and leaves its waker in `WAKERS` for others to call.
//!
//! 1. The tea is woken twice in a row. How often is it polled?
//! 2. Then the egg is spawned. In which slot, and in which generation?
//! 3. Then the waker of the tea is called, which is done. Which task is polled?

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

thread_local! {
    static WAKERS: RefCell<BTreeMap<&'static str, Waker>> = RefCell::default();
    static SLOTS: RefCell<Slots> = RefCell::default();
}

fn main() {
    spawn(two_polls("tea"));
    spawn(two_polls("toast"));
    run_after_waking(&[]);
    run_after_waking(&["tea", "tea"]);
    spawn(two_polls("egg"));
    run_after_waking(&[]);
    run_after_waking(&["tea"]);
    run_after_waking(&["egg", "toast"]);
}

async fn two_polls(name: &'static str) {
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        println!("    {name}: poll {polls}");
        WAKERS.with_borrow_mut(|wakers| wakers.insert(name, cx.waker().clone()));
        if polls < 2 {
            Poll::Pending
        } else {
            Poll::Ready(())
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
    SLOTS.with_borrow_mut(|slots| slots.wake(index, generation));
}

fn forget(_: *const ()) {}

// # It prints
//
// ```text
// woken: []
// poll slot 0, generation 0
//     tea: poll 1
// poll slot 1, generation 0
//     toast: poll 1
// woken: ["tea", "tea"]
// poll slot 0, generation 0
//     tea: poll 2
// woken: []
// poll slot 0, generation 1
//     egg: poll 1
// woken: ["tea"]
// woken: ["egg", "toast"]
// poll slot 0, generation 1
//     egg: poll 2
// poll slot 1, generation 0
//     toast: poll 2
// ```
//
// The second wake finds the tea queued already. The slot that was freed last is used first, so the egg gets
// the tea's. It is generation 1 there, so the tea's old waker, of generation 0, wakes nothing.
//
// # Try
//
// 1. Let `Slots::wake` ignore the generation. Now the egg has a spurious poll. It does harm only because
//    `two_polls` takes every poll for the one that it waited for: what should it check instead? Compare
//    the kettle of lesson 2.
// 2. Let it ignore `is_queued`. Nothing else is printed, since the tea is done before its second turn. But
//    how long would the queue be after a thousand wakes of one task?
// 3. Call the egg's waker from another thread. Nothing happens. Why? And why is it no undefined behaviour?
//
// # In candor
//
// `src/kernel/tasks/key.rs` is the number. It has a third part, which answers the last question: whose task it is. The table is
// `src/kernel/tasks/slots.rs`, the waker `src/kernel/tasks/waker.rs`, and wakes from other threads go through `src/kernel/tasks/inbox.rs`. An executor with
// instruments or stall detection counts its wakers after all (`src/kernel/tasks/waker.rs`): without any, no wake can come.
