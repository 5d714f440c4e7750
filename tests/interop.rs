//! Channels, locks, combinators and sockets of other crates, used as programs use them.
//!
//! A minimal executor is useful only if code for std's `Context` and `Waker` runs on it unchanged. Each
//! crate here wakes in its own way: from another task in the middle of its poll, from several threads at
//! once, from a reactor's thread, with clones of wakers that are kept or compared, or through wakers of
//! its own in between (`FuturesUnordered`, `select!`, `shared`).
//!
//! All tests run under `candor::test`, so a failure of any task fails them. Its time is virtual, and
//! other threads and reactors know nothing of it. Where they take part, no task waits for candor's
//! clock, and the executor parks until it is woken. So a lost wake hangs; nothing is measured in time.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use candor::{sleep, spawn, yield_now};
use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, SinkExt, StreamExt};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

mod channels_of_async_channel {
    use super::*;

    /// A pipeline: the slow end sets the pace, and the queue between stays short.
    #[test]
    fn a_bounded_channel_holds_a_fast_producer_back() {
        candor::test(async {
            let (jobs, inbox) = async_channel::bounded(2);
            let produced = Rc::new(Cell::new(0));
            let progress = produced.clone();
            let producer = spawn(async move {
                for job in 0..50 {
                    jobs.send(job).await?;
                    progress.set(job);
                }
                candor::Ok(())
            });
            let mut next = 0;
            while let Ok(job) = inbox.recv().await {
                assert_eq!(job, next);
                next += 1;
                sleep(millis(10)).await;
                // One is taken, two are in the queue, and one may just have been let in.
                assert!(produced.get() <= job + 3, "{} at {job}", produced.get());
            }
            assert_eq!(next, 50);
            producer.await?;
            candor::Ok(())
        });
    }

    /// A pool of workers on one queue: each job is done by one of them, and all end when it closes.
    #[test]
    fn workers_share_a_queue_and_leave_when_it_closes() {
        candor::test(async {
            let (jobs, queue) = async_channel::unbounded();
            let (results, outbox) = async_channel::unbounded();
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    let (queue, results) = (queue.clone(), results.clone());
                    spawn(async move {
                        while let Ok(job) = queue.recv().await {
                            sleep(millis(job % 7)).await;
                            results.send(job * job).await?;
                        }
                        candor::Ok(())
                    })
                })
                .collect();
            drop(results);
            for job in 0..100_u64 {
                jobs.send(job).await?;
            }
            jobs.close();
            let done: BTreeSet<u64> = outbox.collect().await;
            assert!(done.into_iter().eq((0..100).map(|job| job * job)));
            for worker in workers {
                worker.await?;
            }
            candor::Ok(())
        });
    }

    /// Sensors, key presses, a directory walk: threads that block feed one task.
    #[test]
    fn threads_feed_a_task() {
        candor::test(async {
            let (readings, inbox) = async_channel::bounded(8);
            let sensors: Vec<_> = (0..4_u64)
                .map(|sensor| {
                    let readings = readings.clone();
                    thread::spawn(move || {
                        for reading in 0..500 {
                            readings.send_blocking(sensor * 1000 + reading).unwrap();
                        }
                    })
                })
                .collect();
            drop(readings);
            let read = spawn(async move { inbox.collect::<BTreeSet<u64>>().await.len() });
            assert_eq!(read.await?, 2000);
            for sensor in sensors {
                sensor.join().unwrap();
            }
            candor::Ok(())
        });
    }

    /// Work that would block the executor goes to a thread, and its result comes back.
    #[test]
    fn a_thread_works_for_tasks_and_answers_each() {
        candor::test(async {
            let (work, todo) = async_channel::unbounded::<(u64, async_channel::Sender<u64>)>();
            let worker = thread::spawn(move || {
                while let Ok((number, answer)) = todo.recv_blocking() {
                    answer.send_blocking((1..=number).sum()).unwrap();
                }
            });
            let asking = (0..100_u64).map(|number| {
                let work = work.clone();
                spawn(async move {
                    let (answer, answered) = async_channel::bounded(1);
                    work.send((number, answer)).await?;
                    candor::Ok(answered.recv().await?)
                })
            });
            let asking: Vec<_> = asking.collect();
            for (number, sum) in (0..).zip(asking) {
                assert_eq!(sum.await?, number * (number + 1) / 2);
            }
            drop(work);
            worker.join().unwrap();
            candor::Ok(())
        });
    }
}

