// log-v1, written from docs/spec/log-v1.md.
import { ed25519 } from '@noble/curves/ed25519';
import { sha256 } from '@noble/hashes/sha2';
import { TIME_MAX, ascii, big, equal, hex, join, need, same } from './bytes.mjs';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encode = (t) => new Uint8Array(Buffer.from(t, 'utf8'));

// Section 2.
export function readEntry(b) {
	need(b.length >= 9 && b.length <= 65535, 'format', 'length of an entry');
	const time = big(b.subarray(0, 8));
	need(time <= TIME_MAX, 'format', 'year 10000');
	return { time, dsse: b.subarray(8) };
}

// Section 3.
export const leafHash = (b) => sha256(join([0], b));
export const nodeHash = (l, r) => sha256(join([1], l, r));

// How many of n leaves stand under the left child: the largest power of two below n.
export function splitAt(n) {
	let k = 1;
	while (k * 2 < n)
		k *= 2;
	return k;
}

export function root(leaves) {
	if (leaves.length === 0)
		return sha256(new Uint8Array(0));
	if (leaves.length === 1)
		return leaves[0];
	const k = splitAt(leaves.length);
	return nodeHash(root(leaves.slice(0, k)), root(leaves.slice(k)));
}

export function pathTo(leaves, i) {
	if (leaves.length <= 1)
		return [];
	const k = splitAt(leaves.length), left = leaves.slice(0, k), right = leaves.slice(k);
	return i < k ? [...pathTo(left, i), root(right)] : [...pathTo(right, i - k), root(left)];
}

export function verifyInclusion(leaf, index, size, path, want) {
	need(index < size, 'verify', 'no such leaf');
	let fn = index, sn = size - 1n, r = leaf;
	for (const p of path) {
		need(sn !== 0n, 'verify', 'path too long');
		if ((fn & 1n) === 1n || fn === sn) {
			r = nodeHash(p, r);
			for (; (fn & 1n) === 0n && fn !== 0n; fn >>= 1n)
				sn >>= 1n;
		} else {
			r = nodeHash(r, p);
		}
		fn >>= 1n;
		sn >>= 1n;
	}
	need(sn === 0n && equal(r, want), 'verify', 'not under the root');
}

export function verifyConsistency(old, oldRoot, size, newRoot, path) {
	need(old <= size, 'verify', 'the old tree is larger');
	if (old === 0n || old === size) {
		need(path.length === 0, 'verify', 'a proof of nothing');
		need(old !== 0n || equal(oldRoot, root([])), 'verify', 'not the empty tree');
		need(old !== size || equal(oldRoot, newRoot), 'verify', 'two roots');
		return;
	}
	const nodes = (old & (old - 1n)) === 0n ? [oldRoot, ...path] : path;
	need(path.length > 0, 'verify', 'no proof');
	let fn = old - 1n, sn = size - 1n, fr = nodes[0], sr = nodes[0];
	for (; (fn & 1n) === 1n; fn >>= 1n)
		sn >>= 1n;
	for (const c of nodes.slice(1)) {
		need(sn !== 0n, 'verify', 'path too long');
		if ((fn & 1n) === 1n || fn === sn) {
			fr = nodeHash(c, fr);
			sr = nodeHash(c, sr);
			for (; (fn & 1n) === 0n && fn !== 0n; fn >>= 1n)
				sn >>= 1n;
		} else {
			sr = nodeHash(sr, c);
		}
		fn >>= 1n;
		sn >>= 1n;
	}
	need(sn === 0n && equal(fr, oldRoot) && equal(sr, newRoot), 'verify', 'no prefix');
}

// Section 4.
function base64(t) {
	need(/^[A-Za-z0-9+/]+={0,2}$/.test(t), 'format', 'base64');
	const b = Buffer.from(t, 'base64');
	need(b.toString('base64') === t, 'format', 'base64 has one form');
	return new Uint8Array(b);
}

function name(t) {
	need(t !== '' && encode(t).length <= 127 && !/[\s+\u0000-\u001f\u007f-\u009f]/u.test(t), 'format', 'name');
	return t;
}

const keyId = (k) => sha256(join(encode(k.name), [0x0a, k.type], k.key)).subarray(0, 4);

