//! Fetches a thousand pages, 32 at a time, and reports at the end what went wrong, and how often.
//!
//! ```sh
//! cargo run --manifest-path examples/net/Cargo.toml --bin http_server
//! # and in another terminal:
//! cargo run --manifest-path examples/net/Cargo.toml --bin fetch_all -- \
//!     http://127.0.0.1:8000/ http://127.0.0.1:8000/panic http://127.0.0.1:8000/hang
//! ```
//!
//! The given pages are requested in turn. `TaskPool::completed` makes a task of each request when there is room for
//! it, so that never more than 32 exist, and gives each result as it comes. A failure goes to the reader of the
//! results. So it is not printed at once, which would spoil the progress bar. Failures are counted here, and of
//! those with the same text the first is shown in full.
//!
//! The exit code is 1 if any page could not be fetched, and 2 if none was given.

use std::collections::BTreeMap;
use std::env;
use std::process::ExitCode;

use async_net::TcpStream;
use candor::{JoinError, TaskPool};
use futures_lite::future::try_zip;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, Uri};
use indicatif::ProgressBar;
use smol_hyper::rt::FuturesIo;

const REQUESTS: usize = 1_000;
const AT_ONCE: usize = 32;

fn main() -> ExitCode {
    let pages: Result<Vec<Uri>, _> = env::args().skip(1).map(|page| page.parse()).collect();
    match pages {
        Ok(pages) if !pages.is_empty() => candor::block_on(fetch_all(&pages)),
        Ok(_) => {
            eprintln!("usage: fetch_all URL...");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("fetch_all: {error}");
            ExitCode::from(2)
        }
    }
}

async fn fetch_all(pages: &[Uri]) -> ExitCode {
    let progress = ProgressBar::new(REQUESTS as u64);
    let mut bytes = 0;
    let mut failures = Failures::default();

    let pool = TaskPool::new(AT_ONCE);
    let requests = pages.iter().cloned().cycle().take(REQUESTS);
    let mut fetched = pool.completed(requests, fetch);
    while let Some(page) = fetched.next().await {
        progress.inc(1);
        match page {
            Ok(length) => bytes += length,
            Err(error) => failures.add(error),
        }
    }

    progress.finish_and_clear();
    let good = REQUESTS - failures.count();
    println!("{good} of {REQUESTS} pages, {bytes} bytes");
    failures.print();
    match failures.count() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Fetches one page over a connection of its own, and says how long it is.
async fn fetch(page: Uri) -> candor::Result<usize> {
    let authority = page.authority().ok_or("a URL begins with http://host/")?;
    let address = (authority.host(), authority.port_u16().unwrap_or(80));
    let path = page.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, authority.as_str())
        .body(Empty::<Bytes>::new())?;

    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(FuturesIo::new(stream)).await?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        if !status.is_success() {
            Err(format!("{page}: {status}"))?;
        }
        candor::Ok(response.into_body().collect().await?.to_bytes().len())
    };
    // hyper's user has to drive the connection. It is done when `exchange` drops the sender.
    let (length, ()) = try_zip(exchange, async { candor::Ok(connection.await?) }).await?;
    Ok(length)
}

/// What went wrong, sorted by its text.
#[derive(Default)]
struct Failures(BTreeMap<String, Vec<JoinError<candor::Error>>>);

impl Failures {
    fn add(&mut self, error: JoinError<candor::Error>) {
        let message = match error.failure() {
            Some(failure) => failure.message().to_owned(),
            None => error.to_string(),
        };
        self.0.entry(message).or_default().push(error);
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// The number of each, and the first of them in full.
    fn print(&self) {
        for (message, errors) in &self.0 {
            println!("\n{} times {message}\n{:?}", errors.len(), errors[0]);
        }
    }
}
