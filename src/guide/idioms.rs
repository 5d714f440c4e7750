//! Idioms of asyncio, trio, tokio and threads, and how each is written here.
//!
//! Find what you would have written in one of the other columns. The numbers lead to the code below.
//!
//! | candor | asyncio | trio | tokio | threads |
//! |---|---|---|---|---|
//! | [`run`](crate::run), [`block_on`](crate::block_on) (1) | `asyncio.run(main())` | `trio.run(main)` | `#[tokio::main]` | `fn main` |
//! | [`spawn`](crate::spawn) (1) | `create_task`, and keep it | | `tokio::spawn` | `thread::spawn` |
//! | [`Builder::on_failure`](crate::Builder::on_failure) (2) | `set_exception_handler` | | a panic hook | a panic hook |
//! | `handle.await` (3) | `try: await task` | `except*` around a nursery | `handle.await` | `handle.join()` |
//! | the same (3) | `add_done_callback` | | a task that awaits the handle | |
//! | [`TaskGroup`](crate::TaskGroup) (4) | `gather` | a nursery | `join!`, `try_join!` | join in a loop |
//! | [`TaskGroup`](crate::TaskGroup) (4) | `TaskGroup` | a nursery | `JoinSet` | `thread::scope` |
//! | [`GroupSpawner`](crate::GroupSpawner) | | `start_soon` on a nursery that is handed on | | |
//! | [`TaskGroup::independent`](crate::TaskGroup::independent), [`collecting`](crate::IndependentGroup::collecting) (5) | `gather(return_exceptions=True)` | | `JoinSet` | |
//! | [`TaskPool::completed`](crate::TaskPool::completed) (6) | `as_completed` | | `JoinSet::join_next`, `buffer_unordered` | a pool of threads |
//! | [`TaskPool`](crate::TaskPool) (6) | a `Semaphore` around each call | `CapacityLimiter` | `Semaphore` | a pool of threads |
//! | [`time::timeout`](crate::time::timeout) (7) | `wait_for`, `timeout` | `move_on_after`, `fail_after` | `time::timeout` | |
//! | [`abort`](crate::JoinHandle::abort) (8) | `task.cancel()` | `cancel_scope.cancel()` | `handle.abort()` | |
//! | a task of its own (8) | `shield` | `CancelScope(shield=True)` | a task of its own | |
//! | async-channel, `tokio::sync` (9) | `Queue` | memory channels | `mpsc` | `mpsc` |
//! | `tokio::sync` (9), or a `Cell`: no task is interrupted between two awaits | `Lock`, `Event` | `Lock`, `Event` | `Mutex`, `Notify` | `Mutex`, `Condvar` |
//! | `futures::select!`, `select` (10) | `wait(FIRST_COMPLETED)` | | `select!` | |
//! | `blocking::unblock`, or a thread (11) | `run_in_executor`, `to_thread` | `to_thread.run_sync` | `spawn_blocking` | a thread |
//! | a channel (11), or [`Remote::spawn`](crate::Remote::spawn) (12) | `call_soon_threadsafe` | `from_thread.run` | `Handle::spawn` | a channel |
//! | async-signal, as in `examples/net` | `loop.add_signal_handler` | `open_signal_receiver` | `signal::ctrl_c` | |
//! | `tick`, `run_until` (12) | a loop beside that of a GUI | `start_guest_run` | | |
//! | [`exit`](crate::exit) | `sys.exit` | `sys.exit` | `process::exit` | `process::exit` |
//! | [`TaskBuilder::daemon`](crate::TaskBuilder::daemon) | a daemon thread | `spawn_system_task` | a task that nobody joins | `daemon=True` |
//!
//! At the end of its block, a nursery of trio and a `TaskGroup` of asyncio wait for their tasks. A group that is dropped here
//! cancels them, as a `JoinSet` does: await its [`join`](crate::TaskGroup::join). `Handle::enter` of tokio is not in this table: it
//! lets code find the runtime, and drives nothing.
//!
//! Nor is rayon: it divides one computation among several cores. A [`TaskPool`](crate::TaskPool) runs
//! several *waits* on one core. Give computations to rayon, and send its answers back through a channel.
//!
//! One difference is easily missed: `gather` of asyncio raises the first exception while the others go on. A
//! [`TaskGroup`](crate::TaskGroup) cancels them first.
//!
//! What is said here of tokio, asyncio and trio is held by programs that run on them, in `examples/planted/tests/idioms.rs`.
//!
//! # 1. Spawn and forget
//!
//! There is no handle to keep. A task whose handle is gone goes on, and if it fails, that is reported.
//!
//! ```
//! let _ = candor::run(async {
//!     candor::spawn(async {
//!         candor::yield_now().await;
//!         println!("`run` waits for this.");
//!     }).detach();
//! });
//! ```
//!
//! # 2. A handler for all failures
//!
//! ```
//! let executor = candor::Executor::builder()
//!     .on_failure(|failure| println!("for the status line: {}", failure.message()))
//!     .build();
//! executor.spawn(async { Err::<(), _>("no network") }).detach();
//! executor.drain();
//! assert_eq!(executor.failures(), 1);
//! ```
//!
//! # 3. Await a task, and handle what it failed with
//!
//! The awaiter gets the failure, and nothing is printed. A callback is a task that awaits.
//!
//! ```
//! use candor::JoinError;
//!
//! candor::block_on(async {
//!     let task = candor::spawn(async { "x".parse::<u8>() });
//!     let callback = candor::spawn(async {
//!         match task.await {
//!             Ok(number) => format!("{number}"),
//!             Err(JoinError::Failed(..)) => "no number".to_owned(),
//!             Err(JoinError::Panicked(panic)) => panic.message().to_owned(),
//!             Err(JoinError::Cancelled(_)) => "cancelled".to_owned(),
//!         }
//!     });
//!     assert_eq!(callback.await.unwrap(), "no number");
//! });
//! ```
//!
//! # 4. Several tasks that succeed or fail together
//!
//! ```
//! candor::block_on(async {
//!     let group = candor::TaskGroup::new();
//!     let one = group.spawn(async { "1".parse::<u32>() });
//!     let two = group.spawn(async { "2".parse::<u32>() });
//!     group.join().await?;
//!     let sum = one.await.zip(two.await).map(|(one, two)| one + two);
//!     assert_eq!(sum, Some(3));
//!     candor::Ok(())
//! }).unwrap();
//! ```
//!
//! If one fails, the others are cancelled, and `join` gives every failure. Tasks cannot borrow from the stack of their
//! spawner, as the threads of `thread::scope` can; share with an `Rc`.
//!
//! # 5. Several tasks, each for itself
//!
//! ```
//! candor::block_on(async {
//!     let jobs = candor::TaskGroup::independent();
//!     for text in ["1", "2", "3"] {
//!         jobs.spawn(async move { text.parse::<u32>() });
//!     }
//!     assert_eq!(jobs.join().await.succeeded, 3);
//! });
//! ```
//!
//! A failure is reported, and counted. To have it yourself, make the group
//! [`collecting`](crate::IndependentGroup::collecting), and ask for its `next_failure()`.
//!
//! # 6. Many tasks, a limited number at once, results as they come
//!
//! ```
//! candor::block_on(async {
//!     let pool = candor::TaskPool::new(32);
//!     let mut squares = pool.completed(1..=100_u32, async |number| number * number);
//!     let mut sum = 0;
//!     while let Some(square) = squares.next().await {
//!         sum += square.unwrap();
//!     }
//!     assert_eq!(sum, 338_350);
//! });
//! ```
//!
//! # 7. A limit in time
//!
//! ```
//! use candor::time::timeout;
//! use std::time::Duration;
//!
//! candor::test(async {
//!     let slow = candor::sleep(Duration::from_secs(60));
//!     assert!(timeout(Duration::from_secs(1), slow).await.is_err());
//! });
//! ```
//!
//! # 8. Cancel, and shield
//!
//! A task that is cancelled is dropped at its await. There is no exception to catch; destructors clean up. Work
//! that must go on is a task of its own: dropping its handle does not cancel it.
//!
//! ```
//! use candor::time::timeout;
//! use std::time::Duration;
//!
//! candor::test(async {
//!     let endless = candor::spawn(std::future::pending::<()>());
//!     endless.abort();
//!     assert!(endless.await.unwrap_err().is_cancelled());
//!
//!     let mut saving = candor::spawn(async {
//!         candor::sleep(Duration::from_secs(5)).await;
//!         "saved"
//!     });
//!     assert!(timeout(Duration::from_secs(1), &mut saving).await.is_err());
//!     assert_eq!(saving.await.unwrap(), "saved");
//! });
//! ```
//!
//! # 9. Queues and locks
//!
//! candor has none: those of other crates work.
//!
//! ```
//! candor::block_on(async {
//!     let (sender, receiver) = async_channel::bounded(8);
//!     candor::spawn(async move {
//!         for number in 0..100 {
//!             sender.send(number).await?;
//!         }
//!         candor::Ok(())
//!     }).detach();
//!     let mut sum = 0;
//!     while let Ok(number) = receiver.recv().await {
//!         sum += number;
//!     }
//!     assert_eq!(sum, 4950);
//!
//!     let doors = tokio::sync::Semaphore::new(3);
//!     let permit = doors.acquire().await?;
//!     assert_eq!(doors.available_permits(), 2);
//!     drop(permit);
//!     candor::Ok(())
//! }).unwrap();
//! ```
//!
//! # 10. Whichever comes first
//!
//! ```
//! use futures::future::{Either, select};
//! use std::time::Duration;
//!
//! candor::test(async {
//!     let near = candor::spawn(async { "near" });
//!     let far = candor::spawn(async {
//!         candor::sleep(Duration::from_secs(1)).await;
//!         "far"
//!     });
//!     let Either::Left((first, far)) = select(near, far).await else { panic!() };
//!     assert_eq!(first.unwrap(), "near");
//!     far.abort();
//! });
//! ```
//!
//! # 11. Work that blocks
//!
//! With the crate blocking it is `blocking::unblock(|| fs::read(path)).await`. With a thread:
//!
//! ```
//! candor::block_on(async {
//!     let (answer, answered) = async_channel::bounded(1);
//!     let thread = std::thread::spawn(move || answer.send_blocking((1..=20_u64).product::<u64>()));
//!     assert_eq!(answered.recv().await?, 2_432_902_008_176_640_000);
//!     thread.join().unwrap()?;
//!     candor::Ok(())
//! }).unwrap();
//! ```
//!
//! # 12. From other threads, and within another loop
//!
//! A channel is enough where a task waits for data from threads. Where they bring the work itself,
//! [`Executor::remote`](crate::Executor::remote) gives a handle through which any thread may spawn:
//!
//! ```
//! let executor = candor::Executor::new();
//! let remote = executor.remote();
//! let thread = std::thread::spawn(move || remote.spawn(|| async { 6 * 7 }).unwrap());
//! let answer = thread.join().unwrap();
//! assert_eq!(executor.block_on(answer).unwrap(), 42);
//! ```
//!
//! A GUI or a game calls `tick` in its own loop; another runtime awaits `run_until`:
//!
//! ```
//! let executor = candor::Executor::new();
//! executor.spawn(candor::yield_now()).detach();
//! while executor.tick() {}
//! let sum = futures::executor::block_on(executor.run_until(async { 1 + 2 }));
//! assert_eq!(sum, 3);
//! ```
