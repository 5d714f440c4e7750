//! Runs every bug on every runtime, and compares what was said with the table in candor's guide.
//!
//! The cells are not written by hand: `cell` makes the text of a cell from what a program has printed, and the table
//! must have the same text. So a changed program, or a new version of a runtime, fails here, and the message is the row
//! as it has to be.
//!
//! ```text
//! src/on_*.{rs,py} ──► a process each ──► its stderr and exit code ──► cell ──┐
//!                                                                              ├── equal
//! src/guide/comparison.rs ──► the rows of its table ───────────────────────────┘
//! ```
//!
//! asyncio and trio are left out where there is no `python3` that has them.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

const RUNTIMES: [&str; 5] = ["candor", "tokio", "smol", "asyncio", "trio"];

/// The exit code of a program that stood still, and was ended.
const STOOD_STILL: i32 = 124;

/// How many programs run at once. Most of them only wait.
const AT_ONCE: usize = 16;

#[test]
fn the_table_in_the_guide_is_what_the_programs_say() {
    let rows = rows_of_the_guide();
    let mut cells = cells_of(&rows, |_, _| true);
    // A machine that is busy otherwise can delay a program, so those that differ get a second run.
    let first = cells.clone();
    let differs = |row: &Row, runtime| {
        let said = first.get(&(row.bug.clone(), runtime));
        said.is_some_and(|said| said != row.cell(runtime))
    };
    cells.extend(cells_of(&rows, differs));

    let mut wrong = String::new();
    for row in &rows {
        let said = RUNTIMES.map(|runtime| {
            let said = cells.get(&(row.bug.clone(), runtime));
            said.map_or(row.cell(runtime), String::as_str)
        });
        if said.as_slice() != row.cells {
            wrong += &format!("//! | {} | {} |\n", row.title, said.join(" | "));
        }
    }
    assert!(wrong.is_empty(), "the programs say otherwise:\n{wrong}");
}

#[test]
fn candor_never_says_less_than_another() {
    let rows = rows_of_the_guide();
    for row in &rows {
        let candor = &row.cells[0];
        for (peer, cell) in RUNTIMES.iter().zip(&row.cells).skip(1) {
            let bug = &row.bug;
            assert!(
                is_nothing(cell) || !is_nothing(candor),
                "{bug}: {peer} says more"
            );
            assert!(
                lines_in(candor) >= lines_in(cell),
                "{bug}: {peer} names more lines"
            );
        }
    }
    let silent = rows.iter().filter(|row| is_nothing(&row.cells[0])).count();
    assert!(silent <= 3, "candor says nothing in {silent} rows");
}

#[test]
fn every_bug_has_a_row() {
    let rows = rows_of_the_guide();
    let arms = include_str!("../src/on_candor.rs").lines();
    let bugs: Vec<&str> = arms
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" => "))
        .map(|(bug, _)| bug)
        .collect();
    let in_the_guide: Vec<&str> = rows.iter().map(|row| row.bug.as_str()).collect();
    assert_eq!(in_the_guide, bugs);
}

/// A row of the table: `| title (`bug`) | candor | tokio | smol | asyncio | trio |`.
struct Row {
    title: String,
    bug: String,
    cells: Vec<String>,
}

impl Row {
    fn cell(&self, runtime: &str) -> &str {
        let column = RUNTIMES.iter().position(|name| *name == runtime);
        &self.cells[column.unwrap()]
    }
}

fn rows_of_the_guide() -> Vec<Row> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src/guide/comparison.rs");
    let guide = fs::read_to_string(path).unwrap();
    let (_, after) = guide.split_once("# Planted bugs\n").unwrap();
    let section = after.split("//! # ").next().unwrap();
    let rows = section.lines().filter_map(|line| {
        let cells = line.strip_prefix("//! | ")?.strip_suffix(" |")?;
        let mut cells = cells.split(" | ").map(str::to_owned);
        let title = cells.next()?;
        let (_, bug) = title.strip_suffix("`)")?.rsplit_once("(`")?;
        Some(Row {
            bug: bug.to_owned(),
            cells: cells.collect(),
            title,
        })
    });
    let rows: Vec<Row> = rows.collect();
    assert!(rows.len() > 20, "{} rows", rows.len());
    for row in &rows {
        assert_eq!(row.cells.len(), RUNTIMES.len(), "{}", row.title);
    }
    rows
}

