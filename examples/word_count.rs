//! Counts lines, words and bytes of files, as `wc` does, with a task for each file.
//!
//! ```sh
//! cargo run --example word_count -- src/*.rs no-such-file
//! ```
//!
//! A script as it is written with candor: each task is spawned and forgotten, and each uses `?` as if
//! nothing could go wrong. A file that cannot be counted is reported, with its name, the cause and the
//! line of the `?`; all others are counted. The exit code is 1 if any file could not be counted, and 2
//! if none was given.
//!
//! candor has no asynchronous files, and neither have most operating systems: reading holds the thread.
//! For a script that does nothing else that is fine.

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
