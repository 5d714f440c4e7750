//! Reactors: who wakes a task that waits for a socket.
//!
//! A waker does not know what it waits for. A socket does not know who waits for it: it is a number of the operating
//! system. Between the two is a *reactor*. It keeps a list of sockets and wakers, asks the system which sockets are ready, and
//! calls their wakers. That call is epoll on Linux, kqueue on macOS, and a completion port on Windows.
//!
//! ```text
//!  task ── read ──► "would block" ──► the reactor keeps (socket, waker) ──► Pending
//!   ▲                                      │
//!   │                                      ▼   one call asks for all sockets
//!   └── poll ◄── executor ◄── wake ◄── this socket is ready
//! ```
//!
//! Lesson 8 (`examples/lessons/08_where_io_comes_from.rs`) builds one in fifty lines of std.
//!
//! # Where a reactor runs
//!
//! The call that asks the system also waits. So it needs a thread that has nothing else to do:
//!
//! | the reactor runs | for example | what a read costs more |
//! |---|---|---|
//! | in the place where the executor parks | tokio, smol; candor with the feature `async-io` | nothing: the executor waits anyway, and now it waits for sockets as well |
//! | on a thread of its own | async-io under a foreign executor, as candor without the feature | two threads wake each other for each answer that does not come at once |
//! | nowhere, a thread waits for each socket | the example below | a thread for each |
//!
//! The last one is good for a lesson. It shows how little an executor has to know: this reactor and candor have nothing in
//! common but a waker.
//!
//! ```
//! use std::future::poll_fn;
//! use std::io::{Read, Write};
//! use std::net::{TcpListener, TcpStream};
//! use std::sync::{Arc, Mutex};
//! use std::task::{Poll, Waker};
//!
//! struct State {
//!     is_ready: bool,
//!     waker: Option<Waker>,
//! }
//!
//! /// Waits until there is something to read: a thread waits, and calls the waker.
//! async fn readable(socket: &TcpStream) {
//!     let state = Arc::new(Mutex::new(State { is_ready: false, waker: None }));
//!     let mut watched = Some(socket.try_clone().unwrap());
//!     poll_fn(move |cx| {
//!         let mut now = state.lock().unwrap();
//!         if now.is_ready {
//!             return Poll::Ready(());
//!         }
//!         // Of many wakers the last one counts: that of the first poll may belong to another task by now.
//!         now.waker = Some(cx.waker().clone());
//!         if let Some(socket) = watched.take() {
//!             let state = Arc::clone(&state);
//!             std::thread::spawn(move || {
//!                 let _ = socket.peek(&mut [0]);
//!                 let mut now = state.lock().unwrap();
//!                 now.is_ready = true;
//!                 let waker = now.waker.take();
//!                 drop(now);
//!                 waker.unwrap().wake();
//!             });
//!         }
//!         Poll::Pending
//!     })
//!     .await
//! }
//!
//! let listener = TcpListener::bind("127.0.0.1:0").unwrap();
//! let mut friend = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
//! let (mut socket, _) = listener.accept().unwrap();
//! candor::block_on(async {
//!     let reader = candor::spawn(async move {
//!         readable(&socket).await;
//!         let mut word = [0; 3];
//!         socket.read_exact(&mut word)?;
//!         candor::Ok(word)
//!     });
//!     friend.write_all(b"tea")?;
//!     assert_eq!(&reader.await?, b"tea");
//!     candor::Ok(())
//! })
//! .unwrap();
//! ```
//!
//! # Why runtimes are incompatible
//!
//! A socket has to find its reactor when it first waits. This is where runtimes differ, and not in what a future or a waker is:
//!
//! - **In a thread-local of the runtime.** tokio's sockets look there, and panic where tokio does not run. So they need tokio
//!   around them, whoever polls.
//! - **In a static of the process.** async-io has one reactor for all threads, and a thread that runs it where nobody else does.
//!   So its sockets work under any executor.
//! - **In the thread that made the socket.** monoio, glommio and compio give the system a buffer to fill (`io_uring`), and their
//!   sockets belong to the executor of that thread.
//!
//! What needs no reactor works everywhere: channels, locks, semaphores, and all that is made of futures only. `tokio::sync` is
//! of this kind. Its timers are not: a timer has to be found as well.
//!
//! # What candor does
//!
//! It has no reactor, because one needs calls to each operating system. There are three ways to have I/O:
//!
//! 1. **The crates of smol, and the feature `async-io`.** `async-net`, `async-process`, `async-signal` and hyper over them. Each
//!    way in then parks inside of async-io's reactor (`src/entry/reactor.rs`). `examples/net` is a web server and its client.
//!    The first stay that waits opens the reactor, also if it waits only for a `sleep`. If the process has no file descriptor
//!    or thread left by then, async-io panics, and the panic leaves `run` or `block_on`.
//! 2. **The same crates without the feature.** Nothing changes but the cost: async-io's own thread watches the sockets, and wakes
//!    the executor by a wake from another thread ([`one_wake`](super::one_wake)).
//! 3. **Inside another runtime.** Await [`Executor::run_until`](crate::Executor::run_until) there. Its reactor runs, its sockets
//!    work in tasks of candor, and failures are reported as everywhere. `examples/embedding` does so inside of tokio.
//!
//! A wait for a socket is one of something *outside*, so an idle server is never suspected to stand still.
//!
//! What each costs beside tokio and smol is measured in the rows `TCP echo` and `HTTP hello` of
//! `benches/compare/RESULTS.md`. tokio is ahead there: its reactor is built into its loop.
//!
//! # If you write a library
//!
//! Take the socket as a type parameter (`AsyncRead + AsyncWrite` of the futures crate, or hyper's own traits), and spawn through
//! a trait as well. Then your users choose the reactor.
