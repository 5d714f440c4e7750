//! One wake from another thread, followed through the source.
//!
//! A task awaits an answer from a thread. Its future has kept the waker and returned `Pending`, nothing else
//! is ready, and the executor's thread sleeps. Now the answer is there, and the other thread calls
//! `waker.wake()`.
//!
//! ```text
//!     the other thread                                the executor's thread
//!
//!                                                     parked                        (0)
//! (1) waker.wake(): what is the number?                  ┆
//!     not an executor of this thread                     ┆
//! (2) find the inbox by the executor's number            ┆
//! (3) set the slot's bit ── was it set? done             ┆
//!     push the slot                                      ┆
//!     state: MAIL ── was it ASLEEP? ─── unpark ───────► wakes up                    (4)
//!     returns                                         state: AWAKE
//!                                                     pop the slot, clear its bit   (5)
//!                                                     queue the slot                (6)
//!                                                     poll the task                 (7)
//! ```
//!
//! A debug build takes the same way. It also looks for stalls: its wakers count their clones (`waker::wake_and_drop` and its
//! neighbours in `src/kernel/tasks/waker.rs`), and an observer sees each step.
//!
//! 0. `Inbox::park` in `src/kernel/tasks/inbox.rs`. The loop found no task ready (`wait_if_idle` of the loop in `src/kernel/tasks/run_loop.rs`),
//!    and `run` in `src/kernel/tasks/run_loop.rs` parks the executor: it sets `ASLEEP`, and sleeps until it is unparked or the next
//!    deadline.
//! 1. `waker::wake_plainly` in `src/kernel/tasks/waker.rs`. The 64 bits of the waker are taken apart: executor, generation, slot.
//!    `current_executor::with` in `src/kernel/tasks/current_executor.rs` says that this thread runs another executor or none, so it may not touch
//!    the table of tasks.
//! 2. `Inbox::of` in `src/kernel/tasks/inbox.rs`. A table that all threads share (in `src/kernel/tasks/inbox/executor_numbers.rs`)
//!    leads from the executor's number to its inbox. Inboxes are never freed, so this works even if the executor is gone.
//! 3. `Inbox::wake` in `src/kernel/tasks/inbox.rs`. If the slot's bit was set already (`Bitmap::insert` in
//!    `src/kernel/tasks/inbox/bitmap.rs`), another wake has asked for the
//!    same poll, and there is nothing left to do. Else the slot's number goes into the queue, and
//!    `Inbox::notify` in `src/kernel/tasks/inbox.rs` sets `MAIL`.
//! 4. `Inbox::rouse` in `src/kernel/tasks/inbox.rs`. Only a parked executor has to be unparked. One that runs looks
//!    for mail before each pass.
//! 5. `Inbox::drain` in `src/kernel/tasks/inbox.rs`. The executor's thread begins a pass and fetches its mail. The bit is
//!    cleared before the poll, so that a wake from now on asks for another poll.
//! 6. `Slots::wake_tenant` in `src/kernel/tasks/slots_and_queue.rs`. From here on it is a wake like any other: the slot is queued,
//!    unless it was.
//! 7. The loop in `src/kernel/tasks/run_loop.rs`. The slot's turn comes. Its task is polled and sees whatever the other
//!    thread wrote before it called `wake`.
//!
//! A wake on the executor's own thread goes from 1 right to 6 (`Slots::wake` in `src/kernel/tasks/slots_and_queue.rs`), in a release build
//! without an atomic instruction.
//!
//! # What if it comes at the wrong moment?
//!
//! The dangerous moment is between "no task is ready" and "parked". In lesson 3, std's `unpark` solved this
//! with a token. Here the state solves it. Both sides change it in one indivisible step, so there are two
//! cases:
//!
//! ```text
//! wake first:    MAIL, then park finds no AWAKE to turn into ASLEEP, and returns at once
//! park first:    ASLEEP, then wake turns it into MAIL, sees that it was ASLEEP, and unparks
//! ```
//!
//! `tests/inside/inbox_under_loom.rs` runs this handshake in every order that the two threads can have.
//!
//! # What if it comes too late?
//!
//! The task may be done, and its slot in use by another one. An inbox knows no generations, so that one is
//! polled for nothing, and that is all. If the executor itself is gone, its inbox is closed and ignores the
//! wake. Freed memory is never touched: the waker has no pointer to anything.
//!
//! # Follow it yourself
//!
//! Save this as `examples/one_wake.rs`, inside of a `fn main`, put a `println!` with `std::thread::current().id()` at
//! each of the places above, and run it with `cargo run --release --example one_wake`. The last lines show one more
//! wake: what does the task wake when it is done? Without `--release`, `waker::wake_plainly` prints nothing, and `waker::wake` does.
//!
//! ```
//! use std::thread;
//! use std::time::Duration;
//!
//! let answer = candor::block_on(async {
//!     let (sender, receiver) = async_channel::bounded(1);
//!     thread::spawn(move || {
//!         thread::sleep(Duration::from_millis(10));
//!         sender.send_blocking(42)
//!     });
//!     candor::spawn(async move { receiver.recv().await }).await
//! });
//! assert_eq!(answer.unwrap(), 42);
//! ```
