// tests/abuse/loads.mjs - what goes on for as long as it is let: each opens connections, and others when those are closed.
import net from 'node:net';
import zlib from 'node:zlib';
import * as w from './wire.mjs';

const HEALTH = '/grpc.health.v1.Health/Check';
const zeros = (n) => Buffer.alloc(n);
let stream = 1;
const next = () => (stream = stream > 0x7ffffff0 ? 1 : stream + 2);

// One connection each: (target, count, method that the caller may call) -> socket.
const perH2 = (open, frames, opts) => (t, count, method) => {
	const s = w.dialH2(t, opts);
	s.once('ready', () => w.pump(s, open(s, method), count));
	return s;
};
// A stream number of each connection's own.
const streams = (make) => (s, method) => {
	let id = -1;
	return () => make(id += 2, method, s);
};
const same = (bytes) => () => () => bytes;
const many = (n, make) => Buffer.concat(Array.from({ length: n }, make));

// A byte of `bytes` a second, and then nothing.
function drip(s, bytes, count) {
	let at = 0;
	const timer = setInterval(() => {
		if (s.destroyed || at >= bytes.length)
			return clearInterval(timer);
		count();
		s.write(bytes.subarray(at, ++at));
	}, 1000);
	s.once('close', () => clearInterval(timer));
}

// 100 calls whose answers nobody takes.
function ask100(s, method, body, count) {
	for (let i = 0; i < 100; i++) {
		count();
		s.write(Buffer.concat([w.frame(w.HEADERS, w.END_HEADERS, 2 * i + 1, w.head(method)),
			w.frame(w.DATA, w.END_STREAM, 2 * i + 1, w.message(body))]));
	}
}

// 16 KiB a frame, a stream's 64 KiB and no more than the connection's: what fits without anyone's leave.
function fill(s, method, count) {
	for (let i = 0; i < 16; i++) {
		count();
		s.write(Buffer.concat([w.frame(w.HEADERS, w.END_HEADERS, 2 * i + 1, w.head(method)),
			w.frame(w.DATA, 0, 2 * i + 1, w.message(zeros(4000), 1 << 20))]));
	}
}

