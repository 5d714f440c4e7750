//! The bugs on smol: one thread, and a `LocalExecutor`, so that the tasks are those of the other programs.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::hint;
use std::num::ParseIntError;
use std::pin::pin;
use std::process;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use smol::future::{or, yield_now};
use smol::{LocalExecutor, Task, Timer, channel, lock};

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

thread_local! {
    static EXECUTOR: LocalExecutor<'static> = const { LocalExecutor::new() };
}

fn block_on<F: Future>(future: F) -> F::Output {
    EXECUTOR.with(|executor| smol::block_on(executor.run(future)))
}

fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> Task<T> {
    EXECUTOR.with(|executor| executor.spawn(future))
}

async fn sleep(duration: Duration) {
    Timer::after(duration).await;
}

/// smol has no timeout of its own: its users write this.
async fn timeout<T>(
    duration: Duration,
    future: impl Future<Output = T>,
) -> Result<T, &'static str> {
    let in_time = async { Ok(future.await) };
    let too_late = async {
        sleep(duration).await;
        Err("too late")
    };
    or(in_time, too_late).await
}

async fn parse() -> Result<u32, ParseIntError> {
    sleep(Duration::from_millis(10)).await;
    let answer = "forty-two".parse()?; // here
    Ok(answer)
}

fn panic_unawaited() {
    block_on(async {
        spawn(async { price(2) }).detach();
        sleep(MOMENT).await;
    });
}

fn error_unawaited() {
    block_on(async {
        spawn(parse()).detach();
        sleep(MOMENT).await;
    });
}

fn handle_kept() {
    block_on(async {
        let _kept = [spawn(parse())];
        sleep(Duration::from_secs(2)).await;
        process::exit(0);
    });
}

fn awaited_late() {
    block_on(async {
        let late = spawn(parse());
        sleep(Duration::from_secs(2)).await;
        assert!(late.await.is_err());
    });
}

fn error_discarded() {
    block_on(async {
        let _ = spawn(parse()).await; // here
    });
}

fn nested_result() {
    block_on(async {
        let limited = timeout(MOMENT, parse());
        spawn(limited).detach(); // here
        sleep(MOMENT).await;
    });
}

fn loser_of_a_race() {
    block_on(async {
        let winner = spawn(async { Ok(42) });
        let loser = spawn(parse());
        assert!(or(winner, loser).await.is_ok());
        sleep(MOMENT).await;
    });
}

fn timeout_gives_up() {
    block_on(async {
        let slow = spawn(parse());
        assert!(timeout(Duration::ZERO, slow).await.is_err());
        sleep(MOMENT).await;
    });
}

fn passed_on_thrice() {
    block_on(async {
        let first = spawn(parse());
        let second = spawn(async { first.await.map(|found| found + 1) });
        let third = spawn(async { second.await.map(|found| found + 1) });
        third.detach();
        sleep(MOMENT).await;
    });
}

fn task_of_a_task() {
    block_on(async {
        spawn(async {
            spawn(parse()).detach();
        })
        .detach();
        sleep(MOMENT).await;
    });
}

fn two_of_a_group() {
    block_on(async {
        let one = spawn(async { "one".parse::<u32>() });
        let two = spawn(async { "two".parse::<u32>() });
        let sum = one.await.unwrap() + two.await.unwrap(); // here
        println!("{sum}");
    });
}

fn flood() {
    block_on(async {
        for _ in 0..10_000 {
            spawn(async { price(2) }).detach();
        }
        spawn(async { "the last in the queue" }).await;
    });
}

fn panic_in_a_destructor() {
    block_on(async {
        let task = spawn(async {
            let _fragile = Fragile;
            sleep(HOUR).await;
        });
        sleep(MOMENT).await;
        drop(task);
        sleep(MOMENT).await;
    });
}

