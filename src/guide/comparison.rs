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
//! | tokio | one or many | `Send`, save for [`LocalSet`] | its own wheel; can be paused in tests | its own |
//! | smol | as many as run an executor | `Send`, save for `LocalExecutor` | async-io's | async-io's |
//! | asyncio, trio | one | | their own; trio has a [`MockClock`] | their own |
//!
//! # What it costs
//!
//! Figures age and depend on the machine, so there are none here. `benches/compare` measures candor and its peers side
//! by side with one command: polls, wakes, spawns, timers, memory, failures, and TCP and HTTP with 1, 32 and 1,000
//! connections.
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
