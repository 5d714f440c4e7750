//! What a task may return: types that show success or failure.
//!
//! The failure of a task that is not awaited must still be reported. For that, the executor must
//! see a failure in the value that the future returned, and it must see it in the *type*: a
//! `Vec<Result<..>>` that is dropped unread would lose its errors. So `spawn` takes no future whose
//! output leaves the question open.
//!
//! ```text
//! a task returns      and that means            the awaiter gets
//! ──────────────      ──────────────            ────────────────
//! Result<T, E>   ───  Ok or Err               ─▶ T, or Failed(E)
//! V: Value       ───  success, always         ─▶ V
//! Plain<T>       ───  success, on your word   ─▶ T
//! !              ───  it never returns        ─▶ nothing
//! anything else  ───  a compile error that names these three ways
//! ```
//!
//! [`Value`] is a list and not a rule, since Rust has no way to say "every type but `Result`". The
//! list holds the plain types of std, and containers of them. It leaves out types that may hold an
//! unseen failure: `Result`, error types (a task that returns `io::Error` ran until it failed),
//! `std::thread::JoinHandle` (its thread may have panicked), `Box<dyn Any>` and other erased types
//! (candor cannot look inside), and futures and closures (they have not run yet: usually an
//! `.await` was forgotten).
//!
//! Knows no task and no executor: only types.

use std::any::type_name;
use std::borrow::Cow;
use std::cell::{Cell, LazyCell, OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::convert::Infallible;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::num::{Saturating, Wrapping};
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::ptr::NonNull;
use std::rc::{self, Rc};
use std::sync::{self, Arc, LazyLock, Mutex, OnceLock, RwLock, atomic, mpsc};
use std::task::Poll;
use std::{fs, io, net, num, ops, panic, process, thread, time};

use crate::kernel::failure::{Site, Warning, reporter};

/// Tells whether what a task returned is a success or a failure, as
/// [`std::process::Termination`] does for `main`.
///
/// It is implemented for `Result<T, E>` where `E: Debug + 'static`, for every [`Value`], for
/// [`Plain`], and for `!`, so that `async { loop { .. } }` and `async { todo!() }` can be spawned.
/// A type of your own needs it only if it can be a failure; mark a plain type as a [`Value`].
///
/// # Examples
///
/// What a task returns becomes what its handle yields; an `Err` becomes the handle's own error:
///
/// ```
/// candor::block_on(async {
///     let parsed = candor::spawn(async { "7".parse::<u8>() });
///     assert_eq!(parsed.await.unwrap(), 7);
///
///     let refused = candor::spawn(async { "seven".parse::<u8>() });
///     assert!(refused.await.is_err());
/// });
/// ```
///
/// A type of your own that holds either one:
///
/// ```
/// enum Download {
///     Complete(Vec<u8>),
///     Broken { after: u64 },
/// }
///
/// impl candor::Outcome for Download {
///     type Ok = Vec<u8>;
///     type Err = String;
///
///     fn into_result(self) -> Result<Vec<u8>, String> {
///         match self {
///             Download::Complete(bytes) => Ok(bytes),
///             Download::Broken { after } => Err(format!("broken off after {after} bytes")),
///         }
///     }
/// }
///
/// candor::block_on(async {
///     let download = candor::spawn(async { Download::Complete(vec![1, 2, 3]) });
///     assert_eq!(download.await.unwrap(), [1, 2, 3]);
///
///     let download = candor::spawn(async { Download::Broken { after: 12 } });
///     assert!(download.await.is_err());
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "a task cannot return `{Self}`: candor has to see whether the task failed, and to print the failure",
    label = "this task returns it",
    note = "if it can fail, or is an error: return a `Result` whose error type is `'static` and `Debug` (`#[derive(Debug)]`)",
    note = "if your own type is in it, a plain one that is never a failure: `impl candor::Value for MyType {{}}`",
    note = "if it is plain, but from std or another crate: return `candor::Plain(x)`",
    note = "if it has `Result`s inside: `?` on each, `into_iter().collect::<Result<Vec<_>, _>>()?` on a `Vec`, `transpose()?` on an `Option`; then end with `candor::Ok(x)`",
    note = "if it is a future: it has not run yet, `.await` it"
)]
pub trait Outcome {
    /// What an awaiter of the task gets when it succeeds.
    type Ok;

