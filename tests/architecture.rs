//! The modules keep to the table in `lib.rs`: each file uses lower floors only, and the core path
//! stays small enough to be read in an afternoon.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each module of the crate, as in the table in `lib.rs`.
const FLOORS: [(&str, u32); 30] = [
    ("key", 0),
    ("clock", 0),
    ("wheel", 0),
    ("run_queue", 0),
    ("roster", 0),
    ("unread", 0),
    ("outcome", 0),
    ("slots", 1),
    ("inbox", 1),
    ("alarm", 2),
    ("failure", 2),
    ("foreign", 3),
    ("task", 4),
    ("core", 5),
    ("current", 6),
    ("abort", 7),
    ("waker", 7),
    ("join", 8),
    ("spawn", 9),
    ("yield_now", 7),
    ("time", 8),
    ("parking", 7),
    ("inspect", 7),
    ("executor", 8),
    ("entry", 10),
    ("group", 10),
    ("pool", 10),
    ("remote", 11),
    ("spawner", 11),
    // Outside of the floors: it uses no module, and no module uses it.
    ("guide", u32::MAX),
];

/// What carries a wake, a poll and a failure; everything else is convenience, time or text.
const CORE_PATH: [&str; 14] = [
    "key.rs",
    "slots.rs",
    "run_queue.rs",
    "wheel.rs",
    "waker.rs",
    "inbox.rs",
    "task.rs",
    "join.rs",
    "core.rs",
    "core/reporting.rs",
    "core/ending.rs",
    "executor.rs",
    "failure/mod.rs",
    "failure/hook.rs",
];

const CORE_PATH_LINES: usize = 2_400;

#[test]
fn each_file_uses_lower_floors_only() {
    let floors = BTreeMap::from(FLOORS);
    let mut offences = Vec::new();
    for path in sources() {
        let module = module_of(&path);
        let Some(floor) = floors.get(module.as_str()) else {
            assert!(path.ends_with("lib.rs"), "{} has no floor", path.display());
            continue;
        };
        for used in modules_used(&code_of(&path)) {
            let used_floor = floors.get(used.as_str()).copied();
            if used != module && used_floor.is_none_or(|used_floor| used_floor >= *floor) {
                offences.push(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(offences.is_empty(), "{offences:#?}");
}

#[test]
fn lib_rs_says_of_each_module_where_it_stands_and_when_to_read_it() {
    let text = fs::read_to_string(src().join("lib.rs")).unwrap();
    let (_, text) = text.split_once("| floor |").unwrap();
    let (table, order) = text.split_once("//! 1. ").unwrap();
    for (module, floor) in FLOORS.iter().filter(|(module, _)| *module != "guide") {
        let name = format!("`{module}`");
        let row = format!("//! | {floor} |");
        let its_row = table.lines().find(|line| line.starts_with(&row)).unwrap();
        assert!(its_row.contains(&name), "{name} is not on floor {floor}");
        assert!(order.contains(&name), "{name} has no place in the order");
    }
}

#[test]
fn the_guide_is_text_without_code() {
    for path in sources().iter().filter(|path| module_of(path) == "guide") {
        let is_module = |line: &str| line.starts_with("pub mod ");
        assert!(code_of(path).lines().all(is_module), "{}", path.display());
    }
}

#[test]
fn the_core_path_can_be_read_in_an_afternoon() {
    let lines: usize = CORE_PATH
        .iter()
        .map(|file| code_of(&src().join(file)).lines().count())
        .sum();
    assert!(
        lines <= CORE_PATH_LINES,
        "the core path has {lines} lines of code"
    );
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![src()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// The top-level module that a file belongs to.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(src()).unwrap();
    inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned()
}

/// A file without comments, blank lines and its tests.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("mod tests {").next().unwrap();
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
    code.lines()
        .filter(is_code)
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Every `x` of a `crate::x`.
fn modules_used(code: &str) -> Vec<String> {
    let name = |rest: &str| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap()
            .to_owned()
    };
    code.split("crate::").skip(1).map(name).collect()
}
