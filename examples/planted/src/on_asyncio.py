"""The bugs on asyncio, in its default mode.

    python3 examples/planted/src/on_asyncio.py panic_unawaited

Needs Python 3.11. What is an `Err` in Rust is an exception here, and so is a panic.
"""

import asyncio
import concurrent.futures
import os
import sys
import threading
import time

MOMENT = 0.1
HOUR = 3600


def price(index):
    return [3, 5][index]  # here


async def parse():
    await asyncio.sleep(0.01)
    return int("forty-two")  # here


async def panic_unawaited():
    async def task():
        price(2)

    asyncio.create_task(task())
    await asyncio.sleep(MOMENT)


async def error_unawaited():
    asyncio.create_task(parse())
    await asyncio.sleep(MOMENT)


async def handle_kept():
    kept = [asyncio.create_task(parse())]
    await asyncio.sleep(2)
    os._exit(len(kept) - 1)


async def awaited_late():
    late = asyncio.create_task(parse())
    await asyncio.sleep(2)
    try:
        await late
    except ValueError:
        pass


async def error_discarded():
    try:
        await asyncio.create_task(parse())  # here
    except Exception:
        pass


async def nested_result():
    """A limit in time raises, so it nests nothing; this is what returns an exception as a value."""
    limited = asyncio.gather(parse(), return_exceptions=True)

    async def task():
        return await limited  # here

    asyncio.create_task(task())
    await asyncio.sleep(MOMENT)


async def loser_of_a_race():
    async def task():
        return 42

    winner = asyncio.create_task(task())
    loser = asyncio.create_task(parse())
    done, _ = await asyncio.wait([winner, loser], return_when=asyncio.FIRST_COMPLETED)
    assert done == {winner}
    await asyncio.sleep(MOMENT)


async def timeout_gives_up():
    try:
        await asyncio.wait_for(asyncio.create_task(parse()), 0)
    except TimeoutError:
        pass
    await asyncio.sleep(MOMENT)


async def passed_on_thrice():
    async def await_it(task):
        return await task

    first = asyncio.create_task(parse())
    second = asyncio.create_task(await_it(first))
    asyncio.create_task(await_it(second))
    await asyncio.sleep(MOMENT)


async def task_of_a_task():
    async def task():
        asyncio.create_task(parse())

    asyncio.create_task(task())
    await asyncio.sleep(MOMENT)


async def two_of_a_group():
    async def one():
        return int("one")  # here

    async def two():
        return int("two")  # here

    async with asyncio.TaskGroup() as group:
        group.create_task(one())
        group.create_task(two())


async def flood():
    async def task():
        price(2)

    for _ in range(10_000):
        asyncio.create_task(task())
    await asyncio.sleep(MOMENT)


async def panic_in_a_destructor():
    async def task():
        try:
            await asyncio.sleep(HOUR)
        finally:
            raise RuntimeError("the glass is broken")  # here

    fragile = asyncio.create_task(task())
    await asyncio.sleep(MOMENT)
    fragile.cancel()
    await asyncio.sleep(MOMENT)


async def panic_in_a_callback():
    asyncio.get_running_loop().call_soon(price, 2)
    await asyncio.sleep(MOMENT)


async def main_returns():
    asyncio.create_task(asyncio.sleep(MOMENT))  # here
    await asyncio.sleep(0)


async def never_awaited():
    parse()  # here


async def forgotten_wake():
    """A future that nobody resolves."""
    guest = asyncio.get_running_loop().create_future()
    await guest  # here


async def lost_wake():
    """A bell with one place for a waiter: the second waiter takes the place of the first."""
    waiter = None

    async def hear():
        nonlocal waiter
        waiter = asyncio.get_running_loop().create_future()
        await waiter  # here

    guests = [asyncio.create_task(hear()), asyncio.create_task(hear())]
    await asyncio.sleep(MOMENT)
    waiter.set_result(None)
    await asyncio.gather(*guests)


async def join_each_other():
    tasks = []

    async def join(other):
        await asyncio.sleep(0)
        await tasks[other]  # here

    tasks.append(asyncio.create_task(join(1)))
    tasks.append(asyncio.create_task(join(0)))
    await asyncio.wait(tasks)


async def deadlock_of_locks():
    async def eat(left, right):
        async with left:
            await asyncio.sleep(0)
            async with right:  # here
                pass

    fork, knife = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(eat(fork, knife), eat(knife, fork))


async def lock_over_an_await():
    balance = threading.Lock()

    async def book():
        with balance:  # here
            await asyncio.sleep(MOMENT)

    await asyncio.gather(book(), book())


async def blocking_call():
    async def task():
        time.sleep(1)  # here

    await asyncio.create_task(task())


async def endless_loop():
    async def task():
        while True:
            pass  # here

    await asyncio.create_task(task())


async def foreign_block_on():
    letter = concurrent.futures.Future()

    async def read():
        return letter.result()  # here

    async def write():
        letter.set_result("a letter")

    await asyncio.gather(read(), write())


async def own_block_on():
    letters = asyncio.Queue()

    async def read():
        return asyncio.run(letters.get())  # here

    async def write():
        await letters.put("a letter")

    await asyncio.gather(read(), write())


async def nobody_sends():
    await asyncio.Queue().get()  # here


async def busy_wait():
    is_done = False
    while not is_done:
        await asyncio.sleep(0)  # here


async def test_that_hangs():
    """What `unittest.IsolatedAsyncioTestCase` makes of a test."""
    await asyncio.Queue().get()  # here


def end_after(seconds):
    time.sleep(seconds)
    os._exit(124)


if __name__ == "__main__":
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10
    threading.Thread(target=end_after, args=[seconds], daemon=True).start()
    asyncio.run(globals()[sys.argv[1]]())
