#!/usr/bin/env node
// SPDX-License-Identifier: GPL-2.0-only
// Perfetto's trace processor, as Perfetto's page for browsers has it.  Calls come in on
// standard input (a TraceProcessorRpcStream); the answers go to standard output.
//
// usage: processor.js FOLDER <CALLS >ANSWERS	(FOLDER: where the npm package is)
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const folder = process.argv[2];

// The engine believes that it is a browser's worker. It loads its WebAssembly by this.
class Request {
	open(_method, name) {
		this.name = path.join(folder, path.basename(name));
	}

	send() {
		this.response = new Uint8Array(fs.readFileSync(this.name)).buffer;
	}
}

function writeAll(data) {
	for (let at = 0; at < data.length;)
		at += fs.writeSync(1, data, at);
}

const worker = { location: { href: '' } };
const engine = vm.compileFunction(
	fs.readFileSync(path.join(folder, 'engine_bundle.js'), 'utf8'),
	['self', 'process', 'importScripts', 'XMLHttpRequest']);
const port = { postMessage: writeAll };

engine(worker, undefined, () => {}, Request);
worker.onmessage({ data: { enginePort: port } });
// It is ready when what it has begun is over.
setImmediate(() => port.onmessage({ data: new Uint8Array(fs.readFileSync(0)) }));
