//! The life of a task, as a picture.
//!
//! ```text
//!                          spawn
//!                            │ gets a slot, is queued for its first poll
//!                            ▼
//!              ┌─────────► READY ◄───────────── woken ──┐
//!     Pending, │             │ its turn has come        │
//!    but woken │             ▼                          │
//!    meanwhile └────────── RUNNING ─────── Pending ──► WAITING
//!                            │
//!                            │ Ok, Err or panic; or it was aborted:
//!                            │ then it is dropped instead of polled
//!                            ▼
//!                          DONE    its slot is free, its joiner is woken
//!                            │
//!             ┌──────────────┴──────────────┐
//!         it succeeded,                 it failed
//!         or was aborted                    │
//!             │                ┌────────────┴─────────────┐
//!             │          the handle is held         the handle is gone
//!             │                │                          │
//!             │             UNREAD ── handle dropped, ──► │
//!             │                │      grace is over, or   │
//!             ▼                ▼      executor ends       ▼
//!     JOINED, or dropped    JOINED                    REPORTED
//!     with its handle       as a JoinError            once, with its backtrace
//! ```
//!
//! **Spawn.** [`spawn`](crate::spawn) puts the future into a cell of its own (`src/kernel/tasks/task.rs`, in memory from
//! `Counted::new` in `src/kernel/tasks/memory.rs`) and the cell into a slot (`Slots::insert` in `src/kernel/tasks/slots_and_queue.rs`). The executor owns the task from here on. The handle only
//! shares the cell. What it needs from the executor it asks the task, which remembers its executor
//! (`Core::of` in `src/kernel/tasks/core.rs`).
//!
//! **Ready.** The slot's number is in the run queue, once (`Table::push` in `src/kernel/tasks/slots_and_queue.rs`). The
//! oldest is next.
//!
//! **Running.** The loop in `src/kernel/tasks/run_loop.rs` takes the number out (`Slots::next_ready` in `src/kernel/tasks/slots_and_queue.rs`) and polls.
//! Because it was taken out first, a wake during the poll queues the task again, and is not lost.
//!
//! **Waiting.** The poll said `Pending`. Nothing in the executor remembers that this task has to be polled:
//! that is now up to the holder of its waker. If there is none, it waits forever.
//!
//! **Woken.** `Slots::wake` in `src/kernel/tasks/slots_and_queue.rs` queues the task, unless it is queued already or the waker
//! belonged to an earlier tenant of the slot. A wake from another thread takes [a longer
//! way](super::one_wake). A task that was woken for nothing is polled for nothing: every future has to
//! allow for that.
//!
//! **Aborted.** [`abort`](crate::JoinHandle::abort) marks the task and wakes it. When its turn comes, its
//! future is dropped instead of polled. That is no failure.
//!
//! **Done.** The future is dropped and its outcome takes its place in the cell. The slot is given to another
//! task; wakers of this one are stale now. The awaiter of the handle is woken (`Core::finish` in
//! `src/kernel/tasks/completion.rs`): a task of the same executor by its key, any other by the waker that it left in the cell.
//!
//! **Joined.** The handle takes the outcome out of the cell: the value, or a [`JoinError`](crate::JoinError).
//!
//! **Unread.** A failure whose handle is held waits for an awaiter, but not for longer than the
//! [grace](crate::Builder::grace) (`src/kernel/failure/in_grace.rs`).
//!
//! **Reported.** A failure that no awaiter has taken is printed between two polls, exactly once
//! (`src/kernel/failure/when_to_report.rs`). One that was reported because its grace was over can still be joined.
//!
//! # One spawn and join, file by file
//!
//! 1. `spawn` in `src/kernel/tasks/spawn.rs` takes the place of the call. `current_executor::get` in `src/kernel/tasks/current_executor.rs` finds the
//!    executor that runs on this thread.
//! 2. `Core::parentage` in `src/kernel/tasks/spawn.rs` says who spawns. All tasks of one spawner share that.
//! 3. `Core::spawn` in `src/kernel/tasks/spawn.rs` makes the task in its place: memory from `Counted::new` in
//!    `src/kernel/tasks/memory.rs`, `Header::new` and `Task::new` in `src/kernel/tasks/task.rs`. `Slots::insert` in
//!    `src/kernel/tasks/slots_and_queue.rs` gives it a slot, and queues it. The spawner goes on with a handle.
//! 4. The spawner awaits the handle: `JoinHandle::poll` in `src/kernel/tasks/join_handle.rs`. The task is not done, so
//!    `Joined::set_waker` in `src/kernel/tasks/who_joins.rs` keeps the number of the spawner, which `key_of` in
//!    `src/kernel/tasks/waker.rs` reads from its waker. The spawner returns `Pending`.
//! 5. The loop, `Loop::poll_until_pause` in `src/kernel/tasks/run_loop.rs`, takes the task from the queue (`Slots::next_ready` in
//!    `src/kernel/tasks/slots_and_queue.rs`), makes its waker (`waker_of` in `src/kernel/tasks/waker.rs`), and polls it: `poll_task` in
//!    `src/kernel/tasks/run_loop.rs`, then `Task::poll` in `src/kernel/tasks/task.rs`. The future returns, and `Task::finish` in
//!    `src/kernel/tasks/task.rs` puts the value in its place.
//! 6. `Core::finish` in `src/kernel/tasks/completion.rs` frees the slot and wakes the joiner: `Core::wake` in
//!    `src/kernel/tasks/waker.rs`, `Slots::wake` in `src/kernel/tasks/slots_and_queue.rs`.
//! 7. The spawner is polled again. `JoinHandle::poll` in `src/kernel/tasks/join_handle.rs` finds the task done, and `Task::take_outcome` in
//!    `src/kernel/tasks/task.rs` gives the value.
//!
//! To see the state of your own tasks, print [`tasks()`](crate::tasks()).
