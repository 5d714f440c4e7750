//! The chain of `.await`s that leads to where a task waits, read from a backtrace.
//!
//! A backtrace is taken at each clone and each wake of the traced waker. A task that waits for several things at once, as in a
//! `select!`, has a chain for each.
//!
//! Knows frames, but no task.

use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::cmp::Ordering;

use crate::kernel::failure::{AwaitKind, LastAwait, in_one_line};
use crate::report::backtrace::{Frame, awaits_candor, frames_of_others};
use crate::report::place::Place;
use crate::report::source_line::Sources;

/// How many backtraces are taken in one poll: each costs some 0.2 ms.
const TRACES: usize = 8;

/// Parts of the names of locks, by which a wait for one is known: what holds a lock is in this program.
const LOCKS: [&str; 7] = [
    "async_lock::mutex::",
    "async_lock::rwlock::",
    "async_lock::semaphore::",
    "tokio::sync::mutex::",
    "tokio::sync::rwlock::",
    "tokio::sync::semaphore::",
    "futures_util::lock::",
];

/// The `.await`s at which a task stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chain {
    /// What the innermost `.await` of the user's waits in.
    waits_in: Option<String>,
    /// Only this executor, or what holds a lock of this program, can end the wait. `None` if that cannot be seen.
    is_inside: Option<bool>,
    /// The place and the function of each `.await` of the user's, the innermost first.
    links: Vec<(Place<'static>, String)>,
}

thread_local! {
    /// The text of the backtrace at each clone or wake, in the traced poll that runs on this thread; `None` if none runs.
    static SEEN: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Whether a poll runs that is made for its chains. While the thread ends, none does.
pub(crate) fn is_tracing() -> bool {
    SEEN.try_with(|seen| seen.borrow().is_some()) == Ok(true)
}

/// Takes a backtrace, if a traced poll runs. The traced waker calls this.
pub(super) fn note_frames() {
    let Ok(Some(mut seen)) = SEEN.try_with(RefCell::take) else {
        return;
    };
    match seen.len().cmp(&TRACES) {
        Ordering::Less => seen.push(Backtrace::force_capture().to_string()),
        // There is more than is known. Of a backtrace without frames nobody knows who ends the wait.
        Ordering::Equal => seen.push(String::new()),
        Ordering::Greater => {}
    }
    SEEN.set(Some(seen));
}

/// Runs a traced poll, which must not panic. Returns its chains, each once.
pub(super) fn chains_of(poll: impl FnOnce()) -> Vec<Chain> {
    // While the thread ends, nothing is seen.
    let replace = |seen| SEEN.try_with(|cell| cell.replace(seen)).ok().flatten();
    let outer = replace(Some(Vec::new()));
    poll();
    let seen = replace(outer);
    let seen = seen.unwrap_or_default();
    let mut chains: Vec<Chain> = Vec::new();
    for backtrace in &seen {
        let mut chain = Chain::of(backtrace);
        if seen.len() > 1 {
            // The last await is one of several waits, and nobody can see which.
            chain.is_inside.get_or_insert(false);
        }
        if !chains.contains(&chain) {
            chains.push(chain);
        }
    }
    chains
}

/// Lines for the chains of one task, each beginning with a newline.
pub(super) fn lines_of(chains: &[Chain], sources: &Sources) -> String {
    // A chain that ends on the way of another one says nothing more: a timeout polls its own timer, and what it times.
    let is_part = |chain: &&Chain| {
        let is_longer = |other: &Chain| {
            other.links.len() > chain.links.len() && other.links.ends_with(&chain.links)
        };
        chain.waits_in.is_none() && chains.iter().any(is_longer)
    };
    let shown = chains.iter().filter(|chain| !is_part(chain));
    shown.map(|chain| chain.lines(sources)).collect()
}

impl Chain {
    fn of(backtrace: &str) -> Self {
        let frames = frames_of_others(backtrace);
        let begin = frames.iter().position(is_of_user);
        let (awaited, users) = frames.split_at(begin.unwrap_or(frames.len()));
        // The last one before the user's own is what the user awaits. If it is made of locks, these say more.
        let lock = awaited.iter().rfind(|frame| is_of_lock(frame));
        let waits_in = lock.or(awaited.last()).map(function_of);
        let is_inside = match &waits_in {
            Some(_) => Some(lock.is_some()),
            // The innermost `.await` of the user's may be that of a future of candor's, whose waker stays in this executor.
            None => awaits_candor(backtrace),
        };
        let users = users.iter().filter(|frame| is_of_user(frame));
        let link = |frame: &Frame<'_>| {
            let place = frame.place.clone()?.into_owned();
            Some((place, function_of(frame)))
        };
        Chain {
            waits_in,
            is_inside,
            links: users.filter_map(link).collect(),
        }
    }

    /// Whether only this executor, or what holds a lock of this program, can end the wait. Where that cannot be seen, the task's
    /// last await decides, if that is known to be the present one, and the task waits for nothing else.
    pub(super) fn is_inside(&self, last_await: Option<LastAwait>) -> bool {
        (self.is_inside).unwrap_or_else(|| is_in_this_executor(last_await))
    }

    /// Lines that each begin with a newline, those of source among them.
    fn lines(&self, sources: &Sources) -> String {
        let mut text = String::new();
        if let Some(waits_in) = &self.waits_in {
            text.push_str(&format!("\n   waits in {waits_in}"));
        }
        for (place, function) in &self.links {
            let shown = in_one_line(&place.shown);
            text.push_str(&format!("\n   .await at {shown} in {function}"));
            text.push_str(&sources.below_place(place, 8));
        }
        text
    }
}

