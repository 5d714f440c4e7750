//! Places in the source: of a failure, of a spawn, of an `.await`.
//!
//! candor's own futures note the line at which they were awaited. That is where a task hangs, or the last place
//! where it was seen before it failed.
//!
//! Knows nothing of candor but how to quote a text.

use std::fmt;
use std::panic;

use crate::kernel::failure::text::in_one_line;

/// A place in the source, as `#[track_caller]` gives it.
pub(crate) type Site = &'static panic::Location<'static>;

/// A place in a source file.
///
/// std's own `Location` lives as long as the program in most places, but not in a panic hook.
/// This one can be kept.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let error = candor::spawn(async { panic!("boom") }).await.unwrap_err();
///     let location = error.failure().unwrap().location().unwrap();
///     assert!(location.file().ends_with(".rs"));
///     assert_eq!(location.to_string(), format!("{}:{}:{}", location.file(), location.line(), location.column()));
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Location {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl From<&panic::Location<'_>> for Location {
    fn from(place: &panic::Location<'_>) -> Self {
        Location {
            file: place.file().to_owned(),
            line: place.line(),
            column: place.column(),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { file, line, column } = self;
        write!(f, "{}:{line}:{column}", in_one_line(file))
    }
}

/// An `.await` of one of candor's own futures, at which a task was last seen waiting.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let task = candor::spawn(async {
///         candor::yield_now().await;
///         panic!("boom")
///     });
///     let error = task.await.unwrap_err();
///     let last_await = error.failure().unwrap().last_await().unwrap();
///     assert_eq!(last_await.what(), "yield_now");
///     assert!(last_await.location().file().ends_with(".rs"));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LastAwait {
    pub(crate) what: AwaitKind,
    pub(crate) at: Site,
}

/// Which of candor's own futures is awaited. It is one byte, so that it fits between the flags of a task's header. Its name,
/// and whether it is stale, say the getters in `crate::report`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AwaitKind(pub(crate) u8);

impl AwaitKind {
    pub(crate) const DUMP: Self = AwaitKind(0);
    pub(crate) const INTERVAL: Self = AwaitKind(1);
    pub(crate) const JOIN: Self = AwaitKind(2);
    pub(crate) const SLEEP: Self = AwaitKind(3);
    pub(crate) const TIMEOUT: Self = AwaitKind(4);
    pub(crate) const YIELD_NOW: Self = AwaitKind(5);
    pub(crate) const REMOTE: Self = AwaitKind(6);

    /// Added when a later poll has waited in something that notes nothing.
    pub(crate) const STALE: u8 = 0x80;

    #[inline]
    pub(crate) fn aged(self) -> Self {
        AwaitKind(self.0 | AwaitKind::STALE)
    }
}

/// The path of candor's own source, as the compiler was given it.
const OWN: &str = file!()
    .split_at(file!().len() - "kernel/failure/location.rs".len())
    .0;

/// The caller's line, which in `poll` is the line of the `.await`. If the caller is the standard library or candor
/// itself (a boxed future, a combinator, a timeout), the line where the future was made.
#[track_caller]
#[inline]
pub(crate) fn await_line(made_at: Site) -> Site {
    let caller = panic::Location::caller();
    let file = caller.file();
    let is_library = file.starts_with(OWN) || is_in_a_library(file);
    if is_library { made_at } else { caller }
}

/// Whether a file belongs to std, or to a crate from a registry or a git repository. Only an absolute path can,
/// so no other path is searched.
#[inline]
pub(crate) fn is_in_a_library(file: &str) -> bool {
    let is_absolute = file.starts_with('/') || file.get(1..2) == Some(":");
    is_absolute && has_a_part_of_libraries(file)
}

/// What is in the path of each file of std, or of a crate from a registry or a git repository. A user may well have a folder named
/// `registry`.
const LIBRARIES: &str =
    r"/registry/src/ \registry\src\ /git/checkouts/ \git\checkouts\ /rustc/ /rustc-1. rustlib";

/// Out of line: inlined into every future's poll, it kept those polls from being inlined (28 instructions a yield).
#[inline(never)]
fn has_a_part_of_libraries(file: &str) -> bool {
    // Rust 1.88 gives the full path for a generic function, whatever `file!()` says inside of it.
    file.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/src/"))
        || LIBRARIES.split(' ').any(|part| file.contains(part))
}
