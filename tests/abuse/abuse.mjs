// tests/abuse/abuse.mjs - abuse of one port: see tests/abuse/README.md.
//	node abuse.mjs load NAME[,NAME...] --to HOST:PORT [--width N] [--seconds N] ...
//	node abuse.mjs asks --to HOST:PORT ...
import { parseArgs } from 'node:util';
import * as asks from './asks.mjs';
import * as loads from './loads.mjs';
import { target } from './wire.mjs';

const { values: o, positionals: [verb, what] } = parseArgs({ allowPositionals: true, options: {
	to: { type: 'string' }, from: { type: 'string', default: '127.0.0.2' },
	cert: { type: 'string' }, key: { type: 'string' }, method: { type: 'string' },
	width: { type: 'string', default: '50' }, seconds: { type: 'string', default: '2' },
} });
const t = target(o);

process.on('uncaughtException', (e) => {
	if (!['ECONNRESET', 'EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'].includes(e.code)) {
		console.error(e);
		process.exit(3);
	}
});

if (verb === 'load') {
	const all = what.split(',').map((n) => loads.run(n, t, { method: o.method, width: +o.width, seconds: +o.seconds }));
	for (const seen of await Promise.all(all))
		console.log(JSON.stringify(seen));
	process.exit(0);
} else if (verb === 'asks') {
	process.exit(await asks.run(t, o.method) ? 0 : 1);
} else {
	console.error('abuse.mjs load NAMES | asks, --to HOST:PORT');
	process.exit(2);
}
