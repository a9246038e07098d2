"""Tools/confined bounds what it says: one core, and the memory of all that is started."""

import os
import subprocess
import sys
import unittest

import stage

CONFINED = os.path.join(stage.REPOSITORY, "Tools", "confined")


def run(*arguments: str, mebibytes: int = 512) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([CONFINED, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          env={**os.environ, "CONFINED_MIB": str(mebibytes)})


def works() -> bool:
    """Not where we are no root, or may make no control group."""
    return run("true").returncode == 0


@unittest.skipUnless(works(), "no control group can be made here")
class Confined(unittest.TestCase):
    def test_a_command_sees_one_core_and_gives_its_exit_code(self) -> None:
        result = run(sys.executable, "-c", "import os, sys; print(len(os.sched_getaffinity(0))); sys.exit(3)")
        self.assertEqual((result.returncode, result.stdout), (3, "1\n"), result.stderr)

    def test_a_command_that_is_not_there_is_told(self) -> None:
        result = run("/no/such/program")
        self.assertEqual(result.returncode, 127)
        self.assertIn("/no/such/program", result.stderr)

    def test_what_fits_together_runs_and_what_does_not_is_ended(self) -> None:
        # Three processes that have their memory at the same time: none is over the bound by itself.
        text = ("import os, sys, time\n"
                "def hold():\n"
                "    block = b'x' * (int(sys.argv[1]) << 20)\n"
                "    time.sleep(1)\n"
                "    return block[:1]\n"
                "children = []\n"
                "for _ in range(2):\n"
                "    pid = os.fork()\n"
                "    if pid == 0:\n"
                "        hold()\n"
                "        os._exit(0)\n"
                "    children.append(pid)\n"
                "hold()\n"
                "sys.exit(1 if any([os.waitpid(pid, 0)[1] for pid in children]) else 0)\n")
        small = run(sys.executable, "-c", text, "10", mebibytes=128)
        self.assertEqual(small.returncode, 0, small.stderr)
        large = run(sys.executable, "-c", text, "60", mebibytes=128)
        self.assertEqual(large.returncode, 71, large.stderr)
        self.assertIn("for want of memory", large.stderr)


if __name__ == "__main__":
    unittest.main()
