// envelope-v1, written from docs/spec/envelope-v1.md.
import { sha256 } from '@noble/hashes/sha2';
import { ascii, equal, join, need, same, sameList, u32, u64, writeVector } from './bytes.mjs';
import { DESCRIPTOR_MAX, labelMessage, readDescriptor, writeDescriptor } from './descriptor.mjs';
import { leafHash, nodeHash, splitAt, verifyInclusion } from './log.mjs';
import * as seg from './segment.mjs';
import * as share from './share.mjs';

const MAGIC = ascii('quorate/envelope/v1\n');
const LEAVES_MAX = 2 ** 20;

// Section 1: levels of complete nodes, leaves first.
function complete(leaves) {
	const levels = [leaves];
	for (let l = leaves; l.length > 1;) {
		l = Array.from({ length: Math.floor(l.length / 2) }, (_, i) => nodeHash(l[2 * i], l[2 * i + 1]));
		levels.push(l);
	}
	return levels;
}

const tableNodes = (n) => (n === 0 ? 0 : n + tableNodes(Math.floor(n / 2)));
const leavesOf = (part) => seg.chunks(part.length);

// A node table as bytes somewhere: the hash over leaves first .. first + n - 1.
class Table {
	constructor(bytes, leaves) {
		this.bytes = bytes;
		this.leaves = leaves;
	}

	node(level, i) {
		let at = 0;
		for (let l = 0; l < level; l++)
			at += Math.floor(this.leaves / 2 ** l);
		return this.bytes.subarray((at + i) * 32, (at + i + 1) * 32);
	}

	hash(first, n) {
		const level = Math.log2(n);
		if (Number.isInteger(level))
			return this.node(level, first / n);
		const k = splitAt(n);
		return nodeHash(this.hash(first, k), this.hash(first + k, n - k));
	}

	path(leaf, first = 0, n = this.leaves) {
		if (n === 1)
			return [];
		const k = splitAt(n);
		return leaf < first + k ? [...this.path(leaf, first, k), this.hash(first + k, n - k)]
			: [...this.path(leaf, first + k, n - k), this.hash(first, k)];
	}
}

// Section 3. a: genesis, id, policy, class, sealedAt, timeLock, record, coefficients, shares (their number),
// parts (name, plain, segmentLog2) in order. Gives the file, its descriptor and the shares.
export function write(a) {
	const { shares, commits } = share.split(a.coefficients, a.shares);
	const sealed = a.parts.map((p) => {
		need(p.plain.length > 0, 'format', 'an empty part');
		const part = { name: p.name, length: p.plain.length, segmentLog2: p.segmentLog2 };
		const pieces = Array.from({ length: seg.segments(part) }, (_, i) => {
			const H = share.label(labelMessage(a.genesis, a.id, p.name, i));
			const at = i * seg.segmentBytes(part);
			return seg.sealSegment(share.writePoint(share.times(a.coefficients[0], H)),
				p.plain.subarray(at, at + seg.segmentLength(part, i)));
		});
		const levels = complete(pieces.flatMap((s, i) => seg.leafData(s, seg.segmentLength(part, i))).map(leafHash));
		const table = new Table(join(...levels.flat()), levels[0].length);
		return { part: { ...part, root: table.hash(0, table.leaves) }, pieces, table };
	});
	const descriptor = writeDescriptor({ ...a, commits, parts: sealed.map((s) => s.part) });
	const file = join(MAGIC, u32(descriptor.length), descriptor, ...sealed.flatMap((s) => s.pieces),
		...sealed.map((s) => s.table.bytes));
	return { file, descriptor, shares };
}

// Section 4; then section 5. digest: of the logged descriptor.
export class Envelope {
	constructor(file, digest) {
		need(file.length >= 24 && equal(file.subarray(0, 20), MAGIC), 'format', 'magic');
		const D = Buffer.from(file).readUInt32BE(20);
		need(D >= 1 && D <= DESCRIPTOR_MAX && file.length >= 24 + D, 'format', 'length of the descriptor');
		this.raw = file.subarray(24, 24 + D);
		need(equal(sha256(this.raw), digest), 'verify', 'another descriptor');
		this.descriptor = readDescriptor(this.raw);
		const parts = this.descriptor.parts;
		need(parts.reduce((n, p) => n + leavesOf(p), 0) <= LEAVES_MAX, 'limit', 'too many leaves');
		this.file = file;
		let at = 24 + D;
		const next = (n) => (at += n) - n;
		this.data = parts.map((p) => next(seg.partBytes(p)));
		const tables = parts.map((p) => next(32 * tableNodes(leavesOf(p))));
		need(at === file.length, 'format', 'size of the file');
		this.tables = parts.map((p, i) => new Table(file.subarray(tables[i]), leavesOf(p)));
	}

