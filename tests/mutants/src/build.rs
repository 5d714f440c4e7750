//! Builds a copy of candor with all mutants inside, without those that do not compile.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::plant::{ALIVE, Source};

/// Where the copy is. Its tests read the files of their own package.
pub const COPY: &str = "target/mutants/candor";

/// Test binaries by name.
pub type Binaries = BTreeMap<String, String>;

pub fn copy_package() {
    for path in [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "CHANGELOG.md",
        "src",
        "tests",
        "examples",
        "benches",
    ] {
        copy(Path::new(path));
    }
}

fn copy(from: &Path) {
    if !from.is_dir() {
        let mut content = fs::read(from).expect("a file of the package");
        if from.parent() == Some(Path::new("")) {
            let text = String::from_utf8(content).expect("these are texts");
            // Another version, so that cargo does not take what it has built of one for the other.
            let version = "name = \"candor\"\nversion = \"";
            content = text.replace(version, &format!("{version}9")).into_bytes();
        }
        return write(from, &content);
    }
    for entry in fs::read_dir(from).expect("a folder of the package") {
        let entry = entry.expect("an entry of a folder");
        let name = entry.file_name();
        // Other packages lie below `tests`, `examples` and `benches`, with what they have built.
        let is_foreign = name == "target" || entry.path().join("Cargo.toml").exists();
        // The sources are written with the mutants inside.
        let is_source = entry.path().starts_with("src") && entry.path().is_file();
        if !(is_foreign || is_source) {
            copy(&entry.path());
        }
    }
}

/// Writes a file of the copy, if that is news: cargo builds anew what was written.
fn write(path: &Path, content: &[u8]) {
    let path = Path::new(COPY).join(path);
    if fs::read(&path).is_ok_and(|old| old == content) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a file is in a folder"))
        .expect("a folder for the copy");
    fs::write(&path, content).expect("room for the copy");
}

fn write_sources(sources: &[Source]) {
    for source in sources {
        let mut planted = source.planted();
        if source.path == "src/lib.rs" {
            // Some mutants are so wrong that the compiler can say so.
            planted.insert_str(
                0,
                "#![allow(warnings, arithmetic_overflow, unconditional_panic)]",
            );
            planted.push_str("\nmod mutated;\n");
        }
        write(Path::new(&source.path), planted.as_bytes());
    }
    write(Path::new("src/mutated.rs"), ALIVE.as_bytes());
}

/// Takes out mutants until the rest compiles.
pub fn leave_out_what_does_not_compile(sources: &mut [Source]) {
    loop {
        write_sources(sources);
        let output = cargo(&["check", "--lib", "--message-format=short"]);
        if output.status.success() {
            return;
        }
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        let before = planted(sources);
        for line in messages.lines().filter(|line| line.contains(": error")) {
            take_out(line, sources);
        }
        assert!(
            planted(sources) < before,
            "no mutant is the cause of this:\n{messages}"
        );
    }
}

fn planted(sources: &[Source]) -> usize {
    let all = sources.iter().flat_map(|source| &source.mutants);
    all.filter(|mutant| mutant.is_planted).count()
}

/// Takes out the mutants that stand where `src/a.rs:12:34: error` points to.
fn take_out(error: &str, sources: &mut [Source]) {
    let mut parts = error.split(':');
    let path = parts.next().unwrap_or_default();
    let numbers: Vec<usize> = parts.map_while(|part| part.parse().ok()).collect();
    let (Some(source), [line, column]) = (
        sources.iter_mut().find(|source| source.path == path),
        &numbers[..],
    ) else {
        return;
    };
    let planted = fs::read_to_string(Path::new(COPY).join(path)).expect("the copy was written");
    let before: usize = planted
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let in_line: usize = planted[before..]
        .chars()
        .take(column - 1)
        .map(char::len_utf8)
        .sum();
    let text = &planted[..before + in_line];
    let Some(mark) = text.rfind("/*m") else {
        return;
    };
    // An error in what was there before is the fault of all mutants of the place.
    let is_original = text[mark..].contains("/*o*/");
    let first = if is_original {
        text.rfind("alive()").map_or(0, |at| at.min(mark))
    } else {
        mark
    };
    for piece in text[first..].split("/*m").skip(1) {
        let number = piece
            .split("*/")
            .next()
            .and_then(|number| number.parse::<u32>().ok());
        for mutant in &mut source.mutants {
            if Some(mutant.number) == number {
                mutant.is_planted = false;
            }
        }
    }
}

/// Builds these tests, and the unit tests if `lib` is among them.
pub fn build_tests(tests: &[&str]) -> Binaries {
    let mut arguments = vec!["test", "--no-run"];
    for test in tests {
        match *test {
            "lib" => arguments.push("--lib"),
            _ => arguments.extend(["--test", test]),
        }
    }
    let output = cargo(&arguments);
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the tests do not build:\n{messages}"
    );
    let executable = |line: &str| {
        let (what, path) = line.trim().strip_prefix("Executable ")?.split_once(" (")?;
        let name = what.rsplit('/').next()?.trim_end_matches(".rs");
        Some((name.to_owned(), path.trim_end_matches(')').to_owned()))
    };
    let found = messages.lines().filter_map(executable);

    found.collect()
}

fn cargo(arguments: &[&str]) -> Output {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(COPY);
    command
        // What the usual build has built of other crates is used.
        .env("CARGO_TARGET_DIR", "../..")
        .env("CARGO_INCREMENTAL", "1");
    // Full debug information, as in the usual build: without it a dump cannot name the functions that wait.
    command
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .expect("cargo runs")
}