mod combinators_of_futures {
    use super::*;
    use futures::channel::{mpsc, oneshot};
    use futures::future::{Either, join_all, select, try_join_all};
    use futures::stream::{self, FuturesUnordered};
    use futures::{pin_mut, select};

    /// A server's main loop: it takes requests until a message stops it.
    #[test]
    fn select_serves_requests_until_it_is_told_to_stop() {
        candor::test(async {
            let (mut requests, mut inbox) = mpsc::channel::<u32>(4);
            let (stop, stopped) = oneshot::channel::<()>();
            let server = spawn(async move {
                let mut served = Vec::new();
                let mut stopped = stopped.fuse();
                loop {
                    select! {
                        request = inbox.select_next_some() => served.push(request),
                        _ = stopped => return served,
                    }
                }
            });
            for request in 0..10 {
                requests.send(request).await?;
                sleep(millis(5)).await;
            }
            assert!(!server.is_finished());
            stop.send(()).unwrap();
            assert_eq!(server.await?, (0..10).collect::<Vec<_>>());
            candor::Ok(())
        });
    }

    /// The first of two mirrors to answer; the other one is still running, and runs on.
    #[test]
    fn a_handle_that_loses_a_select_can_still_be_awaited() {
        candor::test(async {
            let mirror = |name, takes| {
                spawn(async move {
                    sleep(millis(takes)).await;
                    name
                })
            };
            match select(mirror("far", 20), mirror("near", 10)).await {
                Either::Right((near, far)) => {
                    assert_eq!(near?, "near");
                    assert_eq!(far.await?, "far");
                }
                Either::Left(_) => panic!("the far mirror was faster"),
            }
            candor::Ok(())
        });
    }

    /// Fan out, and go on when all are there; results keep the order of the requests.
    #[test]
    fn join_all_awaits_handles_and_plain_futures() {
        candor::test(async {
            let handles = (0..200_u64).map(|number| {
                spawn(async move {
                    sleep(millis(200 - number)).await;
                    number
                })
            });
            let numbers = try_join_all(handles).await?;
            assert!(numbers.into_iter().eq(0..200));

            let order = RefCell::new(Vec::new());
            let order_of = &order;
            join_all([30, 10, 20].map(|takes| async move {
                sleep(millis(takes)).await;
                order_of.borrow_mut().push(takes);
            }))
            .await;
            assert_eq!(order.take(), [10, 20, 30]);
            candor::Ok(())
        });
    }

