//! The line of source at a place, as Python's tracebacks show it.
//!
//! ```text
//!    at src/net.rs:13:38
//!         let third = columns[5].trim();
//! ```
//!
//! A wrong line is worse than none. So a line is shown only if all of this holds, and otherwise nothing is said:
//!
//! - candor was built with debug assertions. A release build may run on a machine that has other files.
//! - The path of the file is absolute. The paths in debug information are. The place of a panic is relative to the root of the
//!   workspace, which nobody knows at run time. So its path is looked up among the frames of the same backtrace. It is not
//!   searched for in folders, as another folder may have a `src/main.rs` too.
//! - The file is not newer than the program, by the times of their last change. Otherwise the line may have moved.
//! - It is the user's file, and none of std or of a crate from a registry.
//! - The file is text of at most 1 MiB, and the line is not blank.
//!
//! A line is quoted as user text is: it may hold control characters, and may be long.
//!
//! Knows the file system, but no failure. Calls no user code, so that a report before an abort has lines as well.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::SystemTime;
use std::{env, fs};

use crate::report::place::Place;
use crate::report::quoting::cut_at;

/// How many characters of a line are shown.
const WIDTH_LIMIT: usize = 120;

/// The size of the largest file that is read, in bytes.
const SIZE_LIMIT: u64 = 1024 * 1024;

/// How many files are read for one report.
const FILES: usize = 16;

/// The source files that one report quotes. Each is read at most once.
pub(crate) struct Sources {
    /// When the program was built. If that is `None`, no line is shown.
    built: Option<SystemTime>,
    /// The lines of each file that was asked for; no lines if it must not be shown.
    files: RefCell<BTreeMap<String, Vec<String>>>,
}

impl Sources {
    pub(crate) fn new() -> Self {
        Sources::built_at(if cfg!(debug_assertions) {
            time_of_build()
        } else {
            None
        })
    }

    /// The sources of a program that was built then.
    pub(crate) fn built_at(built: Option<SystemTime>) -> Self {
        Sources {
            built,
            files: RefCell::default(),
        }
    }

    /// Whether any line may be shown.
    pub(crate) fn are_shown(&self) -> bool {
        self.built.is_some()
    }

    /// The line at a place, moved to the right. It begins with a newline; empty if no line is shown.
    pub(crate) fn below_place(&self, place: &Place<'_>, indent: usize) -> String {
        let at = place.in_file_of_user();
        at.map_or_else(String::new, |(file, line)| self.below(file, line, indent))
    }

    /// The line of a file of the user's, moved to the right. It begins with a newline; empty if no line is shown.
    pub(crate) fn below(&self, file: &str, line: u32, indent: usize) -> String {
        let line = self.line(file, line);
        line.map_or_else(String::new, |line| format!("\n{:indent$}{line}", ""))
    }

    fn line(&self, file: &str, line: u32) -> Option<String> {
        let built = self.built?;
        let mut files = self.files.borrow_mut();
        let is_one_too_many = files.len() == FILES && !files.contains_key(file);
        if is_one_too_many {
            return None;
        }
        let lines = files
            .entry(file.to_owned())
            .or_insert_with(|| lines_of(file, built).unwrap_or_default());
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        quoted(lines.get(index)?)
    }
}

/// When the file of this program was changed last. It is asked for once, because a later build may put another program there.
fn time_of_build() -> Option<SystemTime> {
    static BUILT: LazyLock<Option<SystemTime>> = LazyLock::new(|| {
        let program = fs::metadata(env::current_exe().ok()?).ok()?;
        program.modified().ok()
    });
    *BUILT
}

/// The lines of a file that is not newer than the program.
fn lines_of(file: &str, built: SystemTime) -> Option<Vec<String>> {
    let about = fs::metadata(file).ok()?;
    // Anything but a plain file may block the reader for ever.
    let is_readable = about.is_file() && about.len() <= SIZE_LIMIT;
    if !is_readable || about.modified().ok()? > built {
        return None;
    }
    let text = fs::read_to_string(file).ok()?;
    Some(text.lines().map(str::to_owned).collect())
}

