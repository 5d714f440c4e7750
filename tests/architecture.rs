//! The house stands as `lib.rs` draws it: the kernel needs nothing beyond itself, each folder keeps its budget of lines, and
//! no file needs another one that needs it in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How many lines of code a folder may have.
const BUDGETS: [(&str, usize); 3] = [
    ("kernel/tasks/", 1_947),
    ("kernel/time/", 450),
    ("kernel/failure/", 950),
];

/// How many lines of code any file may have.
const LINES_A_FILE: usize = 300;

/// The modules of the crate that code in `src/kernel` may name.
const KNOWN_TO_THE_KERNEL: [&str; 2] = ["kernel", "outcome"];

/// Files by their paths below `src`, with nothing in them but code.
struct House(BTreeMap<String, String>);

#[test]
fn the_kernel_names_nothing_outside_of_it() {
    assert_eq!(House::of_candor().kernel_names(), [""; 0]);
}

#[test]
fn each_folder_of_the_kernel_keeps_its_budget() {
    let house = House::of_candor();
    for (folder, budget) in BUDGETS {
        let lines = house.lines_in(folder);
        println!("{folder} has {lines} of {budget} lines of code");
        assert!(lines <= budget, "{folder} has {lines} lines of code");
    }
}

#[test]
fn no_file_is_long() {
    assert_eq!(House::of_candor().long_files(), [""; 0]);
}

#[test]
fn no_file_needs_one_that_needs_it() {
    assert_eq!(House::of_candor().knots(), [[""; 0]; 0]);
}

#[test]
fn unsafe_code_is_in_three_files() {
    let House(files) = House::of_candor();
    let is_unsafe = |code: &str| code.contains("unsafe {") || code.contains("unsafe fn");
    let unsafe_files = files.iter().filter(|(_, code)| is_unsafe(code));
    let names: Vec<_> = unsafe_files.map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        names,
        [
            "kernel/tasks/memory.rs",
            "kernel/tasks/task.rs",
            "kernel/tasks/waker.rs"
        ]
    );
}

#[test]
fn each_unsafe_block_names_a_test_that_runs_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests: String = ["src/kernel/tasks", "tests"]
        .iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).unwrap())
        .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
        .collect();
    let mut blocks = 0;
    for file in ["memory", "task", "waker"] {
        let path = root.join(format!("src/kernel/tasks/{file}.rs"));
        let text = fs::read_to_string(path).unwrap();
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            if !line.contains("unsafe {") {
                continue;
            }
            blocks += 1;
            let comment = lines[..at].iter().rev();
            let comment: Vec<_> = comment.take_while(|line| line.starts_with("//")).collect();
            assert!(
                comment.iter().any(|line| line.starts_with("// SAFETY:")),
                "{file}.rs: {line}"
            );
            let name = comment
                .iter()
                .find_map(|line| line.strip_prefix("// Test: "));
            let name = name.unwrap_or_else(|| panic!("{file}.rs names no test of {line}"));
            let test = format!("fn {}()", name.trim_end_matches('.'));
            assert!(tests.contains(&test), "{file}.rs: {test} is nowhere");
        }
    }
    assert_eq!(blocks, 15);
}

/// The maps of the guide name each file that they pass through, and another test sees that the functions are there.
#[test]
fn a_wake_a_task_and_a_failure_pass_through_few_files() {
    let maps = [
        ("one_wake", "", 8),
        ("life_of_a_task", "# One spawn and join", 10),
        ("life_of_a_failure", "", 10),
    ];
    for (map, part, most) in maps {
        let path = format!("{}/src/guide/{map}.rs", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path).unwrap();
        let (_, text) = text.split_once(part).expect("the map has this part");
        let names = text
            .split('`')
            .filter(|name| name.starts_with("src/kernel/"));
        let files: BTreeSet<&str> = names.collect();
        assert!(files.len() > 5 && files.len() <= most, "{map}: {files:?}");
    }
}

#[test]
fn the_guide_is_text_without_code() {
    let House(files) = House::of_candor();
    for (path, code) in files.iter().filter(|(path, _)| path.starts_with("guide/")) {
        let is_module = |line: &str| line.starts_with("pub mod ");
        assert!(code.lines().all(is_module), "{path}");
    }
}

