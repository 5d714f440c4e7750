//! A terminal program with an event loop of its own, in which candor runs the background jobs.
//!
//! ```text
//! a thread that reads keys ──┐
//!                            ├──► one channel ──► the loop: a turn for the jobs, a picture, a wait
//! any thread ──► on_wake ────┘                                        ▲                     │
//!                                                                     └─── next_deadline ◄──┘
//! ```
//!
//! The wait ends for a key, for a job that another thread has woken, and for the next timer; for nothing else. The
//! number of passes shows it. Predict, then press: what does `p` do to the slow job that `s` has started, and how
//! many passes go by while nothing happens?
//!
//! ```text
//! cargo run --manifest-path examples/embedding/Cargo.toml --bin host_loop
//! ```

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use candor::{Executor, Outcome, TaskBuilder};
use crossterm::cursor::{Hide, MoveTo, MoveToNextLine, Show};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use crossterm::style::Print;
use crossterm::terminal::ClearType::{FromCursorDown, UntilNewLine};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, EndSynchronizedUpdate};
use crossterm::terminal::{DisableLineWrap, EnableLineWrap};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use crossterm::{execute, queue};

/// As many failures as the panel shows; older ones are removed.
const PANEL: usize = 5;

/// Why the loop makes a pass.
enum Message {
    Terminal(io::Result<Event>),
    TasksAreReady,
}

/// What the jobs write and the screen shows. All of it stays on one thread, so cells are enough.
#[derive(Default)]
struct Board {
    passes: Cell<u64>,
    keys: Cell<u32>,
    /// How many words have come from other threads.
    words: Cell<u32>,
    /// The slow jobs that are under way, by the key that started them, and how many percent are done.
    progress: RefCell<BTreeMap<u32, usize>>,
    failures: RefCell<VecDeque<String>>,
}

fn main() -> io::Result<()> {
    // Before candor is first used, so that candor's hook comes first: a task that panics never gets here.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        print(panic);
    }));
    let (post, messages) = mpsc::channel();
    let board = Rc::new(Board::default());
    let executor = executor(&board, post.clone());
    let result = show(&executor, &board, post, messages);
    println!("failures reported: {}", executor.failures());
    result
}

fn executor(board: &Rc<Board>, post: Sender<Message>) -> Executor {
    let board = board.clone();
    Executor::builder()
        .on_wake(move || {
            // After the loop has ended there is no receiver, and then nothing has to be done.
            let _ = post.send(Message::TasksAreReady);
        })
        .on_failure(move |failure| {
            // One line: which task failed, how and where. It holds no control characters.
            let mut failures = board.failures.borrow_mut();
            failures.push_back(failure.to_string());
            if failures.len() > PANEL {
                failures.pop_front();
            }
        })
        .build()
}

/// The program between its first picture and its last.
fn show(
    executor: &Executor,
    board: &Rc<Board>,
    post: Sender<Message>,
    messages: Receiver<Message>,
) -> io::Result<()> {
    let _screen = Screen::enter()?;
    thread::spawn(move || while post.send(Message::Terminal(event::read())).is_ok() {});
    loop {
        // One turn a pass: keys are handled even if some task is always ready.
        let more_is_ready = executor.tick();
        board.passes.set(board.passes.get() + 1);
        draw(executor, board)?;
        let patience = match executor.next_deadline() {
            _ if more_is_ready => Duration::ZERO,
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        if let Ok(Message::Terminal(event)) = messages.recv_timeout(patience)
            && let Event::Key(key) = event?
            && key.is_press()
            && !obey(key, executor, board)
        {
            return Ok(());
        }
    }
}

/// Handles a key, and returns whether the program goes on.
fn obey(key: KeyEvent, executor: &Executor, board: &Rc<Board>) -> bool {
    let number = board.keys.get() + 1;
    board.keys.set(number);
    match key.code {
        KeyCode::Char('s') => start("slow", slow(number, board.clone()), executor),
        KeyCode::Char('f') => start("parse", parse("seven"), executor),
        KeyCode::Char('p') => start("shelf", shelf(3), executor),
        KeyCode::Char('t') => start("listen", listen(board.clone()), executor),
        KeyCode::Char('q') => return false,
        // The terminal sends no signal in raw mode.
        KeyCode::Char('c') => return !key.modifiers.contains(KeyModifiers::CONTROL),
        _ => {}
    }
    true
}

/// Keeps no handle: if the job fails, the panel says so.
fn start<F>(name: &str, job: F, executor: &Executor)
where
    F: Future<Output: Outcome> + 'static,
{
    let task = TaskBuilder::new().name(name);
    task.spawn_on(executor, job).detach();
}

async fn slow(number: u32, board: Rc<Board>) {
    for percent in 0..100 {
        board.progress.borrow_mut().insert(number, percent);
        candor::sleep(Duration::from_millis(50)).await;
    }
    board.progress.borrow_mut().remove(&number);
}

async fn parse(word: &str) -> candor::Result {
    candor::sleep(Duration::from_millis(100)).await;
    let _number: i32 = word.parse()?;
    candor::Ok(())
}

async fn shelf(place: usize) {
    candor::sleep(Duration::from_millis(100)).await;
    let books = ["Emma", "Ulysses", "Dracula"];
    let _book = books[place];
}

/// Sets no timer: only `on_wake` lets the loop know that the thread has answered.
async fn listen(board: Rc<Board>) -> candor::Result {
    let (speaker, listener) = async_channel::bounded(1);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        speaker.send_blocking(1)
    });
    board.words.set(board.words.get() + listener.recv().await?);
    candor::Ok(())
}

fn draw(executor: &Executor, board: &Board) -> io::Result<()> {
    let (keys, words, passes) = (&board.keys, &board.words, &board.passes);
    let mut lines = vec![
        "s: a slow job   f: one that fails   p: one that panics".into(),
        "t: one that a thread wakes   any other: a key   q: quit".into(),
        String::new(),
        format!("keys: {}   tasks: {}", keys.get(), executor.tasks().len()),
        format!("words: {}   passes: {}", words.get(), passes.get()),
        String::new(),
        format!("failures: {}", executor.failures()),
    ];
    lines.extend(board.failures.borrow().iter().cloned());
    lines.push(String::new());
    for (number, percent) in board.progress.borrow().iter() {
        let bar = "#".repeat(percent / 5);
        lines.push(format!("slow job {number}: [{bar:.<20}] {percent} %"));
    }
    // Built first and written at once, so that no half of a picture is seen.
    let mut frame = Vec::new();
    queue!(frame, BeginSynchronizedUpdate, MoveTo(0, 0))?;
    for line in lines {
        queue!(frame, Print(line), Clear(UntilNewLine), MoveToNextLine(1))?;
    }
    queue!(frame, Clear(FromCursorDown), EndSynchronizedUpdate)?;
    io::stdout().write_all(&frame)?;
    io::stdout().flush()
}

/// The terminal while this program controls it.
struct Screen;

impl Screen {
    fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        let screen = Screen;
        execute!(io::stdout(), EnterAlternateScreen, DisableLineWrap, Hide)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // After a panic the hook has done it, and its message must not be painted over.
        if !thread::panicking() {
            restore();
        }
    }
}

/// Restores the terminal. If that fails, it cannot be reported.
fn restore() {
    let _ = execute!(io::stdout(), Show, EnableLineWrap, LeaveAlternateScreen);
    let _ = disable_raw_mode();
}
