//! Shortens a backtrace to the frames that its reader wrote.
//!
//! Most frames of a backtrace in a task are not the task's own. Above the task's frames are the panic
//! machinery and the hook that captured the backtrace. Below them are the executor and the start of the
//! process, and between them are frames of std. A report shows the task's frames, renumbered, and counts
//! the rest.
//!
//! ```text
//!  0  candor::kernel::failure::hook::account_of  ┐ newer than the failure: hidden
//!  5  std::sys::…::__rust_end_short_backtrace    ┘
//!  6  core::panicking::panic_bounds_check          std's: hidden
//!  7  app::net::parse                              shown as 0
//!  8  <core::slice::iter::Iter<T> as …>::fold      std's: hidden
//!  9  app::net::fetch::{{closure}}                 shown as 1
//! 10  candor::__candor_poll_boundary             ┐ older than the task: hidden
//! 25  std::sys::…::__rust_begin_short_backtrace  │
//! 40  _start                                     ┘
//! ```
//!
//! std does not let a stable program read frames one by one. So this reads the text that `{}` of a
//! `std::backtrace::Backtrace` gives (the form of `{:#}`, with addresses, is not understood). It cuts at
//! functions whose names are markers: std's own two, and one that every poll goes through. A frame that
//! is not recognized is shown and not hidden: a useless frame costs a reader a second, a missing one
//! costs an hour.
//!
//! Knows no task: text goes in, and text comes out. It also reads the current directory, because std shortens paths below
//! it.

use std::borrow::Cow;
use std::env;
use std::path::Path;

use crate::kernel::failure::in_one_line;
use crate::kernel::failure::location::is_in_a_library;
use crate::report::place::Place;
use crate::report::source_line::Sources;

/// The function that every poll goes through, so that a backtrace shows where the task ends and its executor
/// begins.
///
/// It keeps its frame only because it is never inlined and has work to do after the poll returns.
pub(crate) const POLL_BOUNDARY: &str = "__candor_poll_boundary";

/// std calls the first code of a program or thread through a function of this name. The crate `test` does so for a test.
const START_OF_USER_CODE: &str = "__rust_begin_short_backtrace";

/// std runs the panic hook from within a function of this name.
const START_OF_PANIC: &str = "__rust_end_short_backtrace";

/// The crates whose frames a report hides. candor is one of them, `candor_app` is not.
const RUNTIME_CRATES: [&str; 6] = ["std", "core", "alloc", "__rustc", CANDOR, WRAPPERS_CRATE];
const CANDOR: &str = "candor";

/// The package that wraps what is spawned through a [`Spawner`](crate::Spawner), and its crate. Only a registry gives the folder of
/// a package its name and version. A user's own may be called the same. So elsewhere the name of the function decides.
const WRAPPERS: &str = "futures-task";
const WRAPPERS_CRATE: &str = "futures_task";

/// The futures of candor that wait for another thread, or for another executor, are in these modules.
const OUTSIDE: [&str; 2] = ["candor::remote::", "candor::hosts::"];

/// The lowest functions of a thread that std did not start, and frames without a name.
const SYSTEM_SYMBOLS: [&str; 7] = [
    "<unknown>",
    "main",
    "_start",
    "start_thread",
    "clone",
    "clone3",
    "rust_begin_unwind",
];
const SYSTEM_PREFIXES: [&str; 2] = ["__rust_", "__libc_start"];

/// Shortens `text`, the `Display` form of a backtrace; with `full`, nothing is hidden. Below the user's frames stand their lines
/// of source. Ends without a newline.
pub(crate) fn shortened(text: &str, full: bool, sources: &Sources) -> String {
    let missing = match text.trim_ascii() {
        "" => "the capture holds no frames",
        "disabled backtrace" => "capturing was disabled when the error was made",
        "unsupported backtrace" => "this platform cannot capture one",
        frames => return shown(frames_in(frames), full, sources),
    };
    format!("no backtrace: {missing}")
}

