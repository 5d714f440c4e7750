//! Takes the samples: each a process of its own, peers in turn.
//!
//! ```text
//! row 1:  sample 1   A B C D
//!         sample 2   B C D A      whoever warms or heats the machine does so to another one each time
//!         sample 3   C D A B
//! row 2:  …
//! ```
//!
//! This program runs itself for a sample, so that no peer finds the heap, the caches or the hook that another
//! one has left. The child pins itself to one core; this process sleeps meanwhile.
//!
//! Knows how to run a row, not what it means.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{panic, thread};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::effort::Effort;
use crate::peers::{Binary, Entry};
use crate::row::Row;

/// What the samples of one row by one peer came to.
pub enum Samples {
    /// One list a figure, with one number a sample.
    Taken(Vec<Vec<f64>>),
    /// The peer has no such row.
    Impossible,
    /// Its workload found its own count wrong, or the process died: why, in a line.
    Failed(String),
}

/// Takes the samples of one row.
pub struct Sampler<'a> {
    /// This program, in whatever build.
    pub program: &'a Path,
    /// This program with the other features of crates, where a peer asks for it.
    pub other_program: Option<&'a Path>,
    pub is_quick: bool,
    /// How many by each peer.
    pub count: usize,
    /// After so long a sample is taken to hang: a lost wake shows as a failure and not as a run without end.
    pub patience: Duration,
}

impl Sampler<'_> {
    pub fn take(&self, row: &str, peers: &[Entry]) -> Vec<Samples> {
        let mut all: Vec<Samples> = peers.iter().map(|peer| none_yet(peer, row)).collect();
        for turn in 0..self.count {
            for place in 0..peers.len() {
                let number = (turn + place) % peers.len();
                if let Samples::Taken(figures) = &mut all[number] {
                    match self.sample(&peers[number], row) {
                        Ok(numbers) => {
                            figures.resize_with(numbers.len(), Vec::new);
                            for (figure, number) in figures.iter_mut().zip(numbers) {
                                figure.push(number);
                            }
                        }
                        Err(why) => all[number] = Samples::Failed(why),
                    }
                }
            }
        }
        all
    }

    fn sample(&self, peer: &Entry, row: &str) -> Result<Vec<f64>, String> {
        let program = match peer.binary {
            Binary::Usual => self.program,
            Binary::Other => self.other_program.ok_or("there is no other build")?,
        };
        let mut command = Command::new(program);
        command.args(["sample", peer.id, row]);
        if self.is_quick {
            command.arg("--quick");
        }
        let child = command
            // What tokio's failures need in order to be told in full; candor's do not.
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (said, status) = outcome_of(child, self.patience)?;
        if let Some(why) = said.strip_prefix(FAILED) {
            return Err(why.trim().to_owned());
        }
        if !status.success() {
            return Err(format!("the process died: {status}"));
        }
        let numbers: Result<Vec<f64>, _> = said.split_whitespace().map(str::parse).collect();
        numbers.map_err(|_| format!("the sample said {said:?}"))
    }
}

fn none_yet(peer: &Entry, row: &str) -> Samples {
    if (peer.rows)().iter().any(|known| known.id == row) {
        Samples::Taken(Vec::new())
    } else {
        Samples::Impossible
    }
}

/// What the child printed, and its exit code; or that it had to be killed.
fn outcome_of(mut child: Child, patience: Duration) -> Result<(String, ExitStatus), String> {
    let mut stdout = child.stdout.take().expect("the child's stdout is piped");
    let (sender, receiver) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut said = String::new();
        let read = stdout.read_to_string(&mut said);
        // Nobody listens any more if it took too long.
        let _ = sender.send(read.map(|_| said));
    });
    let said = receiver.recv_timeout(patience);
    if said.is_err() {
        child.kill().map_err(|error| error.to_string())?;
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    reader.join().expect("the reader of a pipe does not panic");
    match said {
        Ok(Ok(said)) => Ok((said, status)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("did not end within {} s", patience.as_secs())),
    }
}

/// How a child's line begins if the workload failed.
const FAILED: &str = "failed:";

/// The child's part: measures the row, and says what came of it in one line.
pub fn measure(row: &Row, effort: &Effort) {
    if row.is_pinned {
        pin_to_the_last_core();
    }
    match panic::catch_unwind(panic::AssertUnwindSafe(|| row.measure(effort))) {
        Ok(numbers) => {
            assert_eq!(numbers.len(), row.figures.len(), "one number a figure");
            let numbers: Vec<String> = numbers.iter().map(f64::to_string).collect();
            println!("{}", numbers.join(" "));
        }
        Err(payload) => {
            let why = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("a panic without a text");
            let words: Vec<&str> = why.split_whitespace().collect();
            println!("{FAILED} {}", words.join(" "));
        }
    }
}

/// The last of the cores that this process may use: the first one tends to serve the interrupts.
fn pin_to_the_last_core() {
    let allowed = sched_getaffinity(None).expect("a process may ask where it may run");
    let last = (0..CpuSet::MAX_CPU)
        .rev()
        .find(|&core| allowed.is_set(core))
        .expect("a process may run somewhere");
    let mut one = CpuSet::new();
    one.set(last);
    sched_setaffinity(None, &one).expect("a process may keep to one of its cores");
}