    /// A crawler: pages are handled as they come, and each may lead to more.
    #[test]
    fn futures_unordered_gives_handles_as_they_finish_and_takes_more() {
        candor::test(async {
            let fetch = |page: u64| {
                spawn(async move {
                    sleep(millis(page % 10)).await;
                    page
                })
            };
            let mut pages: FuturesUnordered<_> = [3, 1, 2].map(fetch).into_iter().collect();
            let mut seen = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page?;
                seen.push(page);
                if page < 100 {
                    pages.push(fetch(page * 10 + 5));
                }
            }
            assert_eq!(seen, [1, 2, 3, 15, 25, 35, 155, 255, 355]);
            candor::Ok(())
        });
    }

    /// A download with a limited number of connections at once.
    #[test]
    fn buffer_unordered_runs_so_many_at_once_and_no_more() {
        candor::test(async {
            let (running, most) = (Cell::new(0), Cell::new(0));
            let download = |number: u64| {
                let (running, most) = (&running, &most);
                async move {
                    running.set(running.get() + 1);
                    most.set(most.get().max(running.get()));
                    sleep(millis(number % 5 + 1)).await;
                    running.set(running.get() - 1);
                    number
                }
            };
            let done: BTreeSet<u64> = stream::iter(0..100)
                .map(download)
                .buffer_unordered(7)
                .collect()
                .await;
            assert_eq!((done.len(), most.get()), (100, 7));
        });
    }

    /// An actor: one task owns the state, and others ask it by a message that holds the way back.
    #[test]
    fn an_actor_answers_through_oneshots() {
        candor::test(async {
            let (asking, mut inbox) = mpsc::unbounded::<(u64, oneshot::Sender<u64>)>();
            spawn(async move {
                let mut total = 0;
                while let Some((amount, answer)) = inbox.next().await {
                    total += amount;
                    // The asking task may be gone.
                    let _gone = answer.send(total);
                }
            })
            .detach();
            let mut last = 0;
            for amount in 1..=10 {
                let (answer, answered) = oneshot::channel();
                asking.unbounded_send((amount, answer))?;
                last = answered.await?;
            }
            assert_eq!(last, 55);
            candor::Ok(())
        });
    }

    /// An actor that has died: the awaiter of its answer gets an error.
    #[test]
    fn a_oneshot_whose_sender_was_cancelled_says_so() {
        candor::test(async {
            let (answer, answered) = oneshot::channel::<()>();
            let actor = spawn(async move {
                let _answer = answer;
                std::future::pending::<()>().await;
            });
            let asker = spawn(async move { answered.await.is_err() });
            yield_now().await;
            actor.abort();
            assert!(asker.await?);
            candor::Ok(())
        });
    }

    /// Many tasks ask for the same page at once: it is fetched once, by any of them that is polled.
    #[test]
    fn a_shared_future_is_run_once_for_all_who_await_it() {
        candor::test(async {
            let fetches = Rc::new(Cell::new(0));
            let counter = fetches.clone();
            let page = async move {
                counter.set(counter.get() + 1);
                sleep(millis(10)).await;
                "page"
            };
            let page = page.boxed_local().shared();
            let readers: Vec<_> = (0..10)
                .map(|_| {
                    let page = page.clone();
                    spawn(page)
                })
                .collect();
            // The task that drives it may end: another takes its place.
            yield_now().await;
            readers[0].abort();
            for reader in readers.into_iter().skip(1) {
                assert_eq!(reader.await?, "page");
            }
            assert_eq!(fetches.get(), 1);
            candor::Ok(())
        });
    }

    /// An event source on a thread, read as a stream and forwarded into a channel of its own.
    #[test]
    fn a_stream_of_a_thread_s_events_is_forwarded() {
        candor::test(async {
            let (events, source) = mpsc::unbounded::<u32>();
            let thread = thread::spawn(move || {
                for event in 0..1000 {
                    events.unbounded_send(event).unwrap();
                }
            });
            let (even, evens) = mpsc::channel(1);
            let forwarder = spawn(async move {
                let chosen = source.filter(|event| std::future::ready(event % 2 == 0));
                pin_mut!(chosen);
                chosen.map(Ok).forward(even).await
            });
            assert_eq!(evens.count().await, 500);
            forwarder.await?;
            thread.join().unwrap();
            candor::Ok(())
        });
    }
}

mod locks_and_channels_of_tokio {
    use super::*;
    use tokio::sync::{Mutex, Notify, OnceCell, Semaphore, broadcast, mpsc, oneshot, watch};

