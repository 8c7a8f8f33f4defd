// Runs the vectors of the first implementation: check.mjs DIRECTORY.
// Each spec has a function here that takes a vector, and throws what is wrong with it.
import fs from 'node:fs';
import { vectors } from './bytes.mjs';
import * as accusation from './accusation.mjs';
import * as share from './share.mjs';
import * as sealed from './sealed.mjs';
import * as log from './log.mjs';
import * as answers from './answers.mjs';
import * as batch from './batch.mjs';
import * as casev1 from './case.mjs';
import * as charter from './charter.mjs';
import * as descriptor from './descriptor.mjs';
import * as envelope from './envelope.mjs';
import * as container from './package.mjs';
import * as segment from './segment.mjs';
import * as statement from './statement.mjs';

const specs = {
	'share-v1': share.run,
	'sealed-share-v1': sealed.run,
	'log-v1': log.run,
	'accusation-v1': accusation.run,
	'descriptor-v1': descriptor.runDescriptor,
	'scope-v1': descriptor.runScope,
	'segment-v1': segment.run,
	'envelope-v1': envelope.run,
	'batch-v1': batch.run,
	'keys-v1': answers.runKeys,
	'contributions-v1': answers.runContributions,
	'statement-v1': statement.run,
	'charter-v1': charter.run,
	'case-v1': casev1.run,
	'package-v1': container.run,
};
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
		const is = verdict(specs[spec], v);
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