/// The tests above are of use only if they find what they look for.
#[test]
fn a_planted_violation_of_each_kind_is_found() {
    let outside = House::planted(&[("kernel/time/clock.rs", "use crate::group::TaskGroup;")]);
    assert_eq!(outside.kernel_names(), ["kernel/time/clock.rs names group"]);
    let above = House::planted(&[("kernel/mod.rs", "use super::group::TaskGroup;")]);
    assert_eq!(above.kernel_names(), ["kernel/mod.rs names group"]);

    let two_files = House::planted(&[("kernel/a.rs", "one\ntwo"), ("kernel/b/c.rs", "three")]);
    assert_eq!(
        (
            two_files.lines_in("kernel/"),
            two_files.lines_in("kernel/b/")
        ),
        (3, 1)
    );
    assert_eq!(
        House::planted(&[("a.rs", &"x\n".repeat(LINES_A_FILE + 1))]).long_files(),
        ["a.rs"]
    );

    let direct = [
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "fn f() { crate::a::g() }"),
    ];
    assert_eq!(House::planted(&direct).knots(), [["a.rs", "b.rs"]]);
    let round_about = [
        ("x/a.rs", "use super::b::B;"),
        ("x/b.rs", "use crate::{c::{d::D, C}};"),
        ("x/mod.rs", "mod a; mod b;"),
        ("c/mod.rs", "pub struct C;"),
        ("c/d.rs", "use crate::x::a::A;"),
    ];
    assert_eq!(
        House::planted(&round_about).knots(),
        [["c/d.rs", "x/a.rs", "x/b.rs"]]
    );
    let by_way_of_a_folder = [
        ("x/mod.rs", "mod a; pub(crate) use a::A;"),
        ("x/a.rs", "use crate::y::B;"),
        ("y.rs", "use crate::x::A;"),
    ];
    assert_eq!(
        House::planted(&by_way_of_a_folder).knots(),
        [["x/a.rs", "y.rs"]]
    );
    let parent_and_child = [("x.rs", "use crate::x::a::A;"), ("x/a.rs", "use super::X;")];
    assert_eq!(House::planted(&parent_and_child).knots(), [[""; 0]; 0]);
}

impl House {
    fn of_candor() -> Self {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let file = |path: &PathBuf| {
            let inside = path.strip_prefix(&src).unwrap();
            let code = code_of(&fs::read_to_string(path).unwrap());
            (inside.to_str().unwrap().to_owned(), code)
        };
        House(sources(&src).iter().map(file).collect())
    }

    fn planted(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| (path.to_owned(), code_of(text));
        House(files.iter().map(file).collect())
    }

    /// What the kernel names that it must not know, each with the file that names it.
    fn kernel_names(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (path, code) in self
            .0
            .iter()
            .filter(|(path, _)| path.starts_with("kernel/"))
        {
            for used in paths_used(path, code) {
                let top = used.first().map_or("the crate itself", String::as_str);
                if !KNOWN_TO_THE_KERNEL.contains(&top) {
                    found.push(format!("{path} names {top}"));
                }
            }
        }
        found.dedup();
        found
    }

    fn lines_in(&self, folder: &str) -> usize {
        let files = self.0.iter().filter(|(path, _)| path.starts_with(folder));
        files.map(|(_, code)| code.lines().count()).sum()
    }

    fn long_files(&self) -> Vec<&str> {
        let is_long = |code: &str| code.lines().count() > LINES_A_FILE;
        let files = self.0.iter().filter(|(_, code)| is_long(code));
        files.map(|(path, _)| path.as_str()).collect()
    }