fn is_nothing(cell: &str) -> bool {
    cell.contains("nothing")
}

fn lines_in(cell: &str) -> usize {
    match cell {
        _ if cell.contains("2 lines") => 2,
        _ if cell.contains("line") => 1,
        _ => 0,
    }
}

/// Those that can run on this machine.
fn runtimes_here() -> Vec<&'static str> {
    let needs = |runtime: &str| match runtime {
        "asyncio" => "from asyncio import TaskGroup",
        "trio" => "import outcome, trio",
        _ => "",
    };
    let can_run = |runtime: &&str| {
        let needed = needs(runtime);
        let mut python = Command::new("python3");
        python.args(["-c", needed]).stderr(Stdio::null());
        let is_here = needed.is_empty() || python.status().is_ok_and(|status| status.success());
        if !is_here {
            println!("{runtime} is left out: no python3 that can `{needed}`");
        }
        is_here
    };
    RUNTIMES.into_iter().filter(can_run).collect()
}

struct Program {
    runtime: &'static str,
    bug: String,
}

/// What the programs say, by bug and runtime.
type Cells = BTreeMap<(String, &'static str), String>;

/// Runs the programs that are wanted, several at once, and makes a cell of what each says.
fn cells_of(rows: &[Row], is_wanted: impl Fn(&Row, &'static str) -> bool) -> Cells {
    let mut programs = Vec::new();
    for runtime in runtimes_here() {
        for row in rows.iter().filter(|row| is_wanted(row, runtime)) {
            let bug = row.bug.clone();
            programs.push(Program { runtime, bug });
        }
    }
    // candor's are the first, and take longest.
    let queue = Mutex::new(programs.into_iter());
    let cells = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let next = queue.lock().unwrap().next();
            let Some(program) = next else { return };
            let cell = program.cell();
            let key = (program.bug, program.runtime);
            cells.lock().unwrap().insert(key, cell);
        }
    };
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    cells.into_inner().unwrap()
}

/// What a program wrote to stderr, and how it ended.
struct Said {
    text: String,
    /// From the start to the first byte.
    first_after: Duration,
    /// None if a signal has ended it.
    code: Option<i32>,
}

impl Program {
    fn run(&self) -> Said {
        let folder = env!("CARGO_MANIFEST_DIR");
        let mut command = match self.runtime {
            "asyncio" | "trio" => {
                let mut python = Command::new("python3");
                python.arg(format!("{folder}/src/on_{}.py", self.runtime));
                python
            }
            _ => {
                let mut planted = Command::new(env!("CARGO_BIN_EXE_planted"));
                planted.arg(self.runtime);
                planted
            }
        };
        command.args([self.bug.clone(), self.seconds().to_string()]);
        command.env_remove("RUST_BACKTRACE").env_remove("RUST_LOG");
        command.env_remove("PYTHONASYNCIODEBUG");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let begin = Instant::now();
        let mut running = command.spawn().unwrap();
        let mut stderr = running.stderr.take().unwrap();
        let mut first = [0];
        let mut bytes = Vec::new();
        let length = stderr.read(&mut first).unwrap();
        let first_after = begin.elapsed();
        bytes.extend(&first[..length]);
        stderr.read_to_end(&mut bytes).unwrap();
        Said {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            first_after,
            code: running.wait().unwrap().code(),
        }
    }

