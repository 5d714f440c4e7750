//! Counts lines, words and bytes of files, as `wc` does: a task a file.
//!
//! ```sh
//! cargo run --example word_count -- src/*.rs no-such-file
//! ```
//!
//! A script as one writes it with candor: each task is spawned and forgotten, and each uses `?` as if
//! nothing could go wrong. A file that cannot be counted is reported, with its name, the cause and the
//! line of the `?`; all others are counted. The exit code is 1 if any file could not be counted, and
//! 2 if none was given.
//!
//! candor brings no asynchronous files, and neither do most operating systems: reading holds the thread,
//! which a script that does nothing else need not mind.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use candor::TaskBuilder;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        eprintln!("usage: word_count FILE...");
        return ExitCode::from(2);
    }
    candor::run(async {
        for path in paths {
            let task = TaskBuilder::new().name(path.display().to_string());
            task.spawn(count(path)).detach();
        }
    })
}

async fn count(path: PathBuf) -> candor::Result {
    let bytes = fs::read(&path)?;
    let text = String::from_utf8(bytes)?;
    let lines = text.matches('\n').count();
    let words = text.split_whitespace().count();
    println!("{lines:>8}{words:>8}{:>8} {}", text.len(), path.display());
    Ok(())
}
