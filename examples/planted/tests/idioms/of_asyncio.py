"""What the page of idioms claims of asyncio. A test is named after the claim."""

import asyncio
import gc
import unittest


async def later(value, turns=3):
    for _ in range(turns):
        await asyncio.sleep(0)
    return value


async def fails():
    raise ValueError("no")


class Claims(unittest.IsolatedAsyncioTestCase):
    async def test_a_task_group_waits_for_its_tasks_at_the_end_of_its_block(self):
        done = []

        async def job():
            done.append(await later("done"))

        async with asyncio.TaskGroup() as group:
            group.create_task(job())
        self.assertEqual(done, ["done"])

    async def test_the_first_failure_in_a_task_group_cancels_the_others(self):
        with self.assertRaises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                other = group.create_task(asyncio.sleep(3600))
                group.create_task(fails())
        self.assertTrue(other.cancelled())

    async def test_gather_raises_the_first_exception_and_the_others_go_on(self):
        other = asyncio.ensure_future(later("done"))
        with self.assertRaises(ValueError):
            await asyncio.gather(fails(), other)
        self.assertFalse(other.done())
        self.assertEqual(await other, "done")

    async def test_gather_with_return_exceptions_gives_all_outcomes(self):
        first, second = await asyncio.gather(fails(), later("done"), return_exceptions=True)
        self.assertIsInstance(first, ValueError)
        self.assertEqual(second, "done")

    async def test_a_task_that_nobody_keeps_may_be_collected_before_it_is_done(self):
        said = []
        asyncio.get_running_loop().set_exception_handler(lambda _, what: said.append(what["message"]))

        async def waits_for_what_only_it_knows():
            await asyncio.get_running_loop().create_future()

        asyncio.create_task(waits_for_what_only_it_knows())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()
        self.assertEqual(said, ["Task was destroyed but it is pending!"])

    async def test_cancel_raises_an_exception_at_the_await_which_can_be_caught(self):
        async def stubborn():
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                return "caught"

        task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        task.cancel()
        self.assertEqual(await task, "caught")

    async def test_wait_for_cancels_what_it_waits_for_unless_that_is_shielded(self):
        inner = asyncio.create_task(asyncio.sleep(3600))
        with self.assertRaises(TimeoutError):
            await asyncio.wait_for(inner, 0.001)
        self.assertTrue(inner.cancelled())

        inner = asyncio.create_task(asyncio.sleep(0.01, "saved"))
        with self.assertRaises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(inner), 0.001)
        self.assertEqual(await inner, "saved")

    async def test_wait_first_completed_leaves_the_others_running(self):
        near, far = asyncio.create_task(later("near", 1)), asyncio.create_task(later("far", 9))
        done, rest = await asyncio.wait([near, far], return_when=asyncio.FIRST_COMPLETED)
        self.assertEqual((done, rest), ({near}, {far}))
        self.assertEqual(await far, "far")

    async def test_as_completed_gives_results_as_they_come(self):
        jobs = [later(turns, turns) for turns in (9, 1, 5)]
        self.assertEqual([await job for job in asyncio.as_completed(jobs)], [1, 5, 9])

    async def test_a_done_callback_gets_the_failure_and_then_it_counts_as_seen(self):
        seen = []
        task = asyncio.create_task(fails())
        task.add_done_callback(lambda task: seen.append(str(task.exception())))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.assertEqual(seen, ["no"])


unittest.main()
