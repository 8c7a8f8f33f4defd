// accusation-v1, written from docs/spec/accusation-v1.md.
import { ed25519 } from '@noble/curves/ed25519';
import { ascii, equal, join, need } from './bytes.mjs';
import * as log from './log.mjs';

const NOTE_MAX = 32768, PROOF_MAX = 64;

// Section 2. Lines, then bytes that a line counts: read from the front, nothing left over.
class Reader {
	constructor(bytes) {
		this.bytes = bytes;
		this.at = 0;
	}

	line() {
		const end = this.bytes.indexOf(0x0a, this.at);
		need(end >= 0, 'format', 'no end of a line');
		const text = Buffer.from(this.bytes.subarray(this.at, end)).toString('latin1');
		this.at = end + 1;
		return text;
	}

	peek(word) {
		return equal(this.bytes.subarray(this.at, this.at + word.length), ascii(word));
	}

	hash(word) {
		const m = new RegExp(`^${word} ([A-Za-z0-9+/]{43}=)$`).exec(this.line());
		need(m !== null, 'format', word);
		const b = Buffer.from(m[1], 'base64');
		need(b.length === 32 && b.toString('base64') === m[1], 'format', 'base64 has one form');
		return new Uint8Array(b);
	}

	note() {
		const m = /^note ([1-9][0-9]{0,4})$/.exec(this.line()), n = m === null ? 0 : Number(m[1]);
		need(m !== null && n <= NOTE_MAX && n <= this.bytes.length - this.at, 'format', 'length of a note');
		this.at += n;
		return this.bytes.subarray(this.at - n, this.at);
	}
}

export function read(bytes) {
	const r = new Reader(bytes), proof = [];
	need(r.line() === 'quorate accusation v1', 'format', 'first line');
	const root = r.hash('root');
	while (r.peek('proof ')) {
		need(proof.length < PROOF_MAX, 'format', 'proof too long');
		proof.push(r.hash('proof'));
	}
	const a = r.note(), b = r.note();
	need(r.at === bytes.length, 'format', 'bytes left over');
	return { root, proof, a, b };
}

// Section 3.
export function verify(bytes, key, witnesses) {
	const t = read(bytes);
	const a = log.openNote(t.a, key, witnesses), b = log.openNote(t.b, key, witnesses);
	need(a.size <= b.size, 'verify', 'the first note is the larger');
	log.verifyConsistency(a.size, t.root, b.size, b.root, t.proof);
	need(!equal(t.root, a.root), 'verify', 'they do not contradict each other');
	return { a, b };
}

export function write(root, proof, a, b) {
	const hash = (word, h) => `${word} ${Buffer.from(h).toString('base64')}\n`;
	return join(ascii(`quorate accusation v1\n${hash('root', root)}${proof.map((h) => hash('proof', h)).join('')}`),
		ascii(`note ${a.length}\n`), a, ascii(`note ${b.length}\n`), b);
}

export function run(v) {
	verify(v.bytes('accusation'), log.readKey(v.text('log')),
		v.lines.filter(([k]) => k === 'witness').map(([, t]) => log.readKey(t)));
}

// ---- vectors ---------------------------------------------------------------------

// RFC 9162 section 2.1.4.1: from the first m leaves to all.
function consistency(m, leaves, whole = true) {
	if (m === leaves.length)
		return whole ? [] : [log.root(leaves)];
	const k = log.splitAt(leaves.length), left = leaves.slice(0, k), right = leaves.slice(k);
	return m <= k ? [...consistency(m, left, whole), log.root(right)]
		: [...consistency(m - k, right, false), log.root(left)];
}

export function make(writeOne, random) {
	const seeds = [0, 1, 2].map(() => ed25519.utils.randomPrivateKey());
	const named = (name, type, i) => ({ name, type, key: ed25519.getPublicKey(seeds[i]) });
	const key = named('second.example/log', 1, 0), witnesses = [named('w1.example', 4, 1), named('w2.example', 4, 2)];
	const bytes = (t) => new Uint8Array(Buffer.from(t, 'utf8'));
	const note = (leaves) => {
		const text = log.writeCheckpoint({ origin: key.name, size: BigInt(leaves.length), root: log.root(leaves) });
		return bytes(`${text}\n${log.sigLine(key, 0n, ed25519.sign(bytes(text), seeds[0]))}${witnesses.map((w, i) =>
			log.sigLine(w, 7n, ed25519.sign(bytes(log.cosigned(text, 7n)), seeds[i + 1]))).join('')}`);
	};
	for (const [m, n] of [[1, 1], [1, 2], [3, 3], [3, 7], [4, 8], [5, 8], [6, 13], [64, 100], [99, 100]]) {
		const log1 = Array.from({ length: m }, () => random(32)), log2 = Array.from({ length: n }, () => random(32));
		writeOne('accusation-v1', `of_${m}_and_${n}`, [['expect', 'ok'], ['comment', 'made by the second implementation'],
			['log', log.keyText(key)], ...witnesses.map((w) => ['witness', log.keyText(w)]),
			['accusation', write(log.root(log2.slice(0, m)), consistency(m, log2), note(log1), note(log2))]]);
	}
}
