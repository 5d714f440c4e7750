//! The bugs on candor.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::hint;
use std::process;
use std::rc::Rc;
use std::sync::Mutex;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use candor::time::timeout;
use candor::{Executor, JoinHandle, TaskGroup, block_on, sleep, spawn, yield_now};
use smol::channel;
use smol::future::or;
use smol::lock;

use crate::parts::{Bell, Fragile, HOUR, MOMENT, price};

pub fn run(bug: &str) {
    match bug {
        "panic_unawaited" => panic_unawaited(),
        "error_unawaited" => error_unawaited(),
        "handle_kept" => handle_kept(),
        "awaited_late" => awaited_late(),
        "error_discarded" => error_discarded(),
        "nested_result" => nested_result(),
        "loser_of_a_race" => loser_of_a_race(),
        "timeout_gives_up" => timeout_gives_up(),
        "passed_on_thrice" => passed_on_thrice(),
        "task_of_a_task" => task_of_a_task(),
        "two_of_a_group" => two_of_a_group(),
        "flood" => flood(),
        "panic_in_a_destructor" => panic_in_a_destructor(),
        "panic_in_a_callback" => panic_in_a_callback(),
        "main_returns" => main_returns(),
        "never_awaited" => never_awaited(),
        "forgotten_wake" => forgotten_wake(),
        "lost_wake" => lost_wake(),
        "join_each_other" => join_each_other(),
        "deadlock_of_locks" => deadlock_of_locks(),
        "lock_over_an_await" => lock_over_an_await(),
        "blocking_call" => blocking_call(),
        "endless_loop" => endless_loop(),
        "foreign_block_on" => foreign_block_on(),
        "own_block_on" => own_block_on(),
        "nobody_sends" => nobody_sends(),
        "busy_wait" => busy_wait(),
        "test_that_hangs" => test_that_hangs(),
        other => panic!("there is no bug {other}"),
    }
}

/// Fails, and `?` makes a `candor::Error`.
async fn parse() -> candor::Result<u32> {
    sleep(Duration::from_millis(10)).await;
    let answer = "forty-two".parse()?; // here
    Ok(answer)
}

fn panic_unawaited() {
    let _ = candor::run(async {
        spawn(async { price(2) }).detach();
        sleep(MOMENT).await;
    });
}

fn error_unawaited() {
    let _ = candor::run(async {
        spawn(parse()).detach();
        sleep(MOMENT).await;
    });
}

fn handle_kept() {
    let _ = candor::run(async {
        let _kept = [spawn(parse())];
        sleep(Duration::from_secs(2)).await;
        process::exit(0);
    });
}

fn awaited_late() {
    let _ = candor::run(async {
        let late = spawn(parse());
        sleep(Duration::from_secs(2)).await;
        assert!(late.await.is_err());
    });
}

fn error_discarded() {
    let _ = candor::run(async {
        let _ = spawn(parse()).await; // here
    });
}

fn nested_result() {
    let _ = candor::run(async {
        let limited = timeout(MOMENT, parse());
        spawn(limited).detach(); // here
        sleep(MOMENT).await;
    });
}

fn loser_of_a_race() {
    let _ = candor::run(async {
        let winner = spawn(async { candor::Ok(42) });
        let loser = spawn(parse());
        assert!(or(winner, loser).await.is_ok());
        sleep(MOMENT).await;
    });
}

fn timeout_gives_up() {
    let _ = candor::run(async {
        let slow = spawn(parse());
        assert!(timeout(Duration::ZERO, slow).await.is_err());
        sleep(MOMENT).await;
    });
}

fn passed_on_thrice() {
    let _ = candor::run(async {
        let first = spawn(parse());
        let second = spawn(async { candor::Ok(first.await?) });
        let third = spawn(async { candor::Ok(second.await?) });
        third.detach();
        sleep(MOMENT).await;
    });
}

fn task_of_a_task() {
    let _ = candor::run(async {
        spawn(async {
            spawn(parse()).detach();
        })
        .detach();
        sleep(MOMENT).await;
    });
}

fn two_of_a_group() {
    let _ = candor::run(async {
        let group = TaskGroup::independent();
        group.spawn(async { candor::Ok("one".parse::<u32>()?) }); // here
        group.spawn(async { candor::Ok("two".parse::<u32>()?) }); // here
        group.join().await;
    });
}

fn flood() {
    let _ = candor::run(async {
        for _ in 0..10_000 {
            spawn(async { price(2) }).detach();
        }
    });
}