fn shown(all: Vec<Frame<'_>>, full: bool, sources: &Sources) -> String {
    let total = all.len();
    let frames = if full { all } else { without_runtime(all) };
    let hidden = match total - frames.len() {
        1 => "1 runtime frame hidden".to_owned(),
        hidden => format!("{hidden} runtime frames hidden"),
    };
    if frames.is_empty() {
        return format!(
            "backtrace: {hidden}, none known to be yours (a build with debug info names more); \
             RUST_BACKTRACE=full shows them"
        );
    }
    let mut text = match frames.len() == total {
        true => "backtrace:".to_owned(),
        false => format!("backtrace ({hidden}):"),
    };
    let mut place_above = None;
    for (number, frame) in frames.iter().enumerate() {
        text += &format!("\n{number:4}: {}", in_one_line(frame.symbol));
        if let Some(place) = &frame.place {
            text += &format!("\n          at {}", in_one_line(&place.shown));
            // A recursive function need not show its line again and again.
            if place_above != frame.place.as_ref() && !frame.is_runtime() {
                text += &sources.below_place(place, 10);
            }
        }
        place_above = frame.place.as_ref();
    }
    text
}

/// The frames of a backtrace that are not the runtime's, the innermost first.
pub(crate) fn frames_of_others(text: &str) -> Vec<Frame<'_>> {
    without_runtime(frames_in(text))
}

/// Whether what the innermost function of the user's has called is candor's: a future that it awaits. If there is no such function,
/// the whole task is a future of candor's. What waits for another executor is none of these. `None` if a build without
/// debug information may have left out functions that were inlined.
pub(crate) fn awaits_candor(text: &str) -> Option<bool> {
    let frames = of_the_task(frames_in(text));
    let users = frames.iter().position(|frame| !frame.is_runtime());
    let called = &frames[..users.unwrap_or(frames.len())];
    let is_outside = |frame: &Frame<'_>| OUTSIDE.iter().any(|module| frame.symbol.contains(module));
    let is_whole = called.iter().all(|frame| frame.place.is_some());
    let is_candors = called.last().is_some_and(Frame::is_candors);
    is_whole.then_some(is_candors && !called.iter().any(is_outside))
}

/// The path at which a file of the user's can be read that the compiler was given as `file`. A relative path is relative to the root of the
/// workspace, which nobody knows when the program runs; but the frames of a backtrace have whole paths, unless the compiler was
/// told to write others.
///
/// Two packages of a workspace may both have a `src/lib.rs`. The one that is meant has the shorter path, because the other
/// one is in a folder below the root.
pub(crate) fn whole_path(file: &str, backtrace: &str) -> Option<String> {
    if Path::new(file).is_absolute() {
        return (!is_in_a_library(file)).then(|| file.to_owned());
    }
    let places = frames_in(backtrace)
        .into_iter()
        .filter_map(|frame| frame.place);
    let paths = places.filter_map(|place| Some(place.in_file_of_user()?.0.to_owned()));
    paths
        .filter(|path| Path::new(path).ends_with(file))
        .min_by_key(|path| Path::new(path).components().count())
}

/// The same backtrace with whole paths, so that it can be read when another directory is the current one.
pub(crate) fn with_whole_paths(text: &str) -> String {
    let Ok(current_dir) = env::current_dir() else {
        return text.to_owned();
    };
    let whole = |line: &str| match line.trim_start().strip_prefix("at ") {
        Some(place) => {
            let indent = &line[..line.len() - place.len()];
            format!("{indent}{}", Place::parse(place, &current_dir).whole)
        }
        None => line.to_owned(),
    };
    text.lines().map(whole).collect::<Vec<_>>().join("\n")
}

/// One function of the backtrace; an inlined call is a frame like any other.
pub(crate) struct Frame<'a> {
    pub(crate) symbol: &'a str,
    /// Where it is, when the build holds debug info for this function.
    pub(crate) place: Option<Place<'a>>,
}