	// One leaf, proven.
	leaf(i, leaf) {
		const part = this.descriptor.parts[i], each = seg.segmentBytes(part) / seg.CHUNK;
		const segment = Math.floor(leaf / each), chunk = leaf % each;
		const start = this.data[i] + seg.segmentOffset(part, segment);
		const sealed = this.file.subarray(start, start + seg.sealedBytes(seg.segmentLength(part, segment)));
		const data = seg.leafData(sealed, seg.segmentLength(part, segment))[chunk];
		verifyInclusion(leafHash(data), BigInt(leaf), BigInt(leavesOf(part)), this.tables[i].path(leaf), part.root);
		return data;
	}

	// Bytes offset .. offset + n of a part; point(name, segment) gives 32 bytes.
	read(i, offset, n, point) {
		const part = this.descriptor.parts[i], size = seg.segmentBytes(part);
		need(offset + n <= part.length, 'format', 'not within the part');
		if (n === 0)
			return new Uint8Array(0);
		const out = [];
		for (let s = Math.floor(offset / size); s <= Math.floor((offset + n - 1) / size); s++) {
			const first = seg.firstLeaf(part, s), last = seg.chunks(seg.segmentLength(part, s)) - 1;
			const from = Math.max(offset - s * size, 0), to = Math.min(offset + n - s * size, size);
			const head = this.leaf(i, first), key = seg.keyOf(point(part.name, s), head);
			const c0 = Math.floor(from / seg.CHUNK), c1 = Math.floor((to - 1) / seg.CHUNK);
			const plain = [];
			for (let c = c0; c <= c1; c++)
				plain.push(seg.openChunk(key, c, c === last, c === 0 ? head.subarray(32) : this.leaf(i, first + c)));
			out.push(join(...plain).subarray(from - c0 * seg.CHUNK, to - c0 * seg.CHUNK));
		}
		return join(...out);
	}

	// Every leaf, every node, every root.
	verify() {
		this.descriptor.parts.forEach((part, i) => {
			const leaves = Array.from({ length: seg.segments(part) }, (_, s) => {
				const at = this.data[i] + seg.segmentOffset(part, s), l = seg.segmentLength(part, s);
				return seg.leafData(this.file.subarray(at, at + seg.sealedBytes(l)), l);
			}).flat().map(leafHash);
			const want = join(...complete(leaves).flat());
			need(equal(want, this.tables[i].bytes.subarray(0, want.length)), 'verify', `nodes of ${part.name}`);
			need(equal(this.tables[i].hash(0, leaves.length), part.root), 'verify', `root of ${part.name}`);
		});
	}
}

// ---- vectors ---------------------------------------------------------------------

const pointBy = (secret, genesis, id) => (part, segment) =>
	share.writePoint(share.times(secret, share.label(labelMessage(genesis, id, part, segment))));

export function run(v) {
	const genesis = v.bytes('genesis'), coefficients = v.all('coefficient').map(share.readScalar);
	let file = v.has('envelope') ? v.bytes('envelope') : undefined;
	if (v.expect === 'ok') {
		const d = readDescriptor(v.bytes('descriptor'));
		sameList(d.parts.map((p) => p.name), v.all('name').map((b) => Buffer.from(b).toString()), 'name');
		sameList(d.parts.map((p) => u64(p.length)), v.all('length'), 'length');
		sameList(d.parts.map((p) => p.root), v.all('root'), 'root');
		const made = write({ ...d, genesis, coefficients,
			parts: d.parts.map((p) => ({ ...p, plain: seg.plaintext(p.length) })) });
		same(made.descriptor, v.bytes('descriptor'), 'descriptor');
		same(sha256(made.file), file ? sha256(file) : v.bytes('envelope_sha256'), 'envelope');
		file ??= made.file;
	}
	const e = new Envelope(file, v.bytes('descriptor_sha256'));
	e.verify();
	e.descriptor.parts.forEach((p, i) => {
		same(e.read(i, 0, p.length, pointBy(coefficients[0], genesis, e.descriptor.id)), seg.plaintext(p.length), p.name);
	});
}

export function make(dir, name, a) {
	const { file, descriptor } = write({ ...a, parts: a.parts.map((p) => ({ ...p, plain: seg.plaintext(p.length) })) });
	const parts = readDescriptor(descriptor).parts;
	writeVector(dir, 'envelope-v1', name, [['expect', 'ok'], ['comment', 'made by the second implementation'],
		['genesis', a.genesis], ...a.coefficients.map((c) => ['coefficient', share.writeScalar(c)]),
		['descriptor_sha256', sha256(descriptor)], ['descriptor', descriptor],
		...parts.flatMap((p) => [['name', ascii(p.name)], ['length', u64(p.length)], ['root', p.root]]),
		file.length < 32768 ? ['envelope', file] : ['envelope_sha256', sha256(file)]]);
}
