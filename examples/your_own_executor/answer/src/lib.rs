//! An answer to the capstone: an executor of three hundred lines. Spoilers.
//!
//! ```text
//! waker (any thread) ──wake──► Ready: run queue + bell ──next──► Executor polls the task
//! JoinHandle ◄── JoinCell ◄── the task fills it when it is done, or when it is dropped
//! ```

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Runs a future on this thread until it is ready, and then drops all tasks that are not done.
pub fn block_on<F: Future>(future: F) -> F::Output {
    Executor::new().block_on(future)
}

/// Spawns a task on the executor that runs on this thread, and panics if there is none.
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    let core = CURRENT.with_borrow(Option::clone);
    let core = core.expect("`spawn` was called where no executor runs: call it within `block_on`");
    core.spawn(future)
}

/// Lets all other tasks that are ready run first.
pub async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Tasks, and the queue of those that are ready.
pub struct Executor(Rc<Core>);

impl Executor {
    #[expect(clippy::new_without_default, reason = "one way to make it is enough")]
    pub fn new() -> Self {
        Executor(Rc::default())
    }

    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        self.0.spawn(future)
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _entered = Entered::new(&self.0);
        let mut future = pin!(future);
        let own = self.0.waker_of(MAIN);
        own.wake_by_ref();
        let waker = Waker::from(Arc::clone(&own));
        loop {
            match self.0.ready.next() {
                MAIN => {
                    own.is_queued.store(false, SeqCst);
                    let mut cx = Context::from_waker(&waker);
                    if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                        return output;
                    }
                }
                task => self.0.poll(task),
            }
        }
    }

    pub fn drain(&self) {
        let _entered = Entered::new(&self.0);
        while !self.0.tasks.borrow().is_empty() {
            self.0.poll(self.0.ready.next());
        }
    }

    pub fn failures(&self) -> u64 {
        self.0.failures.get()
    }
}

/// Cancels what is left. A destructor may spawn, so this looks again.
impl Drop for Executor {
    fn drop(&mut self) {
        let _entered = Entered::new(&self.0);
        while let Some((_, task)) = self.0.pop_task() {
            // The executor lives on when a destructor panics.
            let _panic = catch_unwind(AssertUnwindSafe(|| drop(task)));
        }
    }
}

/// The number of the future of `block_on` in the run queue. Tasks count from 1.
const MAIN: u64 = 0;

#[derive(Default)]
struct Core {
    /// By number. None is given twice, so a late waker finds nobody.
    tasks: RefCell<BTreeMap<u64, Task>>,
    last: Cell<u64>,
    ready: Arc<Ready>,
    failures: Rc<Cell<u64>>,
}

struct Task {
    /// `None` while it is being polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Arc<TaskWaker>,
}

impl Core {
    fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        self.last.set(self.last.get() + 1);
        let waker = self.waker_of(self.last.get());
        let cell = Rc::new(JoinCell {
            outcome: Cell::new(None),
            joiner: Cell::new(None),
            is_finished: Cell::new(false),
            is_aborted: Cell::new(false),
            has_handle: Cell::new(true),
            failures: Rc::clone(&self.failures),
        });
        let task = Task {
            future: Some(Box::pin(run(future, Fills(Rc::clone(&cell))))),
            waker: Arc::clone(&waker),
        };
        self.tasks.borrow_mut().insert(self.last.get(), task);
        waker.wake_by_ref();
        JoinHandle { cell, waker }
    }

    fn waker_of(&self, task: u64) -> Arc<TaskWaker> {
        Arc::new(TaskWaker {
            task,
            is_queued: AtomicBool::new(false),
            ready: Arc::clone(&self.ready),
        })
    }

    fn poll(&self, number: u64) {
        // No table is borrowed during the poll: it may spawn, wake and abort.
        let (mut future, waker) = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(task) = tasks.get_mut(&number) else {
                return;
            };
            let Some(future) = task.future.take() else {
                return;
            };
            (future, Arc::clone(&task.waker))
        };
        // Before the poll: a wake within it asks for another one.
        waker.is_queued.store(false, SeqCst);
        let waker = Waker::from(waker);
        let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut tasks = self.tasks.borrow_mut();
        if poll.is_ready() {
            tasks.remove(&number);
        } else if let Some(task) = tasks.get_mut(&number) {
            task.future = Some(future);
        }
    }

    fn pop_task(&self) -> Option<(u64, Task)> {
        self.tasks.borrow_mut().pop_first()
    }
}