function hello() {
	const h = Buffer.alloc(300, 1);
	h.set([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);		// a record of 512 bytes, of which 300 come
	return h;
}

const LOADS = {
	mute: (t) => w.dial(t),
	'half-hello': (t) => {
		const s = w.dial(t);
		s.once('connect', () => s.write(hello()));
		return s;
	},
	garbage: (t, count) => {
		const s = w.dial(t);
		s.once('connect', () => w.pump(s, () => Buffer.alloc(1000, 0xa5), count));
		return s;
	},
	churn: (t, count) => {
		const s = w.dial(t);
		s.once('connect', () => { count(); s.resetAndDestroy(); });
		return s;
	},
	'tls-churn': (t, count) => {
		const s = w.dialTls(t);
		s.once('ready', () => { count(); s.destroy(); });
		return s;
	},
	idle: (t) => w.dialH2(t),
	'slow-head': (t, count) => {
		const s = w.dialH2(t);
		s.once('ready', () => drip(s, w.frame(w.HEADERS, w.END_HEADERS, 1, w.head(HEALTH)), count));
		return s;
	},
	'slow-body': (t, count, method) => {
		const s = w.dialH2(t);
		s.once('ready', () => {
			s.write(w.frame(w.HEADERS, w.END_HEADERS, 1, w.head(method)));
			drip(s, w.frame(w.DATA, 0, 1, w.message(zeros(4000))), count);
		});
		return s;
	},
	'no-window': (t, count, method) => {
		const s = w.dialH2(t, { settings: w.NO_ROOM });
		s.once('ready', () => ask100(s, method, zeros(0), count));
		return s;
	},
	'no-reading': (t, count, method) => {
		const s = w.dialH2(t, { read: false });
		s.once('ready', () => ask100(s, method, zeros(0), count));
		return s;
	},
	unfinished: (t, count, method) => {
		const s = w.dialH2(t);
		s.once('ready', () => fill(s, method, count));
		return s;
	},
	reset: perH2(streams((id, method) => Buffer.concat([w.frame(w.HEADERS, w.END_HEADERS, id, w.head(method)),
		w.frame(w.RST_STREAM, 0, id, Buffer.from([0, 0, 0, 8]))]))),
	unknown: perH2(streams((id) => w.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM, id, w.head('/no/Such')))),
	settings: perH2(same(many(100, () => w.frame(w.SETTINGS, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0])))), 0, { read: false }),
	ping: perH2(same(many(100, () => w.frame(w.PING, 0, 0, zeros(8)))), 0, { read: false }),
	window: perH2(same(many(100, () => w.frame(w.WINDOW_UPDATE, 0, 0, Buffer.from([0, 0, 0, 1]))))),
	priority: perH2(same(many(100, () => w.frame(w.PRIORITY, 0, 1, zeros(5))))),
	'empty-data': perH2((s, method) => {
		s.write(w.frame(w.HEADERS, w.END_HEADERS, 1, w.head(method)));
		return () => many(100, () => w.frame(w.DATA, 0, 1));
	}),
	continuation: perH2((s) => {
		s.write(w.frame(w.HEADERS, 0, 1, w.head(HEALTH)));
		const one = w.frame(w.CONTINUATION, 0, 1, w.literal('x', 'y'.repeat(8000)));
		return () => one;
	}),
	'long-header': perH2((s) => {		// one value that claims 256 MiB
		s.write(w.frame(w.HEADERS, 0, 1, Buffer.from([0, 1, 0x78, 0x7f, 0x81, 0xff, 0xff, 0x7f])));
		const one = w.frame(w.CONTINUATION, 0, 1, Buffer.alloc(16000, 0x79));
		return () => one;
	}),
	bomb: (t, count, method) => {
		const body = w.message(zlib.gzipSync(zeros(64 << 20)), undefined, 1);
		return perH2(streams((id) => Buffer.concat([
			w.frame(w.HEADERS, w.END_HEADERS, id, w.head(method, [['grpc-encoding', 'gzip']])),
			...pieces(body, id)])))(t, count, method);
	},
	large: (t, count, method) => perH2(streams((id) => Buffer.concat([
		w.frame(w.HEADERS, w.END_HEADERS, id, w.head(method)), ...pieces(w.message(zeros(400 << 10)), id)])))(t, count, method),
	// Of the tile server, in HTTP/1.1.
	'http-slow': (t, count) => {
		const s = w.dial(t);
		s.once('connect', () => drip(s, Buffer.from('GET /checkpoint HTTP/1.1\r\nHost: a\r\nX: ' + 'y'.repeat(4000)), count));
		return s;
	},
	'http-head': (t, count) => {
		const s = w.dial(t);
		s.once('connect', () => { s.write('GET / HTTP/1.1\r\n'); w.pump(s, () => Buffer.from(`X: ${'y'.repeat(900)}\r\n`), count); });
		s.resume();
		return s;
	},
	'http-pipe': (t, count) => {
		const s = w.dial(t);
		s.pause();
		s.once('connect', () => w.pump(s, () => Buffer.from('GET /tile/entries/000.p/1 HTTP/1.1\r\nHost: a\r\n\r\n'), count));
		return s;
	},
	'http-body': (t, count) => {
		const s = w.dial(t);
		s.once('connect', () => { s.write('POST / HTTP/1.1\r\nContent-Length: 4294967296\r\n\r\n'); w.pump(s, () => zeros(10000), count); });
		s.resume();
		return s;
	},
};
export const names = Object.keys(LOADS);

function pieces(bytes, id) {
	const out = [];
	for (let at = 0; at < bytes.length; at += 16384)
		out.push(w.frame(w.DATA, at + 16384 >= bytes.length ? w.END_STREAM : 0, id, bytes.subarray(at, at + 16384)));
	return out;
}

/*
 * Keeps `width` connections of one kind open for `seconds`. Resolves to what was seen:
 * opened (tries), up (TCP came about), ended (by the other side, or never up), sent
 * (units of this load), most (at once).
 */
export function run(name, t, { method = HEALTH, width = 50, seconds = 2 } = {}) {
	const seen = { load: name, opened: 0, up: 0, ended: 0, sent: 0, most: 0 }, open = new Set();
	let over = false;
	const one = () => {
		const s = LOADS[name](t, () => seen.sent++, method);
		seen.opened++;
		open.add(s);
		s.once('connect', () => seen.up++);
		s.once('ready', () => (s.wasReady = true));
		seen.most = Math.max(seen.most, open.size);
		s.once('close', () => {
			open.delete(s);
			if (over)
				return;
			seen.ended++;
			setTimeout(() => over || one(), 1);
		});
	};
	for (let i = 0; i < width; i++)
		one();
	return new Promise((done) => setTimeout(() => {
		over = true;
		for (const s of open)
			s.destroy();
		setTimeout(() => done(seen), 50);
	}, seconds * 1000));
}
