//! The lessons print what they say, and stay lessons: small, complete, and on their own feet.
//!
//! What a lesson prints stands only in its last comment. There a student finds it after the predictions, and
//! this test finds it as the text to compare with.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::example;

/// The parts of a lesson, in their order.
const PARTS: [&str; 6] = [
    "//! cargo run --example lesson_",
    "//! # What changed\n",
    "//! # Predict before you run it\n",
    "// # It prints\n//\n// ```text\n",
    "// # Try\n",
    "// # In candor\n",
];

/// A lesson is read in one go.
const LINES_OF_CODE: usize = 125;

/// From here on, the lessons that do not change it have the same executor.
const SHARED: &str = "// The executor of lesson 5.";

#[test]
fn each_lesson_prints_what_its_last_comment_says() {
    for lesson in lessons() {
        let output = example(&lesson.example).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed, lesson.expected(), "{}", lesson.example);
        // Only a lesson that reports failures may end with one, as `candor::run` does.
        let code = i32::from(printed.contains("REPORT"));
        assert_eq!(output.status.code(), Some(code), "{}", lesson.example);
    }
}

#[test]
fn each_lesson_has_all_parts_in_their_order() {
    for lesson in lessons() {
        let mut rest = &*lesson.text;
        for part in PARTS {
            rest = match rest.split_once(part) {
                Some((_, rest)) => rest,
                None => panic!("{part:?} is not where it should be in {}", lesson.example),
            };
        }
        let command = format!("//! cargo run --example {}\n", lesson.example);
        assert!(lesson.text.contains(&command), "{command}");
    }
}

#[test]
fn each_lesson_is_short_and_needs_nothing_but_std() {
    for lesson in lessons() {
        let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        let code: Vec<&str> = lesson.text.lines().filter(is_code).collect();
        assert!(
            code.len() <= LINES_OF_CODE,
            "{} has {} lines of code",
            lesson.example,
            code.len()
        );
        for line in code.iter().filter(|line| line.starts_with("use ")) {
            assert!(line.starts_with("use std::"), "{}: {line}", lesson.example);
        }
    }
}

#[test]
fn the_executor_that_three_lessons_share_is_the_same_to_the_letter() {
    let executors: Vec<String> = lessons()
        .iter()
        .filter_map(|lesson| {
            let (_, rest) = lesson.text.split_once(SHARED)?;
            Some(rest.split("// # It prints").next()?.to_owned())
        })
        .collect();
    assert_eq!(executors.len(), 3);
    assert!(executors.iter().all(|executor| *executor == executors[0]));
}

struct Lesson {
    example: String,
    text: String,
}

impl Lesson {
    /// The fenced block under "It prints", without the marks of the comment.
    fn expected(&self) -> String {
        let (_, block) = self.text.split_once(PARTS[3]).expect(PARTS[3]);
        let (block, _) = block.split_once("// ```\n").expect("the end of the block");
        let unmarked = |line: &str| line.strip_prefix("// ").unwrap_or_default().to_owned() + "\n";
        block.lines().map(unmarked).collect()
    }
}

/// The lessons in their order.
fn lessons() -> Vec<Lesson> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/lessons");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let lessons = paths.iter().map(|path| Lesson {
        example: format!("lesson_{}", path.file_stem().unwrap().to_str().unwrap()),
        text: fs::read_to_string(path).unwrap(),
    });
    lessons.collect()
}
