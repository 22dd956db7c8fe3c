# SPDX-License-Identifier: GPL-2.0-only
"""Test Anything Protocol: one line a test, diagnostics below it."""

import traceback


class Tap:
    def __init__(self):
        self.number = 0
        self.failed = 0

    def note(self, text):
        for line in str(text).splitlines():
            print("# " + line, flush=True)

    def ok(self, passed, name, *why):
        """One test; `why` is printed when it fails."""
        self.number += 1
        self.failed += not passed
        print(f"{'ok' if passed else 'not ok'} {self.number} - {name}",
              flush=True)
        if not passed:
            for text in why:
                self.note(text)
        return passed

    def equal(self, name, *pairs):
        """One test of many comparisons: (what, got, expected) each."""
        wrong = [f"{what}: {got}, expected {expected}"
                 for what, got, expected in pairs if got != expected]
        if not pairs:
            wrong = ["nothing was compared"]
        return self.ok(not wrong, name, *wrong)

    def within(self, name, got, low, high, unit=""):
        """A figure that has limits; it is printed in any case."""
        passed = self.ok(low <= got <= high, name)
        self.note(f"{got:.1f}{unit}, limits {low:g} to {high:g}")
        return passed

    def broken(self, name):
        """The test itself ended with an exception."""
        self.ok(False, name, traceback.format_exc())

    def plan(self):
        print(f"1..{self.number}", flush=True)
