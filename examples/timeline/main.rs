//! Records a small program, and draws who woke whom, and what failed.
//!
//! ```sh
//! cargo run --example timeline            # writes target/timeline.json and target/timeline.svg
//! cargo run --example timeline -- FOLDER  # writes them there
//! ```
//!
//! The SVG is for a browser, the JSON for <https://ui.perfetto.dev>. `picture` reads that JSON, `drawing` makes the SVG.
//!
//! Before you look: what wakes `producer`, and what does `producer` wake? When `audit` panics, what becomes of the
//! others? And when one task of the group in `fetches` fails?

mod drawing;
mod picture;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use std::{env, fs};

use candor::{Executor, TaskBuilder, TaskGroup, Timeline, sleep};
use picture::Picture;

fn main() -> candor::Result {
    let timeline = Rc::new(Timeline::new());
    let executor = Executor::builder()
        .instrument(timeline.clone())
        // A whole report takes longer than all the rest, and this is not about reports.
        .on_failure(|failure| eprintln!("reported: {}", failure.message()))
        .build();
    executor.block_on(program());
    drop(executor);

    let mut json = Vec::new();
    timeline.write_json(&mut json)?;
    let svg = Picture::of(&serde_json::from_slice(&json)?).svg();

    let folder = PathBuf::from(env::args_os().nth(1).unwrap_or("target".into()));
    for (name, content) in [("timeline.json", json), ("timeline.svg", svg.into_bytes())] {
        let path = folder.join(name);
        fs::create_dir_all(&folder)?;
        fs::write(&path, content)?;
        println!("{}", path.display());
    }
    candor::Ok(())
}

fn named(name: &str) -> TaskBuilder {
    TaskBuilder::new().name(name)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn program() {
    let (sender, receiver) = async_channel::bounded(1);
    let producer = async move {
        for item in ["first", "second"] {
            sleep(ms(20)).await;
            let _ = sender.send(item).await;
        }
    };
    named("producer").spawn(producer).detach();
    let consumer = async move { while receiver.recv().await.is_ok() {} };
    let consumer = named("consumer").spawn(consumer);
    // It is not awaited, so its failure is reported.
    let audit = async {
        sleep(ms(15)).await;
        panic!("the books do not balance");
    };
    named("audit").spawn(audit).detach();
    // One task of the group fails, so the other is cancelled.
    let fetches = async {
        let group = TaskGroup::new();
        group.spawn(async {
            sleep(ms(10)).await;
            Err::<(), _>("connection reset")
        });
        group.spawn(sleep(ms(500)));
        let failed = group.join().await.unwrap_err();
        assert_eq!(failed.failures().len(), 1);
    };
    named("fetches").spawn(fetches).detach();
    let _ = consumer.await;
}
