//! Every promise has its test: `promises.txt` names them, and this looks whether they are there.
//!
//! ```text
//! A sentence that a user can rely on
//!     file::name_of_a_test          in tests/file.rs
//!     some/path::name_of_a_test     in some/path.rs
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What has no test stands under this heading, with the reason.
const WITHOUT: &str = "# Without a test";

/// A sentence, and the tests that hold it, each as a file and a name.
struct Promise<'a> {
    sentence: &'a str,
    tests: Vec<(&'a str, &'a str)>,
}

/// The promises of a list. A line that begins with blanks names a test of the sentence above it.
fn promises(list: &str) -> Vec<Promise<'_>> {
    let (list, _) = list.split_once(WITHOUT).expect("the last heading");
    let (_, list) = list.split_once("\n# ").expect("the first heading");
    let mut promises: Vec<Promise<'_>> = Vec::new();
    // The rest of the first heading is no sentence.
    for line in list.lines().skip(1) {
        if let Some((file, name)) = line.trim_start().split_once("::")
            && line.starts_with(' ')
        {
            let promise = promises.last_mut().expect("a test stands below a sentence");
            promise.tests.push((file, name));
        } else if !line.is_empty() && !line.starts_with('#') {
            promises.push(Promise {
                sentence: line,
                tests: Vec::new(),
            });
        }
    }
    promises
}

/// Whether this text of a test file has a test with this name.
fn has_test(text: &str, name: &str) -> bool {
    let start = format!("fn {name}(");
    let is_test = |(at, _): (usize, &str)| {
        // The attributes of a test are right above it.
        let above = text[..at].trim_end_matches(' ');
        let above = above.rsplit("\n\n").next().unwrap_or_default();
        above.contains("#[test]")
    };
    text.match_indices(&start).any(is_test)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn list() -> String {
    fs::read_to_string(root().join("tests/promises.txt")).unwrap()
}

#[test]
fn each_promise_has_a_test_that_is_there() {
    let list = list();
    let promises = promises(&list);
    assert!(promises.len() > 100, "{}", promises.len());
    let mut seen = BTreeSet::new();
    let mut missing = Vec::new();
    for Promise { sentence, tests } in &promises {
        assert!(seen.insert(*sentence), "twice: {sentence}");
        assert!(!tests.is_empty(), "no test: {sentence}");
        for (file, name) in tests {
            let path = match file.contains('/') {
                true => format!("{file}.rs"),
                false => format!("tests/{file}.rs"),
            };
            let text = fs::read_to_string(root().join(&path)).unwrap_or_default();
            if !has_test(&text, name) {
                missing.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "not there:\n{}", missing.join("\n"));
}

#[test]
fn each_file_of_tests_holds_a_promise() {
    let list = list();
    let named: BTreeSet<&str> = promises(&list)
        .iter()
        .flat_map(|promise| promise.tests.iter().map(|(file, _)| *file))
        .collect();
    for entry in fs::read_dir(root().join("tests")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_stem().unwrap().to_str().unwrap();
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        // The exercises are for readers, and this file is about the others.
        if is_rust && !["exercises", "promises"].contains(&file) {
            assert!(named.contains(file), "tests/{file}.rs holds no promise");
        }
    }
}

#[test]
fn a_promise_without_its_test_would_be_noticed() {
    let text = "#[test]\nfn there() {}\n\nfn helper() {}\n";
    assert!(has_test(text, "there"));
    assert!(!has_test(text, "helper"));
    assert!(!has_test(text, "the"));
    let list =
        format!("Head.\n\n# One\n\nKept\n    file::there\nForgotten\n\n{WITHOUT}\n\nNo machine\n");
    let promises = promises(&list);
    let forgotten: Vec<_> = promises
        .iter()
        .filter(|promise| promise.tests.is_empty())
        .collect();
    assert_eq!((promises.len(), forgotten[0].sentence), (2, "Forgotten"));
    assert_eq!(promises[0].tests, [("file", "there")]);
}