    /// The files that use each other, directly or by way of others; what a parent and a child use of each other is not counted.
    fn knots(&self) -> Vec<Vec<&str>> {
        let by_module: BTreeMap<_, _> = self
            .0
            .keys()
            .map(|path| (module_of(path), path.as_str()))
            .collect();
        let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (path, code) in &self.0 {
            let module = module_of(path);
            let used = paths_used(path, code).into_iter().filter_map(|used| {
                let mut found = file_of(&used, &by_module)?;
                // What a folder shows of its files is a file's.
                if let Some(item) = used.get(found.len()) {
                    let shown = paths_used(by_module[&found], &self.0[by_module[&found]]);
                    let real = shown
                        .iter()
                        .find(|shown| shown.last() == Some(item) && shown.starts_with(&found));
                    found = real
                        .and_then(|real| file_of(real, &by_module))
                        .unwrap_or(found);
                }
                let is_family = found.starts_with(&module) || module.starts_with(&found);
                (!is_family).then(|| by_module[&found])
            });
            reached.insert(path, used.collect());
        }
        // From each file to all that it reaches by any number of steps.
        for between in self.0.keys() {
            let further = reached[between.as_str()].clone();
            for files in reached.values_mut() {
                if files.contains(between.as_str()) {
                    files.extend(&further);
                }
            }
        }
        let mut knots: Vec<Vec<&str>> = Vec::new();
        for (&file, files) in &reached {
            let is_mutual = |other: &&&str| reached[**other].contains(file);
            let knot: Vec<_> = files.iter().filter(is_mutual).copied().collect();
            if !knot.is_empty() && !knots.contains(&knot) {
                knots.push(knot);
            }
        }
        knots
    }
}

/// The module of the file that holds this path, which may go on inside of it.
fn file_of(path: &[String], by_module: &BTreeMap<Vec<String>, &str>) -> Option<Vec<String>> {
    let parts = (0..=path.len()).rev().map(|length| path[..length].to_vec());
    parts.into_iter().find(|part| by_module.contains_key(part))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false => found.push(path),
        }
    }
    found
}

/// A file without comments, blank lines and its tests.
fn code_of(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap();
    let code = code
        .split("\n#[cfg(all(test, not(loom)))]\nmod tests")
        .next()
        .unwrap();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    code.lines()
        .filter(is_code)
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The path of the module in a file, from the crate on.
fn module_of(path: &str) -> Vec<String> {
    let mut module: Vec<_> = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if matches!(module.last().unwrap().as_str(), "mod" | "lib") {
        module.pop();
    }
    module
}

/// The paths that a file begins with `crate::` or `super::`, from the crate on.
fn paths_used(path: &str, code: &str) -> Vec<Vec<String>> {
    let mut used = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        branches(Vec::new(), &code[start + "crate::".len()..], &mut used);
    }
    // A folder's file names its children without more.
    for line in code.split(';').filter(|_| path.ends_with("mod.rs")) {
        let child = line.trim_start().split_once("use ").map(|(_, tree)| tree);
        if let Some(tree) =
            child.filter(|tree| !tree.starts_with("crate::") && !tree.starts_with("std::"))
        {
            let tree = tree.strip_prefix("self::").unwrap_or(tree);
            branches(module_of(path), tree, &mut used);
        }
    }
    for (start, _) in code.match_indices("super::") {
        if code[..start].ends_with("super::") {
            continue;
        }
        let mut from = module_of(path);
        let mut rest = &code[start..];
        while let Some(further) = rest.strip_prefix("super::") {
            from.pop();
            rest = further;
        }
        branches(from, rest, &mut used);
    }
    used
}

/// All paths that a tree of a `use` stands for; says what follows behind the tree.
fn branches<'a>(mut from: Vec<String>, text: &'a str, found: &mut Vec<Vec<String>>) -> &'a str {
    let mut text = text;
    loop {
        text = text.trim_start();
        if let Some(mut inside) = text.strip_prefix('{') {
            loop {
                inside = branches(from.clone(), inside, found).trim_start();
                inside = inside.strip_prefix(',').unwrap_or(inside).trim_start();
                match inside.strip_prefix('}') {
                    Some(behind) => return behind,
                    None => assert!(!inside.is_empty(), "a brace is not closed"),
                }
            }
        }
        let end = text
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        if text[..end] != *"self" {
            from.push(text[..end].to_owned());
        }
        text = &text[end..];
        match text.strip_prefix("::") {
            Some(further) => text = further,
            None => {
                found.push(from);
                let alias = text.strip_prefix(" as ").unwrap_or(text);
                return alias
                    .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_' || c == '*');
            }
        }
    }
}
