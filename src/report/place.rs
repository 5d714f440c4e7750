//! A place as a backtrace writes it: file, line and column.
//!
//! std leaves out the current directory of the process, and puts a dot in its place. So what a path looks like depends on where the
//! program runs:
//!
//! ```text
//! current directory    written                       shown                 whole
//! /home/me/app         ./src/main.rs:3:5             src/main.rs:3:5       /home/me/app/src/main.rs:3:5
//! /home/me             ./.cargo/registry/src/…       .cargo/registry/…     /home/me/.cargo/registry/src/…
//! /                    ./rustc/5980/library/…        /rustc/5980/…         /rustc/5980/library/…
//! ```
//!
//! Knows nothing of candor but which folders hold libraries.

use std::borrow::Cow;
use std::path::Path;

use crate::kernel::failure::location::is_in_a_library;

/// File, line and column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place<'a> {
    /// As a reader sees it: without the current directory, unless that is the root, which all paths are below.
    pub(crate) shown: Cow<'a, str>,
    /// With an absolute path. A path that is relative even here was written so by the compiler, and nobody knows to which folder.
    pub(crate) whole: Cow<'a, str>,
    /// What tells whose file it is: the path from the current directory on, with a slash in front. The directory itself tells
    /// nothing, unless cargo has made it. A user may work in a folder that is named as those of libraries are.
    pub(crate) telling: Cow<'a, str>,
}

impl<'a> Place<'a> {
    /// Reads what std wrote while this was the current directory, or a whole path.
    pub(crate) fn parse(place: &'a str, current_dir: &Path) -> Self {
        let written = (place.strip_prefix("./")).or_else(|| place.strip_prefix(".\\"));
        let as_whole = || Path::new(place).strip_prefix(current_dir).ok()?.to_str();
        let is_known = current_dir.is_absolute();
        let Some(below) = written.or_else(|| as_whole().filter(|_| is_known)) else {
            let [shown, whole, telling] = [place; 3].map(Cow::Borrowed);
            return Place {
                shown,
                whole,
                telling,
            };
        };
        // With the separator in front.
        let telling = &place[place.len() - below.len() - 1..];
        let shown = match current_dir.parent() {
            Some(_) => below,
            None => telling,
        };
        let whole = current_dir.join(below).to_string_lossy().into_owned();
        Place {
            shown: shown.into(),
            whole: whole.into(),
            telling: telling.into(),
        }
    }

    /// Whether the file belongs to std, or to a crate from a registry or a git repository.
    pub(crate) fn is_in_a_library(&self) -> bool {
        is_in_a_library(&self.telling) || is_in_folder_of_cargo(&self.whole) || self.is_in_rustlib()
    }

    /// Whether the file belongs to the source of std that rustup installs.
    pub(crate) fn is_in_rustlib(&self) -> bool {
        has_folders(&self.whole, |folders| {
            folders.starts_with(&["rustlib", "src", "rust", "library"])
        })
    }

    /// Whether the file belongs to a version of this package from a registry.
    pub(crate) fn is_in_package(&self, name: &str) -> bool {
        let is_version = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        has_folders(&self.whole, |folders| match folders {
            ["registry", "src", _, package, ..] => {
                let version = package.strip_prefix(name);
                version
                    .and_then(|text| text.strip_prefix('-'))
                    .is_some_and(is_version)
            }
            _ => false,
        })
    }

    /// The absolute path of the file, and the line in it, if the file is the user's.
    pub(crate) fn in_file_of_user(&self) -> Option<(&str, u32)> {
        let (file, line) = self.file_and_line()?;
        (Path::new(file).is_absolute() && !self.is_in_a_library()).then_some((file, line))
    }

    fn file_and_line(&self) -> Option<(&str, u32)> {
        let (rest, _column) = self.whole.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        Some((file, line.parse().ok()?))
    }

    /// The same, to be kept for longer than its backtrace.
    pub(crate) fn into_owned(self) -> Place<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Place {
            shown: owned(self.shown),
            whole: owned(self.whole),
            telling: owned(self.telling),
        }
    }
}

/// Whether the path leads into a folder that cargo has made for the crates of a registry or a git repository. Such a folder has a
/// hash in its name, which a user's own has not. So it tells whose file it is even if it is the current directory.
fn is_in_folder_of_cargo(path: &str) -> bool {
    has_folders(path, |folders| match folders {
        ["registry", "src", made, ..] | ["git", "checkouts", made, ..] => has_hash(made),
        _ => false,
    })
}