export function readKey(text) {
	const m = /^([^+]*)\+([0-9a-f]{8})\+(.*)$/s.exec(text);
	need(m !== null, 'format', 'key');
	const raw = base64(m[3]);
	need(raw.length === 33 && [1, 4].includes(raw[0]), 'format', 'key type');
	const k = { name: name(m[1]), type: raw[0], key: raw.subarray(1) };
	need(hex(keyId(k)) === m[2], 'format', 'key id');
	return k;
}

export const keyText = (k) => `${k.name}+${hex(keyId(k))}+${Buffer.from(join([k.type], k.key)).toString('base64')}`;

export function writeCheckpoint(c) {
	return `${c.origin}\n${c.size}\n${Buffer.from(c.root).toString('base64')}\n`;
}

function readCheckpoint(text) {
	const lines = text.split('\n');
	need(lines.length === 4 && lines[3] === '', 'format', 'three lines');
	need(/^(0|[1-9][0-9]{0,18})$/.test(lines[1]) && BigInt(lines[1]) < 1n << 63n, 'format', 'size');
	const c = { origin: name(lines[0]), size: BigInt(lines[1]), root: base64(lines[2]) };
	need(c.root.length === 32, 'format', 'root');
	return c;
}

export const cosigned = (text, time) => `cosignature/v1\ntime ${time}\n${text}`;

export function sigLine(k, time, sig) {
	const stamp = Buffer.alloc(8);
	stamp.writeBigUInt64BE(time);
	const raw = join(keyId(k), k.type === 4 ? stamp : [], sig);
	return `\u2014 ${k.name} ${Buffer.from(raw).toString('base64')}\n`;
}

function checkSignature(k, raw, text) {
	need(raw.length === (k.type === 4 ? 76 : 68), 'format', 'length of a signature');
	const time = k.type === 4 ? big(raw.subarray(4, 12)) : 0n;
	need(time <= TIME_MAX, 'format', 'year 10000');
	const message = k.type === 4 ? cosigned(text, time) : text;
	need(ed25519.verify(raw.subarray(-64), encode(message), k.key, { zip215: false }), 'verify', `signature of ${k.name}`);
}

export function openNote(bytes, log, witnesses) {
	let note;
	need(bytes.length <= 32768, 'format', 'note too long');
	try {
		note = decoder.decode(bytes);
	} catch {
		need(false, 'format', 'not UTF-8');
	}
	need(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/u.test(note), 'format', 'control character');
	const at = note.lastIndexOf('\n\n');
	need(at >= 0, 'format', 'no empty line');
	const text = note.slice(0, at + 1);
	const c = readCheckpoint(text);
	need(c.origin === log.name, 'verify', 'another log');
	const lines = note.slice(at + 2).split('\n');
	need(lines.pop() === '' && lines.length <= 64, 'format', 'signatures');
	const by = new Set();
	for (const line of lines) {
		const m = /^\u2014 ([^ ]+) ([^ ]+)$/u.exec(line);
		need(m !== null, 'format', 'signature line');
		const raw = base64(m[2]);
		need(name(m[1]) && raw.length > 4, 'format', 'signature');
		for (const k of [log, ...witnesses]) {
			if (k.name !== m[1] || !equal(keyId(k), raw.subarray(0, 4)))
				continue;
			checkSignature(k, raw, text);
			need(!by.has(k), 'format', 'signed twice');
			by.add(k);
		}
	}
	need(by.has(log), 'verify', 'not signed by the log');
	return { ...c, text, by };
}

// Section 7.
export function readProof(bytes) {
	const file = Buffer.from(bytes).toString('latin1');
	const m = /^c2sp\.org\/tlog-proof@v1\n(?:extra ([^\n]*)\n)?index (0|[1-9][0-9]{0,18})\n((?:[^\n]+\n)*)\n/.exec(file);
	need(m !== null, 'format', 'proof file');
	if (m[1] !== undefined)
		base64(m[1]);
	const path = m[3].split('\n').slice(0, -1).map(base64);
	need(path.length <= 64 && path.every((h) => h.length === 32), 'format', 'path');
	const note = bytes.subarray(m[0].length);
	need(note.length > 0 && note.length <= 32768, 'format', 'checkpoint');
	return { index: BigInt(m[2]), path, note };
}

