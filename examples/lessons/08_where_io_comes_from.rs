//! Lesson 8: where I/O comes from.
//!
//! ```sh
//! cargo run --example lesson_08_where_io_comes_from
//! ```
//!
//! A task reads a socket, and nothing has come yet. Who wakes it when something comes? Not the socket: it is a
//! number that the operating system knows, and it has no waker. Not the executor: it knows tasks, and no
//! sockets. There has to be a third part, the *reactor*. It knows which waker waits for which socket, asks the system
//! which sockets are ready, and calls their wakers.
//!
//! ```text
//! task ──read: would block──► leaves (socket, waker) with the reactor ──► Pending
//!  ▲                                      │
//!  └── poll ◄── executor ◄── wake ◄── reactor: is it readable now?
//! ```
//!
//! Executor and reactor know nothing of each other. All that is between them is the waker.
//!
//! # What changed
//!
//! `block_on` is that of lesson 3. The kettle has become a socket, and the thread that heats the water a thread that
//! watches sockets. There is one such thread for all sockets, not one for each.
//!
//! # Predict before you run it
//!
//! 1. In the first half no reactor runs. The reader waits, then its friend writes. Is the reader woken?
//! 2. In the second half the reactor runs. How many polls does the same function take?

use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

fn main() -> io::Result<()> {
    println!("wrong: no reactor");
    listen_for(Duration::from_millis(50))?;
    println!("right: a reactor");
    thread::spawn(run_reactor);
    listen_for(Duration::from_secs(60))
}

/// A socket whose friend writes a word. Says what the reader got from it within this time.
fn listen_for(patience: Duration) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let friend = TcpStream::connect(listener.local_addr()?)?;
    let (socket, _) = listener.accept()?;
    socket.set_nonblocking(true)?;
    let friend = thread::spawn(|| write_when_somebody_waits(friend));
    let word = block_on(read(&socket), patience);
    friend.join().expect("it does not panic")?;
    WAITING.lock().unwrap().clear();
    match word {
        Some(word) => println!("    reader: {}", word?),
        None => println!("    reader: nobody has woken me"),
    }
    Ok(())
}

fn write_when_somebody_waits(mut friend: TcpStream) -> io::Result<()> {
    while WAITING.lock().unwrap().is_empty() {
        thread::yield_now();
    }
    println!("    friend: writes");
    friend.write_all(b"hello")
}

/// Reads what is there. A task that finds nothing there leaves its waker with the reactor.
async fn read(mut socket: &TcpStream) -> io::Result<String> {
    let mut buffer = [0; 100];
    let length = poll_fn(|cx| match socket.read(&mut buffer) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            println!("    reader: nothing yet");
            let waiting = (socket.try_clone()?, cx.waker().clone());
            WAITING.lock().unwrap().push(waiting);
            Poll::Pending
        }
        length => Poll::Ready(length),
    });
    let length = length.await?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// What the reactor knows: which waker waits for which socket.
static WAITING: Mutex<Vec<(TcpStream, Waker)>> = Mutex::new(Vec::new());

/// One thread for all sockets. This one asks for each socket a thousand times in a second. A real one asks
/// the system for all of them at once, and sleeps until one of them is ready.
fn run_reactor() {
    loop {
        thread::sleep(Duration::from_millis(1));
        let mut waiting = WAITING.lock().unwrap();
        let ready = waiting.extract_if(.., |(socket, _)| is_readable(socket));
        let wakers: Vec<Waker> = ready.map(|(_, waker)| waker).collect();
        drop(waiting);
        for waker in wakers {
            println!("    reactor: readable, wake");
            waker.wake();
        }
    }
}

/// Also if it is closed or broken: then a read does not wait either.
fn is_readable(socket: &TcpStream) -> bool {
    let looked = socket.peek(&mut [0]);
    !looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// The executor of lesson 3. It gives up when it has not been woken for so long.
fn block_on<F: Future>(future: F, patience: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unparker(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let start = Instant::now();
    let mut polls = 0;
    while start.elapsed() < patience {
        polls += 1;
        println!("poll {polls}");
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        thread::park_timeout(patience * 2);
    }
    None
}

struct Unparker(Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

// # It prints
//
// ```text
// wrong: no reactor
// poll 1
//     reader: nothing yet
//     friend: writes
//     reader: nobody has woken me
// right: a reactor
// poll 1
//     reader: nothing yet
//     friend: writes
//     reactor: readable, wake
// poll 2
//     reader: hello
// ```
//
// Without a reactor, the word lies in the socket and the reader sleeps: the system has no reason to call a waker. With
// one, two polls are enough. The executor is the same in both halves.
//
// # Why runtimes are incompatible
//
// `read` has to find the reactor. Here that is easy: `WAITING` is a static, and its thread runs by itself. Such a `read`
// works under every executor, since all that it needs of one is the waker. The crate async-io is made like this.
//
// Other runtimes turn their reactor in their own loop, when no task is ready. That saves a thread, and a change of threads at
// each wake. But then a socket needs *its* runtime. It looks for the reactor in a thread-local, which the
// `block_on` of that runtime has set. Under another `block_on` there is none. This is the first half of this program:
// the read would wait for ever. So tokio looks first, and panics: "there is no reactor running".
//
// The same holds for a `sleep`, which leaves its waker with the timers of one runtime, and for a `spawn`, which has to know the
// table of tasks. What needs nothing but wakers works everywhere: channels, locks, `select!` and `join!`.
//
// # Try
//
// 1. How often does this reactor ask in vain, if the friend thinks for a second before it writes? What does a real
//    one ask instead?
// 2. Let the reader read a second word. Does the reactor still know it?
// 3. Drop the future of `read` while it waits, as a timeout does. What is left in `WAITING`, and what happens when the
//    friend writes?
//
// # In candor
//
// candor has no reactor. `src/kernel/tasks/inbox.rs` wakes an executor that sleeps, for whichever reactor calls the
// waker. With the feature `async-io` the executor sleeps inside of that reactor (`src/entry/reactor.rs`), which saves the
// change of threads.
//
// # Answers
//
// 1. A thousand times, for each socket. A real one calls `epoll_wait` on Linux, `kevent` on macOS. It gives the system a
//    list of sockets once, and sleeps in that call until one of them is ready. What it costs does not grow with the
//    number of sockets that are silent.
// 2. No. The reactor forgets a waker when it has called it. The second `read` leaves a new one, if it has to wait.
// 3. A waker and a second handle of the socket. When the friend writes, the waker is called, and its task gets a
//    spurious poll. A good reactor takes the entry out when the future is dropped: lesson 12.