    /// What the task failed with; [`Infallible`] where it cannot fail.
    type Err: Debug + 'static;

    /// Takes the outcome apart.
    ///
    /// ```
    /// use candor::{Outcome, Plain};
    ///
    /// assert_eq!("7".parse::<u8>().into_result(), Ok(7));
    /// assert_eq!("plain".into_result(), Ok("plain"));
    /// assert_eq!(Plain('x').into_result(), Ok('x'));
    /// ```
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

/// Marks a plain value: one that can never be a failure, nor hold one.
///
/// It is implemented for the plain types of std, and for containers, smart pointers and tuples *of
/// values*. So `Vec<Result<..>>` is no value, and a task that returns it does not compile: without
/// an awaiter, its errors would be lost. Turn such results into one, with `?` on each or with
/// `collect::<Result<Vec<_>, _>>()`.
///
/// Error types are not values either, apart from [`Infallible`]: return an error as an `Err`.
///
/// # Examples
///
/// A type of your own needs one line, and so does a generic one:
///
/// ```
/// #[derive(Debug, PartialEq)]
/// struct Page {
///     title: String,
/// }
/// impl candor::Value for Page {}
///
/// struct Cached<T>(T);
/// impl<T: candor::Value> candor::Value for Cached<T> {}
///
/// candor::block_on(async {
///     let pages = candor::spawn(async { vec![Page { title: "Home".into() }] });
///     assert_eq!(pages.await.unwrap()[0].title, "Home");
///
///     let cached = candor::spawn(async { Cached(7) });
///     assert_eq!(cached.await.unwrap().0, 7);
/// });
/// ```
///
/// For a type from another crate there is [`Plain`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not known to candor as a plain value, one that is never a failure",
    label = "must be a plain value",
    note = "if your own type is in it, a plain one that is never a failure: `impl candor::Value for MyType {{}}`",
    note = "if a task returns it, and it is plain, but from std or another crate: return `candor::Plain(x)`",
    note = "if a task returns it, and it can fail: return a `Result`",
    note = "if it has `Result`s inside: `?` on each, `into_iter().collect::<Result<Vec<_>, _>>()?` on a `Vec`, `transpose()?` on an `Option`; then end with `candor::Ok(x)`"
)]
pub trait Value {}

/// Makes any value the success of a task: for types from other crates, for which you cannot write
/// `impl Value`.
///
/// The awaiter gets the bare `T`. You give your word that it is no failure: candor does not look
/// inside.
///
/// # Examples
///
/// ```
/// use std::any::Any;
///
/// candor::block_on(async {
///     let erased: Box<dyn Any> = Box::new(7);
///     let handle = candor::spawn(async { candor::Plain(erased) });
///     assert!(handle.await.unwrap().is::<i32>());
/// });
/// ```
///
/// Wrap the whole returned value, not a part: `Plain(vec)` is an outcome, `Vec<Plain<_>>` is not.
/// The `Ok` of a `Result` needs no `Plain`:
///
/// ```
/// use std::any::Any;
///
/// candor::block_on(async {
///     let handle = candor::spawn(async {
///         let number: u8 = "7".parse()?;
///         Ok::<Box<dyn Any>, std::num::ParseIntError>(Box::new(number))
///     });
///     assert!(handle.await.unwrap().is::<u8>());
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Plain<T>(pub T);

impl<T, E: Debug + 'static> Outcome for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn into_result(self) -> Result<T, E> {
        self
    }
}

