//! The lessons print what they say, and stay small, complete and independent.
//!
//! Only the last comment of a lesson says what it prints. There a student finds it after the predictions,
//! and this test compares with it. An answer that is a program is given as a change of the lesson. It is made, compiled
//! and run here, as is the program that must not compile.
//!
//! And every file and function that the course names exists.

mod common;

use std::collections::BTreeSet;
use std::env::consts::EXE_EXTENSION;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::example;

/// The parts of a lesson, in their order.
const PARTS: [&str; 7] = [
    "//! cargo run --example lesson_",
    "//! # What changed\n",
    "//! # Predict before you run it\n",
    "// # It prints\n//\n// ```text\n",
    "// # Try\n",
    "// # In candor\n",
    "// # Answers\n",
];

/// A lesson is read in one go.
const LINES_OF_CODE: usize = 125;

/// From here on, the lessons that do not change it have the same executor.
const SHARED: &str = "// The executor of lesson 6.";

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
fn some_lessons_run_the_wrong_version_first() {
    let lessons = lessons();
    let has_wrong = |lesson: &&Lesson| lesson.text.contains("\nmod wrong {\n");
    let wrong_first: Vec<&Lesson> = lessons.iter().filter(has_wrong).collect();
    assert!(wrong_first.len() >= 4, "{}", wrong_first.len());
    for lesson in wrong_first {
        let printed = lesson.expected().to_lowercase();
        let (wrong, right) = (printed.find("wrong"), printed.find("right"));
        assert!(wrong.is_some() && wrong < right, "{}", lesson.example);
    }
}

#[test]
fn each_thing_to_try_has_an_answer() {
    for lesson in lessons() {
        let (_, tries) = lesson.text.split_once(PARTS[4]).unwrap();
        let (tries, rest) = tries.split_once(PARTS[5]).unwrap();
        let (_, answers) = rest.split_once(PARTS[6]).unwrap();
        let numbered = |text: &str| {
            (1..)
                .take_while(|n| text.contains(&format!("// {n}. ")))
                .count()
        };
        assert!(numbered(tries) > 0, "{}", lesson.example);
        assert_eq!(numbered(tries), numbered(answers), "{}", lesson.example);
    }
}

#[test]
fn each_answer_that_is_a_program_prints_what_it_says() {
    let _watched = common::watched();
    let mut programs = 0;
    for lesson in lessons() {
        let (program, comments) = lesson.text.split_once("// # It prints\n").unwrap();
        let (_, answers) = comments.split_once(PARTS[6]).unwrap();
        for answer in answers.split("// ```diff\n").skip(1) {
            let (change, rest) = answer.split_once("// ```\n").unwrap();
            let name = format!("{}_answer_{programs}", lesson.example);
            let changed = with_change(program, &unmarked(change));
            let (compiled, path) = compile(&name, &changed);
            assert!(compiled.status.success(), "{name}: {compiled:?}");
            let output = Command::new(path).output().unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            let (_, expected) = rest.split_once("// ```text\n").unwrap();
            let (expected, _) = expected.split_once("// ```\n").unwrap();
            // An answer may quote the first lines only.
            let expected = unmarked(expected);
            assert!(
                printed.starts_with(&expected),
                "{name}:\n{printed}\n{expected}"
            );
            programs += 1;
        }
    }
    assert!(programs >= 10, "only {programs} answers are programs");
}