fn panic_in_a_destructor() {
    let _ = candor::run(async {
        let task = spawn(async {
            let _fragile = Fragile;
            sleep(HOUR).await;
        });
        sleep(MOMENT).await;
        task.abort();
    });
}

fn panic_in_a_callback() {
    let executor = Executor::builder()
        .on_failure(|_| println!("{}", price(2)))
        .build();
    let _ = executor.run(async {
        spawn(parse()).detach();
        sleep(MOMENT).await;
    });
}

fn main_returns() {
    block_on(async {
        spawn(async { sleep(MOMENT).await }).detach(); // here
    });
}

fn never_awaited() {
    let _ = candor::run(async {
        #[expect(unused_must_use)]
        parse(); // here
    });
}

fn forgotten_wake() {
    let _ = candor::run(async {
        let guest = spawn(poll_fn(|_| Poll::<()>::Pending)); // here
        guest.await
    });
}

fn lost_wake() {
    let _ = candor::run(async {
        let bell = Rc::new(Bell::default());
        for _ in 0..2 {
            let bell = Rc::clone(&bell);
            spawn(async move { bell.heard().await }).detach(); // here
        }
        sleep(MOMENT).await;
        bell.ring();
    });
}

fn join_each_other() {
    let _ = candor::run(async {
        let second = Rc::new(RefCell::new(None));
        let expected = Rc::clone(&second);
        let first = spawn(async move {
            yield_now().await;
            let second: JoinHandle<()> = expected.take().unwrap();
            second.await.unwrap(); // here
        });
        let waits_for_first = async { first.await.unwrap() }; // here
        second.replace(Some(spawn(waits_for_first)));
    });
}

fn deadlock_of_locks() {
    async fn eat(left: &lock::Mutex<()>, right: &lock::Mutex<()>) {
        let _left = left.lock().await;
        yield_now().await;
        let _right = right.lock().await; // here
    }
    let _ = candor::run(async {
        let fork = Rc::new(lock::Mutex::new(()));
        let knife = Rc::new(lock::Mutex::new(()));
        let (fork_too, knife_too) = (Rc::clone(&fork), Rc::clone(&knife));
        let plato = spawn(async move { eat(&fork, &knife).await });
        let kant = spawn(async move { eat(&knife_too, &fork_too).await });
        plato.await?;
        kant.await
    });
}

#[expect(clippy::await_holding_lock, reason = "that is the bug")]
fn lock_over_an_await() {
    let _ = candor::run(async {
        let balance = Rc::new(Mutex::new(0));
        for _ in 0..2 {
            let balance = Rc::clone(&balance);
            let booking = spawn(async move {
                let mut balance = balance.lock().unwrap(); // here
                sleep(MOMENT).await;
                *balance += 1;
            });
            booking.detach();
        }
    });
}

fn blocking_call() {
    let _ = candor::run(async {
        let task = spawn(async {
            thread::sleep(Duration::from_secs(1)); // here
        });
        task.await
    });
}

fn endless_loop() {
    let _ = candor::run(async {
        let task = spawn(async {
            loop {
                hint::spin_loop(); // here
            }
        });
        task.await
    });
}

fn foreign_block_on() {
    let _ = candor::run(async {
        let (sender, receiver) = channel::bounded(1);
        let reader = spawn(async move {
            smol::block_on(receiver.recv()) // here
        });
        spawn(async move { sender.send("a letter").await }).detach();
        reader.await
    });
}

fn own_block_on() {
    let _ = candor::run(async {
        let (sender, receiver) = channel::bounded(1);
        let reader = spawn(async move {
            block_on(receiver.recv()) // here
        });
        spawn(async move { sender.send("a letter").await }).detach();
        reader.await
    });
}

fn nobody_sends() {
    let _ = candor::run(async {
        let (_sender, receiver) = channel::bounded::<u32>(1);
        let reader = spawn(async move { receiver.recv().await }); // here
        reader.await
    });
}

fn busy_wait() {
    let _ = candor::run(async {
        let is_done = Rc::new(Cell::new(false));
        let waiter = spawn(async move {
            while !is_done.get() {
                yield_now().await; // here
            }
        });
        waiter.await
    });
}

/// `candor::test` waits for a minute instead of two seconds.
fn test_that_hangs() {
    let executor = Executor::builder().test_timeout(Duration::from_secs(2));
    executor.build().test(async {
        let (_sender, receiver) = channel::bounded::<u32>(1);
        receiver.recv().await // here
    });
}
