// Opens what the first implementation sealed, and seals for it: peer.mjs DIRECTORY (see ours.h).
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { sha256 } from '@noble/hashes/sha2';
import * as answers from './answers.mjs';
import * as batch from './batch.mjs';
import { readCharter } from './charter.mjs';
import * as descriptor from './descriptor.mjs';
import * as envelope from './envelope.mjs';
import { segments } from './segment.mjs';
import * as share from './share.mjs';
import * as statement from './statement.mjs';
import { Refused, big, hex, join, need, same, u32, u64, vectors, writeVector } from './bytes.mjs';

const dir = process.argv[2];
const random = (n) => new Uint8Array(crypto.randomBytes(n));
const scalar = () => big(random(64)) % (share.L - 1n) + 1n;

const network = vectors(dir, 'network')[0];
const charter = readCharter(network.bytes('charter')), genesis = charter.digest;

// ---- answers to an order -----------------------------------------------------------------

const labelsOf = (scope) => descriptor.scopeSegments(scope).map((s) =>
	share.label(descriptor.labelMessage(genesis, s.id, s.part, s.segment)));

const answer = (index, secret, labels, order) => answers.writeContributions(index, order,
	labels.map((H) => share.contribute(index, secret, H, scalar())));

// The points, in scope order, and who gave a wrong contribution.
function combine(list, commits, labels, order) {
	const all = list.map((a) => answers.readContributions(a, a[1], order, labels.length));
	const bad = new Set();
	const points = labels.map((H, i) => {
		const r = share.combine(all.map((records) => records[i]), commits, H);
		r.bad.forEach((b) => bad.add(b));
		need(!r.quorum, 'quorum', 'too few');
		return share.writePoint(r.point);
	});
	return { points, bad: [...bad].sort((a, b) => a - b) };
}

// ---- opening ---------------------------------------------------------------------------------

function openBatch(v) {
	const e = statement.readEnvelope(v.bytes('envelope'));
	need(statement.signedBy(e, charter.sealers[0]), 'verify', 'not signed by the sealer');
	const s = statement.readStatement(e);
	need(s.type === 'batch' && hex(s.genesis) === hex(genesis), 'format', 'no batch of this network');
	return { s, descriptors: batch.checkBatch(s, charter, v.bytes('vector')), shares: v.all('shares') };
}

function shareOf(b, at, leaf, commits) {
	const secret = network.all('share_secret')[at];
	const raw = batch.openShare(b.s, charter, at, leaf, b.descriptors[leaf], b.shares[at], secret);
	const value = share.readScalar(raw);
	same(share.writePoint(share.times(value, share.G)), share.writePoint(share.shareCommit(commits, at + 1)), 'share');
	return value;
}

function readAll(v, e, point) {
	v.all('read').forEach((r, i) => {
		const plain = e.read(r[0], Number(big(r.subarray(1, 9))), Number(big(r.subarray(9, 17))), point);
		same(sha256(plain), v.all('read_sha256')[i], `read ${i}`);
	});
}

// The first `upto` bytes, one after the other, with a bit flipped: check must refuse each.
function everyByte(file, upto, check) {
	for (let i = 0; i < upto; i++) {
		const changed = Uint8Array.from(file);
		changed[i] ^= 1 << (i % 8);
		try {
			check(changed);
		} catch (e) {
			if (e instanceof Refused)
				continue;
			throw e;
		}
		throw new Error(`byte ${i} flipped, and nobody noticed`);
	}
}

function openArtifact(v, b) {
	const leaf = v.number('leaf'), order = v.bytes('order');
	const raw = b.descriptors[leaf], d = descriptor.readDescriptor(raw), digest = sha256(raw);
	const scope = descriptor.readScope(v.bytes('scope')), labels = labelsOf(scope);

	const own = [4, 2, 0].map((at) => answer(at + 1, shareOf(b, at, leaf, d.commits), labels, order));
	const { points, bad } = combine(own, d.commits, labels, order);
	same(bad, [], 'our own bad answers');
	const theirs = combine(v.all('answer'), d.commits, labels, order);
	same(theirs.bad, v.all('bad').map((x) => x[0]), 'bad answers');
	same(join(...theirs.points), join(...points), 'points');
	same(join(...answers.readKeys(v.bytes('keys'), order, labels.length)), join(...points), 'keys');

	const ring = new Map(descriptor.scopeSegments(scope).map((s, i) => [`${s.part} ${s.segment}`, points[i]]));
	const open = (file) => new envelope.Envelope(file, digest);
	const read = (e) => readAll(v, e, (part, segment) => ring.get(`${part} ${segment}`));
	const file = new Uint8Array(fs.readFileSync(path.join(dir, `${v.name}.envelope`))), e = open(file);
	e.verify();
	read(e);
	if (!v.has('every_byte'))
		return;
	// Each alone suffices; of a part that is one leaf nobody reads the table.
	everyByte(file, file.length, (changed) => open(changed).verify());
	everyByte(file, file.length - 32 * d.parts.length, (changed) => read(open(changed)));
}