/// Recognizes `index.crates.io-1949cf8c6b5b557f`.
fn has_hash(folder: &str) -> bool {
    let hash = folder.rsplit_once('-').map(|(_, hash)| hash);
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether somewhere in the path the folders, from one of them on, are like this.
fn has_folders(path: &str, are_like_this: impl Fn(&[&str]) -> bool) -> bool {
    let folders: Vec<&str> = path.split(['/', '\\']).collect();
    (0..folders.len()).any(|from| are_like_this(&folders[from..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'a>(place: &'a str, current_dir: &str) -> Place<'a> {
        Place::parse(place, Path::new(current_dir))
    }

    #[test]
    fn a_path_below_the_current_directory_is_short_unless_that_is_the_root() {
        for (written, current_dir, shown, whole) in [
            (
                "./src/f.rs:1:2",
                "/app",
                "src/f.rs:1:2",
                "/app/src/f.rs:1:2",
            ),
            ("./src/f.rs:1:2", "/", "/src/f.rs:1:2", "/src/f.rs:1:2"),
            ("/x/f.rs:1:2", "/app", "/x/f.rs:1:2", "/x/f.rs:1:2"),
            ("/app/f.rs:1:2", "/app", "f.rs:1:2", "/app/f.rs:1:2"),
            (
                "/apple/f.rs:1:2",
                "/app",
                "/apple/f.rs:1:2",
                "/apple/f.rs:1:2",
            ),
            ("/x/f.rs:1:2", "/", "/x/f.rs:1:2", "/x/f.rs:1:2"),
            ("/x/f.rs:1:2", "", "/x/f.rs:1:2", "/x/f.rs:1:2"),
            ("src/f.rs:1:2", "/app", "src/f.rs:1:2", "src/f.rs:1:2"),
        ] {
            let place = place(written, current_dir);
            assert_eq!((&*place.shown, &*place.whole), (shown, whole));
        }
    }

    #[test]
    fn a_file_of_a_library_is_one_wherever_the_program_runs() {
        for (written, current_dir) in [
            (
                "/home/me/.cargo/registry/src/index/log/src/lib.rs:1:1",
                "/app",
            ),
            ("./.cargo/registry/src/index/log/src/lib.rs:1:1", "/home/me"),
            ("./rustc/59807616/library/core/src/slice.rs:1:1", "/"),
            (
                "./src/index.crates.io-1949cf8c6b5b557f/log-0.4.29/src/lib.rs:1:1",
                "/home/me/.cargo/registry",
            ),
            (
                "./log-0.4.29/src/lib.rs:1:1",
                "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f",
            ),
            (
                "./log-0123456789abcdef/34a1c2f/src/lib.rs:1:1",
                "/home/me/.cargo/git/checkouts",
            ),
            (
                "./std/src/io/mod.rs:1:1",
                "/home/me/toolchain/lib/rustlib/src/rust/library",
            ),
        ] {
            assert!(place(written, current_dir).is_in_a_library(), "{written}");
            assert_eq!(place(written, current_dir).in_file_of_user(), None);
        }
    }

    #[test]
    fn a_user_may_work_in_a_folder_that_is_named_as_those_of_libraries_are() {
        let main = place("./src/main.rs:3:5", "/home/me/git/checkouts/app");
        let file = "/home/me/git/checkouts/app/src/main.rs";
        assert_eq!(main.in_file_of_user(), Some((file, 3)));
        let main = place("./src/main.rs:3:5", "/home/me/registry");
        let file = "/home/me/registry/src/main.rs";
        assert_eq!(main.in_file_of_user(), Some((file, 3)));
        for folder in ["app-2", "app-of-sixteen_or_more", "app-abcdefghijklmnop"] {
            let current_dir = format!("/home/me/registry/src/{folder}");
            let main = place("./main.rs:3:5", &current_dir);
            let file = format!("{current_dir}/main.rs");
            assert_eq!(main.in_file_of_user(), Some((&*file, 3)));
        }
    }

    #[test]
    fn a_path_that_leads_to_no_file_has_no_line() {
        for written in ["src/main.rs:3:5", "/src/main.rs", "/src/main.rs:x:5"] {
            assert_eq!(place(written, "/app").in_file_of_user(), None, "{written}");
        }
    }
}
