//! candor's tasks inside tokio: tokio's sockets, candor's timers and reports.
//!
//! ```text
//! tokio: block_on ──► run_until ──► the server's task ──► a task for each connection
//!                          ▲                                        │
//!                          └────── tokio's sockets wake them ◄──────┘
//! ```
//!
//! Three clients send a number each, and the server answers with its double after a sleep. One of them
//! sends no number. Predict: which connections notice, and what is printed?
//!
//! ```text
//! cargo run --manifest-path examples/embedding/Cargo.toml --bin inside_tokio
//! ```

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("tokio can be started");
    let executor = candor::Executor::new();
    runtime.block_on(executor.run_until(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = candor::TaskBuilder::new().name("server").daemon();
        server.spawn(serve(listener)).detach();
        for word in ["21", "twenty-one", "4"] {
            match ask(address, word).await {
                Ok(answer) => println!("{word}: {answer}"),
                Err(error) => println!("{word}: no answer ({error})"),
            }
        }
    }));
    println!("failures reported: {}", executor.failures());
}

/// One task for each connection; no handle is kept.
async fn serve(listener: TcpListener) -> candor::Result {
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = candor::TaskBuilder::new().name("connection");
        connection.spawn(double(stream)).detach();
    }
}

async fn double(mut stream: TcpStream) -> candor::Result {
    let mut request = [0; 32];
    let length = stream.read(&mut request).await?;
    candor::sleep(Duration::from_millis(5)).await;
    let number: i32 = std::str::from_utf8(&request[..length])?.parse()?;
    stream
        .write_all((2 * number).to_string().as_bytes())
        .await?;
    candor::Ok(())
}

async fn ask(address: SocketAddr, word: &str) -> candor::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(word.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.is_empty() {
        return Err("the connection was closed".into());
    }
    candor::Ok(answer)
}