// ---- sealing -----------------------------------------------------------------------------------

const K64 = 65536;
const shapes = [
	{ name: 'one_byte', log2: 30, everyByte: true, parts: [['a', 1]] },
	{ name: 'small', log2: 24, everyByte: true, parts: [['image', 33], ['prompt', 5]] },
	{ name: 'edges_16', log2: 16, parts: [['a', K64 - 1], ['b', K64], ['c', K64 + 1], ['d', 2 * K64], ['e', 2 * K64 + 1]] },
	{ name: 'edges_17', log2: 17, parts: [['a', 2 * K64 - 1], ['b', 2 * K64], ['c', 2 * K64 + 1], ['d', 3 * K64]] },
	{ name: 'sixteen', log2: 20, parts: Array.from({ length: 16 }, (_, i) => [`p.${String.fromCharCode(97 + i)}`, i + 1]) },
	{ name: 'segments', log2: 16, liar: 3, parts: [['latent', 10 * K64 + 1], ['rng', 1]] },
	{ name: 'megabytes', log2: 22, parts: [['image', 5 * 2 ** 20 + 17]] },
];

function sealArtifact(shape) {
	const a = { genesis, id: random(16), policy: charter.policies[0], class: charter.classes[0], sealedAt: 1795341600n,
		timeLock: 0n, record: random(32), shares: charter.n, coefficients: Array.from({ length: charter.k }, scalar),
		parts: shape.parts.map(([name, n]) => ({ name, segmentLog2: shape.log2, plain: random(n) })) };
	return { ...shape, id: a.id, plain: a.parts.map((p) => p.plain), ...envelope.write(a) };
}

function reads(plain) {
	const n = plain.length;
	return [[0, n], [n, 0], [0, 1], [n - 1, 1], [Math.floor(n / 3), Math.floor(n / 2)], [K64 - 1, 2], [K64, K64]]
		.filter(([at, length]) => at + length <= n);
}

function artifactFile(a, leaf) {
	const d = descriptor.readDescriptor(a.descriptor), order = random(32);
	const scope = [{ id: a.id, parts: d.parts.map((p) => ({ name: p.name, first: 0, last: segments(p) - 1 })) }];
	const labels = labelsOf(scope);
	const list = [2, 3, 5, ...(a.liar ? [4] : [])].map((i) => {
		const mine = answer(i, a.shares[i - 1], labels, order);
		const records = answers.readContributions(mine, i, order, labels.length);
		if (i === a.liar)
			[records[0], records[1]] = [records[1], records[0]];
		return answers.writeContributions(i, order, records);
	});
	const { points } = combine(list, d.commits, labels, order);
	const ranges = a.plain.flatMap((plain, part) => reads(plain).flatMap(([at, n]) => [
		['read', join([part], u64(at), u64(n))], ['read_sha256', sha256(plain.subarray(at, at + n))]]));

	writeVector(dir, 'theirs', a.name, [['expect', 'ok'], ['comment', 'sealed by the second implementation'],
		['leaf', u32(leaf)], ['scope', descriptor.writeScope(scope)], ['order', order],
		...list.map((raw) => ['answer', raw]), ...(a.liar ? [['bad', [a.liar]]] : []),
		['keys', answers.writeKeys(order, points)], ...ranges, ...(a.everyByte ? [['every_byte', '01']] : [])]);
	fs.writeFileSync(path.join(dir, 'theirs', `${a.name}.envelope`), a.file);
}

function seal() {
	const all = shapes.map(sealArtifact);
	const sealed = batch.sealBatch(all, charter);
	const secret = network.bytes('sealer'), key = statement.keyOf('ed25519', secret), now = 1795341600;
	const payload = statement.writeStatement({ type: 'batch', subject: sealed.subject, genesis, charter: genesis,
		signer: key.id, nonce: random(16), issued: now, expires: now + 600, seen: { size: 1, root: random(32) },
		...sealed.members });
	writeVector(dir, 'batch-theirs', 'batch', [['expect', 'ok'], ['comment', 'the second implementation\'s'],
		['envelope', statement.writeEnvelope(payload, [[key, secret]])], ['vector', sealed.vector],
		...sealed.vectors.map((s) => ['shares', s])]);
	all.forEach(artifactFile);
}

// ---- both -------------------------------------------------------------------------------------------

let passed = 0, failed = 0;
const ours = openBatch(vectors(dir, 'batch-ours')[0]);
for (const v of vectors(dir, 'ours')) {
	try {
		openArtifact(v, ours);
		passed++;
	} catch (e) {
		failed++;
		console.log(`FAIL ${v.name}: ${e.message}`);
	}
}
seal();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed === ours.descriptors.length ? 0 : 1);
