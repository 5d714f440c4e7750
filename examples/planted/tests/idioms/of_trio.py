"""What the page of idioms claims of trio. A test is named after the claim."""

import unittest

import trio


class Claims(unittest.TestCase):
    def test_a_nursery_waits_for_its_tasks_at_the_end_of_its_block(self):
        done = []

        async def job():
            await trio.lowlevel.checkpoint()
            done.append("done")

        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(job)
            self.assertEqual(done, ["done"])

        trio.run(main)

    def test_the_first_failure_cancels_the_others_of_its_nursery(self):
        ended = []

        async def waits():
            try:
                await trio.sleep_forever()
            finally:
                ended.append("cancelled")

        async def fails():
            raise ValueError("no")

        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(waits)
                nursery.start_soon(fails)

        with self.assertRaises((ValueError, ExceptionGroup)):
            trio.run(main)
        self.assertEqual(ended, ["cancelled"])

    def test_a_nursery_that_is_handed_on_lets_others_spawn_into_it(self):
        done = []

        async def grandchild():
            done.append("done")

        async def child(nursery):
            nursery.start_soon(grandchild)

        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child, nursery)

        trio.run(main)
        self.assertEqual(done, ["done"])

    def test_move_on_after_goes_on_and_fail_after_raises(self):
        async def main():
            with trio.move_on_after(0) as scope:
                await trio.sleep_forever()
            self.assertTrue(scope.cancelled_caught)
            with self.assertRaises(trio.TooSlowError):
                with trio.fail_after(0):
                    await trio.sleep_forever()

        trio.run(main)

    def test_a_shield_keeps_a_cancel_scope_from_what_is_inside(self):
        done = []

        async def main():
            with trio.move_on_after(0):
                with trio.CancelScope(shield=True):
                    await trio.lowlevel.checkpoint()
                    done.append("saved")

        trio.run(main)
        self.assertEqual(done, ["saved"])

    def test_a_capacity_limiter_limits_how_many_are_inside(self):
        inside, most = 0, 0

        async def job(limiter):
            nonlocal inside, most
            async with limiter:
                inside += 1
                most = max(most, inside)
                await trio.lowlevel.checkpoint()
                inside -= 1

        async def main():
            limiter = trio.CapacityLimiter(2)
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(job, limiter)

        trio.run(main)
        self.assertEqual(most, 2)


unittest.main()
