// JSON as the specs want it read: one document, one meaning. Objects are Maps, integers BigInts.
import { TIME_MAX, ident, need, unhex } from './bytes.mjs';

const DEPTH = 16, MEMBERS = 48;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const bytesOf = (t) => Buffer.byteLength(t, 'utf8');

class Parser {
	constructor(text) {
		this.text = text;
		this.at = 0;
	}

	take(pattern, what) {
		pattern.lastIndex = this.at;
		const m = pattern.exec(this.text);
		need(m !== null, 'format', `no ${what} at ${this.at}`);
		this.at += m[0].length;
		return m[0];
	}

	space() {
		this.take(/[ \t\n\r]*/y, 'space');
	}

	skip(c) {
		this.space();
		const is = this.text[this.at] === c;
		if (is)
			this.at++;
		this.space();
		return is;
	}

	string() {
		const t = this.take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y, 'string');
		const s = JSON.parse(t);
		need(!/[\0\p{Surrogate}]/u.test(s), 'format', 'half a character, or U+0000');
		return s;
	}

	integer() {
		const t = this.take(/-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y, 'integer');
		const n = BigInt(t);
		need(n === BigInt.asIntN(64, n), 'format', 'a number too large');
		return n;
	}

	// The elements of a list or an object, up to its end.
	*elements(end) {
		if (this.skip(end))
			return;
		do
			yield;
		while (this.skip(','));
		need(this.skip(end), 'format', `no ${end} at ${this.at}`);
	}

	array(depth) {
		const list = [];
		for (const _ of this.elements(']'))
			list.push(this.value(depth + 1));
		return list;
	}

	object(depth) {
		const o = new Map();
		for (const _ of this.elements('}')) {
			const name = this.string();
			need(!o.has(name) && this.skip(':'), 'format', 'a member twice, or no value');
			o.set(name, this.value(depth + 1));
		}
		return o;
	}

	value(depth) {
		const c = this.text[this.at];
		if (c === '{' || c === '[') {
			need(depth < DEPTH, 'format', 'too deep');
			this.at++;
			return c === '{' ? this.object(depth) : this.array(depth);
		}
		if (c === '"')
			return this.string();
		if (c === 't' || c === 'f' || c === 'n')
			return JSON.parse(this.take(/true|false|null/y, 'word'));
		return this.integer();
	}
}

export function readJson(bytes, max) {
	let text;
	need(bytes.length <= max, 'limit', 'too long');
	try {
		text = decoder.decode(bytes);
	} catch {
		need(false, 'format', 'not UTF-8');
	}
	const p = new Parser(text);
	p.space();
	const v = p.value(0);
	p.space();
	need(p.at === text.length, 'format', 'more after the value');
	return v;
}

// RFC 8785, for values without reals.
export function canonical(v) {
	if (v instanceof Map) {
		need([...v.keys()].every((n) => /^[\u0000-\u007f]*$/.test(n)), 'format', 'a name beyond ASCII');
		return `{${[...v.keys()].sort().map((n) => `${JSON.stringify(n)}:${canonical(v.get(n))}`).join(',')}}`;
	}
	if (Array.isArray(v))
		return `[${v.map(canonical).join(',')}]`;
	if (typeof v === 'bigint') {
		need(v <= Number.MAX_SAFE_INTEGER && v >= -Number.MAX_SAFE_INTEGER, 'format', 'beyond 2^53');
		return String(v);
	}
	return JSON.stringify(v);
}

// Standard or URL-safe alphabet, padded or not; each of these has one form.
export function base64(t) {
	const m = /^([A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})$/.exec(t);
	need(m !== null && m[1].length % 4 !== 1, 'format', 'base64');
	need(m[2] === '' || (m[1].length + m[2].length) % 4 === 0, 'format', 'padding');
	const b = Buffer.from(m[1], 'base64');
	const digits = (s) => s.replace(/-/g, '+').replace(/_/g, '/').replace(/=/g, '');
	need(digits(b.toString('base64')) === digits(m[1]), 'format', 'base64 has one form');
	return new Uint8Array(b);
}

// ---- readers of members: each takes a value and gives what it means -----------------

const kind = (ok, what) => need(ok, 'format', `not ${what}`);

export const text = (min, max) => (v) => {
	kind(typeof v === 'string' && bytesOf(v) >= min && bytesOf(v) <= max, `a string of ${min} to ${max}`);
	return v;
};
export const word = (...words) => (v) => {
	kind(words.includes(v), words.join(' or '));
	return v;
};
export const name = (v) => ident(text(1, 32)(v));
export const uint = (min, max) => (v) => {
	kind(typeof v === 'bigint' && v >= BigInt(min) && v <= BigInt(max), `an integer of ${min} to ${max}`);
	return v <= Number.MAX_SAFE_INTEGER ? Number(v) : v;
};
export const flag = (v) => {
	kind(typeof v === 'boolean', 'true or false');
	return v;
};
export const hexOf = (n) => (v) => {
	kind(typeof v === 'string' && v.length === 2 * n && /^[0-9a-f]*$/.test(v), `${n} bytes of hex`);
	return unhex(v);
};
export const base64Of = (min, max) => (v) => {
	kind(typeof v === 'string', 'base64');
	const b = base64(v);
	kind(b.length >= min && b.length <= max, `${min} to ${max} bytes`);
	return b;
};
export const list = (min, max, one) => (v) => {
	kind(Array.isArray(v) && v.length >= min && v.length <= max, `a list of ${min} to ${max}`);
	return v.map(one);
};
export const anything = (v) => v;
export const optional = (read) => Object.assign((v) => read(v), { optional: true });

// 2026-11-22T10:00:00Z, and no other form.
export const time = (v) => {
	kind(typeof v === 'string' && /^(19[789]|[2-9][0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/.test(v),
		'a time');
	const t = Date.parse(v) / 1000;
	kind(Number.isFinite(t) && writeTime(t) === v, 'a time that there is');
	return t;
};
export const writeTime = (t) => {
	need(BigInt(t) <= TIME_MAX, 'format', 'a time after year 9999');
	return new Date(t * 1000).toISOString().replace('.000', '');
};

// Exactly these members.
export const object = (table) => (v) => {
	kind(v instanceof Map && v.size <= MEMBERS, 'an object');
	for (const n of v.keys())
		need(Object.hasOwn(table, n), 'format', `unknown member ${n}`);
	const o = {};
	for (const [n, read] of Object.entries(table)) {
		need(v.has(n) || read.optional, 'format', `no "${n}"`);
		if (v.has(n))
			o[n] = read(v.get(n));
	}
	return o;
};
