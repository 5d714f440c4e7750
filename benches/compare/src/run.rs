//! A run: which rows are measured by whom, and in which build.
//!
//! Knows rows, peers and the way to samples; not how results are shown.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, io};

use crate::command_line::Run;
use crate::peers::{self, Binary, CANDOR, Entry, REFERENCE};
use crate::results::Comparison;
use crate::row::{Need, Row};
use crate::sampling::Sampler;

/// Where this package is; its results are checked in there.
pub const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

/// A sample of a long row takes seconds, which even out what many short ones would.
const SAMPLES_OF_LONG_ROWS: usize = 3;

/// How long a sample may take, far beyond what any does that makes progress.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_WITH_LONG_ROWS: Duration = Duration::from_secs(600);

/// candor waits in a reactor, and monoio's wakers may go to other threads: a crate has its features once in a program.
const OTHER_FEATURES: &str = "other";

/// Who is measured in a debug build. It is built with the features of these, to be there sooner.
const IN_DEBUG: [&str; 3] = [CANDOR, "tokio-localset", REFERENCE];
const DEBUG_FEATURES: &str = "tokio";

pub struct Findings {
    pub release: Comparison,
    /// The rows of the debug build as well, by candor that somebody looks at.
    pub watched: Option<Comparison>,
    /// Left out of quick runs.
    pub debug: Option<Comparison>,
}

pub fn carry_out(run: &Run) -> io::Result<Findings> {
    let all = peers::all();
    let mut rows = rows_of_all(&all);
    rows.retain(|row| run.has_row(&row.id) && !(run.is_quick && row.is_long));
    let mut peers = all;
    peers.retain(|peer| run.has_peer(peer.id));

    let this = env::current_exe()?;
    let other = if peers.iter().any(|peer| peer.binary == Binary::Other) {
        Some(build(&this, profile(), OTHER_FEATURES)?)
    } else {
        None
    };
    let release = compared(run, &this, other.as_deref(), &rows, peers.clone());
    rows.retain(|row| row.is_in_debug);
    let watched = watched(run, &this, &rows, &peers);
    peers.retain(|peer| IN_DEBUG.contains(&peer.id));
    let debug = if run.is_quick || rows.is_empty() || peers.is_empty() {
        None
    } else {
        let debug_build = build(&this, "debug", DEBUG_FEATURES)?;
        Some(compared(run, &debug_build, None, &rows, peers))
    };
    Ok(Findings {
        release,
        watched,
        debug,
    })
}

/// Those rows by candor and its builds that somebody looks at; without those that such a build is not entered for.
fn watched(run: &Run, program: &Path, rows: &[Row], peers: &[Entry]) -> Option<Comparison> {
    let candor = peers.iter().find(|peer| peer.id == CANDOR)?;
    let rows: Vec<Row> = (candor.rows)()
        .into_iter()
        .filter(|row| row.needs != Need::Entry && rows.iter().any(|known| known.id == row.id))
        .collect();
    let peers = [vec![*candor], peers::watched()].concat();
    (!rows.is_empty()).then(|| compared(run, program, None, &rows, peers))
}

fn compared(
    run: &Run,
    program: &Path,
    other_program: Option<&Path>,
    rows: &[Row],
    peers: Vec<Entry>,
) -> Comparison {
    let mut comparison = Comparison {
        peers,
        lines: Vec::new(),
    };
    for (number, row) in rows.iter().enumerate() {
        eprintln!("{:3}/{} {}", number + 1, rows.len(), row.id);
        let (count, patience) = if row.is_long {
            (
                run.samples.min(SAMPLES_OF_LONG_ROWS),
                PATIENCE_WITH_LONG_ROWS,
            )
        } else {
            (run.samples, PATIENCE)
        };
        let sampler = Sampler {
            program,
            other_program,
            is_quick: run.is_quick,
            count,
            patience,
        };
        comparison.add(row, &sampler.take(&row.id, &comparison.peers));
    }
    comparison
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

/// The other build is like this one.
fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    }
}

/// Builds this package with other features or without optimization, beside the build that is running.
fn build(this: &Path, profile: &str, features: &str) -> io::Result<PathBuf> {
    let target = this.ancestors().nth(2).unwrap_or(Path::new("target"));
    let target = target.join(features);
    let mut command = Command::new(env::var("CARGO").unwrap_or("cargo".to_owned()));
    command.args(["build", "--no-default-features", "--features", features]);
    if profile == "release" {
        command.arg("--release");
    }
    let status = command
        .arg("--manifest-path")
        .arg(Path::new(PACKAGE).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!(
            "the {profile} build with {features} failed"
        )));
    }
    Ok(target.join(profile).join("compare"))
}