impl<V: Value> Outcome for V {
    type Ok = V;
    type Err = Infallible;

    fn into_result(self) -> Result<V, Infallible> {
        Ok(self)
    }
}

impl<T> Outcome for Plain<T> {
    type Ok = T;
    type Err = Infallible;

    fn into_result(self) -> Result<T, Infallible> {
        Ok(self.0)
    }
}

/// For a task that never returns: its output, `N`, is `!`.
//
// Stable Rust can name `!` only as what a function returns. A trait of candor's own over function
// pointers could also read it from there. But then no other crate could implement `Outcome`: the
// compiler assumes that such a trait may gain impls that make `N` anything. It does not assume that of
// `FnOnce`.
impl<N> Outcome for N
where
    fn() -> !: FnOnce() -> N,
{
    type Ok = N;
    type Err = Infallible;

    fn into_result(self) -> Result<N, Infallible> {
        Ok(self)
    }
}

/// Whether `T` is itself a `Result`: then a task that succeeds with it may hide a failure.
///
/// Without a bound, only the name of a type can be read. If std ever prints it differently, a
/// warning is lost, and nothing else.
fn is_result<T>() -> bool {
    type_name::<T>().starts_with("core::result::Result<")
}

/// Warns, in a debug build, of a task or a main future whose success may hide a failure.
pub(crate) fn check_for_nested_result<T: Outcome>(what: &str, at: Site) {
    if cfg!(debug_assertions) && is_result::<T::Ok>() {
        reporter().warn(Warning::NestedResult { what, at });
    }
}

/// Implements [`Value`] for each of the types: `values! { [what they are generic over] types }`.
macro_rules! values {
    ($generics:tt $($plain:ty),+ $(,)?) => { $( value! { $generics $plain } )+ };
}

macro_rules! value {
    ([$($generics:tt)*] $plain:ty) => { impl<$($generics)*> Value for $plain {} };
}

/// Implements [`Value`] for the tuple of all names, then for that of all but the first, and so on.
macro_rules! tuples_of_values {
    () => {};
    ($first:ident $($rest:ident)*) => {
        value! { [$first: Value, $($rest: Value),*] ($first, $($rest,)*) }
        tuples_of_values! { $($rest)* }
    };
}

// Numbers and other plain types.
values! { []
    (), bool, char, Infallible,
    i8, i16, i32, i64, i128, isize,
    u8, u16, u32, u64, u128, usize,
    f32, f64,
    num::NonZeroI8, num::NonZeroI16, num::NonZeroI32, num::NonZeroI64, num::NonZeroI128, num::NonZeroIsize,
    num::NonZeroU8, num::NonZeroU16, num::NonZeroU32, num::NonZeroU64, num::NonZeroU128, num::NonZeroUsize,
    num::FpCategory, num::IntErrorKind, std::cmp::Ordering, std::any::TypeId, std::alloc::Layout, ops::RangeFull,
    atomic::AtomicBool,
    atomic::AtomicI8, atomic::AtomicI16, atomic::AtomicI32, atomic::AtomicI64, atomic::AtomicIsize,
    atomic::AtomicU8, atomic::AtomicU16, atomic::AtomicU32, atomic::AtomicU64, atomic::AtomicUsize,
    atomic::Ordering,
}

// Text, paths and time.
values! { []
    str, String, CStr, CString, OsStr, OsString, Path, PathBuf,
    time::Duration, time::Instant, time::SystemTime,
}

// Addresses, sockets and files.
values! { []
    net::IpAddr, net::Ipv4Addr, net::Ipv6Addr, net::SocketAddr, net::SocketAddrV4, net::SocketAddrV6,
    net::TcpStream, net::TcpListener, net::UdpSocket, net::Shutdown,
    fs::File, fs::FileType, fs::Metadata, fs::Permissions, fs::DirEntry,
    io::ErrorKind, io::SeekFrom, io::Stdin, io::Stdout, io::Stderr, io::Empty, io::Sink, io::PipeReader, io::PipeWriter,
}
#[cfg(unix)]
values! { []
    std::os::fd::OwnedFd,
    std::os::unix::net::UnixStream, std::os::unix::net::UnixListener, std::os::unix::net::UnixDatagram,
    std::os::unix::net::SocketAddr,
}
#[cfg(windows)]
values! { [] std::os::windows::io::OwnedHandle, std::os::windows::io::OwnedSocket }

