// Bytes, vector files and the one way to refuse: nothing of ours to trust but this.
import fs from 'node:fs';
import path from 'node:path';

// A refusal carries the word that a vector expects: format, verify or quorum.
export class Refused extends Error {
	constructor(why, message) {
		super(`${why}: ${message}`);
		this.why = why;
	}
}

export function need(ok, why, message) {
	if (!ok)
		throw new Refused(why, message);
}

export const hex = (b) => Buffer.from(b).toString('hex');
export const unhex = (t) => {
	if (!/^([0-9a-f]{2})*$/.test(t))
		throw new Error(`not hex: ${t}`);
	return new Uint8Array(Buffer.from(t, 'hex'));
};
export const ascii = (t) => new Uint8Array(Buffer.from(t, 'latin1'));
export const join = (...parts) => new Uint8Array(Buffer.concat(parts.map((p) => (Array.isArray(p) ? Buffer.from(p) : p))));
export const equal = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

export function u16(n) {
	return new Uint8Array([n >> 8, n & 255]);
}

export function u32(n) {
	return new Uint8Array([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]);
}

export const big = (b) => b.reduce((n, x) => (n << 8n) | BigInt(x), 0n);

export function u64(n) {
	const b = Buffer.alloc(8);
	b.writeBigUInt64BE(BigInt(n));
	return new Uint8Array(b);
}

export const vec8 = (b) => join([b.length], b);
export const vec16 = (b) => join(u16(b.length), b);

export const TIME_MAX = 253402300799n;			// the end of year 9999

// Names of parts, classes, policies, people.
export function ident(t) {
	need(/^[a-z0-9][a-z0-9._-]{0,31}$/.test(t), 'format', 'a name of [a-z0-9._-]');
	return t;
}

// Reads a byte table from its start to its very end.
export class Reader {
	constructor(b) {
		this.b = b;
		this.at = 0;
	}

	take(n) {
		need(n <= this.b.length - this.at, 'format', `ends early, at ${this.b.length}`);
		this.at += n;
		return this.b.subarray(this.at - n, this.at);
	}

	u8() {
		return this.take(1)[0];
	}

	u16() {
		return Number(big(this.take(2)));
	}

	u32() {
		return Number(big(this.take(4)));
	}

	u64() {
		return big(this.take(8));
	}

	ident() {
		return ident(Buffer.from(this.take(this.u8())).toString('latin1'));
	}

	list(n, one) {
		return Array.from({ length: n }, one);
	}

	done() {
		need(this.at === this.b.length, 'format', `more bytes after ${this.at}`);
	}
}

// A vector: expect, comment, test and the rest as lists of bytes.
export class Vector {
	constructor(name, text) {
		this.name = name;
		this.lines = text.split('\n').filter((l) => l !== '').map((l) => {
			const at = l.indexOf(': ');
			if (at < 0)
				throw new Error(`${name}: no "key: value": ${l}`);
			return [l.slice(0, at), l.slice(at + 2)];
		});
		this.expect = this.text('expect');
	}

	text(key) {
		return this.lines.find(([k]) => k === key)?.[1];
	}

	has(key) {
		return this.text(key) !== undefined;
	}

	all(key) {
		return this.lines.filter(([k]) => k === key).map(([, v]) => unhex(v));
	}

	bytes(key) {
		if (!this.has(key))
			throw new Error(`${this.name}: no ${key}`);
		return unhex(this.text(key));
	}

	byte(key) {
		return this.bytes(key)[0];
	}

	number(key) {
		return Number(big(this.bytes(key)));
	}

	texts(key) {
		return this.lines.filter(([k]) => k === key).map(([, t]) => t);
	}
}

// What a vector lists must be what we work out: throws an Error, which no verdict is.
export function same(is, want, what) {
	const plain = (v) => (v instanceof Uint8Array ? hex(v) : String(v));
	if (plain(is) !== plain(want))
		throw new Error(`${what}: ${plain(is).slice(0, 200)}, not ${plain(want).slice(0, 200)}`);
}

export function sameList(is, want, what) {
	same(is.length, want.length, `number of ${what}`);
	is.forEach((x, i) => same(x, want[i], `${what} ${i}`));
}

export function vectors(dir, spec) {
	return fs.readdirSync(path.join(dir, spec)).filter((f) => f.endsWith('.txt')).sort().map((f) =>
		new Vector(`${spec}/${f.slice(0, -4)}`, fs.readFileSync(path.join(dir, spec, f), 'utf8')));
}

// lines: [key, text or bytes] in order.
export function writeVector(dir, spec, name, lines) {
	fs.mkdirSync(path.join(dir, spec), { recursive: true });
	fs.writeFileSync(path.join(dir, spec, `${name}.txt`),
		lines.map(([k, v]) => `${k}: ${typeof v === 'string' ? v : hex(v)}\n`).join(''));
}