impl Frame<'_> {
    fn is_start_of_user_code(&self) -> bool {
        // If only line tables are known, an inlined function has lost the path before its name.
        self.symbol.contains(POLL_BOUNDARY)
            || self.is_marker(START_OF_USER_CODE, "std")
            || self.is_marker(START_OF_USER_CODE, "test")
    }

    fn is_start_of_panic(&self) -> bool {
        self.is_marker(START_OF_PANIC, "std")
    }

    /// Whether this is `function` of that crate. Most frames are of another crate, and are not searched.
    fn is_marker(&self, function: &str, krate: &str) -> bool {
        self.symbol.starts_with(krate) && self.symbol.contains(function)
    }

    fn is_candors(&self) -> bool {
        match Impl::of(self.symbol) {
            Some(implementation) => implementation.type_crate == Some(CANDOR),
            None => crate_of(self.symbol) == Some(CANDOR),
        }
    }

    fn is_runtime(&self) -> bool {
        // An inlined function that has lost its path may be called `main` or `clone` as well.
        let place = self.place.as_ref();
        let is_rust = place.is_some_and(|place| place.whole.contains(".rs:"));
        let is_foreign = place.is_some_and(|place| {
            is_in_std_source(&place.telling)
                || place.is_in_rustlib()
                || place.is_in_package(WRAPPERS)
        });
        if is_foreign || is_of_the_system(self.symbol) && !is_rust {
            return true;
        }
        if has_no_path(self.symbol) {
            return place.is_some_and(|place| is_in_own_source(&place.whole));
        }
        match Impl::of(self.symbol) {
            Some(implementation) => implementation.is_runtime(place.is_some()),
            None => crate_of(self.symbol).is_some_and(is_runtime_crate),
        }
    }
}

