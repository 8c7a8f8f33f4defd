// DER: a small reader and writer, for CMS, time-stamps, certificates and revocation lists.
import { join, need } from './bytes.mjs';

const DEPTH = 24;

export const SEQ = 0x30, SET = 0x31, INT = 2, BITS = 3, OCTETS = 4, OID = 6, UTC = 0x17, GENERAL = 0x18;

export const oids = {
	data: '1.2.840.113549.1.7.1', signedData: '1.2.840.113549.1.7.2', tstInfo: '1.2.840.113549.1.9.16.1.4',
	authEnveloped: '1.2.840.113549.1.9.16.1.23', contentType: '1.2.840.113549.1.9.3', messageDigest: '1.2.840.113549.1.9.4',
	signingTime: '1.2.840.113549.1.9.5', signingCertificate: '1.2.840.113549.1.9.16.2.12',
	signingCertificateV2: '1.2.840.113549.1.9.16.2.47', timeStampToken: '1.2.840.113549.1.9.16.2.14',
	sha1: '1.3.14.3.2.26', sha256: '2.16.840.1.101.3.4.2.1', sha384: '2.16.840.1.101.3.4.2.2', sha512: '2.16.840.1.101.3.4.2.3',
	ecdsaSha256: '1.2.840.10045.4.3.2', extKeyUsage: '2.5.29.37', timeStamping: '1.3.6.1.5.5.7.3.8',
	keyIdentifier: '2.5.29.14', reasonCode: '2.5.29.21', gcm: '2.16.840.1.101.3.4.1.46',
};

// One value at the start of b: { tag, content, raw, all } (all: the values inside, where it is constructed).
function readOne(b, depth) {
	need(depth < DEPTH && b.length >= 2 && (b[0] & 0x1f) !== 0x1f, 'format', 'DER: a tag');
	let length = b[1], at = 2;
	if (length >= 0x80) {
		const n = length - 0x80;
		need(n >= 1 && n <= 4 && b.length >= 2 + n, 'format', 'DER: a length');
		length = b.subarray(2, 2 + n).reduce((v, x) => v * 256 + x, 0);
		at += n;
		need(b[2] !== 0 && length >= 0x80, 'format', 'DER: a length that could be shorter');
	}
	need(length <= b.length - at, 'format', 'DER: ends early');
	const node = { tag: b[0], content: b.subarray(at, at + length), raw: b.subarray(0, at + length) };
	if (b[0] & 0x20)
		node.all = readAll(node.content, depth + 1);
	return node;
}

export function readAll(b, depth = 0) {
	const all = [];
	for (let at = 0; at < b.length; at += all.at(-1).raw.length)
		all.push(readOne(b.subarray(at), depth));
	return all;
}

export function readDer(b) {
	const all = readAll(b);
	need(all.length === 1, 'format', 'DER: one value');
	return all[0];
}

// The values inside of a node of this tag, as many as `min` at least and `max` at most.
export function inside(node, tag, min = 0, max = Infinity) {
	need(node !== undefined && node.tag === tag && node.all !== undefined, 'format', `DER: not a ${tag}`);
	need(node.all.length >= min && node.all.length <= max, 'format', 'DER: number of values');
	return node.all;
}

export function oidOf(node) {
	need(node !== undefined && node.tag === OID && node.content.length > 0, 'format', 'DER: no OID');
	const arcs = [];
	let v = 0;
	for (const x of node.content) {
		v = v * 128 + (x & 127);
		if (!(x & 128)) {
			arcs.push(v);
			v = 0;
		}
	}
	const first = Math.min(2, Math.floor(arcs[0] / 40));
	return [first, arcs[0] - 40 * first, ...arcs.slice(1)].join('.');
}

export const isOid = (node, oid) => node?.tag === OID && oidOf(node) === oid;
// Of an AlgorithmIdentifier.
export const algorithmOf = (node) => oidOf(inside(node, SEQ, 1, 2)[0]);

export function octets(node) {
	need(node !== undefined && node.tag === OCTETS, 'format', 'DER: no octets');
	return node.content;
}

export function bits(node) {
	need(node !== undefined && node.tag === BITS && node.content[0] === 0, 'format', 'DER: no bits');
	return node.content.subarray(1);
}

// POSIX seconds; a fraction is cut.
export function timeOf(node) {
	need(node !== undefined && (node.tag === UTC || node.tag === GENERAL), 'format', 'DER: no time');
	let t = Buffer.from(node.content).toString('latin1');
	if (node.tag === UTC)
		t = (t < '50' ? '20' : '19') + t;
	const m = /^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(\.[0-9]*[1-9])?Z$/.exec(t);
	need(m !== null, 'format', 'DER: a time');
	const seconds = Date.parse(`${m[1]}-${m[2]}-${m[3]}T${m[4]}:${m[5]}:${m[6]}Z`) / 1000;
	need(Number.isFinite(seconds), 'format', 'DER: a time that there is not');
	return seconds;
}

// ---- writing ---------------------------------------------------------------------------

export function der(tag, ...parts) {
	const content = join(...parts), n = content.length;
	if (n < 0x80)
		return join([tag, n], content);
	const length = [];
	for (let v = n; v > 0; v = Math.floor(v / 256))
		length.unshift(v % 256);
	return join([tag, 0x80 + length.length], length, content);
}

export function oid(text) {
	const [a, b, ...rest] = text.split('.').map(Number);
	return der(OID, [40 * a + b, ...rest].flatMap((arc) => {
		const out = [arc % 128];
		for (let v = Math.floor(arc / 128); v > 0; v = Math.floor(v / 128))
			out.unshift(128 + v % 128);
		return out;
	}));
}

// Members in the order that DER wants.
export const setOf = (tag, members) => der(tag, ...members.map((m) => Buffer.from(m)).sort(Buffer.compare));

export function writeTime(t) {
	const s = new Date(t * 1000).toISOString().replace(/[-:T]|\.000/g, '');
	return t < 2524608000 ? der(UTC, Buffer.from(s.slice(2))) : der(GENERAL, Buffer.from(s));
}