/// Whether a task waits in a future of candor's that only this executor can end. A timeout that is the last await waits in what it
/// is around, and that is no future of candor's.
pub(super) fn is_in_this_executor(last_await: Option<LastAwait>) -> bool {
    let may_be_outside = [AwaitKind::REMOTE, AwaitKind::TIMEOUT];
    last_await.is_some_and(|last| !last.what.is_stale() && !may_be_outside.contains(&last.what))
}

/// Whether a frame is the user's own. Where a build has no places, only the crates that have locks are known to be others.
fn is_of_user(frame: &Frame<'_>) -> bool {
    let name = frame.symbol.trim_start_matches('<').split("::").next();
    match &frame.place {
        Some(place) => !place.is_in_a_library(),
        None => !LOCKS.iter().any(|lock| lock.split("::").next() == name),
    }
}

fn is_of_lock(frame: &Frame<'_>) -> bool {
    let path = without_generics(frame.symbol);
    LOCKS.iter().any(|lock| path.contains(lock))
}

/// A function's own path: `<tokio::sync::mpsc::Receiver<Mutex>>::recv` has to do with a channel.
fn without_generics(symbol: &str) -> String {
    let own = i32::from(symbol.starts_with('<'));
    let mut depth = 0;
    let is_own = |c: &char| {
        depth += i32::from(*c == '<') - i32::from(*c == '>');
        depth <= own
    };
    // The arrow of a function type closes no bracket.
    let symbol = symbol.replace("->", "");
    symbol.chars().filter(is_own).collect()
}

/// The name of a function, without the closures that an async function is made of.
fn function_of(frame: &Frame<'_>) -> String {
    in_one_line(frame.symbol.trim_end_matches("::{{closure}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A traced poll that clones the waker in these functions, in a build that has no places.
    fn chains_without_places(waits: &[&str]) -> Vec<Chain> {
        let clone = "0: candor::watch::traced::clone";
        let seen = waits
            .iter()
            .map(|wait| format!("{clone}\n1: {wait}\n2: app::main"));
        chains_of(|| SEEN.set(Some(seen.collect())))
    }

    fn last_await(what: AwaitKind) -> Option<LastAwait> {
        let at = std::panic::Location::caller();
        Some(LastAwait { what, at })
    }

    #[test]
    fn without_places_a_timeout_may_wait_for_something_outside() {
        let [chain] = &chains_without_places(&["app::accept"])[..] else {
            unreachable!("one wait has one chain")
        };
        assert!(!chain.is_inside(last_await(AwaitKind::TIMEOUT)));
        assert!(chain.is_inside(last_await(AwaitKind::JOIN)));
    }

    #[test]
    fn without_places_a_task_that_waits_for_a_handle_may_wait_for_something_else_too() {
        let chains = chains_without_places(&["app::accept", "candor::JoinHandle::poll"]);
        let last = last_await(AwaitKind::JOIN);
        assert!(!chains.iter().all(|chain| chain.is_inside(last)));
    }

    #[test]
    fn a_chain_that_ends_on_the_way_of_a_longer_one_is_not_shown() {
        let chain = |waits_in: Option<&str>, links: &[&str]| Chain {
            waits_in: waits_in.map(str::to_owned),
            is_inside: None,
            links: links
                .iter()
                .map(|link| {
                    let place = Place::parse("/a.rs:1:1", "/".as_ref()).into_owned();
                    (place, (*link).to_owned())
                })
                .collect(),
        };
        let text = |chains: &[Chain]| lines_of(chains, &Sources::built_at(None));
        let long = chain(None, &["inner", "outer"]);
        let whole = long.lines(&Sources::built_at(None));
        // What the longer one says as well.
        assert_eq!(text(&[chain(None, &["outer"]), long.clone()]), whole);
        // What it does not say: another way, another end, and what is waited for.
        for other in [
            chain(None, &["another"]),
            chain(None, &["inner"]),
            chain(None, &["another", "outer"]),
            chain(Some("a lock"), &["outer"]),
            chain(Some("a lock"), &["inner", "outer"]),
        ] {
            let both = other.lines(&Sources::built_at(None)) + &whole;
            assert_eq!(text(&[other, long.clone()]), both);
        }
    }

    #[test]
    fn a_path_has_no_arguments_and_a_method_keeps_its_type() {
        let receives =
            "<tokio::sync::mpsc::bounded::Receiver<fn(u8) -> tokio::sync::mutex::Mutex<u8>>>::recv";
        assert_eq!(
            without_generics(receives),
            "<tokio::sync::mpsc::bounded::Receiver>>::recv"
        );
        let locks = "tokio::sync::mutex::Mutex<T>::lock::{{closure}}";
        assert_eq!(
            without_generics(locks),
            "tokio::sync::mutex::Mutex>::lock::{{closure}}"
        );
    }
}