const tests = {
	entry(v) {
		const e = readEntry(v.bytes('entry'));
		same(e.time, big(v.bytes('time')), 'time');
		same(hex(e.dsse), hex(v.bytes('dsse')), 'dsse');
		same(hex(leafHash(v.bytes('entry'))), hex(v.bytes('leaf')), 'leaf');
	},
	tree(v) {
		same(hex(root(v.all('entry').map(leafHash))), hex(v.bytes('root')), 'root');
	},
	inclusion(v) {
		verifyInclusion(v.bytes('leaf'), big(v.bytes('index')), big(v.bytes('size')), v.all('hash'), v.bytes('root'));
	},
	consistency(v) {
		verifyConsistency(big(v.bytes('old')), v.bytes('old_root'), big(v.bytes('size')), v.bytes('root'), v.all('hash'));
	},
	checkpoint(v) {
		const log = readKey(v.text('log'));
		const witnesses = v.lines.filter(([k]) => k === 'witness').map(([, t]) => readKey(t));
		const c = openNote(v.bytes('note'), log, witnesses);
		same(c.by.size, 3, 'signers');
		same(c.size, big(v.bytes('size')), 'size');
		same(writeCheckpoint(c), Buffer.from(v.bytes('text')).toString(), 'text');
		if (!v.has('seed'))
			return;
		const [logSeed, ...seeds] = v.all('seed');
		let note = `${c.text}\n${sigLine(log, 0n, ed25519.sign(encode(c.text), logSeed))}`;
		v.all('time').forEach((t, i) => {
			const sig = ed25519.sign(encode(cosigned(c.text, big(t))), seeds[i]);
			note += sigLine(witnesses[i], big(t), sig);
		});
		same(note, Buffer.from(v.bytes('note')).toString(), 'note');
	},
	key(v) {
		readKey(v.text('key'));
	},
	proof(v) {
		const p = readProof(v.bytes('file'));
		const c = openNote(p.note, readKey(v.text('log')), []);
		verifyInclusion(leafHash(v.bytes('entry')), p.index, c.size, p.path, c.root);
	},
};

export function run(v) {
	tests[v.text('test')](v);
}

// Vectors of this implementation, for the first to read.
export function make(write) {
	const seeds = [1, 2, 3].map(() => ed25519.utils.randomPrivateKey());
	const named = (n, type, i) => ({ name: n, type, key: ed25519.getPublicKey(seeds[i]) });
	const log = named('second.example/log', 1, 0);
	const witnesses = [named('w1.example', 4, 1), named('w2.example', 4, 2)];
	const entries = [0, 1, 2].map((i) => join(new Uint8Array(7), [i], ascii(`{"n":${i}}`)));
	const leaves = entries.map(leafHash);
	const text = writeCheckpoint({ origin: log.name, size: 3n, root: root(leaves) });
	let note = `${text}\n${sigLine(log, 0n, ed25519.sign(encode(text), seeds[0]))}`;
	witnesses.forEach((k, i) => {
		note += sigLine(k, 7n, ed25519.sign(encode(cosigned(text, 7n)), seeds[i + 1]));
	});
	const head = (test) => [['expect', 'ok'], ['comment', 'made by the second implementation'], ['test', test]];
	write('log-v1', 'checkpoint', [...head('checkpoint'), ['log', keyText(log)],
		...witnesses.map((k) => ['witness', keyText(k)]), ['note', encode(note)],
		['size', new Uint8Array([0, 0, 0, 0, 0, 0, 0, 3])], ['text', encode(text)]]);
	write('log-v1', 'tree', [...head('tree'), ...entries.map((e) => ['entry', e]), ['root', root(leaves)]]);
	const path = [leaves[0], leaves[2]].map((h) => `${Buffer.from(h).toString('base64')}\n`).join('');
	write('log-v1', 'proof', [...head('proof'),
		['file', encode(`c2sp.org/tlog-proof@v1\nindex 1\n${path}\n${note}`)],
		['entry', entries[1]], ['log', keyText(log)]]);
}
