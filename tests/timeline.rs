//! What a `Timeline` writes keeps the rules of the trace-event format, and shows who woke whom.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::future::poll_fn;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use candor::{Executor, TaskBuilder, TaskGroup, Timeline};
use common::{assert_contains, example};
use serde_json::Value;

/// A `Timeline` and an executor on virtual time that it watches.
fn watched() -> (Rc<Timeline>, Executor) {
    let timeline = Rc::new(Timeline::new());
    let executor = Executor::builder()
        .virtual_time()
        .on_failure(|_| ())
        .instrument(Rc::clone(&timeline))
        .build();
    (timeline, executor)
}

fn json_of(timeline: &Timeline) -> String {
    let mut json = Vec::new();
    timeline.write_json(&mut json).unwrap();
    String::from_utf8(json).unwrap()
}

/// The events of a file, after all rules of the format were checked.
#[track_caller]
fn events_of(timeline: &Timeline) -> Vec<Value> {
    let file: Value = serde_json::from_str(&json_of(timeline)).unwrap();
    let events = file["traceEvents"].as_array().unwrap().clone();
    assert_valid(&events);
    events
}

#[track_caller]
fn assert_valid(events: &[Value]) {
    let mut open = BTreeMap::<u64, Vec<&str>>::new();
    let mut arrows = BTreeMap::<u64, Vec<&str>>::new();
    let mut last = -1.0;
    for event in events {
        let phase = event["ph"].as_str().unwrap();
        let time = event["ts"].as_f64().unwrap();
        let lane = event["tid"].as_u64().unwrap();
        assert_eq!(event["pid"].as_u64(), Some(1), "{event}");
        let name = event["name"].as_str().unwrap();
        match phase {
            "M" => assert!(event["args"]["name"].is_string(), "{event}"),
            "B" => open.entry(lane).or_default().push(name),
            "E" => assert_eq!(open.entry(lane).or_default().pop(), Some(name), "{event}"),
            "X" => assert_eq!(event["dur"].as_f64(), Some(0.001), "{event}"),
            "i" => assert_eq!(event["s"], "t", "{event}"),
            "s" | "f" => arrows
                .entry(event["id"].as_u64().unwrap())
                .or_default()
                .push(phase),
            _ => panic!("no such phase: {event}"),
        }
        match phase {
            "M" => {}
            "s" => assert!(time < last, "{event}"),
            // It ends at the beginning of the poll.
            "f" => assert!(time == last && event["bp"] == "e", "{event}"),
            _ => assert!(time > last, "{event}"),
        }
        if !matches!(phase, "M" | "s") {
            last = time;
        }
    }
    assert!(open.values().all(Vec::is_empty), "{open:?}");
    for (id, ends) in arrows {
        assert_eq!(ends, ["s", "f"], "arrow {id}");
    }
    // An arrow begins in a thin slice, and ends in a poll; each is where a viewer looks for it.
    for arrow in events {
        let (phase, slice) = match arrow["ph"].as_str() {
            Some("s") => ("X", arrow["name"].as_str().unwrap()),
            Some("f") => ("B", "poll"),
            _ => continue,
        };
        let is_slice = |event: &&Value| {
            let is_here = event["ts"] == arrow["ts"] && event["tid"] == arrow["tid"];
            is_here && event["ph"] == phase && event["name"].as_str().unwrap().starts_with(slice)
        };
        assert!(events.iter().any(|event| is_slice(&event)), "{arrow}");
    }
}

/// The arrows as `from -verb-> to`, in order of the polls that they lead to.
fn arrows_of(events: &[Value]) -> Vec<String> {
    let lane_of = |event: &Value| {
        let is_name = |name: &&Value| name["name"] == "thread_name" && name["tid"] == event["tid"];
        let name = events.iter().find(is_name).unwrap();
        name["args"]["name"].as_str().unwrap().to_owned()
    };
    let starts = events.iter().filter(|event| event["ph"] == "s");
    let ends = events.iter().filter(|event| event["ph"] == "f");
    starts
        .zip(ends)
        .map(|(start, end)| {
            let verb = start["name"].as_str().unwrap();
            format!("{} -{verb}-> {}", lane_of(start), lane_of(end))
        })
        .collect()
}

