//! What was measured, and on what: without these, figures say little.
//!
//! Knows the operating system's files and the lock file of this package.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

/// The versions that this program was built with.
const LOCK_FILE: &str = include_str!("../Cargo.lock");

/// One line each: what it is, and what it is here.
pub fn facts() -> Vec<(&'static str, String)> {
    let kernel = rustix::system::uname();
    let cores = available_parallelism().map_or(0, usize::from);
    vec![
        ("CPU", cpu_model()),
        ("cores", cores.to_string()),
        (
            "kernel",
            format!(
                "{} {}",
                kernel.sysname().to_string_lossy(),
                kernel.release().to_string_lossy()
            ),
        ),
        ("compiler", said_by("rustc", &["--version"])),
        ("profile", profile().to_owned()),
        ("date", said_by("date", &["--utc", "+%Y-%m-%d"])),
    ]
}

/// The version of a crate, as it was locked.
pub fn version_of(name: &str) -> &'static str {
    let heading = format!("name = \"{name}\"\nversion = \"");
    LOCK_FILE
        .split_once(&heading)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("unknown", |(version, _)| version)
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "dev, cargo's defaults"
    } else {
        "release, cargo's defaults"
    }
}

fn cpu_model() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown".to_owned(), |(_, model)| model.trim().to_owned())
}

fn said_by(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or("unknown".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}