// Processes and threads. What the exit of a process means is for the reader to judge, as it is
// without candor. A thread's `JoinHandle` is missing, since it may hold a panic.
values! { []
    process::ExitStatus, process::ExitCode, process::Output,
    process::Child, process::ChildStdin, process::ChildStdout, process::ChildStderr,
    thread::Thread, thread::ThreadId, sync::Barrier,
    panic::Location<'_>, std::backtrace::Backtrace, std::task::Waker, std::hash::RandomState,
}

// Wrappers of one value.
values! { [V: Value]
    Option<V>, Poll<V>, Pin<V>, ManuallyDrop<V>, panic::AssertUnwindSafe<V>, std::vec::IntoIter<V>, Reverse<V>, Wrapping<V>, Saturating<V>, Bound<V>,
    ops::Range<V>, ops::RangeInclusive<V>, ops::RangeFrom<V>, ops::RangeTo<V>, ops::RangeToInclusive<V>,
    OnceCell<V>, OnceLock<V>, io::Cursor<V>, io::BufReader<V>,
    mpsc::Sender<V>, mpsc::SyncSender<V>, mpsc::Receiver<V>,
}
values! { [V: Value, F] LazyCell<V, F>, LazyLock<V, F> }
values! { [B: Value, C: Value] ControlFlow<B, C> }

// Pointers and cells, which may hold a `str` or a slice as well.
values! { [V: Value + ?Sized]
    &V, &mut V, Box<V>, Rc<V>, Arc<V>, rc::Weak<V>, sync::Weak<V>,
    Cell<V>, RefCell<V>, Mutex<V>, RwLock<V>,
}
values! { [V: Value + ToOwned<Owned: Value> + ?Sized] Cow<'_, V> }
values! { [T: ?Sized] PhantomData<T>, *const T, *mut T, NonNull<T> }
values! { [T] atomic::AtomicPtr<T>, std::mem::Discriminant<T> }

// Collections.
values! { [V: Value] [V], Vec<V>, VecDeque<V>, LinkedList<V>, BinaryHeap<V>, BTreeSet<V> }
values! { [V: Value, const N: usize] [V; N] }
values! { [V: Value, S] HashSet<V, S> }
values! { [K: Value, V: Value] BTreeMap<K, V> }
values! { [K: Value, V: Value, S] HashMap<K, V, S> }
tuples_of_values! { A B C D E F G H I J K L }

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[test]
    fn a_result_keeps_both_its_sides() {
        assert_eq!(Ok::<u8, &str>(1).into_result(), Ok(1));
        assert_eq!(Err::<u8, &str>("no").into_result(), Err("no"));
    }

    #[test]
    fn a_value_and_a_plain_thing_are_always_a_success() {
        assert_eq!(vec![Some("a")].into_result(), Ok(vec![Some("a")]));
        assert_eq!(Plain(fmt::Error).into_result(), Ok(fmt::Error));
    }

    #[test]
    fn a_result_is_known_by_any_of_its_names() {
        assert!(is_result::<Result<u8, String>>());
        assert!(is_result::<io::Result<()>>());
        assert!(is_result::<fmt::Result>());
    }

    #[test]
    fn what_only_looks_like_a_result_is_none() {
        struct Result<T>(PhantomData<T>);

        assert!(!is_result::<Result<u8>>());
        assert!(!is_result::<Option<io::Result<()>>>());
        assert!(!is_result::<()>());
    }
}
