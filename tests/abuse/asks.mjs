// tests/abuse/asks.mjs - what each wrong question gets: one answer, soon, and never a yes.
import http2 from 'node:http2';
import zlib from 'node:zlib';
import * as w from './wire.mjs';

const SOON = 90000;		// on the slowest machine; a silent call is cut off after 20 s
const CANCELLED = 1, UNIMPLEMENTED = 12, INVALID = 3, DENIED = 7, EXHAUSTED = 8;
const HEALTH = '/grpc.health.v1.Health/Check';

const within = (p) => Promise.race([p, new Promise((_, no) => setTimeout(() => no(new Error('no answer in time')), SOON).unref())]);

// One call by a well-behaved library: { status: HTTP's, grpc, reset, closed }.
function call(t, { path = HEALTH, method = 'POST', headers = {}, body = w.message(Buffer.alloc(0)), end = true } = {}) {
	return within(new Promise((done) => {
		const session = http2.connect('https://a', { createConnection: () => w.dialTls(t), maxSendHeaderBlockLength: 1 << 20 });
		const out = {};
		const over = () => { session.destroy(); done(out); };
		session.on('error', () => {});
		session.on('close', () => { out.closed = true; over(); });
		const s = session.request({ ':method': method, ':path': path, ':scheme': 'https', ':authority': 'a',
			te: 'trailers', 'content-type': 'application/grpc', ...headers });
		const take = (h) => { if (h['grpc-status'] !== undefined) out.grpc = Number(h['grpc-status']); };
		s.on('response', (h) => { out.status = h[':status']; take(h); });
		s.on('trailers', take);
		s.on('error', () => (out.reset = true));
		s.on('data', () => {});
		s.on('close', over);
		if (end)
			s.end(body);
		else
			s.write(body);
	}));
}

// Bytes after TLS, or before it: what came back until the other side closed.
function exchange(s, bytes) {
	return within(new Promise((done) => {
		let got = '';
		s.on('data', (d) => (got += d.toString('latin1')));
		s.once('close', () => done({ got, ready: s.wasReady === true }));
		s.once('ready', () => { s.wasReady = true; s.write(bytes); });
		if (!s.encrypted)
			s.once('connect', () => s.write(bytes));
	}));
}

const grpc = (...want) => (r) => want.includes(r.grpc);
const noYes = (r) => r.grpc !== 0 && !(r.status >= 200 && r.status < 300 && r.grpc === undefined && !r.reset && !r.closed);
const noWord = (r) => !/HTTP\/1\.1 2/.test(r.got);

// name, what is asked, what is right. `method`: one with a request, that this caller may call or may not.
function table(t, method) {
	const zeros = Buffer.alloc(64 << 20), gz = { 'grpc-encoding': 'gzip' };
	return [
	['health is told to anyone', () => call(t), grpc(0)],
	['an unknown method', () => call(t, { path: '/quorate.v1.Custodian/NoSuch' }), grpc(UNIMPLEMENTED)],
	['a path of 7000 bytes', () => call(t, { path: '/' + 'a'.repeat(7000) }), grpc(UNIMPLEMENTED)],
	['headers of 60 KiB', () => call(t, { headers: { x: 'y'.repeat(60000) } }), noYes],
	['2000 headers', () => call(t, { headers: Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`x${i}`, 'y'])) }), noYes],
	['a page', () => call(t, { headers: { 'content-type': 'text/html' } }), () => true],	// any answer, but one
	['GET', () => call(t, { method: 'GET' }), noYes],
	['no request at all', () => call(t, { path: method, body: Buffer.alloc(0) }), grpc(INVALID, DENIED)],
	['a message that claims 4 GiB', () => call(t, { path: method, body: w.message(Buffer.alloc(100), 0xffffffff), end: false }),
		grpc(CANCELLED, EXHAUSTED, DENIED)],	// it never comes: cut off
	['a message above the limit', () => call(t, { path: method, body: w.message(Buffer.alloc((1 << 20) + 1)) }), grpc(EXHAUSTED, DENIED)],
	['a message above this call\'s limit', () => call(t, { body: w.message(Buffer.alloc(5000)) }), grpc(EXHAUSTED)],
	['64 MiB of zeros in gzip', () => call(t, { path: method, headers: gz, body: w.message(zlib.gzipSync(zeros), undefined, 1) }),
		grpc(UNIMPLEMENTED, DENIED)],
	['and in deflate', () => call(t, { path: method, headers: { 'grpc-encoding': 'deflate' },
		body: w.message(zlib.deflateSync(zeros), undefined, 1) }), grpc(UNIMPLEMENTED, DENIED)],
	['gzip that is not announced', () => call(t, { path: method, body: w.message(zlib.gzipSync(zeros), undefined, 1) }), noYes],
	['health in gzip', () => call(t, { headers: gz, body: w.message(zlib.gzipSync(zeros), undefined, 1) }), grpc(UNIMPLEMENTED)],
	['HTTP/1.1 without TLS', () => exchange(w.dial(t), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), noWord],
	['HTTP/1.1 within TLS', () => exchange(w.dialTls(t, { ALPNProtocols: ['http/1.1'] }), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), noWord],
	['garbage within TLS', () => exchange(w.dialTls(t), Buffer.alloc(2000, 0xa5)), (r) => r.ready],
	['TLS 1.2', () => exchange(w.dialTls(t, { maxVersion: 'TLSv1.2' }), 'x'), (r) => !r.ready],
	];
}

export async function run(t, method = '/quorate.v1.Custodian/Submit') {
	let good = 0, bad = 0;
	const asked = table(t, method).map(([name, ask, right]) => [name, ask().catch((e) => ({ error: e.message })), right]);
	for (const [name, answer, right] of asked) {
		const r = await answer;
		if (!r.error && right(r)) {
			good++;
			continue;
		}
		bad++;
		console.log(`FAIL: ${name}: ${JSON.stringify(r).slice(0, 300)}`);
	}
	console.log(`${good} questions answered as they should be, ${bad} not`);
	return bad === 0;
}
