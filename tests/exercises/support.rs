//! What the checks share: they run on virtual time, and each comes to an end.

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use candor::time;

pub const SECOND: Duration = Duration::from_secs(1);

/// A check takes milliseconds. Only the clock tells an answer that hangs from one that is slow.
const PATIENCE: Duration = Duration::from_secs(8);

/// Runs a check, and fails if it hangs.
pub fn run(check: fn()) {
    // Dropped when the check is over, also by a panic.
    let (running, ended) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let _running = running;
        check();
    });
    let waited = ended.recv_timeout(PATIENCE);
    assert!(
        waited != Err(mpsc::RecvTimeoutError::Timeout),
        "the check does not end: a thread sleeps and nobody wakes it, a loop has no end, or a task wakes itself again \
         and again"
    );
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}

/// Runs a future on virtual time, and does not let it wait forever.
pub fn on_virtual_time(body: impl Future<Output = ()>) {
    candor::test(async {
        let ended = time::timeout(3600 * SECOND, body).await;
        ended.expect("everybody waits, and nobody will wake them: where was a wake forgotten?");
    });
}

/// Lets all tasks that are ready run, a few times over.
pub async fn settle() {
    for _ in 0..4 {
        candor::yield_now().await;
    }
}

/// How often the tasks that have been spawned and are not done were polled.
pub fn polls_of_tasks() -> u32 {
    candor::tasks().iter().map(|task| task.polls()).sum()
}

/// Something to wait for. It keeps the waker of the last poll, as a future should.
#[derive(Clone, Default)]
pub struct Bell(Rc<(Cell<bool>, RefCell<Option<Waker>>)>);

impl Bell {
    pub fn ring(&self) {
        self.0.0.set(true);
        if let Some(waker) = self.0.1.take() {
            waker.wake();
        }
    }
}

impl Future for Bell {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.0.get() {
            return Poll::Ready(());
        }
        *self.0.1.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A waker that counts: how often it was called, and how many copies of it there are.
#[derive(Default)]
pub struct Counting(AtomicU32);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counting {
    pub fn wakes(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

/// What has happened, in order.
#[derive(Clone, Default)]
pub struct Trace(Rc<RefCell<Vec<String>>>);

impl Trace {
    pub fn note(&self, event: impl Into<String>) {
        self.0.borrow_mut().push(event.into());
    }

    pub fn notes(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

pub struct SetOnDrop(pub Rc<Cell<bool>>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// Polls with a waker that does nothing.
pub fn poll_once<F: Future + Unpin>(future: F) -> Poll<F::Output> {
    poll_with(Waker::noop(), future)
}

pub fn poll_with<F: Future + Unpin>(waker: &Waker, mut future: F) -> Poll<F::Output> {
    Pin::new(&mut future).poll(&mut Context::from_waker(waker))
}
