//! Talk over TCP on this machine: bytes that come back, and a page over HTTP.
//!
//! ```text
//! one executor, one core
//!   client task ──request──► kernel ──► server task      so many pairs at once, each on its connection
//!               ◄─response── kernel ◄──
//! ```
//!
//! Clients and server are tasks of the same executor in one process. So no second process, whose share of the machine
//! would be somebody's luck, stands beside what is measured; both ends are paid for, and by every peer alike.
//! An exchange is one request and its answer. With one connection it shows how long a wake takes from the
//! kernel to the task, with many what an exchange costs when there is always something to do.
//!
//! Buffers are handed over and come back, as io_uring wants it: to the others that is one move of a `Vec`.
//!
//! candor is in these rows with its feature `async-io` only, as its users would have it who have sockets; without it
//! a thread of async-io's would share the one core with the tasks.

use std::cell::Cell;
use std::convert::Infallible;
use std::mem::take;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::number_from_a_task;
use crate::effort::Effort;
use crate::latch::Latch;
use crate::peers::{Http, Sockets};
use crate::row::Target::TimesTheRecord;
use crate::row::{Figure, Need, Row};

pub fn rows<P: Sockets>() -> Vec<Row> {
    let echo = COUNTS.map(|count| {
        let title = format!("TCP echo, {}, an exchange", connections(count));
        row(&format!("tcp-echo-{count}"), title, move |effort| {
            measured::<P, Echo<P>>(effort, count)
        })
    });
    echo.map(|row| row.needs(Need::Sockets)).into()
}

pub fn rows_of_http<P: Http>() -> Vec<Row> {
    let hello = COUNTS.map(|count| {
        let title = format!("HTTP hello, {}, a request", connections(count));
        row(&format!("http-hello-{count}"), title, move |effort| {
            measured::<P, Hello>(effort, count)
        })
    });
    hello.map(|row| row.needs(Need::Http)).into()
}

const COUNTS: [usize; 3] = [1, 32, 1_000];

fn connections(count: usize) -> String {
    match count {
        1 => "1 connection".to_owned(),
        _ => format!("{count} connections"),
    }
}

fn row(id: &str, title: String, measure: impl Fn(&Effort) -> f64 + 'static) -> Row {
    let figure = Figure::new(title, "µs", TimesTheRecord(1.0));
    Row::of_figures(id, [figure], move |effort| [measure(effort)])
}

/// One end of a connection that asks, and the task at its other end that answers.
trait Client<P: Sockets>: Sized + 'static {
    /// Answers until the client is gone, and says how often it did.
    async fn serve(stream: P::Stream) -> u64;

    async fn connect(peer: &P, address: SocketAddr) -> Self;

    /// Asks, and checks the answer.
    async fn exchange(&mut self);
}

/// Microseconds an exchange, over connections that stay from one batch to the next.
fn measured<P: Sockets, C: Client<P>>(effort: &Effort, count: usize) -> f64 {
    let effort = *effort;
    let count = effort.count(count);
    allow_descriptors(2 * count as u64 + 64);
    number_from_a_task(move |peer: P| async move {
        let answered = Rc::new(Cell::new(0));
        let served = Latch::new(count);
        let clients = connected::<P, C>(&peer, count, &answered, &served).await;
        let mut asked = 0;
        let ns = effort
            .ns_per_op_within(count, async |rounds| {
                asked += rounds * count as u64;
                let done = Latch::new(count);
                let start = Instant::now();
                for number in 0..count {
                    let (clients, done) = (Rc::clone(&clients), Rc::clone(&done));
                    peer.spawn_detached(async move {
                        let client = clients[number].take();
                        let mut client = client.expect("a client is used by one task at a time");
                        for _ in 0..rounds {
                            client.exchange().await;
                        }
                        clients[number].set(Some(client));
                        done.count_down();
                    });
                }
                done.opened().await;
                start.elapsed()
            })
            .await;
        for client in &*clients {
            drop(client.take());
        }
        served.opened().await;
        assert_eq!(answered.get(), asked);
        ns / 1e3
    })
}