    /// A service that can take three requests at once.
    #[test]
    fn a_semaphore_lets_so_many_in_and_no_more() {
        candor::test(async {
            let doors = Rc::new(Semaphore::new(3));
            let (inside, most) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
            let guests: Vec<_> = (0..50_u64)
                .map(|number| {
                    let (doors, inside, most) = (doors.clone(), inside.clone(), most.clone());
                    spawn(async move {
                        let _permit = doors.acquire().await?;
                        inside.set(inside.get() + 1);
                        most.set(most.get().max(inside.get()));
                        sleep(millis(number % 4)).await;
                        inside.set(inside.get() - 1);
                        candor::Ok(())
                    })
                })
                .collect();
            // Tasks that give up in the queue leave no hole in it.
            guests[20].abort();
            for (number, guest) in guests.into_iter().enumerate() {
                assert_eq!(guest.await.is_err(), number == 20);
            }
            assert_eq!((inside.get(), most.get()), (0, 3));
        });
    }

    /// An actor behind a bounded queue, asked from tasks and from a thread that blocks.
    #[test]
    fn an_actor_is_asked_by_tasks_and_threads() {
        candor::test(async {
            let (asking, mut inbox) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(2);
            let actor = spawn(async move {
                let mut questions = 0;
                while let Some((number, answer)) = inbox.recv().await {
                    questions += 1;
                    answer.send(number * 2).unwrap();
                }
                questions
            });
            let from_thread = asking.clone();
            let thread = thread::spawn(move || {
                for number in 0..100 {
                    let (answer, answered) = oneshot::channel();
                    from_thread.blocking_send((number, answer)).unwrap();
                    assert_eq!(answered.blocking_recv().unwrap(), number * 2);
                }
            });
            let tasks: Vec<_> = (0..100)
                .map(|number| {
                    let asking = asking.clone();
                    spawn(async move {
                        let (answer, answered) = oneshot::channel();
                        asking.send((number, answer)).await?;
                        candor::Ok(answered.await?)
                    })
                })
                .collect();
            drop(asking);
            for (number, task) in (0..).zip(tasks) {
                assert_eq!(task.await?, number * 2);
            }
            assert_eq!(actor.await?, 200);
            thread.join().unwrap();
            candor::Ok(())
        });
    }

    /// tokio lets its own tasks receive only so much in one poll. That must not stop candor's tasks.
    #[test]
    fn a_long_queue_is_emptied_without_a_pause() {
        candor::test(async {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            for number in 0..10_000 {
                sender.send(number)?;
            }
            drop(sender);
            let received = spawn(async move {
                let mut received = 0;
                while receiver.recv().await.is_some() {
                    received += 1;
                }
                received
            });
            assert_eq!(received.await?, 10_000);
            candor::Ok(())
        });
    }

