/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Spins as payload spin does, with a PAUSE in each loop.  That makes it a fair hog:
 * where one thread of the emulator runs all CPUs in turns, it leaves a CPU at each
 * PAUSE, and else only every 0.1 s.  So the others' interrupts to a CPU that spins
 * take about as long as on hardware.
 */
#define WITH_PAUSE
#include "payload-spin.S"
