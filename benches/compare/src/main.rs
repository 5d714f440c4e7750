//! candor and its peers, side by side: one command measures them all and writes `RESULTS.md`.
//!
//! ```sh
//! cargo run --release --manifest-path benches/compare/Cargo.toml                # all of it, for the record
//! cargo run --release --manifest-path benches/compare/Cargo.toml -- --quick     # does everything work?
//! cargo run --release --manifest-path benches/compare/Cargo.toml -- --help
//! ```
//!
//! | read | to know |
//! |---|---|
//! | `peers/` | what each executor answers with: its own spawn, its own timers |
//! | `rows/` | what is measured: the workloads, the same code for all |
//! | `row`, `effort`, `latch` | what a row is, how a sample is filled, how a workload waits |
//! | `sampling` | how samples are taken: a process each, pinned, peers in turn |
//! | `results`, `report`, `machine` | what the samples come to, and how it is shown |
//! | `command_line` | the options |
//!
//! What makes the comparison fair is in three places: the traits of `peers/mod.rs`, the counts that each workload
//! checks, and the rotation in `sampling`.

mod command_line;
mod effort;
mod latch;
mod machine;
mod peers;
mod report;
mod results;
mod row;
mod rows;
mod sampling;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use command_line::{Asked, Run, USAGE};
use effort::Effort;
use peers::Entry;
use report::Report;
use results::Line;
use row::Row;

fn main() -> ExitCode {
    match command_line::parse(env::args_os().skip(1)) {
        Ok(Asked::Help) => print!("{USAGE}"),
        Ok(Asked::List) => list(),
        Ok(Asked::Sample {
            peer,
            row,
            is_quick,
        }) => match row_of(&peer, &row) {
            Some(row) if is_quick => sampling::measure(&row, &Effort::QUICK),
            Some(row) => sampling::measure(&row, &Effort::FULL),
            None => {
                eprintln!("{peer} has no row {row}: see `compare list`");
                return ExitCode::from(2);
            }
        },
        Ok(Asked::Run(run)) => {
            if let Err(error) = compare(&run) {
                eprintln!("the results could not be written: {error}");
                return ExitCode::FAILURE;
            }
        }
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn list() {
    for peer in peers::all() {
        let rows: Vec<String> = (peer.rows)().into_iter().map(|row| row.id).collect();
        println!("{}: {}", peer.id, rows.join(", "));
    }
}

fn row_of(peer: &str, row: &str) -> Option<Row> {
    let peer = peers::all().into_iter().find(|entry| entry.id == peer)?;
    (peer.rows)().into_iter().find(|known| known.id == row)
}

fn compare(run: &Run) -> io::Result<()> {
    let mut peers = peers::all();
    let rows = rows_of_all(&peers);
    peers.retain(|peer| run.has_peer(peer.id));
    let mut lines = Vec::new();
    for row in rows.into_iter().filter(|row| run.has_row(&row.id)) {
        eprintln!("{}", row.id);
        let samples = sampling::take(&row.id, &peers, run.samples, run.is_quick);
        lines.extend(Line::all_of(&row.id, row.figures, &samples));
    }
    let report = Report {
        peers: &peers,
        lines: &lines,
        samples: run.samples,
    };
    let text = report.to_markdown();
    println!("{text}");
    if run.is_whole() {
        let folder = folder_of(run);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("RESULTS.md"), text)?;
    }
    Ok(())
}

/// Every row that any peer has, once.
fn rows_of_all(peers: &[Entry]) -> Vec<Row> {
    let mut all: Vec<Row> = Vec::new();
    for row in peers.iter().flat_map(|peer| (peer.rows)()) {
        if !all.iter().any(|known| known.id == row.id) {
            all.push(row);
        }
    }
    all
}

/// The checked-in results are those of whole and careful runs.
fn folder_of(run: &Run) -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    if run.is_quick {
        package.join("target/quick")
    } else {
        package
    }
}
