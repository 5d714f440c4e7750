//! A course: from a future that is polled in a loop to the source of this executor.
//!
//! 1. The thirteen lessons below, each a program of one or two pages with one idea.
//! 2. The fifteen exercises in `tests/exercises.rs`, from writing a `yield_now` to parts of an executor.
//! 3. The capstone: your own executor, in a crate of its own.
//! 4. The source itself. [`life_of_a_task`], [`life_of_a_failure`] and [`one_wake`] are its maps. [`design`] says why it is built as it is, and
//!    which part to read for a symptom.
//! 5. Breaking it, to see which tests notice.
//!
//! If you know another way of running jobs side by side, you may begin with [`idioms`], which translates its
//! idioms, and with [`comparison`], which says what differs.
//!
//! # What you need to know
//!
//! Rust, as far as traits, closures and threads. You should have seen `async` and `.await`, but need not know what they
//! do. Work in a clone of the repository: the lessons are programs to run and to change. These parts of std are used
//! without much explanation:
//!
//! | part of std | what to know of it | from lesson |
//! |---|---|---|
//! | [`std::pin`] | lesson 2 explains it; its page says the rest | 1 |
//! | [`Arc`](std::sync::Arc), [`Mutex`](std::sync::Mutex) | a value that threads share, and take turns at | 3 |
//! | [`Rc`](std::rc::Rc), [`Cell` and `RefCell`](std::cell) | the same on one thread: shared, and changed through a `&` | 5 |
//! | [`thread_local!`] | a static of which each thread has its own | 6 |
//! | [`Condvar`](std::sync::Condvar), [atomics](std::sync::atomic) | a bell for threads; lesson 7 says what an atomic saves | 7 |
//!
//! # How to take a lesson
//!
//! Each opens with what has changed since the last one, and with questions. Answer them on paper, from the
//! code, before you run it. What it prints is at its end, with the answers and with things to try. Where a mistake is
//! typical, the wrong version comes first: it is run, and you see what it does. The answers to what you try are under
//! the last heading of the file. Compare each lesson with the one before: the difference is what is new.
//!
//! ```sh
//! cargo run --example lesson_01_poll_in_a_loop
//! git diff --no-index examples/lessons/03_*.rs examples/lessons/04_*.rs
//! ```
//!
//! # The lessons
//!
//! They need std only, so `rustc --edition 2024` will do where cargo is slow. None is a copy of the crate:
//! each does one thing in the plainest way, and names the file of the kernel that does it for real. Read that
//! file after the lesson, or all of them at the end.
//!
//! The minutes are for reading, predicting and running. Trying things takes about as long again.
//!
//! | lesson | minutes | it needs |
//! |---|---:|---|
//! | 1. Poll in a loop | 15 | |
//! | 2. What an async fn becomes | 30 | 1 |
//! | 3. Park instead of spinning | 20 | 1 |
//! | 4. A hand-made waker | 25 | 3 |
//! | 5. Two tasks and a queue | 25 | 3 |
//! | 6. A waker that is a number | 30 | 4, 5 |
//! | 7. Mail from other threads | 40 | 6 |
//! | 8. Where I/O comes from | 25 | 3 |
//! | 9. Join handles | 25 | 6 |
//! | 10. Sleep with a sorted map | 25 | 6 |
//! | 11. A timer wheel | 30 | 10 |
//! | 12. Cancel is drop | 25 | 2 |
//! | 13. Failures that nobody hides | 30 | 9 |
//!
//! **In a hurry?** Lessons 1, 3, 5, 6 and 13 are the short path: two hours from a loop to what candor is about. If you only *use*
//! an executor, take 1, 3, 8 and 12, then [reactors] and [the ten bugs](ten_bugs).
//!
//! **1. Poll in a loop** (`examples/lessons/01_poll_in_a_loop.rs`). A future does nothing until it is polled.
//! An executor, at its smallest, is a loop that polls. An `async fn` runs from one `.await` that has to wait
//! to the next. The loop in `src/kernel/tasks/run_loop.rs` can wait for lesson 5.
//!
//! **2. What an async fn becomes** (`examples/lessons/02_what_an_async_fn_becomes.rs`). An enum with a state for each
//! `.await`. A state may hold a reference into itself, so it must not move: that is what `Pin` is for. Read the picture at
//! the top of `src/kernel/tasks/task.rs`.
//!
//! **3. Park instead of spinning** (`examples/lessons/03_park_instead_of_spinning.rs`). A future that is not
//! ready keeps the waker and calls it later; meanwhile the thread sleeps. What if the wake comes just before
//! the thread falls asleep? Read the picture at the top of `src/kernel/tasks/inbox.rs`; the rest of it waits for lesson 7.
//!
//! **4. A hand-made waker** (`examples/lessons/04_a_hand_made_waker.rs`). A waker is a word of data and a
//! table of four functions. When the word is an address, they have to count.
//!
//! **5. Two tasks and a queue** (`examples/lessons/05_two_tasks_and_a_queue.rs`). Each task has a waker of its
//! own, which puts it into the run queue. A task in the queue is ready; a task that waits costs nothing. Read
//! `src/kernel/tasks/slots_and_queue.rs` and `src/yield_now.rs`.
//!
//! **6. A waker that is a number** (`examples/lessons/06_a_waker_that_is_a_number.rs`). The word need not be
//! an address. With a slot and a generation in it, a waker owns nothing and cannot dangle. This is what
//! candor is built on: read `src/kernel/tasks/task_key.rs`, `src/kernel/tasks/slots_and_queue.rs` and `src/kernel/tasks/waker.rs`, which
//! says why a debug build counts its wakers all the same.
//!
//! **7. Mail from other threads** (`examples/lessons/07_mail_from_other_threads.rs`). An inbox with a lock, a bell, and three
//! states. To look and to fall asleep are one step, or a wake is lost. Then read `src/kernel/tasks/inbox.rs`, which does the
//! same with atomics.
//!
//! **8. Where I/O comes from** (`examples/lessons/08_where_io_comes_from.rs`). A reactor asks the system which sockets are
//! ready, and calls the wakers that wait for them. Where a socket finds its reactor decides which runtimes it works on. Read
//! `src/kernel/tasks/inbox.rs`, and [what candor does about reactors](reactors).
//!
//! **9. Join handles** (`examples/lessons/09_join_handles.rs`). A task and its handle share a cell for the
//! outcome. To join is to await the handle, to detach is to drop it. Read `src/kernel/tasks/task.rs` and `src/kernel/tasks/join_handle.rs`.
//!
//! **10. Sleep with a sorted map** (`examples/lessons/10_sleep_with_a_sorted_map.rs`). Timers are wakers with
//! deadlines. When no task is ready, the loop waits for the first of them, or a virtual clock jumps there. Read
//! `src/kernel/time/clock.rs`, `src/kernel/time/sleep.rs`, the loop in `src/kernel/tasks/run_loop.rs`, and `src/kernel/tasks/inbox.rs`, where it waits.
//!
//! **11. A timer wheel** (`examples/lessons/11_a_timer_wheel.rs`). Timers need not be sorted completely. A
//! wheel sorts each deadline by one digit, and by the next one when it draws near. Read `src/kernel/time/wheel.rs`.
//!
//! **12. Cancel is drop** (`examples/lessons/12_cancel_is_drop.rs`). A future that is dropped never returns from its `.await`.
//! `select` and `timeout` drop futures. What is left behind, and who cleans up? Read `src/entry/ending.rs` and
//! `src/time/timeout.rs`.
//!
//! **13. Failures that nobody hides** (`examples/lessons/13_failures_that_nobody_hides.rs`). Each failure goes
//! to its awaiter or into a report, and `spawn` is the place to ensure that. The last program runs on candor
//! as it is. Read `src/kernel/failure/mod.rs`, `src/kernel/failure/hook.rs`, `src/kernel/failure/in_grace.rs` and `src/kernel/failure/when_to_report.rs`.
//!
//! # The exercises
//!
//! ```sh
//! cargo test --test exercises exercise_1_ -- --ignored
//! ```
//!
//! They are tests that fail until you have written the answer into `tests/exercises.rs`. Three of them, the fifth, the seventh and the
//! fifteenth, hold code with a bug to find. `tests/exercises/solutions.rs` passes the same checks. `tests/exercises/wrong` has wrong
//! answers: what is wrong with each, and what its check says of it. The last four exercises, in
//! `tests/exercises/of_the_executor.rs`, are about the executor itself.
//!
//! # Your own executor
//!
//! ```sh
//! cd examples/your_own_executor
//! cargo test --test step_1_block_on
//! ```
//!
//! The capstone is a package that is yours: `src/lib.rs` there has the signatures, and a `todo!()` behind each. Six steps,
//! with tests that say when a step is done, lead from `block_on` to tasks, handles, wakes from other threads, aborts and
//! failures. The tests of the last step are files of candor's own tests, which then run on your executor. Take a weekend. An
//! answer of three hundred lines is in `answer/`.
//!
//! # Bugs to meet
//!
//! ```sh
//! cargo run --example broken_forgot_to_wake
//! ```
//!
//! The ten programs in `examples/broken` are wrong, each in a way that everybody meets some day: a wake that never comes,
//! a blocked thread, a deadlock, a busy loop, lost work, a handle that is never read, and what is held over an `.await`. Predict
//! what happens, find the line from what candor says, and fix it. What it says, and why, is at the end of each.
//!
//! [Ten bugs in ten minutes](ten_bugs) makes a game of them: the message first, and the answer when you ask for it.
//!
//! # The source
//!
//! The [front page](crate#reading-the-source), which is `src/lib.rs`, says in which order to read. The
//! first lines of each file say what it is for and what it knows. An afternoon is enough to follow a wake, a poll and
//! a failure: steps 1 to 4, and 6. Keep the maps beside you: [`life_of_a_task`], [`life_of_a_failure`], [`one_wake`].
//!
//! # Break it
//!
//! If you can say what fails when a line is missing, you have understood the line. Make one of these
//! changes, predict which promise is broken, and see which tests fail. The name of each is a sentence: is it
//! the one that you expected? Then undo the change, and let a friend make one for you to find.
//!
//! ```sh
//! cargo test --no-fail-fast --lib --test waking --test fairness --test timers
//! git checkout src
//! ```
//!
//! If it prints nothing new for half a minute, a test hangs: what to do then is said below.
//!
//! - Let `Table::push` in `src/kernel/tasks/slots_and_queue.rs` name the first slot instead of the last.
//! - Let `Table::pop` in `src/kernel/tasks/slots_and_queue.rs` forget the link.
//! - Let `Table::pop` in `src/kernel/tasks/slots_and_queue.rs` leave `link_is` as it was.
//! - Let `Slots::wake` in `src/kernel/tasks/slots_and_queue.rs` take a stale key for a good one.
//! - Let `Inbox::drain` in `src/kernel/tasks/inbox.rs` clear the bit of a slot after delivering it instead of before.
//! - Let `Clock::tick_of` in `src/kernel/time/clock.rs` round down.
//!
//! To get from what fails to the line, begin with `--lib`. The tests of a module are in its file, and have its name.
//! The failing module that uses the fewest others is the nearest to the bug: if tests of
//! `task_key` and of `slots_and_queue` fail, look into `task_key`, which `slots_and_queue` uses; if only those of
//! `slots_and_queue` fail, look there. If no test of a module fails, the other names say which promise is broken, and [`life_of_a_task`]
//! and [`one_wake`] say which code keeps it.
//!
//! A lost wake is often a proven stall: the message names the last await of each task, and the wake for that await is
//! missing. Otherwise the test hangs, and the failures of other tests are shown only when all tests of the file have
//! ended. Then end it by Ctrl-C, and run that file again, one test at a time: the last name, which has no result, is
//! the test that hangs.
//!
//! ```sh
//! cargo test --test waking -- --test-threads=1
//! ```

pub mod comparison;
pub mod design;
pub mod idioms;
pub mod life_of_a_failure;
pub mod life_of_a_task;
pub mod one_wake;
pub mod reactors;
pub mod ten_bugs;