    /// How long it may take. candor waits for five seconds before it suspects something; the others say nothing later.
    fn seconds(&self) -> u32 {
        let takes_the_processor = ["endless_loop", "busy_wait"].contains(&self.bug.as_str());
        match (self.runtime, takes_the_processor) {
            ("candor", true) => 4,
            ("candor", false) => 8,
            (_, true) => 1,
            (_, false) => 4,
        }
    }

    /// Runs it. The cell is such as `warning after 5 s (line, spawn, awaits), hangs`.
    fn cell(&self) -> String {
        let said = &self.run();
        let mut cell = self.kind(said);
        if let Some(seconds) = delay_in(&said.text) {
            assert!(said.first_after >= Duration::from_secs(seconds));
            cell += &format!(" after {seconds} s");
        }
        let mut details = Vec::new();
        let named = lines_named_in(&said.text);
        match named {
            0 if cell == COMPILER => details.push("line".to_owned()),
            0 => {}
            1 => details.push("line".to_owned()),
            _ => details.push(format!("{named} lines")),
        }
        if said.text.contains("spawned at src/") {
            details.push("spawn".to_owned());
        }
        if said.text.contains(".await at src/") {
            details.push("awaits".to_owned());
        }
        if !details.is_empty() {
            cell += &format!(" ({})", details.join(", "));
        }
        match said.code {
            Some(STOOD_STILL) => cell += ", hangs",
            None => cell += ", aborts",
            Some(_) => {}
        }
        cell
    }

    fn kind(&self, said: &Said) -> String {
        let text = &said.text;
        let times = |sign: &str| text.matches(sign).count();
        let panics = times(" panicked at src/");
        let tracebacks = times("Traceback (most recent call last)");
        let repeated = times("the first time in full");
        let is_report = text.starts_with("task #") && text.contains("backtrace (");
        match () {
            () if self.is_found_by_the_compiler() => COMPILER.to_owned(),
            () if text.is_empty() => "nothing".to_owned(),
            () if is_report && repeated > 0 => format!("report, {repeated} more in a line each"),
            () if is_report => "report".to_owned(),
            () if panics > 1000 => format!("{panics} panic messages"),
            () if panics > 0 => "panic message".to_owned(),
            () if tracebacks > 1000 => format!("{tracebacks} tracebacks"),
            () if tracebacks > 0 => "traceback".to_owned(),
            () => "warning".to_owned(),
        }
    }

    /// The lint is expected in the program, and a lint that does not come would fail the build.
    fn is_found_by_the_compiler(&self) -> bool {
        let path = format!("{}/src/on_{}.rs", env!("CARGO_MANIFEST_DIR"), self.runtime);
        let text = fs::read_to_string(path).unwrap_or_default();
        let (_, function) = text
            .split_once(&format!("fn {}() {{\n", self.bug))
            .unwrap_or_default();
        let function = function.split("\n}\n").next().unwrap();
        function.contains("#[expect(unused_must_use)]")
    }
}

const COMPILER: &str = "the compiler warns";

/// How long candor has waited, by its own words.
fn delay_in(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let opening = lines.find(|line| !line.contains(" panicked at src/"))?;
    let delays = [
        ("(not awaited yet)", 1),
        ("has held the thread for 2s", 2),
        ("has not ended: for 2s", 2),
        ("has stood still for 5s", 5),
    ];
    let delay = delays
        .into_iter()
        .find(|(words, _)| opening.contains(words));
    delay.map(|(_, seconds)| seconds)
}

/// How many of the lines with the comment `here` are named. A flood repeats itself, so its beginning will do.
fn lines_named_in(text: &str) -> usize {
    let beginning: Vec<&str> = text.lines().take(100).collect();
    let text = beginning.join("\n");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut named = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let source = fs::read_to_string(&path).unwrap();
        for (index, line) in source.lines().enumerate() {
            let number = index + 1;
            let is_named = text.contains(&format!("{name}:{number}:"))
                || text.contains(&format!("{name}\", line {number},"));
            if line.contains(" // here") || line.contains("  # here") {
                named += usize::from(is_named);
            }
        }
    }
    named
}