/// A line as a report shows it; `None` if it is blank.
fn quoted(line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    // Below a frame it stands where a place begins with `at`. So a line that begins like a place is put behind a bar.
    let bar = if line.starts_with("at ") { "| " } else { "" };
    let line = line.replace('\t', " ");
    Some(bar.to_owned() + &cut_at(WIDTH_LIMIT, &line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::failure::location::is_in_a_library;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    /// A source file that goes when the test ends.
    struct File(PathBuf);

    impl File {
        fn new(name: &str, text: &str) -> Self {
            let name = format!("candor_{}_{name}.rs", std::process::id());
            let path = env::temp_dir().join(name);
            fs::write(&path, text).unwrap();
            File(path)
        }

        fn path(&self) -> &str {
            self.0.to_str().unwrap()
        }

        fn changed(&self) -> SystemTime {
            fs::metadata(&self.0).unwrap().modified().unwrap()
        }

        /// What is shown below a line of this file.
        fn below(&self, line: u32) -> String {
            Sources::built_at(Some(self.changed())).below(self.path(), line, 4)
        }
    }

    impl Drop for File {
        fn drop(&mut self) {
            fs::remove_file(&self.0).ok();
        }
    }

    #[test]
    fn a_line_is_shown_without_the_space_around_it() {
        let file = File::new("shown", "fn f() {\r\n\t\tg(); // the\tcall  \r\n\n}");
        assert_eq!(file.below(1), "\n    fn f() {");
        assert_eq!(file.below(2), "\n    g(); // the call");
        assert_eq!(file.below(4), "\n    }");
        let sources = Sources::built_at(Some(file.changed()));
        let place = format!("{}:1:8", file.path());
        let place = Place::parse(&place, Path::new("/"));
        assert_eq!(sources.below_place(&place, 0), "\nfn f() {");
    }

    #[test]
    fn nothing_is_shown_of_a_line_that_is_blank_or_not_there() {
        let file = File::new("blank", "f();\n   \ng();\n");
        for line in [0, 2, 4, u32::MAX] {
            assert_eq!(file.below(line), "", "{line}");
        }
        let sources = Sources::built_at(Some(file.changed()));
        for place in ["", "src", "1:2", "<unknown>:1:1", "src/missing.rs:1:1"] {
            let parsed = Place::parse(place, Path::new("/"));
            assert_eq!(sources.below_place(&parsed, 0), "", "{place}");
        }
    }

    #[test]
    fn nothing_is_shown_of_a_file_that_was_changed_after_the_build() {
        let file = File::new("changed", "f();\n");
        let changed = file.changed();
        let shown = |built| Sources::built_at(built).below(file.path(), 1, 1);
        assert_eq!(shown(Some(changed + SECOND)), "\n f();");
        assert_eq!(shown(Some(changed)), "\n f();");
        assert_eq!(shown(Some(changed - SECOND)), "");
        assert_eq!(shown(None), "");
    }

    #[test]
    fn a_debug_build_compares_with_the_file_of_the_program_and_a_release_build_shows_nothing() {
        let program = fs::metadata(env::current_exe().unwrap()).unwrap();
        let built = Sources::new().built;
        assert_eq!(built.is_some(), cfg!(debug_assertions));
        assert!(built.is_none_or(|built| built == program.modified().unwrap()));
    }

    #[test]
    fn nothing_is_shown_of_what_is_no_text_or_too_large() {
        let largest = "x".repeat(SIZE_LIMIT as usize);
        assert_ne!(File::new("largest", &largest).below(1), "");
        assert_eq!(File::new("larger", &format!("{largest}x")).below(1), "");
        let latin = File::new("latin", "");
        fs::write(&latin.0, b"f(); // M\xfcnchen\n").unwrap();
        assert_eq!(latin.below(1), "");
        let built = Some(SystemTime::now() + SECOND);
        let folder = env::temp_dir();
        let of_a_folder = Sources::built_at(built).below(folder.to_str().unwrap(), 1, 0);
        assert_eq!(of_a_folder, "");
    }

    #[test]
    fn nothing_is_shown_of_a_library() {
        let folder = env::temp_dir().join(format!("candor_{}/registry/src", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("lib.rs");
        fs::write(&path, "f();\n").unwrap();
        let built = Some(SystemTime::now() + SECOND);
        let place = format!("{}:1:1", path.display());
        let place = Place::parse(&place, Path::new("/"));
        let shown = Sources::built_at(built).below_place(&place, 0);
        fs::remove_dir_all(folder.ancestors().nth(2).unwrap()).unwrap();
        assert_eq!(shown, "");
        for file in [
            r"C:\Users\me\.cargo\registry\src\index.crates.io\log-0.4\src\lib.rs",
            "/home/me/.cargo/git/checkouts/log/src/lib.rs",
            "/rustc/59807616/library/core/src/option.rs",
            "/usr/src/rustc-1.95.0/library/core/src/option.rs",
        ] {
            assert!(is_in_a_library(file), "{file}");
        }
        for file in [
            "src/registry/src/lib.rs",
            "/home/me/registry/lib.rs",
            "/home/me/checkouts/app/src/lib.rs",
            "/home/me/rust/library/src/lib.rs",
        ] {
            assert!(!is_in_a_library(file), "{file}");
        }
    }

    #[test]
    fn a_long_line_is_cut_at_120_characters() {
        let longest = "ü".repeat(120);
        let file = File::new("long", &format!("{longest}\n{longest}ü\n"));
        assert_eq!(file.below(1), format!("\n    {longest}"));
        assert_eq!(file.below(2), format!("\n    {longest}…"));
    }

    #[test]
    fn a_file_is_read_once_for_a_report_and_of_many_files_the_first_sixteen() {
        let file = File::new("once", "f();\n");
        let sources = Sources::built_at(Some(SystemTime::now() + SECOND));
        assert_eq!(sources.below(file.path(), 1, 0), "\nf();");
        fs::write(&file.0, "g();\n").unwrap();
        assert_eq!(sources.below(file.path(), 1, 0), "\nf();");

        let more: Vec<_> = (0..FILES)
            .map(|number| File::new(&format!("of_many_{number}"), "f();\n"))
            .collect();
        let shown = |file: &File| !sources.below(file.path(), 1, 0).is_empty();
        let are_shown: Vec<_> = more.iter().map(shown).collect();
        assert_eq!(are_shown, [[true; FILES - 1].as_slice(), &[false]].concat());
        assert!(shown(&file) && shown(&more[0]));
    }

    #[test]
    fn a_line_reaches_no_terminal_that_would_obey_it_and_looks_like_no_other_line() {
        for (line, shown) in [
            ("f(\"\x1b[2K\x07\");", r#"f("\u{1b}[2K\u{7}");"#),
            ("f();\rtask #8 failed: boom", r"f();\rtask #8 failed: boom"),
            (
                "f(); // \u{202e}moob\u{2066}",
                r"f(); // \u{202e}moob\u{2066}",
            ),
            ("f();\u{2028}task #8", r"f();\u{2028}task #8"),
            ("  at src/main.rs:1:1", "| at src/main.rs:1:1"),
            ("at_once();", "at_once();"),
        ] {
            let file = File::new("forged", &format!("{line}\n"));
            assert_eq!(file.below(1), format!("\n    {shown}"));
        }
    }
}
