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
//! | `row`, `effort`, `latch`, `allocated` | what a row is, how a sample is filled, how a workload waits and counts bytes |
//! | `run`, `sampling` | which samples are taken, and how: a process each, pinned, peers in turn |
//! | `results` | what they come to |
//! | `report`, `chart`, `machine` | how it is shown |
//! | `command_line` | the options |
//!
//! What makes the comparison fair is in three places: the traits of `peers/mod.rs`, the counts that each workload
//! checks, and the rotation in `sampling`.

mod allocated;
mod chart;
mod command_line;
mod effort;
mod latch;
mod machine;
mod peers;
mod report;
mod results;
mod row;
mod rows;
mod run;
mod sampling;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use command_line::{Asked, Run, USAGE};
use effort::Effort;
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
        Ok(Asked::Run(run)) => match compare(&run) {
            Ok(failures) if failures.is_empty() => {}
            Ok(failures) => {
                eprintln!("candor failed in: {}", failures.join(", "));
                return ExitCode::FAILURE;
            }
            Err(error) => {
                eprintln!("the run could not be carried out: {error}");
                return ExitCode::FAILURE;
            }
        },
        Err(why) => {
            eprintln!("{why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn list() {
    for peer in peers::all().into_iter().chain(peers::watched()) {
        let rows: Vec<String> = (peer.rows)().into_iter().map(|row| row.id).collect();
        println!("{}: {}", peer.id, rows.join(", "));
    }
}

fn row_of(peer: &str, row: &str) -> Option<Row> {
    let mut peers = peers::all().into_iter().chain(peers::watched());
    let peer = peers.find(|entry| entry.id == peer)?;
    if peer.binary == peers::Binary::Other && !cfg!(feature = "other") {
        eprintln!("{} is in the build with the feature `other` only", peer.id);
        return None;
    }
    (peer.rows)().into_iter().find(|known| known.id == row)
}

/// Measures, prints what there is to say, and writes it down if it is all of it. Returns the rows in which candor
/// did not do what it should have.
fn compare(run: &Run) -> io::Result<Vec<String>> {
    let findings = run::carry_out(run)?;
    let text = report::to_markdown(&findings, run.samples, run.is_quick);
    println!("{text}");
    if run.is_whole() {
        let folder = folder_of(run);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("RESULTS.md"), text)?;
        chart::write(&findings.release, &folder.join("results.svg"))?;
        eprintln!("written to {}", folder.display());
    }
    let failures =
        [peers::CANDOR, peers::CANDOR_IN_REACTOR].map(|id| findings.release.failures_of(id));
    Ok(failures.concat())
}

/// The checked-in results are those of whole and careful runs.
fn folder_of(run: &Run) -> PathBuf {
    let package = PathBuf::from(run::PACKAGE);
    if run.is_quick {
        package.join("target/quick")
    } else {
        package
    }
}