/// smol calls no function of its user's but futures and wakers, so this is a waker.
fn panic_in_a_callback() {
    struct Callback;
    impl Wake for Callback {
        fn wake(self: Arc<Self>) {
            println!("{}", price(2));
        }
    }
    block_on(async {
        let mut timer = Timer::after(Duration::from_millis(10));
        let waker = Waker::from(Arc::new(Callback));
        let _ = pin!(&mut timer).poll(&mut Context::from_waker(&waker));
        sleep(MOMENT).await;
    });
}

fn main_returns() {
    block_on(async {
        spawn(async { sleep(MOMENT).await }).detach(); // here
    });
}

fn never_awaited() {
    block_on(async {
        #[expect(unused_must_use)]
        parse(); // here
    });
}

fn forgotten_wake() {
    block_on(async {
        let guest = spawn(poll_fn(|_| Poll::<()>::Pending)); // here
        guest.await
    });
}

fn lost_wake() {
    block_on(async {
        let bell = Rc::new(Bell::default());
        let [first, second] = [Rc::clone(&bell), Rc::clone(&bell)];
        let first = spawn(async move { first.heard().await }); // here
        let second = spawn(async move { second.heard().await }); // here
        sleep(MOMENT).await;
        bell.ring();
        first.await;
        second.await;
    });
}

fn join_each_other() {
    block_on(async {
        let second = Rc::new(RefCell::new(None));
        let expected = Rc::clone(&second);
        let first = spawn(async move {
            yield_now().await;
            let second: Task<()> = expected.take().unwrap();
            second.await; // here
        });
        second.replace(Some(spawn(first))); // here
        pending::<()>().await;
    });
}

fn deadlock_of_locks() {
    async fn eat(left: &lock::Mutex<()>, right: &lock::Mutex<()>) {
        let _left = left.lock().await;
        yield_now().await;
        let _right = right.lock().await; // here
    }
    block_on(async {
        let fork = Rc::new(lock::Mutex::new(()));
        let knife = Rc::new(lock::Mutex::new(()));
        let (fork_too, knife_too) = (Rc::clone(&fork), Rc::clone(&knife));
        let plato = spawn(async move { eat(&fork, &knife).await });
        let kant = spawn(async move { eat(&knife_too, &fork_too).await });
        plato.await;
        kant.await;
    });
}

#[expect(clippy::await_holding_lock, reason = "that is the bug")]
fn lock_over_an_await() {
    block_on(async {
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
        sleep(HOUR).await;
    });
}

fn blocking_call() {
    block_on(async {
        let task = spawn(async {
            thread::sleep(Duration::from_secs(1)); // here
        });
        task.await
    });
}

fn endless_loop() {
    block_on(async {
        let task: Task<()> = spawn(async {
            loop {
                hint::spin_loop(); // here
            }
        });
        task.await
    });
}

fn foreign_block_on() {
    block_on(async {
        let (sender, receiver) = channel::bounded(1);
        let reader = spawn(async move {
            let other = tokio::runtime::Builder::new_current_thread().build();
            other.unwrap().block_on(receiver.recv()) // here
        });
        spawn(async move { sender.send("a letter").await }).detach();
        reader.await
    })
    .unwrap();
}

fn own_block_on() {
    block_on(async {
        let (sender, receiver) = channel::bounded(1);
        let reader = spawn(async move {
            smol::block_on(receiver.recv()) // here
        });
        spawn(async move { sender.send("a letter").await }).detach();
        reader.await
    })
    .unwrap();
}

fn nobody_sends() {
    block_on(async {
        let (_sender, receiver) = channel::bounded::<u32>(1);
        let reader = spawn(async move { receiver.recv().await }); // here
        reader.await
    })
    .unwrap();
}

fn busy_wait() {
    block_on(async {
        let is_done = Rc::new(Cell::new(false));
        let waiter = spawn(async move {
            while !is_done.get() {
                yield_now().await; // here
            }
        });
        waiter.await
    });
}

fn test_that_hangs() {
    block_on(async {
        let (_sender, receiver) = channel::bounded::<u32>(1);
        receiver.recv().await // here
    })
    .unwrap();
}
