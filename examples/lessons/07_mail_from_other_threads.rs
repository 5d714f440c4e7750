//! Lesson 7: mail from other threads.
//!
//! ```sh
//! cargo run --example lesson_07_mail_from_other_threads
//! ```
//!
//! In lesson 6 a wake from another thread does nothing, because the table of tasks belongs to one thread. So that
//! thread, the *owner*, gets an *inbox*: a place that all threads may reach. A wake puts the number of the task
//! there. When nothing is left to do, the owner sleeps until there is mail.
//!
//! The danger is the moment before it sleeps. The owner looks into the inbox, finds nothing, and a letter comes
//! right after that look. If the owner goes to sleep now, nothing wakes it again: a *lost wake*. So to look and to
//! fall asleep must be one step, which no letter can split. A lock does this, with a state under it:
//!
//! ```text
//!              wake                     wake: and ring
//!     AWAKE ──────────► MAIL ◄──────────────────────────── ASLEEP
//!       ▲ │               │                                  ▲
//!       │ │               │ drain: take all letters          │
//!       │ └───────────────┼─────────── park ─────────────────┘
//!       └─────────────────┘
//! ```
//!
//! # What changed
//!
//! The wakers are the numbers of lesson 6, and the owner sleeps as in lesson 3. But it sleeps on a *condition
//! variable*: a bell that a thread waits for, and that gives the lock back while it waits.
//!
//! # Predict before you run it
//!
//! 1. `wrong::park` looks, and sleeps afterwards. A letter comes in between, and rings. Is it heard?
//! 2. The cook lights the stove, and another thread heats the water. How often is the tea polled?
//! 3. Suppose that the water boils while a task is being polled. Which state does the wake find, and what does
//!    `park` do then?

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::sync::{Condvar, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};
use std::thread;
use std::time::Duration;

type BoxedFuture = Pin<Box<dyn Future<Output = ()>>>;

/// All threads may reach it. Only the owner sleeps here.
static INBOX: Inbox = Inbox {
    inside: Mutex::new((State::Awake, Vec::new())),
    bell: Condvar::new(),
};

fn main() {
    let is_rung = wrong::park(|| INBOX.wake(0));
    println!("wrong: woken: {is_rung}, letters: {:?}", INBOX.drain());
    INBOX.wake(0);
    INBOX.park();
    println!("right: no sleep, letters: {:?}", INBOX.drain());
    run([Some(Box::pin(make_tea())), Some(Box::pin(cook()))]);
}

static KETTLE: Mutex<Kettle> = Mutex::new(Kettle::Cold(None));

enum Kettle {
    /// With the waker of the last poll.
    Cold(Option<Waker>),
    Boils,
}

async fn make_tea() {
    poll_fn(|cx| match &mut *KETTLE.lock().unwrap() {
        Kettle::Boils => Poll::Ready(()),
        Kettle::Cold(waiter) => {
            println!("    tea: the water is cold");
            *waiter = Some(cx.waker().clone());
            Poll::Pending
        }
    })
    .await;
    println!("    tea: done");
}

async fn cook() {
    println!("    cook: lights the stove");
    thread::spawn(|| {
        thread::sleep(Duration::from_millis(5));
        println!("    stove thread: it boils, wake");
        let before = mem::replace(&mut *KETTLE.lock().unwrap(), Kettle::Boils);
        if let Kettle::Cold(Some(waiter)) = before {
            waiter.wake();
        }
    });
}

/// What the owner does. It changes under the lock only.
#[derive(PartialEq)]
enum State {
    Awake,
    Asleep,
    Mail,
}

struct Inbox {
    /// The letters are the numbers of the tasks that have been woken.
    inside: Mutex<(State, Vec<usize>)>,
    bell: Condvar,
}

impl Inbox {
    /// Any thread: asks for a poll of this task.
    fn wake(&self, task: usize) {
        let (state, letters) = &mut *self.inside.lock().unwrap();
        if !letters.contains(&task) {
            letters.push(task);
        }
        if mem::replace(state, State::Mail) == State::Asleep {
            self.bell.notify_one();
        }
    }

    /// The owner: takes all letters.
    fn drain(&self) -> Vec<usize> {
        let (state, letters) = &mut *self.inside.lock().unwrap();
        *state = State::Awake;
        mem::take(letters)
    }

    /// The owner: sleeps until there is mail.
    fn park(&self) {
        let mut inside = self.inside.lock().unwrap();
        if inside.0 == State::Awake {
            inside.0 = State::Asleep;
        }
        // A condition variable may also return without a ring, so the state has the last word.
        while inside.0 == State::Asleep {
            inside = self.bell.wait(inside).unwrap();
        }
    }
}

mod wrong {
    use super::{Duration, INBOX};

    /// Looks, gives the lock back, and sleeps afterwards. Says whether it was woken.
    pub fn park(in_between: impl FnOnce()) -> bool {
        let is_empty = INBOX.inside.lock().unwrap().1.is_empty();
        assert!(is_empty, "a letter that is there already is no danger");
        in_between();
        let inside = INBOX.inside.lock().unwrap();
        // Without this limit it would sleep for ever.
        let limit = Duration::from_millis(50);
        !INBOX
            .bell
            .wait_timeout(inside, limit)
            .unwrap()
            .1
            .timed_out()
    }
}

