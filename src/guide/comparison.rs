//! candor beside tokio, smol, asyncio, trio and threads.
//!
//! # Where a failure is reported, and when
//!
//! What happens to a job that fails and is not awaited:
//!
//! | | a panic or exception | an `Err` that is returned |
//! |---|---|---|
//! | candor | reported before the next task is polled, with its backtrace and its spawns | the same |
//! | tokio | std's hook prints it on the spot; the value is in the [`JoinHandle`], and goes with it. [`UnhandledPanic`] can shut the runtime down, with `tokio_unstable` | is dropped with the handle |
//! | smol | std's hook prints it on the spot; it continues in the awaiter of the [`Task`] | is dropped with the handle |
//! | asyncio | logged [when the task is collected as garbage][never-retrieved] | is a value like any other |
//! | trio | cancels the siblings, and comes out of [the nursery][nursery] | is a value like any other |
//! | threads | std's hook prints it on the spot; the value is in the handle | is dropped with the handle |
//!
//! std's hook also prints panics that are awaited and handled. candor prints only what no awaiter has taken. std's
//! hook shows a backtrace only if `RUST_BACKTRACE` is set; candor's report does not need it.
//!
//! # Planted bugs
//!
//! The same bug in the same few lines on each, in `examples/planted`: what stands on stderr, without any setting? A test there
//! runs all of the programs, makes the cells from what they print, and compares them with this table. To repeat it:
//! `cargo test --manifest-path examples/planted/Cargo.toml`. candor is built for debugging, and tokio and smol run on one thread.
//! The versions are tokio 1.54, smol 2.0, Python 3.11 and trio 0.22.
//!
//! | the bug | candor | tokio | smol | asyncio | trio |
//! |---|---|---|---|---|---|
//! | a task panics, and nobody awaits it (`panic_unawaited`) | report (line, spawn) | panic message (line) | panic message (line) | traceback (line) | traceback (line) |
//! | a task returns an `Err`, and nobody awaits it (`error_unawaited`) | report (line, spawn) | nothing | nothing | traceback (line) | traceback (line) |
//! | the handle is kept in a list, and never awaited (`handle_kept`) | report after 1 s (line, spawn) | nothing | nothing | nothing | traceback (line) |
//! | the handle is awaited two seconds later (`awaited_late`) | report after 1 s (line, spawn) | nothing | nothing | nothing | traceback (line) |
//! | the awaiter throws the error away (`error_discarded`) | nothing | nothing | nothing | nothing | nothing |
//! | the error is in a `Result` within a `Result` (`nested_result`) | warning (line, spawn) | nothing | nothing | nothing | nothing |
//! | the loser of a race fails (`loser_of_a_race`) | report (line, spawn) | nothing | nothing | traceback (line) | nothing |
//! | a timeout gives up on a task, which fails later (`timeout_gives_up`) | report (line, spawn) | nothing | nothing | nothing | nothing |
//! | a failure passes through three tasks, and nobody awaits the last (`passed_on_thrice`) | report (line, spawn) | nothing | nothing | traceback (line) | traceback (line) |
//! | a task fails that another task has spawned (`task_of_a_task`) | report (line, spawn) | nothing | nothing | traceback (line) | traceback (line) |
//! | two members of a group fail (`two_of_a_group`) | report (2 lines, spawn) | panic message (line) | panic message (line) | traceback (2 lines) | traceback (2 lines) |
//! | 10,000 tasks fail in the same way (`flood`) | report, 9999 more in a line each (line, spawn) | 10000 panic messages (line) | 10000 panic messages (line) | 10000 tracebacks (line) | traceback (line) |
//! | a task that is cancelled fails in its clean-up (`panic_in_a_destructor`) | report (line, spawn) | panic message (line) | panic message (line), aborts | traceback (line) | traceback (line) |
//! | a callback panics (`panic_in_a_callback`) | report (2 lines, spawn) | panic message (line) | panic message (line) | traceback (line) | traceback (line) |
//! | `main` returns before a task is done (`main_returns`) | warning (line, spawn) | nothing | nothing | nothing | nothing |
//! | a future is made, and never awaited (`never_awaited`) | the compiler warns (line) | the compiler warns (line) | the compiler warns (line) | warning (line) | warning (line) |
//! | a future returns `Pending`, and keeps no waker (`forgotten_wake`) | panic message (line, spawn, awaits) | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | of two waiting tasks, one loses its waker (`lost_wake`) | panic message (line, spawn) | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | two tasks join each other (`join_each_other`) | panic message (2 lines, spawn, awaits) | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | two tasks take two async locks in different orders (`deadlock_of_locks`) | warning after 5 s (line, spawn, awaits), hangs | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | a lock of std is held over an await (`lock_over_an_await`) | warning after 2 s (spawn), hangs | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | a task blocks the thread for a second (`blocking_call`) | warning (spawn) | nothing | nothing | nothing | nothing |
//! | a task loops for ever without an await (`endless_loop`) | warning after 2 s (spawn), hangs | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | a task blocks until another task has written (`foreign_block_on`) | warning after 2 s (spawn), hangs | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | the same, by the `block_on` of its own runtime (`own_block_on`) | warning (line, spawn), hangs | panic message (line) | nothing, hangs | traceback (line) | traceback (line) |
//! | a task waits on a channel to which nobody sends (`nobody_sends`) | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | a task asks again and again, with a `yield_now` (`busy_wait`) | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//! | a test waits on a channel to which nobody sends (`test_that_hangs`) | panic message after 2 s (line, awaits) | nothing, hangs | nothing, hangs | nothing, hangs | nothing, hangs |
//!
//! The words in the cells:
//!
//! - *report*: candor's, with the message and a backtrace. *Panic message*: by std's hook, whose backtrace needs
//!   `RUST_BACKTRACE`. *Traceback*: Python's.
//! - *line*: the line of the bug is named. *Spawn*: the line that spawned the task. *Awaits*: the line at which each task waits.
//! - *hangs*: the program stands still, and the test ends it. Without that word it ends by itself.
//! - *nothing*: also where nothing is lost. smol and trio cancel the loser of a race, so it does not fail. trio waits for its tasks,
//!   as [`run`](crate::run) does, so `main` does not return early; it has no handles that could be kept.
//!
//! candor says nothing in three rows. An error that was read has reached its awaiter, whatever that does with it. A channel
//! can be filled from outside, so a task that waits for one may only be idle. A task that asks again and again does run.
//! In the last two, [`dump`](crate::dump()) and [`tasks`](crate::tasks()) show it, if they are asked.
//!
//! The compiler sees more if the tasks of tokio and smol may move to other threads (`tokio::spawn`, `smol::spawn`): a guard of
//! std that is held over an await does not compile there. Clippy's `await_holding_lock` finds it everywhere.
//!
//! # What keeps a job alive
//!
//! | | if the handle is dropped | structure |
//! |---|---|---|
//! | candor | it goes on | [`TaskGroup`](crate::TaskGroup), linked or independent |
//! | tokio | [it goes on][`JoinHandle`] | [`JoinSet`]: dropping it aborts; what a failure means is up to its user |
//! | smol | [it is cancelled][`Task`], unless it was detached | the executor's own lifetime |
//! | asyncio | it [may vanish][create_task]: the loop holds it weakly | [`TaskGroup`][py-group]: the first failure cancels the rest, an `ExceptionGroup` holds all |
//! | trio | there is none | [the nursery][nursery], always |
//! | threads | it goes on, to the end of `main` | [`thread::scope`](std::thread::scope), which panics if a thread did |
//!
//! candor's linked group promises what trio's nursery does, but it is optional: a task may be spawned outside of
//! any group, and its failure is still reported.
//!
//! # Cancellation
//!
//! In Rust a job is cancelled by dropping its future: it stops where it awaits, and its destructors run. That holds for
//! candor, tokio and smol. In asyncio and trio an exception is raised at the await, which the job can catch, and trio's
//! scopes show how far it reaches. Destructors cannot await. So if a peer needs a last message, ask the task to stop,
//! over a channel, and let it send the message. A thread cannot be cancelled.
//!
//! # What it is made of
//!
//! | | threads | futures are | timers | I/O |
//! |---|---|---|---|---|
//! | candor | one | `!Send`, `'static` | its own wheel; virtual time in tests | that of others, as async-io |
//! | tokio | one or many | `Send`, except [`LocalSet`] | its own wheel; can be paused in tests | its own |
//! | smol | as many as run an executor | `Send`, except `LocalExecutor` | async-io's | async-io's |
//! | asyncio, trio | one | | their own; trio has a [`MockClock`] | their own |
//!
//! # What it costs
//!
//! Figures age and depend on the machine, so there are none here. `benches/compare` measures candor and its peers side
//! by side with one command: polls, wakes, spawns, timers, memory, failures, and TCP and HTTP with 1, 32 and 1,000
//! connections.
//!
//! A benchmark of your own needs no newtype. criterion's `to_async` takes an executor through a trait of criterion's. Only
//! one of the two crates could implement that for [`Executor`](crate::Executor), and it would then depend on the other. So let
//! `block_on` run the rounds, and take the time inside of it. That measures the rounds alone, without the entry:
//!
//! ```
//! use std::time::Instant;
//!
//! fn spawn_and_join(bencher: &mut criterion::Bencher) {
//!     let executor = candor::Executor::new();
//!     bencher.iter_custom(|rounds| executor.block_on(async {
//!         let start = Instant::now();
//!         for _ in 0..rounds {
//!             candor::spawn(async { 42 }).await.unwrap();
//!         }
//!         start.elapsed()
//!     }));
//! }
//! ```
//!
//! If the entry may be measured too, `bencher.iter(|| executor.block_on(async { .. }))` is enough. In divan that is
//! `bencher.bench_local(|| executor.block_on(async { .. }))`. divan has no `iter_custom`, so put a loop of a fixed number of
//! rounds into the async block, and tell divan that number by `bencher.counter(ItemsCount::new(..))`.
//!
//! # What candor is not for
//!
//! - Several cores. tokio spreads tasks over threads and steals work; candor never does.
//! - Libraries that call tokio's own functions, such as most HTTP clients and database drivers. Those need tokio.
//! - Files. Read them in a thread, by blocking's `unblock` for one, as tokio does inside.
//! - I/O at the least cost: sockets are async-io's, and without the Cargo feature `async-io` each wake of theirs comes from
//!   another thread.
//! - A program that is one computation. Threads, or rayon, are simpler.
//!
//! [`JoinHandle`]: https://docs.rs/tokio/latest/tokio/task/struct.JoinHandle.html
//! [`UnhandledPanic`]: https://docs.rs/tokio/latest/tokio/runtime/enum.UnhandledPanic.html
//! [`JoinSet`]: https://docs.rs/tokio/latest/tokio/task/struct.JoinSet.html
//! [`LocalSet`]: https://docs.rs/tokio/latest/tokio/task/struct.LocalSet.html
//! [`Task`]: https://docs.rs/async-task/latest/async_task/struct.Task.html
//! [never-retrieved]: https://docs.python.org/3/library/asyncio-dev.html#detect-never-retrieved-exceptions
//! [create_task]: https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task
//! [py-group]: https://docs.python.org/3/library/asyncio-task.html#task-groups
//! [nursery]: https://trio.readthedocs.io/en/stable/reference-core.html#nurseries-and-spawning
//! [`MockClock`]: https://trio.readthedocs.io/en/stable/reference-testing.html#trio.testing.MockClock