/// What an executor shares with its wakers, which may be on any thread.
#[derive(Default)]
struct Ready {
    run_queue: Mutex<VecDeque<u64>>,
    bell: Condvar,
}

impl Ready {
    /// Sleeps until a task is ready. To look and to fall asleep are one step under the lock.
    fn next(&self) -> u64 {
        let mut run_queue = self.run_queue.lock().unwrap();
        loop {
            match run_queue.pop_front() {
                Some(task) => return task,
                None => run_queue = self.bell.wait(run_queue).unwrap(),
            }
        }
    }
}

struct TaskWaker {
    task: u64,
    is_queued: AtomicBool,
    ready: Arc<Ready>,
}

impl TaskWaker {
    fn wake_by_ref(&self) {
        if !self.is_queued.swap(true, SeqCst) {
            self.ready.run_queue.lock().unwrap().push_back(self.task);
            self.ready.bell.notify_one();
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        TaskWaker::wake_by_ref(&self);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        TaskWaker::wake_by_ref(self);
    }
}

/// What the table holds for a task: its future, and where its outcome goes.
async fn run<T>(future: impl Future<Output = T>, fills: Fills<T>) {
    let mut future = Box::pin(future);
    let outcome = poll_fn(|cx| {
        if fills.0.is_aborted.get() {
            return Poll::Ready(Err(JoinError::Cancelled));
        }
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(JoinError::Panicked(panic))),
        }
    })
    .await;
    // A task is finished when its future is gone.
    let outcome = match catch_unwind(AssertUnwindSafe(|| drop(future))) {
        Ok(()) => outcome,
        Err(panic) => Err(JoinError::Panicked(panic)),
    };
    fills.0.fill(outcome);
}

/// Fills the cell with `Cancelled` if the task is dropped before it is done.
struct Fills<T>(Rc<JoinCell<T>>);

impl<T> Drop for Fills<T> {
    fn drop(&mut self) {
        if !self.0.is_finished.get() {
            self.0.fill(Err(JoinError::Cancelled));
        }
    }
}

/// What a task and its handle share.
struct JoinCell<T> {
    outcome: Cell<Option<Result<T, JoinError>>>,
    joiner: Cell<Option<Waker>>,
    is_finished: Cell<bool>,
    is_aborted: Cell<bool>,
    has_handle: Cell<bool>,
    failures: Rc<Cell<u64>>,
}

impl<T> JoinCell<T> {
    fn fill(&self, outcome: Result<T, JoinError>) {
        self.is_finished.set(true);
        self.outcome.set(Some(outcome));
        if !self.has_handle.get() {
            self.report_unread();
        }
        if let Some(joiner) = self.joiner.take() {
            joiner.wake();
        }
    }

    /// The handle is gone. Whatever failure is still here will never be read.
    fn report_unread(&self) {
        if let Some(Err(JoinError::Panicked(_))) = self.outcome.take() {
            self.failures.set(self.failures.get() + 1);
            eprintln!("a task has panicked, and nobody awaits it");
        }
    }
}

/// Awaits the outcome of a task. Dropping it detaches the task: it runs on.
pub struct JoinHandle<T> {
    cell: Rc<JoinCell<T>>,
    waker: Arc<TaskWaker>,
}

impl<T> JoinHandle<T> {
    pub fn detach(self) {}

    pub fn is_finished(&self) -> bool {
        self.cell.is_finished.get()
    }

    /// The task may wait for something that never comes, so it is woken to see the flag.
    pub fn abort(&self) {
        self.cell.is_aborted.set(true);
        self.waker.wake_by_ref();
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(outcome) = self.cell.outcome.take() {
            return Poll::Ready(outcome);
        }
        self.cell.joiner.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        self.cell.has_handle.set(false);
        self.cell.report_unread();
    }
}

/// Why a task has no outcome.
#[derive(Debug)]
pub enum JoinError {
    Cancelled,
    Panicked(Box<dyn Any + Send>),
}

impl JoinError {
    pub fn is_cancelled(&self) -> bool {
        matches!(self, JoinError::Cancelled)
    }

    pub fn is_panic(&self) -> bool {
        matches!(self, JoinError::Panicked(_))
    }
}

thread_local! {
    /// The executor that runs on this thread. `spawn` finds it here.
    static CURRENT: RefCell<Option<Rc<Core>>> = const { RefCell::new(None) };
}

/// Puts the outer executor back when it is dropped: `block_on` may be called within `block_on`.
struct Entered(Option<Rc<Core>>);

impl Entered {
    fn new(core: &Rc<Core>) -> Self {
        Entered(CURRENT.replace(Some(Rc::clone(core))))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}