/// So many clients, each with its server.
async fn connected<P: Sockets, C: Client<P>>(
    peer: &P,
    count: usize,
    answered: &Rc<Cell<u64>>,
    served: &Rc<Latch>,
) -> Rc<[Cell<Option<C>>]> {
    let (listener, address) = P::listen().await.expect("this machine has a loopback");
    let mut clients = Vec::new();
    for _ in 0..count {
        // The system completes the connection before anybody accepts it.
        clients.push(Cell::new(Some(C::connect(peer, address).await)));
        let stream = P::accept(&listener).await.expect("a client has connected");
        let (answered, served) = (Rc::clone(answered), Rc::clone(served));
        peer.spawn_detached(async move {
            let count = C::serve(stream).await;
            answered.set(answered.get() + count);
            served.count_down();
        });
    }
    clients.into()
}

/// As many as a message of a chat or a sensor has.
const MESSAGE: usize = 64;

struct Echo<P: Sockets> {
    stream: P::Stream,
    said: u8,
    buffer: Vec<u8>,
}

impl<P: Sockets> Client<P> for Echo<P> {
    async fn serve(mut stream: P::Stream) -> u64 {
        let mut bytes = 0;
        let mut buffer = vec![0; 1024];
        loop {
            let (count, read) = P::read(&mut stream, buffer).await;
            let count = count.expect("a client hangs up in peace");
            if count == 0 {
                return bytes / MESSAGE as u64;
            }
            buffer = write_all::<P>(&mut stream, read, count).await;
            bytes += count as u64;
        }
    }

    async fn connect(_peer: &P, address: SocketAddr) -> Self {
        let stream = P::connect(address).await;
        Echo {
            stream: stream.expect("the server listens"),
            said: 0,
            buffer: vec![0; 1024],
        }
    }

    async fn exchange(&mut self) {
        self.said = self.said.wrapping_add(1);
        let mut buffer = take(&mut self.buffer);
        buffer.resize(buffer.len().max(MESSAGE), 0);
        buffer[..MESSAGE].fill(self.said);
        buffer = write_all::<P>(&mut self.stream, buffer, MESSAGE).await;
        let mut count = 0;
        while count < MESSAGE {
            let (more, heard) = P::read(&mut self.stream, buffer).await;
            let more = more.expect("the server answers");
            assert_ne!(more, 0, "the server stays until the client goes");
            assert!(heard[..more].iter().all(|&byte| byte == self.said));
            count += more;
            buffer = heard;
        }
        assert_eq!(count, MESSAGE, "nothing is said twice");
        self.buffer = buffer;
    }
}

/// Writes the first `count` bytes.
async fn write_all<P: Sockets>(stream: &mut P::Stream, buffer: Vec<u8>, count: usize) -> Vec<u8> {
    let (written, mut buffer) = P::write(stream, buffer, 0, count).await;
    let mut from = written.expect("the other end listens");
    while from < count {
        let (written, same) = P::write(stream, buffer, from, count).await;
        from += written.expect("the other end listens");
        buffer = same;
    }
    buffer
}

/// hyper's own client, with the task that drives its connection.
struct Hello(SendRequest<Empty<Bytes>>);

const PAGE: &str = "hello\n";

impl<P: Http> Client<P> for Hello {
    async fn serve(stream: P::Stream) -> u64 {
        let answered = Cell::new(0);
        let service = service_fn(async |_request| {
            answered.set(answered.get() + 1);
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(
                PAGE.as_bytes(),
            ))))
        });
        let served = http1::Builder::new().serve_connection(stream, service);
        served.await.expect("a client hangs up in peace");
        answered.get()
    }

    async fn connect(peer: &P, address: SocketAddr) -> Self {
        let stream = P::connect(address).await;
        let connected = handshake(stream.expect("the server listens")).await;
        let (sender, connection) = connected.expect("nothing is said at first");
        peer.spawn_detached(async {
            connection.await.expect("the server answers to the end");
        });
        Hello(sender)
    }

    async fn exchange(&mut self) {
        let request = Request::get("/").header("host", "localhost");
        let request = request.body(Empty::new()).expect("it is a good request");
        self.0.ready().await.expect("the last exchange is over");
        let response = self.0.send_request(request).await;
        let response = response.expect("the server answers");
        assert!(response.status().is_success());
        let page = response.into_body().collect().await;
        assert_eq!(page.expect("the page is whole").to_bytes(), PAGE);
    }
}

/// Asks the system for so many open files, which many systems grant only when asked.
fn allow_descriptors(count: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= count) {
        return;
    }
    let raised = Rlimit {
        current: Some(count),
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        panic!("{count} open files are needed, and this system does not grant them: {error}");
    }
}
