// tests/abuse/wire.mjs - TCP, TLS and HTTP/2 by hand: whatever a stranger may send, in any order.
import fs from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';

export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8, CONTINUATION = 9;
export const END_STREAM = 1, END_HEADERS = 4;
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

// What a target is called by, and who calls: { host, port, from, cert, key, scheme }.
export function target(o) {
	const at = o.to.lastIndexOf(':');
	return { host: o.to.slice(0, at), port: Number(o.to.slice(at + 1)), from: o.from,
		cert: o.cert && fs.readFileSync(o.cert), key: o.key && fs.readFileSync(o.key) };
}

export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
	const head = Buffer.alloc(9);
	head.writeUIntBE(payload.length, 0, 3);
	head[3] = type;
	head[4] = flags;
	head.writeUInt32BE(stream, 5);
	return Buffer.concat([head, payload]);
}

function integer(n, bits, first) {	// RFC 7541, 5.1
	const most = (1 << bits) - 1, out = [];
	if (n < most)
		return Buffer.from([first | n]);
	out.push(first | most);
	for (n -= most; n >= 128; n = Math.floor(n / 128))
		out.push(n % 128 + 128);
	out.push(n);
	return Buffer.from(out);
}

// A header as a literal that no table keeps.
export function literal(name, value) {
	const n = Buffer.from(name), v = Buffer.from(value);
	return Buffer.concat([Buffer.from([0]), integer(n.length, 7, 0), n, integer(v.length, 7, 0), v]);
}

export function head(method, more = []) {
	return Buffer.concat([[':method', 'POST'], [':scheme', 'https'], [':path', method], [':authority', 'a'],
		['te', 'trailers'], ['content-type', 'application/grpc'], ...more].map(([n, v]) => literal(n, v)));
}

// A message as gRPC frames it; said: the length that is claimed.
export function message(bytes, said = bytes.length, flag = 0) {
	const m = Buffer.alloc(5);
	m[0] = flag;
	m.writeUInt32BE(said, 1);
	return Buffer.concat([m, bytes]);
}

// Settings that leave every stream without room for an answer.
export const NO_ROOM = frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));

export function dial(t) {
	const s = net.connect({ host: t.host, port: t.port, localAddress: t.from, noDelay: true });
	s.on('error', () => s.destroy());
	return s;
}

// After TLS: 'ready' is emitted, or the socket ends.
export function dialTls(t, more = {}) {
	const s = tls.connect({ socket: dial(t), rejectUnauthorized: false, ALPNProtocols: ['h2'], cert: t.cert, key: t.key,
		...more });
	s.on('error', () => s.destroy());
	s.once('secureConnect', () => setImmediate(() => s.emit('ready')));	// whoever opened it speaks first
	return s;
}

// After TLS and the preface. Nothing that arrives is kept, unless `read` is false: then nothing is read.
export function dialH2(t, { settings = frame(SETTINGS, 0, 0), read = true } = {}) {
	const s = dialTls(t);
	s.once('secureConnect', () => {
		s.write(Buffer.concat([PREFACE, settings]));
		if (read)
			s.on('data', () => {});
		else
			s.pause();
	});
	return s;
}

// Sends what next() gives for as long as the socket lives, at the peer's pace.
export function pump(s, next, count) {
	const more = () => {
		while (!s.destroyed && s.writable) {
			count();
			if (!s.write(next())) {
				s.once('drain', () => setImmediate(more));
				return;
			}
		}
	};
	more();
}
