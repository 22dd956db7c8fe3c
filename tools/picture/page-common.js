/* SPDX-License-Identifier: GPL-2.0-only */
/* What the scripts of all pages share. */
"use strict";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("json").textContent);
const percent = (share) => (100 * share).toFixed(2) + " %";