/// Keeps the frames between the panic and the start of the task, without those of std and candor.
fn without_runtime(frames: Vec<Frame<'_>>) -> Vec<Frame<'_>> {
    let mut frames = of_the_task(frames);
    frames.retain(|frame| !frame.is_runtime());
    frames
}

/// Keeps the frames between the panic and the start of the task.
fn of_the_task(mut frames: Vec<Frame<'_>>) -> Vec<Frame<'_>> {
    // The newest marker of each kind counts: a `block_on` within a task starts user code again.
    if let Some(start) = frames.iter().position(Frame::is_start_of_user_code) {
        frames.truncate(start);
    }
    if let Some(panic) = frames.iter().position(Frame::is_start_of_panic) {
        frames.drain(..=panic);
    }
    frames
}

fn frames_in(text: &str) -> Vec<Frame<'_>> {
    let current_dir = env::current_dir().unwrap_or_default();
    let mut frames: Vec<Frame<'_>> = Vec::new();
    for line in text
        .lines()
        .map(str::trim_ascii)
        .filter(|line| !line.is_empty())
    {
        match (line.strip_prefix("at "), frames.last_mut()) {
            (Some(place), Some(frame)) => frame.place = Some(Place::parse(place, &current_dir)),
            _ => frames.push(Frame {
                symbol: without_hash(without_number(line)),
                place: None,
            }),
        }
    }
    frames
}

/// Cuts the frame's number. A line without a number is a frame as well, printed under its caller's.
fn without_number(line: &str) -> &str {
    let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    after_number.strip_prefix(": ").unwrap_or(line)
}

/// Cuts the `::h0123456789abcdef` by which the linker distinguishes instances of one function.
fn without_hash(symbol: &str) -> &str {
    let start = symbol.len().saturating_sub("::h0123456789abcdef".len());
    match symbol.split_at_checked(start) {
        Some((name, hash)) if is_hash(hash) => name,
        _ => symbol,
    }
}

fn is_hash(end: &str) -> bool {
    (end.strip_prefix("::h")).is_some_and(|hash| hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Recognizes std's source: `/rustc/<hash>/library/…` in an official build, a directory such as
/// `/usr/src/rustc-1.95.0/library/…` in a distribution's build, and `…/rustlib/src/rust/library/…` if it
/// is installed. Also recognizes the source of the crates that std itself depends on.
fn is_in_std_source(place: &str) -> bool {
    let place = match place.contains('\\') {
        true => Cow::Owned(place.replace('\\', "/")),
        false => Cow::Borrowed(place),
    };
    let in_library =
        |(root, _): (&str, &str)| root.contains("/rustc") || root.contains("/rustlib/");
    place.split_once("/library/").is_some_and(in_library) || place.starts_with("/rust/deps/")
}

/// Whether a function is named without its crate. With line tables alone, an inlined one is. Then only the place shows
/// its crate.
fn has_no_path(symbol: &str) -> bool {
    let name = symbol.split('<').next().unwrap_or_default();
    !name.is_empty() && !name.contains("::")
}

/// Recognizes candor's own source.
fn is_in_own_source(place: &str) -> bool {
    // In the form that the compiler got: an absolute path in a dependency, otherwise relative to the package.
    const FILE: &str = file!();
    const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");
    let as_given = FILE.strip_suffix("report/backtrace.rs").unwrap_or(FILE);
    let is_absolute = Path::new(as_given).is_absolute();
    is_absolute && place.starts_with(as_given)
        || Path::new(place).starts_with(Path::new(PACKAGE).join("src"))
}

fn is_of_the_system(symbol: &str) -> bool {
    SYSTEM_SYMBOLS.contains(&symbol) || SYSTEM_PREFIXES.iter().any(|p| symbol.starts_with(p))
}

fn is_runtime_crate(name: &str) -> bool {
    RUNTIME_CRATES.contains(&name)
}

/// The crate that a path or type begins with: `app` for `&mut app::Fetch`, none for `u8` or `T`.
fn crate_of(name: &str) -> Option<&str> {
    let (head, _) = name.split_once("::")?;
    // All characters outside of ASCII count as letters, so no Unicode tables are needed.
    head.rsplit(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_')
        .next()
}

/// A method's symbol of the form `<Type as Trait>::method` or `<Type>::method`, which does not
/// name the crate that the code is in.
struct Impl<'a> {
    type_crate: Option<&'a str>,
    trait_crate: Option<&'a str>,
}

impl<'a> Impl<'a> {
    fn of(symbol: &'a str) -> Option<Self> {
        let inner = symbol.strip_prefix('<')?;
        let mut depth = 0;
        let mut previous = ' ';
        for (at, c) in inner.char_indices() {
            match c {
                '<' => depth += 1,
                // The arrow of a function type closes no bracket.
                '>' if previous == '-' => {}
                '>' if depth == 0 => {
                    return Some(Self {
                        type_crate: crate_of(&inner[..at]),
                        trait_crate: None,
                    });
                }
                '>' => depth -= 1,
                ' ' if depth == 0 && inner[at..].starts_with(" as ") => {
                    let (type_name, trait_name) = inner.split_at(at);
                    return Some(Self {
                        type_crate: crate_of(type_name),
                        trait_crate: crate_of(trait_name),
                    });
                }
                _ => {}
            }
            previous = c;
        }
        None
    }

    /// The author of an impl owns its type or its trait. So the code is the user's if one of the two is. The
    /// exception is an impl that only its trait's argument makes legal, `<Vec<u8> as From<app::X>>`. It is
    /// recognized by its place, which is not std's, and because nothing in it is candor's or the wrappers'.
    fn is_runtime(&self, is_outside_std: bool) -> bool {
        let owners = [self.type_crate, self.trait_crate];
        let is_ours = [CANDOR, WRAPPERS_CRATE].map(|ours| owners.contains(&Some(ours)));
        owners.into_iter().flatten().all(is_runtime_crate)
            && (is_ours.contains(&true) || !is_outside_std)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::backtrace::Backtrace;
    use std::hint::black_box;

    /// What rustc 1.95 prints for a panic in a debug build, without the frames that repeat.
    const DEBUG: &str = "
   0: candor::failure::hook::record
             at /home/me/candor/src/failure/hook.rs:18:27
   2: <alloc::boxed::Box<dyn for<'a, 'b> core::ops::function::Fn<(&'a std::panic::PanicHookInfo<'b>,), Output = ()> + core::marker::Sync + core::marker::Send> as core::ops::function::Fn<(&std::panic::PanicHookInfo,)>>::call
             at /rustc/59807616/library/alloc/src/boxed.rs:2254:9
   3: app::main::{{closure}}
             at ./src/main.rs:18:57
   4: std::panicking::panic_with_hook
             at /rustc/59807616/library/std/src/panicking.rs:833:13
   5: std::sys::backtrace::__rust_end_short_backtrace::<std::panicking::panic_handler::{closure#0}, !>
             at /rustc/59807616/library/std/src/sys/backtrace.rs:182:18
   6: __rustc::rust_begin_unwind
             at /rustc/59807616/library/std/src/panicking.rs:689:5
   8: core::panicking::panic_bounds_check
             at /rustc/59807616/library/core/src/panicking.rs:271:5
   9: app::net::parse
             at ./src/net.rs:13:38
  14: <core::iter::adapters::map::Map<I,F> as core::iter::traits::iterator::Iterator>::fold
             at /rustc/59807616/library/core/src/iter/adapters/map.rs:128:19
  17: app::net::fetch::{{closure}}
             at ./src/net.rs:11:5
  19: <candor::time::Timeout<F> as core::future::future::Future>::poll
             at /home/me/candor/src/time/timeout.rs:26:16
  20: <app::Fetch as core::future::future::Future>::poll
             at ./src/main.rs:15:12
  21: <core::pin::Pin<P> as core::future::future::Future>::poll
             at /rustc/59807616/library/core/src/future/future.rs:133:9
  22: <candor::task::Cell<F> as candor::task::Run>::poll
             at /home/me/candor/src/task.rs:24:11
  23: candor::__candor_poll_boundary
             at /home/me/candor/src/core.rs:29:68
  32: app::main
             at ./src/main.rs:18:5
  34: std::sys::backtrace::__rust_begin_short_backtrace
             at /rustc/59807616/library/std/src/sys/backtrace.rs:166:18
  46: main
  47: __libc_start_call_main
             at ./csu/../sysdeps/nptl/libc_start_call_main.h:58:16
  49: _start
";

    /// The same in a release build without debug info: no places, and fewer frames.
    const RELEASE: &str = "
   0: candor::failure::hook::install::{{closure}}
   1: std::panicking::panic_with_hook
   3: std::sys::backtrace::__rust_end_short_backtrace::<std::panicking::panic_handler::{closure#0}, !>
   4: __rustc::rust_begin_unwind
   6: core::panicking::panic
   7: core::option::unwrap_failed
   8: app::net::opt
   9: <app::Fetch as core::future::future::Future>::poll
  10: <candor::task::Cell<F> as candor::task::Run>::poll
  11: candor::__candor_poll_boundary
  12: app::main
  13: std::sys::backtrace::__rust_begin_short_backtrace
  16: main
";

    /// The same in a stripped one.
    const STRIPPED: &str = "
   0: <unknown>
   1: <unknown>
  15: __libc_start_call_main
             at ./csu/../sysdeps/nptl/libc_start_call_main.h:58:16
  17: <unknown>
";

    fn shown(text: &str) -> String {
        text_of(text, false)
    }

    /// Without lines of source. The places in these texts are no places of this crate.
    fn text_of(text: &str, full: bool) -> String {
        shortened(text, full, &Sources::built_at(None))
    }

    /// Whether a single frame, given as its symbol and perhaps its place, is hidden.
    fn is_hidden(symbol: &str, place: Option<&str>) -> bool {
        let place = place.map(|place| Place::parse(place, Path::new("/home/me")));
        Frame { symbol, place }.is_runtime()
    }

    #[test]
    fn a_debug_build_shows_the_frames_of_the_user_with_their_places() {
        assert_eq!(
            shown(DEBUG),
            "backtrace (17 runtime frames hidden):
   0: app::net::parse
          at src/net.rs:13:38
   1: app::net::fetch::{{closure}}
          at src/net.rs:11:5
   2: <app::Fetch as core::future::future::Future>::poll
          at src/main.rs:15:12"
        );
    }

    #[test]
    fn a_release_build_shows_the_frames_of_the_user_by_name() {
        assert_eq!(
            shown(RELEASE),
            "backtrace (11 runtime frames hidden):
   0: app::net::opt
   1: <app::Fetch as core::future::future::Future>::poll"
        );
    }

    #[test]
    fn a_stripped_build_says_in_one_line_that_nothing_is_left() {
        assert_eq!(
            shown(STRIPPED),
            "backtrace: 4 runtime frames hidden, none known to be yours \
             (a build with debug info names more); RUST_BACKTRACE=full shows them"
        );
    }

    #[test]
    fn full_hides_nothing() {
        let full = text_of(STRIPPED, true);
        assert_eq!(full.lines().next(), Some("backtrace:"));
        assert_eq!(full.matches("<unknown>").count(), 3);
        assert_eq!(text_of(DEBUG, true).matches("\n             at").count(), 0);
        assert_eq!(text_of(DEBUG, true).matches("\n          at").count(), 18);
    }

    #[test]
    fn without_a_task_everything_down_to_main_is_shown() {
        let text = "
   0: <candor::error::Error as core::convert::From<E>>::from
   1: <core::result::Result<T,F> as core::ops::try_trait::FromResidual<core::result::Result<core::convert::Infallible,E>>>::from_residual
   2: app::read
   3: app::main
   4: std::sys::backtrace::__rust_begin_short_backtrace
   5: std::rt::lang_start::{{closure}}
   6: main
";
        assert_eq!(
            shown(text),
            "backtrace (5 runtime frames hidden):\n   0: app::read\n   1: app::main"
        );
    }

    #[test]
    fn without_a_task_everything_down_to_the_test_is_shown() {
        let text = "
   0: app::tests::reads
   1: app::tests::reads::{{closure}}
   2: test::__rust_begin_short_backtrace::<core::result::Result<(), alloc::string::String>, fn() -> core::result::Result<(), alloc::string::String>>
   3: test::run_test::{closure#0}
   4: std::sys::backtrace::__rust_begin_short_backtrace::<test::run_test::{closure#1}, ()>
";
        assert_eq!(
            shown(text),
            "backtrace (3 runtime frames hidden):\n   0: app::tests::reads\n   1: app::tests::reads::{{closure}}"
        );
    }

    #[test]
    fn a_task_within_a_task_shows_the_inner_one_only() {
        let text = "0: app::inner\n1: candor::__candor_poll_boundary::<bool>\n2: app::outer\n\
                    3: candor::__candor_poll_boundary::<bool>\n4: app::main";
        assert_eq!(
            shown(text),
            "backtrace (4 runtime frames hidden):\n   0: app::inner"
        );
    }

    #[test]
    fn one_hidden_frame_is_singular_and_none_is_not_mentioned() {
        assert_eq!(
            shown("0: app::f\n1: _start"),
            "backtrace (1 runtime frame hidden):\n   0: app::f"
        );
        assert_eq!(shown("0: app::f"), "backtrace:\n   0: app::f");
    }

    #[test]
    fn a_missing_backtrace_is_called_missing() {
        let disabled = shown(&Backtrace::disabled().to_string());
        assert_eq!(
            disabled,
            "no backtrace: capturing was disabled when the error was made"
        );
        assert_eq!(
            shown("unsupported backtrace"),
            "no backtrace: this platform cannot capture one"
        );
        assert_eq!(shown("\n"), "no backtrace: the capture holds no frames");
    }

    #[test]
    fn a_name_that_merely_begins_with_candor_is_the_users() {
        assert!(is_hidden("candor::run::{{closure}}", None));
        assert!(!is_hidden("candor_app::run", None));
        assert!(!is_hidden(
            "<candor_app::X as core::future::future::Future>::poll",
            None
        ));
        assert!(!is_hidden("app::candor::run", None));
    }

    #[test]
    fn an_impl_is_the_users_if_its_type_or_its_trait_is() {
        for hidden in [
            "<candor::task::Cell<app::main::{{closure}}> as candor::task::Run>::poll",
            "<candor::task::Cell<app::main::{closure#0}> as core::future::future::Future>::poll",
            "<core::pin::Pin<P> as core::future::future::Future>::poll",
            "<core::option::Option<u8>>::unwrap",
            "<u8>::pow",
            "<T as core::convert::Into<U>>::into",
            "<futures_task::future_obj::LocalFutureObj<T> as core::future::future::Future>::poll",
            "<&dyn core::ops::function::Fn<(), Output = i32> + core::marker::Sync as core::ops::function::FnOnce<()>>::call_once",
        ] {
            assert!(is_hidden(hidden, None), "{hidden}");
        }
        for shown in [
            "<app::Fetch as core::future::future::Future>::poll",
            "<&mut app::Fetch as core::future::future::Future>::poll",
            "<app::Order>::total",
            "<T as app::Parse>::parse",
            "<core::option::Option<u8> as app::Parse>::parse",
            "<fn() -> core::option::Option<u8> as app::Parse>::parse",
            "app::<impl core::convert::From<app::X> for alloc::vec::Vec<u8>>::from",
        ] {
            assert!(!is_hidden(shown, None), "{shown}");
        }
    }

    #[test]
    fn a_place_decides_what_a_name_leaves_open() {
        let from = "<alloc::vec::Vec<u8> as core::convert::From<app::X>>::from";
        assert!(!is_hidden(from, Some("src/x.rs:5:1")));
        for std in [
            "/rustc/59807616/library/alloc/src/vec/mod.rs:1:1",
            r"/rustc/59807616\library\alloc\src\vec\mod.rs:1:1",
            "/usr/src/rustc-1.95.0/library/alloc/src/vec/mod.rs:1:1",
            "/home/me/toolchain/lib/rustlib/src/rust/library/alloc/src/vec/mod.rs:1:1",
        ] {
            assert!(is_hidden(from, Some(std)), "{std}");
        }
        assert!(is_hidden(
            "hashbrown::map::find",
            Some("/rust/deps/hashbrown-0.16.1/src/map.rs:1:1")
        ));
        for wrapper in [
            "/home/me/.cargo/registry/src/index/futures-task-0.3.34/src/future_obj.rs:84:18",
            r"C:\cargo\registry\src\index\futures-task-0.3.34\src\future_obj.rs:84:18",
        ] {
            assert!(is_hidden("poll", Some(wrapper)), "{wrapper}");
        }
        let vendored = Some(r"C:\vendor\futures-task\src\future_obj.rs:84:18");
        for wrapper in [
            "<futures_task::future_obj::LocalFutureObj<T> as core::future::future::Future>::poll",
            "futures_task::future_obj::if_alloc::poll",
        ] {
            assert!(is_hidden(wrapper, vendored), "{wrapper}");
        }
        assert!(!is_hidden(
            "app::books",
            Some("library/core/src/books.rs:1:1")
        ));
        assert!(is_hidden(
            "<candor::Sleep as core::future::future::Future>::poll",
            Some("src/sleep.rs:1:1")
        ));
    }

    #[test]
    fn a_name_without_a_path_is_candors_if_the_place_is() {
        let file_in = |folder: &str| format!("{}/{folder}/poll.rs:5:1", env!("CARGO_MANIFEST_DIR"));
        assert!(is_hidden("poll", Some(&file_in("src"))));
        assert!(is_hidden("poll<app::Fetch>", Some(&file_in("src/kernel"))));
        assert!(!is_hidden("app::poll", Some(&file_in("src"))));
        for users in [file_in("examples"), "src/poll.rs:5:1".to_owned()] {
            assert!(!is_hidden("poll", Some(&users)), "{users}");
        }
    }

    #[test]
    fn what_the_innermost_function_of_the_user_has_called_is_what_it_awaits() {
        const POLL: &str = "as core::future::future::Future>::poll";
        let sleep = format!("<candor::time::Sleep {POLL}");
        let pin = format!("<core::pin::Pin<P> {POLL}");
        let user = "app::fetch::{{closure}}";
        for (called, is_candors) in [
            (vec![&*sleep, user], true),
            (vec!["candor::kernel::note", &sleep, user], true),
            (vec!["candor::kernel::note", &pin, user], false),
            (vec![&pin, user], false),
            (vec!["candor::yield_now::poll", user, &pin], true),
            (vec!["candor::remote::handle::poll", user], false),
            (vec!["candor::hosts::run_until::poll", &sleep, user], false),
            (vec![user], false),
            (vec![&sleep], true),
            (vec![&pin], false),
        ] {
            const PLACE: &str = "  at /rustc/59807616/library/a.rs:1:1\n";
            let place = |symbol| {
                if symbol == user {
                    "  at /a.rs:1:1\n"
                } else {
                    PLACE
                }
            };
            let frame = |symbol| format!("0: {symbol}\n{}", place(symbol));
            let text: String = called.iter().copied().map(frame).collect();
            assert_eq!(awaits_candor(&text), Some(is_candors), "{called:?}");
            let no_place = text.replacen(PLACE, "", 1);
            let is_any_called = called[0] != user;
            assert_eq!(awaits_candor(&no_place).is_none(), is_any_called);
        }
    }

    #[test]
    fn a_user_may_work_in_a_folder_that_is_named_as_the_wrappers() {
        for folder in [
            "/home/me/futures-task",
            "/home/me/futures-task-demo",
            "/home/me/futures-task-0.3",
            "/home/me/futures-task-3/registry/src",
        ] {
            let place = format!("{folder}/src/main.rs:5:1");
            for symbol in ["app::inner", "inner", "app::main::{{closure}}"] {
                assert!(!is_hidden(symbol, Some(&place)), "{symbol} at {place}");
            }
        }
    }

    #[test]
    fn a_line_of_source_stands_below_each_frame_of_the_user_and_once_where_frames_share_a_place() {
        let path = std::env::temp_dir().join(format!("candor_{}_frames.rs", std::process::id()));
        std::fs::write(&path, "f();\n  g();\n").unwrap();
        let file = path.to_str().unwrap();
        let text = format!(
            "0: app::f\n at {file}:1:1\n1: app::g\n at {file}:2:3\n2: app::g\n at {file}:2:3\n\
             3: app::h\n4: app::g\n at {file}:2:3\n5: candor::run\n at {file}:1:1"
        );
        let sources = Sources::built_at(std::fs::metadata(&path).unwrap().modified().ok());
        let shown = [false, true].map(|full| shortened(&text, full, &sources));
        std::fs::remove_file(&path).unwrap();
        let frames = format!(
            "
   0: app::f
          at {file}:1:1
          f();
   1: app::g
          at {file}:2:3
          g();
   2: app::g
          at {file}:2:3
   3: app::h
   4: app::g
          at {file}:2:3
          g();"
        );
        let head = "backtrace (1 runtime frame hidden):";
        assert_eq!(shown[0], format!("{head}{frames}"));
        let runtime = format!("\n   5: candor::run\n          at {file}:1:1");
        assert_eq!(shown[1], format!("backtrace:{frames}{runtime}"));
    }

    #[test]
    fn a_path_below_the_workspace_is_found_among_the_frames_and_the_nearest_to_the_root_is_meant() {
        let frames = "0: app::f\n at /ws/sub/src/lib.rs:1:1\n1: app::g\n at /ws/src/lib.rs:2:3\n\
                      2: app::h\n at ./src/main.rs:2:3";
        let whole_path = |file, frames| whole_path(file, frames).unwrap_or_default();
        assert_eq!(whole_path("src/lib.rs", frames), "/ws/src/lib.rs");
        let in_sub = whole_path("sub/src/lib.rs", frames);
        assert_eq!(in_sub, "/ws/sub/src/lib.rs");
        // std leaves out the current directory, the compiler only the root of the workspace.
        let here = env::current_dir().unwrap();
        let main = here.join("src/main.rs").to_str().unwrap().to_owned();
        assert_eq!(whole_path("src/main.rs", frames), main);
        let below = here.file_name().unwrap().to_str().unwrap();
        let below = format!("{below}/src/main.rs");
        assert_eq!(whole_path(&below, frames), main);
        assert_eq!(whole_path("lib/main.rs", frames), "");
        assert_eq!(whole_path("rc/lib.rs", frames), "");
        assert_eq!(whole_path("/x/src/lib.rs", ""), "/x/src/lib.rs");
    }

    #[test]
    fn hashes_of_the_linker_and_dots_of_the_path_are_cut() {
        assert_eq!(
            shown("0: app::f::h0123456789abcdef\n at .\\src\\f.rs:1:2\n1: app::hat::hello"),
            "backtrace:\n   0: app::f\n          at src\\f.rs:1:2\n   1: app::hat::hello"
        );
    }

    #[test]
    fn nothing_in_a_name_or_a_path_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(
            shown("0: app::f\x1b[2K\n at src/\x1b[2K.rs:1:2"),
            "backtrace:\n   0: app::f\\u{1b}[2K\n          at src/\\u{1b}[2K.rs:1:2"
        );
    }

    #[test]
    fn a_line_without_a_number_is_a_frame_as_well() {
        assert_eq!(
            shown("0: app::f\n      app::g"),
            "backtrace:\n   0: app::f\n   1: app::g"
        );
    }

    #[inline(never)]
    fn __candor_poll_boundary(poll: fn() -> String) -> String {
        black_box(poll())
    }

    #[inline(never)]
    fn polled() -> String {
        black_box(Backtrace::force_capture().to_string())
    }

    #[test]
    fn a_real_backtrace_shows_the_polled_function_and_nothing_of_the_test_harness() {
        // These tests are part of candor, whose frames are hidden, so the name of a user's crate
        // replaces candor's. They need a build with symbols, since a stripped one has no names to
        // show.
        let text = __candor_poll_boundary(polled)
            .replace(module_path!(), "app")
            .replace(
                "app::__candor_poll_boundary",
                "candor::__candor_poll_boundary",
            );
        let trimmed = shown(&text);
        assert!(trimmed.contains("\n   0: app::polled"), "{trimmed}");
        assert!(!trimmed.contains("\n   1: "), "{trimmed}");
        assert!(
            text_of(&text, true).contains("__rust_begin_short_backtrace"),
            "{text}"
        );
    }
}