fn run(mut tasks: [Option<BoxedFuture>; 2]) {
    (0..tasks.len()).for_each(|task| INBOX.wake(task));
    while tasks.iter().any(Option::is_some) {
        INBOX.park();
        for task in INBOX.drain() {
            let Some(future) = &mut tasks[task] else {
                continue;
            };
            println!("poll task {task}");
            let waker = waker_of(task);
            let mut cx = Context::from_waker(&waker);
            if future.as_mut().poll(&mut cx).is_ready() {
                tasks[task] = None;
            }
        }
    }
}

fn waker_of(task: usize) -> Waker {
    // SAFETY: The functions of the table take the word for a number and never read through it.
    unsafe { Waker::new(ptr::without_provenance(task), &VTABLE) }
}

static VTABLE: RawWakerVTable =
    RawWakerVTable::new(|word| RawWaker::new(word, &VTABLE), wake, wake, |_| ());

fn wake(word: *const ()) {
    INBOX.wake(word.addr());
}

// # It prints
//
// ```text
// wrong: woken: false, letters: [0]
// right: no sleep, letters: [0]
// poll task 0
//     tea: the water is cold
// poll task 1
//     cook: lights the stove
//     stove thread: it boils, wake
// poll task 0
//     tea: done
// ```
//
// The bell rings while nobody waits for it, and a bell keeps nothing. The letter is there, but the owner sleeps.
// The right `park` sets `Asleep` under the same lock under which it looks. So a wake comes either before that,
// and leaves `Mail`, with which `park` does not sleep. Or it comes after that, finds `Asleep`, and rings. And the
// tea is polled twice, as often as it was worthwhile. A wake during a poll finds `Awake`, and leaves `Mail`.
//
// # What an atomic saves
//
// Each wake takes the lock, even if the letter is there already. If the system stops a thread that has the
// lock, all others wait for it. An *atomic* is a variable that several threads may change without a lock, each
// change in one step that nothing can split. This is enough for the parts of this inbox:
//
// - *Is there a letter for this task?* One bit for each task. `swap(true)` sets it, and says what it was. If it
//   was set, the wake is done, without a lock.
// - *The state.* `swap(Mail)` on an atomic is the `mem::replace` of `wake`. For `park` there is `compare_exchange`:
//   from `Awake` to `Asleep`, but only if it is still `Awake`.
// - *The letters.* A queue that is built of atomics itself. This one comes from a library.
//
// The lock and the bell remain for one case: the owner sleeps.
//
// A lock does one thing more. What a thread wrote before it gave the lock back, the next one that takes the lock
// can see. An atomic does this only on request. A change with `Release` hands on what the thread wrote before. A
// read with `Acquire` receives it. `AcqRel` does both. The water is at the boil before the wake, so the poll has to see it.
//
// # Try
//
// 1. Let `park` use `if` instead of `while`. What may go wrong, and how often would you see it?
// 2. Let `drain` take the letters, and set `Awake` in a second lock afterwards. Which wake is lost?
// 3. Put a bit in front of the lock, as described above. Count how often a thousand wakes take the lock.
//
// # In candor
//
// `src/kernel/tasks/inbox.rs` has this `wake`, `drain` and `park`, made of atomics. A wake on the owner's own thread needs
// no letter there: it goes to the table at once, as in lesson 6.
//
// # Answers
//
// 1. A condition variable may return for no reason. Then the owner fetches no mail, polls nothing, and parks again.
//    Here this does no harm, since `run` asks again. You would hardly ever see it, which is why it needs the loop.
// 2. The letter that comes between the two. Its wake leaves `Mail`, and the second lock makes it `Awake`. Then `park`
//    sleeps, with a letter in the box.
// 3. Once. The bit is cleared before the poll: a wake from then on asks for another poll.
//
// ```diff
// +static IS_ASKED: [AtomicBool; 2] = [const { AtomicBool::new(false) }; 2];
// +static LOCKS: AtomicUsize = AtomicUsize::new(0);
// +
//  fn main() {
// +    (0..1000).for_each(|_| INBOX.wake(0));
// +    println!("{} lock for 1000 wakes", LOCKS.load(Relaxed));
// +    INBOX.drain();
// @@
//      fn wake(&self, task: usize) {
// +        if IS_ASKED[task].swap(true, AcqRel) {
// +            return;
// +        }
// +        LOCKS.fetch_add(1, Relaxed);
// @@
//          *state = State::Awake;
// +        for task in &*letters {
// +            IS_ASKED[*task].store(false, Release);
// +        }
// @@
// -use std::sync::{Condvar, Mutex};
// +use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};
// +use std::sync::atomic::{AtomicBool, AtomicUsize};
// +use std::sync::{Condvar, Mutex};
// ```
//
// ```text
// 1 lock for 1000 wakes
// ```