    /// A connection that one task at a time may use, for a whole exchange.
    #[test]
    fn a_mutex_is_held_over_an_await() {
        candor::test(async {
            let total = Rc::new(Mutex::new(0));
            let tasks: Vec<_> = (0..20)
                .map(|_| {
                    let total = total.clone();
                    spawn(async move {
                        for _ in 0..5 {
                            let mut total = total.lock().await;
                            let before = *total;
                            yield_now().await;
                            *total = before + 1;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await?;
            }
            assert_eq!(*total.lock().await, 100);
            candor::Ok(())
        });
    }

    /// A lock whose holder panics is free again, and the panic goes to the awaiter of that task.
    #[test]
    fn a_mutex_is_free_again_when_its_holder_has_panicked() {
        candor::test(async {
            let lock = Rc::new(Mutex::new(()));
            let held = lock.clone();
            let holder = spawn(async move {
                let _guard = held.lock().await;
                yield_now().await;
                panic!("boom");
            });
            let waiter = spawn(async move {
                let _guard = lock.lock().await;
            });
            assert!(holder.await.unwrap_err().is_panic());
            waiter.await?;
            candor::Ok(())
        });
    }

    /// "There is news" without a channel: a notice is kept for one late task, or goes to all that wait.
    #[test]
    fn notify_wakes_one_or_all() {
        candor::test(async {
            let news = Rc::new(Notify::new());
            news.notify_one();
            news.notified().await;

            let readers: Vec<_> = (0..10)
                .map(|_| {
                    let news = news.clone();
                    spawn(async move { news.notified().await })
                })
                .collect();
            yield_now().await;
            news.notify_one();
            yield_now().await;
            let woken = readers.iter().filter(|reader| reader.is_finished()).count();
            assert_eq!(woken, 1);
            news.notify_waiters();
            for reader in readers {
                reader.await?;
            }
            candor::Ok(())
        });
    }

    /// A chat room: every listener gets every message, and a slow one learns how many it missed.
    #[test]
    fn broadcast_reaches_every_listener_and_tells_the_slow_one() {
        candor::test(async {
            let (speaker, _) = broadcast::channel(8);
            let listener = |pause: u64| {
                let mut hears = speaker.subscribe();
                spawn(async move {
                    let (mut heard, mut missed) = (0, 0);
                    loop {
                        match hears.recv().await {
                            Ok(_number) => heard += 1,
                            Err(broadcast::error::RecvError::Lagged(count)) => missed += count,
                            Err(broadcast::error::RecvError::Closed) => return (heard, missed),
                        }
                        sleep(millis(pause)).await;
                    }
                })
            };
            let (quick, slow) = (listener(1), listener(100));
            for number in 0..50 {
                speaker.send(number)?;
                sleep(millis(5)).await;
            }
            drop(speaker);
            assert_eq!(quick.await?, (50, 0));
            let (heard, missed) = slow.await?;
            assert!(missed > 0);
            assert_eq!(heard + missed, 50);
            candor::Ok(())
        });
    }

    /// A configuration that is read again while the program runs, by a thread that watches the file.
    #[test]
    fn watch_shows_readers_the_latest_value() {
        candor::test(async {
            let (config, current) = watch::channel(0);
            let readers: Vec<_> = (0..5)
                .map(|_| {
                    let mut current = current.clone();
                    spawn(async move {
                        let mut last = 0;
                        while current.changed().await.is_ok() {
                            let now = *current.borrow_and_update();
                            assert!(now > last, "{now} after {last}");
                            last = now;
                        }
                        last
                    })
                })
                .collect();
            let watcher = thread::spawn(move || {
                for version in 1..=1000 {
                    config.send(version).unwrap();
                }
            });
            for reader in readers {
                assert_eq!(reader.await?, 1000);
            }
            watcher.join().unwrap();
            candor::Ok(())
        });
    }

    /// A connection that is opened when it is first needed, by the first task that needs it.
    #[test]
    fn a_once_cell_is_filled_once_even_if_the_first_who_tries_is_aborted() {
        candor::test(async {
            let cell = Rc::new(OnceCell::new());
            let tasks: Vec<_> = (0..10_u64)
                .map(|number| {
                    let cell = cell.clone();
                    spawn(async move {
                        let fill = || async move {
                            sleep(millis(10)).await;
                            number
                        };
                        *cell.get_or_init(fill).await
                    })
                })
                .collect();
            sleep(millis(5)).await;
            tasks[0].abort();
            for task in tasks.into_iter().skip(1) {
                assert_eq!(task.await?, 1);
            }
            candor::Ok(())
        });
    }
}

mod sockets_and_timers_of_async_io {
    use super::*;
    use async_io::{Async, Timer};

    const CLIENTS: usize = 100;

    /// A server with a task for each connection, and as many clients, all on this one thread.
    #[test]
    fn a_hundred_clients_talk_to_an_echo_server() {
        candor::test(async {
            let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.get_ref().local_addr()?;
            let server = spawn(async move {
                let mut connections = Vec::new();
                for _ in 0..CLIENTS {
                    let (stream, _) = listener.accept().await?;
                    connections.push(spawn(echo(stream)));
                }
                let mut bytes = 0;
                for connection in connections {
                    bytes += connection.await?;
                }
                candor::Ok(bytes)
            });
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    spawn(async move {
                        let mut stream = Async::<TcpStream>::connect(address).await?;
                        for round in 0..10 {
                            let said = format!("client {number:03}, round {round:03}");
                            stream.write_all(said.as_bytes()).await?;
                            let mut heard = vec![0; said.len()];
                            stream.read_exact(&mut heard).await?;
                            assert_eq!(heard, said.as_bytes());
                        }
                        candor::Ok(())
                    })
                })
                .collect();
            for client in clients {
                client.await?;
            }
            assert_eq!(server.await?, CLIENTS as u64 * 10 * 21);
            candor::Ok(())
        });
    }

    async fn echo(stream: Async<TcpStream>) -> io::Result<u64> {
        futures::io::copy(&stream, &mut &stream).await
    }

    /// More than fits into the buffers of a socket: both sides have to wait for each other.
    #[test]
    fn a_large_message_passes_through_a_small_buffer() {
        const LENGTH: usize = 8 << 20;
        candor::test(async {
            let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.get_ref().local_addr()?;
            let server = spawn(async move { echo(listener.accept().await?.0).await });
            let stream = Arc::new(Async::<TcpStream>::connect(address).await?);
            let writing = stream.clone();
            let writer = spawn(async move {
                let mut half = &*writing;
                half.write_all(&vec![7; LENGTH]).await?;
                writing.get_ref().shutdown(std::net::Shutdown::Write)
            });
            let mut heard = Vec::new();
            (&mut &*stream).read_to_end(&mut heard).await?;
            assert_eq!(heard.len(), LENGTH);
            assert!(heard.iter().all(|byte| *byte == 7));
            writer.await?;
            assert_eq!(server.await?, LENGTH as u64);
            candor::Ok(())
        });
    }

    /// A server that is stopped while it waits for its client closes the connection.
    #[test]
    fn an_aborted_connection_is_closed() {
        candor::test(async {
            let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.get_ref().local_addr()?;
            let mut client = Async::<TcpStream>::connect(address).await?;
            let (stream, _) = listener.accept().await?;
            let server = spawn(echo(stream));
            client.write_all(b"hello").await?;
            let mut heard = [0; 5];
            client.read_exact(&mut heard).await?;
            server.abort();
            assert!(server.await.unwrap_err().is_cancelled());
            assert_eq!(client.read(&mut heard).await?, 0);
            candor::Ok(())
        });
    }

    /// The timers of a library that knows only async-io. They wait in real time, and not for long.
    #[test]
    fn timers_of_async_io_fire_and_can_be_dropped() {
        candor::test(async {
            let fired = Rc::new(RefCell::new(Vec::new()));
            let tasks: Vec<_> = [15_u64, 1, 8]
                .map(|takes| {
                    let fired = fired.clone();
                    spawn(async move {
                        Timer::after(millis(takes)).await;
                        fired.borrow_mut().push(takes);
                    })
                })
                .into();
            let forgotten = spawn(async {
                Timer::after(Duration::from_secs(3600)).await;
            });
            for task in tasks {
                task.await?;
            }
            fired.borrow_mut().sort();
            assert_eq!(*fired.borrow(), [1, 8, 15]);
            forgotten.abort();
            assert!(forgotten.await.unwrap_err().is_cancelled());
            candor::Ok(())
        });
    }

    /// A read that must not take for ever.
    #[test]
    fn a_timer_of_async_io_ends_a_read_that_never_comes() {
        candor::test(async {
            let listener = Async::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.get_ref().local_addr()?;
            let mut silent = Async::<TcpStream>::connect(address).await?;
            let mut byte = [0];
            let outcome = futures::select! {
                read = silent.read(&mut byte).fuse() => read.map(|_| "read"),
                _ = FutureExt::fuse(Timer::after(millis(5))) => Ok("given up"),
            };
            assert_eq!(outcome?, "given up");
            candor::Ok(())
        });
    }
}

mod threads_that_wake {
    use super::*;

    /// The oneshot that everybody writes once: a value, and the waker to call when it is there.
    struct Promise<T>(Mutex<(Option<T>, Option<Waker>)>);

    impl<T> Promise<T> {
        fn new() -> Arc<Self> {
            Arc::new(Promise(Mutex::new((None, None))))
        }

        fn keep(&self, value: T) {
            let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            inner.0 = Some(value);
            // Called with the lock held, as a careless user would: a wake must never block or poll.
            if let Some(waker) = inner.1.take() {
                waker.wake();
            }
        }

        async fn kept(&self) -> T {
            poll_fn(|cx| {
                let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(value) = inner.0.take() {
                    return Poll::Ready(value);
                }
                inner.1 = Some(cx.waker().clone());
                Poll::Pending
            })
            .await
        }
    }

    /// `spawn_blocking`, as a program with only std writes it.
    #[test]
    fn a_blocking_job_on_a_thread_gives_its_result_to_a_task() {
        candor::test(async {
            let jobs: Vec<_> = (0..16_u64)
                .map(|number| {
                    let promise = Promise::new();
                    let promised = promise.clone();
                    let thread = thread::spawn(move || promised.keep(number * number));
                    spawn(async move {
                        let square = promise.kept().await;
                        thread.join().unwrap();
                        square
                    })
                })
                .collect();
            for (number, job) in (0..).zip(jobs) {
                assert_eq!(job.await?, number * number);
            }
            candor::Ok(())
        });
    }

    /// Ping-pong: each turn parks the executor, and only the other thread can end the park.
    #[test]
    fn a_task_and_a_thread_take_turns_a_thousand_times() {
        candor::test(async {
            let (to_thread, from_task) = std::sync::mpsc::channel::<Arc<Promise<u32>>>();
            let thread = thread::spawn(move || {
                for (turn, promise) in (0..).zip(from_task) {
                    promise.keep(turn);
                }
            });
            let player = spawn(async move {
                for turn in 0..1000 {
                    let promise = Promise::new();
                    to_thread.send(promise.clone())?;
                    assert_eq!(promise.kept().await, turn);
                }
                candor::Ok(())
            });
            player.await?;
            thread.join().unwrap();
            candor::Ok(())
        });
    }

    /// Wakers that several threads keep, and all call at once, and once too often.
    #[test]
    fn many_threads_wake_one_task_at_once_and_after_its_end() {
        const THREADS: usize = 4;
        let start = Arc::new(Barrier::new(THREADS + 1));
        let left = Arc::new(Barrier::new(THREADS + 1));
        let done = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let mut threads = Vec::new();
        candor::test(async {
            let (to_main, wakers) = async_channel::bounded::<Waker>(1);
            let progress = done.clone();
            let task = spawn(async move {
                let mut first = true;
                poll_fn(move |cx| {
                    if std::mem::take(&mut first) {
                        to_main.try_send(cx.waker().clone()).unwrap();
                    }
                    match progress.load(std::sync::atomic::Ordering::SeqCst) {
                        THREADS => Poll::Ready(()),
                        _ => Poll::Pending,
                    }
                })
                .await;
            });
            let waker = wakers.recv().await?;
            for _ in 0..THREADS {
                let (waker, start, left, done) =
                    (waker.clone(), start.clone(), left.clone(), done.clone());
                threads.push(thread::spawn(move || {
                    start.wait();
                    for _ in 0..1000 {
                        waker.wake_by_ref();
                    }
                    done.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    waker.wake_by_ref();
                    // The task is done by now, and so is its executor.
                    left.wait();
                    waker.wake();
                }));
            }
            start.wait();
            task.await?;
            candor::Ok(())
        });
        left.wait();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
