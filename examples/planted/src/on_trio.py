"""The bugs on trio.

    python3 examples/planted/src/on_trio.py panic_unawaited

What is an `Err` in Rust is an exception here, and so is a panic. Every task belongs to a nursery, which waits for it, and
there are no handles.
"""

import os
import queue
import sys
import threading
import time

import outcome
import trio

MOMENT = 0.1
HOUR = 3600


def price(index):
    return [3, 5][index]  # here


async def parse():
    await trio.sleep(0.01)
    return int("forty-two")  # here


async def panic_unawaited():
    async def task():
        price(2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(task)
        await trio.sleep(MOMENT)


async def error_unawaited():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(parse)
        await trio.sleep(MOMENT)


async def handle_kept():
    """No handle can be kept: the nursery has the failure."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(parse)
        await trio.sleep(2)
        os._exit(0)


async def awaited_late():
    """No handle can be awaited late: the nursery has the failure."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(parse)
        await trio.sleep(2)


async def error_discarded():
    try:
        await parse()  # here
    except Exception:
        pass


async def nested_result():
    """A limit in time raises, so it nests nothing; this is what returns an exception as a value."""

    async def task():
        return await outcome.acapture(parse)  # here

    async with trio.open_nursery() as nursery:
        nursery.start_soon(task)


async def loser_of_a_race():
    """trio's way: the winner cancels the nursery."""
    async with trio.open_nursery() as nursery:

        async def win():
            nursery.cancel_scope.cancel()

        nursery.start_soon(win)
        nursery.start_soon(parse)


async def timeout_gives_up():
    with trio.move_on_after(0):
        await parse()


async def passed_on_thrice():
    async def await_it(job):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(*job)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(await_it, [await_it, [parse]])


async def task_of_a_task():
    async def task(nursery):
        nursery.start_soon(parse)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(task, nursery)


async def two_of_a_group():
    async def one():
        return int("one")  # here

    async def two():
        return int("two")  # here

    async with trio.open_nursery() as nursery:
        nursery.start_soon(one)
        nursery.start_soon(two)


async def flood():
    async def task():
        price(2)

    async with trio.open_nursery() as nursery:
        for _ in range(10_000):
            nursery.start_soon(task)


async def panic_in_a_destructor():
    async def task():
        try:
            await trio.sleep(HOUR)
        finally:
            raise RuntimeError("the glass is broken")  # here

    async with trio.open_nursery() as nursery:
        nursery.start_soon(task)
        await trio.sleep(MOMENT)
        nursery.cancel_scope.cancel()


async def panic_in_a_callback():
    class Callback(trio.abc.Instrument):
        def before_io_wait(self, timeout):
            price(2)

    trio.lowlevel.add_instrument(Callback())
    await trio.sleep(MOMENT)


async def main_returns():
    """`main` cannot return earlier than its nursery."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, MOMENT)  # here


async def never_awaited():
    parse()  # here


async def forgotten_wake():
    """A task that nobody reschedules."""
    await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.SUCCEEDED)  # here


async def lost_wake():
    """A bell with one place for a waiter: the second waiter takes the place of the first."""
    waiter = None

    async def hear():
        nonlocal waiter
        waiter = trio.Event()
        await waiter.wait()  # here

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        nursery.start_soon(hear)
        await trio.sleep(MOMENT)
        waiter.set()


async def join_each_other():
    """Tasks cannot be joined, so each has an event for its end."""
    first, second = trio.Event(), trio.Event()

    async def join(other, mine):
        await other.wait()  # here
        mine.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(join, first, second)
        nursery.start_soon(join, second, first)


async def deadlock_of_locks():
    async def eat(left, right):
        async with left:
            await trio.sleep(0)
            async with right:  # here
                pass

    fork, knife = trio.Lock(), trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(eat, fork, knife)
        nursery.start_soon(eat, knife, fork)


async def lock_over_an_await():
    balance = threading.Lock()

    async def book():
        with balance:  # here
            await trio.sleep(MOMENT)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(book)
        nursery.start_soon(book)


async def blocking_call():
    time.sleep(1)  # here


async def endless_loop():
    while True:
        pass  # here


async def foreign_block_on():
    letters = queue.Queue()

    async def read():
        await trio.sleep(0)
        return letters.get()  # here

    async def write():
        await trio.sleep(MOMENT)
        letters.put("a letter")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        nursery.start_soon(write)


async def own_block_on():
    sender, receiver = trio.open_memory_channel(1)

    async def read():
        await trio.sleep(0)
        return trio.run(receiver.receive)  # here

    async def write():
        await trio.sleep(MOMENT)
        await sender.send("a letter")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        nursery.start_soon(write)


async def nobody_sends():
    _sender, receiver = trio.open_memory_channel(1)
    await receiver.receive()  # here


async def busy_wait():
    is_done = False
    while not is_done:
        await trio.sleep(0)  # here


async def test_that_hangs():
    """What `trio.testing.trio_test` makes of a test."""
    _sender, receiver = trio.open_memory_channel(1)
    await receiver.receive()  # here


def end_after(seconds):
    time.sleep(seconds)
    os._exit(124)


if __name__ == "__main__":
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    threading.Thread(target=end_after, args=[seconds], daemon=True).start()
    trio.run(globals()[sys.argv[1]])