/// All that a timeline can show: channels, timers, failures, a group, an abort, another thread.
async fn everything() {
    let (sender, receiver) = async_channel::bounded::<u32>(1);
    let producer = TaskBuilder::new().name("producer").spawn(async move {
        for item in 0..3 {
            candor::sleep(Duration::from_millis(5)).await;
            sender.send(item).await.unwrap();
        }
    });
    while receiver.recv().await.is_ok() {}
    producer.await.unwrap();
    let failing = candor::spawn(async { Err::<(), _>("no such item") });
    failing.await.unwrap_err();
    let group = TaskGroup::new();
    drop(group.spawn(async { candor::sleep(Duration::from_secs(1)).await }));
    drop(group.spawn(async { panic!("boom") }));
    group.join().await.unwrap_err();
    let aborted = candor::spawn(async {});
    aborted.abort();
    assert!(aborted.await.unwrap_err().is_cancelled());
    let (sender, receiver) = async_channel::bounded::<()>(1);
    let thread = std::thread::spawn(move || drop(sender));
    receiver.recv().await.unwrap_err();
    thread.join().unwrap();
}

#[test]
fn every_rule_of_the_format_holds_for_all_that_can_happen() {
    let (timeline, executor) = watched();
    executor.block_on(everything());
    drop(executor);
    let events = events_of(&timeline);
    let count = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    assert!(count("B") > 10 && count("s") > 10);
    let marks: Vec<&str> = events
        .iter()
        .filter(|event| event["ph"] == "i")
        .map(|event| event["name"].as_str().unwrap())
        .collect();
    for mark in [
        "timer of task #1 `producer`",
        "failed: no such item",
        "panicked: boom",
        "was cancelled",
        "returned",
    ] {
        assert!(marks.contains(&mark), "{mark} in {marks:?}");
    }
}

#[test]
fn each_arrow_leads_from_who_woke_to_the_poll_that_came_of_it() {
    let (timeline, executor) = watched();
    executor.block_on(async {
        let sleeper = TaskBuilder::new().name("sleeper").spawn(async {
            candor::sleep(Duration::from_millis(1)).await;
        });
        sleeper.await.unwrap();
    });
    assert_eq!(
        arrows_of(&events_of(&timeline)),
        [
            "the main future -spawn-> task #1 `sleeper`",
            "executor -wake-> task #1 `sleeper`",
            "task #1 `sleeper` -wake-> the main future",
        ]
    );
}

#[test]
fn what_no_task_causes_comes_from_elsewhere() {
    let (timeline, executor) = watched();
    executor.spawn(async {}).detach();
    executor.drain();
    let arrows = arrows_of(&events_of(&timeline));
    assert_eq!(arrows, ["elsewhere -spawn-> task #1"]);
}

#[test]
fn a_task_that_is_aborted_while_it_is_ready_has_no_arrow() {
    let (timeline, executor) = watched();
    executor.block_on(async { candor::spawn(async {}).abort() });
    assert!(arrows_of(&events_of(&timeline)).is_empty());
}

#[test]
fn a_wake_in_a_last_poll_is_not_what_the_next_main_future_is_polled_for() {
    let (timeline, executor) = watched();
    executor.block_on(poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Ready(())
    }));
    executor.block_on(async {});
    assert!(json_of(&timeline).contains("wake the main future"));
    assert!(arrows_of(&events_of(&timeline)).is_empty());
}

#[test]
fn times_are_those_of_the_executors_clock() {
    let (timeline, executor) = watched();
    executor.block_on(candor::sleep(Duration::from_secs(3)));
    let events = events_of(&timeline);
    let timer = (events.iter()).find(|event| event["name"] == "timer of the main future");
    let micros = timer.unwrap()["ts"].as_f64().unwrap();
    // The wheel counts in ticks, and is never early.
    assert!((3e6..3.01e6).contains(&micros), "{micros}");
}

#[test]
fn a_park_ends_before_what_comes_next() {
    let timeline = Rc::new(Timeline::new());
    let executor = Executor::builder().instrument(Rc::clone(&timeline)).build();
    executor.block_on(candor::sleep(Duration::from_millis(50)));
    let events = events_of(&timeline);
    let at = |phase: &str, name: &str| {
        let is_it = |event: &Value| event["ph"] == phase && event["name"] == name;
        events.iter().position(is_it)
    };
    let end = at("E", "park").unwrap();
    assert!(at("B", "park").unwrap() < end);
    assert!(end < at("i", "timer of the main future").unwrap());
}

#[test]
fn each_task_has_a_lane_that_shows_its_number() {
    let (timeline, executor) = watched();
    executor.block_on(async {
        for _ in 0..1_001 {
            candor::spawn(async {}).await.unwrap();
        }
    });
    let events = events_of(&timeline);
    let names = events.iter().filter(|event| event["name"] == "thread_name");
    let of_tasks = names.filter_map(|event| {
        let name = event["args"]["name"].as_str()?.strip_prefix("task #")?;
        Some((name.parse::<u64>().ok()?, event["tid"].as_u64()?))
    });
    let lanes: Vec<_> = of_tasks.collect();
    assert_eq!(lanes.len(), 1_001);
    assert!(lanes.iter().all(|&(id, lane)| lane == 1_000 + id));
}

