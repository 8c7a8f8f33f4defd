// Runs the vectors of the first implementation: check.mjs DIRECTORY.
// A spec is a module here that exports run(vector).
import fs from 'node:fs';
import { vectors } from './bytes.mjs';
import * as share from './share.mjs';
import * as sealed from './sealed.mjs';
import * as log from './log.mjs';

const specs = { 'share-v1': share, 'sealed-share-v1': sealed, 'log-v1': log };
let passed = 0, failed = 0;

function verdict(run, v) {
	try {
		run(v);
		return 'ok';
	} catch (e) {
		return e.why ?? `${e.message}`;
	}
}

for (const spec of fs.readdirSync(process.argv[2]).sort()) {
	if (specs[spec] === undefined) {
		console.log(`skipped: ${spec} has no second implementation`);
		continue;
	}
	for (const v of vectors(process.argv[2], spec)) {
		const is = verdict(specs[spec].run, v);
		if (is === v.expect) {
			passed++;
		} else {
			failed++;
			console.log(`FAIL ${v.name}: ${is}, expected ${v.expect}`);
		}
	}
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
