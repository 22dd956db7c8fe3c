# SPDX-License-Identifier: GPL-2.0-only
"""Test Anything Protocol for the tests here that are in Python and look for faults.
tap.sh serves those in bash, e2e/inside/tap.py those that run in the lab."""


class Tap:
    """Lines for prove."""
    def __init__(self):
        self.number = 0

    def empty(self, name, wrong):
        """Passes if there is nothing wrong."""
        self.number += 1
        wrong = list(wrong)
        print(f"{'not ok' if wrong else 'ok'} {self.number} - {name}")
        for line in wrong:
            print(f"# {line}")

    def named(self, name, found, *words):
        """Passes if exactly one fault was found, and its line has the words."""
        found = list(found)
        self.empty(name, [] if len(found) == 1 and
                   all(word in found[0] for word in words) else
                   [f"found: {found}"])