#[test]
fn a_large_file_is_written_in_pieces_and_a_small_one_at_once() {
    struct Pieces(Vec<usize>);
    impl std::io::Write for Pieces {
        fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
            self.0.push(piece.len());
            Ok(piece.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for (yields, pieces) in [(10, 1..=1), (1_000, 2..=20)] {
        let (timeline, executor) = watched();
        executor.block_on(async {
            for _ in 0..yields {
                candor::yield_now().await;
            }
        });
        let mut written = Pieces(Vec::new());
        timeline.write_json(&mut written).unwrap();
        assert!(pieces.contains(&written.0.len()), "{:?}", written.0);
    }
}

#[test]
fn on_virtual_time_the_same_program_gives_the_same_file() {
    let file = || {
        let (timeline, executor) = watched();
        executor.block_on(async {
            let task = candor::spawn(candor::sleep(Duration::from_millis(7)));
            candor::yield_now().await;
            task.await.unwrap();
        });
        json_of(&timeline)
    };
    assert_eq!(file(), file());
}

#[test]
fn names_and_messages_cannot_break_the_file() {
    let (timeline, executor) = watched();
    let evil = "\"},{\\\u{0}\n\u{1f}\u{7f}\u{2028}é🦀";
    executor.block_on(async {
        let task = TaskBuilder::new().name(evil);
        let failing = task.spawn(async move { Err::<(), _>(evil) });
        failing.await.unwrap_err();
    });
    let events = events_of(&timeline);
    let has = |name: &str| events.iter().any(|event| event["name"] == name);
    assert!(has(&format!("failed: {evil}")), "{events:#?}");
}

#[test]
fn a_poll_that_is_still_running_ends_where_the_file_ends() {
    let (timeline, executor) = watched();
    let inner = Rc::clone(&timeline);
    executor.block_on(async move {
        let events = events_of(&inner);
        assert_eq!(events.last().unwrap()["ph"], "E");
    });
}

#[test]
fn nothing_recorded_is_a_file_as_well() {
    let events = events_of(&Timeline::new());
    assert!(events.iter().all(|event| event["ph"] == "M"));
}

/// Spawns a task for each piece that it is given.
struct Spawning(Vec<u8>);

impl Write for Spawning {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        candor::spawn(async {}).detach();
        self.0.write(piece)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_the_writer_does_meanwhile_is_recorded_and_not_in_this_file() {
    let (timeline, executor) = watched();
    let inner = Rc::clone(&timeline);
    executor.block_on(async move {
        for _ in 0..200 {
            candor::yield_now().await;
        }
        let mut out = Spawning(Vec::new());
        inner.write_json(&mut out).unwrap();
        let file: Value = serde_json::from_slice(&out.0).unwrap();
        assert_valid(file["traceEvents"].as_array().unwrap());
        assert!(!String::from_utf8(out.0).unwrap().contains("spawn"));
    });
    assert!(json_of(&timeline).contains("spawn task #2"));
}

#[test]
fn an_error_of_the_writer_is_handed_on() {
    let (timeline, executor) = watched();
    executor.block_on(async {});
    let error = timeline.write_json(&mut [0; 10][..]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WriteZero);
}

/// It sleeps on the real clock, so that there is something to see; no time is asserted.
#[test]
fn the_example_draws_what_it_has_recorded() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("timeline");
    let ran = example("timeline").arg(&folder).output().unwrap();
    assert!(ran.status.success(), "{ran:#?}");

    let json = fs::read(folder.join("timeline.json")).unwrap();
    let file: Value = serde_json::from_slice(&json).unwrap();
    let events = file["traceEvents"].as_array().unwrap();
    assert_valid(events);

    let svg = fs::read_to_string(folder.join("timeline.svg")).unwrap();
    for part in [
        "task #1 `producer`",
        "failed: connection reset",
        "panicked: the books do not balance",
        "was cancelled",
    ] {
        assert_contains(&svg, part);
    }
    let drawn = svg.matches("marker-end=").count();
    // Two more are in the legend.
    assert_eq!(drawn, arrows_of(events).len() + 2);
}

#[test]
fn the_end_of_time_is_drawn_as_well() {
    let timeline = Rc::new(Timeline::new());
    let builder = Executor::builder().virtual_time();
    let executor = builder.instrument(Rc::clone(&timeline)).build();
    executor.block_on(async {
        candor::sleep(Duration::from_nanos(u64::MAX - 10)).await;
        for _ in 0..20 {
            candor::yield_now().await;
        }
    });
    let mut drawn = Vec::new();
    timeline.write_json(&mut drawn).unwrap();
    serde_json::from_slice::<Value>(&drawn).unwrap();
}