#[test]
fn the_program_that_must_not_compile_is_refused_for_the_reason_that_is_quoted() {
    let lesson = &lessons()[1];
    let (_, part) = lesson
        .text
        .split_once("// # It does not compile\n")
        .unwrap();
    let (_, program) = part.split_once("// ```rust\n").unwrap();
    let (program, part) = program.split_once("// ```\n").unwrap();
    let (_, quoted) = part.split_once("// ```text\n").unwrap();
    let (quoted, _) = quoted.split_once("// ```\n").unwrap();
    let (output, _) = compile("refused", &unmarked(program));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "it compiles");
    // Compilers differ in how much space there is before the number of a line.
    for line in unmarked(quoted).lines() {
        assert!(said.contains(line.trim_start()), "{line}\n{said}");
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

#[test]
fn each_file_and_function_that_the_course_names_is_there() {
    let mut named = 0;
    for (page, text) in pages() {
        let mut rest = &*text;
        while let Some((before, after)) = rest.split_once("`src/") {
            let (path, after) = after.split_once('`').expect(after);
            rest = after;
            if path.is_empty() {
                continue;
            }
            let source = fs::read_to_string(root().join("src").join(path));
            let source = source.unwrap_or_else(|_| panic!("{page} names src/{path}"));
            // "`Inbox::wake` in `src/kernel/tasks/inbox.rs`"
            if let Some(before) = before.strip_suffix("` in ") {
                let (_, name) = before.rsplit_once('`').expect(before);
                let function = format!("fn {}", name.rsplit("::").next().unwrap());
                let is_there = |end| source.contains(&format!("{function}{end}"));
                assert!(
                    is_there('(') || is_there('<'),
                    "{page} names {name} in src/{path}"
                );
            }
            named += 1;
        }
    }
    assert!(named > 50, "only {named} places are named");
}

#[test]
fn each_lesson_leads_to_a_file_of_the_kernel_and_that_file_leads_back() {
    let mut there = BTreeSet::new();
    for (number, lesson) in (1..).zip(lessons()) {
        let (_, part) = lesson.text.split_once(PARTS[5]).unwrap();
        let (_, path) = part.split_once("`src/kernel/").expect(&lesson.example);
        let (path, _) = path.split_once('`').unwrap();
        there.insert((number, path.to_owned()));
    }
    let mut back = BTreeSet::new();
    let kernel = root().join("src/kernel");
    for path in sources(&kernel) {
        let text = fs::read_to_string(&path).unwrap();
        let head = text.lines().take_while(|line| line.starts_with("//!"));
        let path = path.strip_prefix(&kernel).unwrap().to_str().unwrap();
        for line in head.filter(|line| line.contains(" of the course build")) {
            let numbers = line.split(|c: char| !c.is_ascii_digit());
            let numbers = numbers.filter_map(|number| number.parse().ok());
            back.extend(numbers.map(|number: usize| (number, path.to_owned())));
        }
    }
    assert_eq!(there, back);
}

#[test]
fn the_index_of_the_course_has_every_lesson() {
    let index = fs::read_to_string(root().join("src/guide/mod.rs")).unwrap();
    for lesson in lessons() {
        let path = format!(
            "`examples/lessons/{}.rs`",
            &lesson.example["lesson_".len()..]
        );
        assert_eq!(index.matches(&path).count(), 1, "{path}");
    }
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
        unmarked(block)
    }
}

/// The lines of a comment, without its marks.
fn unmarked(comment: &str) -> String {
    let unmarked = |line: &str| line.strip_prefix("// ").unwrap_or_default().to_owned() + "\n";
    comment.lines().map(unmarked).collect()
}

/// The program after a change, which is written as in a diff. A line `@@` begins another place.
fn with_change(program: &str, change: &str) -> String {
    let mut program = program.to_owned();
    for place in change.split("@@\n") {
        let part = |without: char| -> String {
            let lines = place.lines().filter(|line| !line.starts_with(without));
            lines
                .map(|line| line.get(1..).unwrap_or_default().to_owned() + "\n")
                .collect()
        };
        let (before, after) = (part('+'), part('-'));
        assert_eq!(program.matches(&before).count(), 1, "{before}");
        program = program.replace(&before, &after);
    }
    program
}

/// What the compiler says of a program that needs std only, and where the result is.
fn compile(name: &str, program: &str) -> (Output, PathBuf) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = folder.join(format!("{name}.rs"));
    let result = folder.join(name).with_extension(EXE_EXTENSION);
    fs::write(&source, program).unwrap();
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition=2024", "--cap-lints=allow", "--color=never", "-o"]);
    let output = rustc.arg(&result).arg(&source).output();
    (output.expect("rustc is where cargo is"), result)
}

/// The lessons in their order.
fn lessons() -> Vec<Lesson> {
    let paths = files_in("examples/lessons");
    let lessons = paths.iter().map(|path| Lesson {
        example: format!("lesson_{}", path.file_stem().unwrap().to_str().unwrap()),
        text: fs::read_to_string(path).unwrap(),
    });
    lessons.collect()
}

/// All pages of the course, by path; the lines are joined, without the marks of comments.
fn pages() -> impl Iterator<Item = (String, String)> {
    let mut paths = files_in("examples/lessons");
    paths.extend(files_in("src/guide"));
    paths.push(root().join("tests/exercises.rs"));
    paths.push(root().join("tests/exercises/of_the_executor.rs"));
    paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        let unmarked = |line: &str| {
            line.trim_start_matches(['/', '!', ' '])
                .trim_end()
                .to_owned()
        };
        let lines: Vec<String> = text.lines().map(unmarked).collect();
        (path.display().to_string(), lines.join(" "))
    })
}

/// All files in a folder, and in the folders in it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(sources(&path)),
            false => files.push(path),
        }
    }
    files
}

fn files_in(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(root().join(folder)).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
