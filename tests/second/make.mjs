// Fresh, random vectors for the first implementation to read: make.mjs DIRECTORY.
import crypto from 'node:crypto';
import * as accusation from './accusation.mjs';
import * as answers from './answers.mjs';
import * as batch from './batch.mjs';
import * as charter from './charter.mjs';
import * as descriptor from './descriptor.mjs';
import * as envelope from './envelope.mjs';
import * as container from './package.mjs';
import * as log from './log.mjs';
import * as sealed from './sealed.mjs';
import * as segment from './segment.mjs';
import * as share from './share.mjs';
import * as statement from './statement.mjs';
import { u32, writeVector } from './bytes.mjs';

const random = (n) => new Uint8Array(crypto.randomBytes(n));
const scalar = () => share.readScalar(share.writeScalar(
	[...random(64)].reduce((n, b) => (n << 8n) | BigInt(b), 0n) % share.L));
const one = (n) => new Uint8Array([n]);

function makeShares(dir, k, n) {
	const coefficients = Array.from({ length: k }, scalar);
	const { shares, commits } = share.split(coefficients, n);
	const message = random(k * 40);
	const H = share.label(message);
	const nonces = shares.map(scalar);
	const raws = shares.map((s, i) => share.contribute(i + 1, s, H, nonces[i]));
	const head = [['threshold', one(k)], ...commits.map((c) => ['commitment', share.writePoint(c)])];
	const ok = (test) => [['expect', 'ok'], ['comment', `${k}-of-${n}, made by the second implementation`],
		['test', test]];
	const name = (what) => `${what}_${k}_of_${n}`;

	writeVector(dir, 'share-v1', name('split'), [...ok('split'), ['shares', one(n)],
		...coefficients.map((a) => ['coefficient', share.writeScalar(a)]), ...head,
		...shares.flatMap((s, i) => [['share', share.writeScalar(s)],
			['share_commitment', share.writePoint(share.shareCommit(commits, i + 1))]])]);
	writeVector(dir, 'share-v1', name('label'), [...ok('label'), ['message', message],
		['label', share.writePoint(H)]]);
	writeVector(dir, 'share-v1', name('contribution'), [...ok('contribution'),
		['share', share.writeScalar(shares[n - 1])], ['nonce', share.writeScalar(nonces[n - 1])], ...head,
		['label', share.writePoint(H)], ['contribution', raws[n - 1]]]);
	writeVector(dir, 'share-v1', name('combine'), [...ok('combine'), ...head,
		['label', share.writePoint(H)], ...raws.slice(0, 8).map((r) => ['contribution', r]),
		['point', share.writePoint(H.multiply(coefficients[0]))]]);
}

function makeSealed(dir, i) {
	const shareSecret = sealed.newSecret(), ephemeralSecret = sealed.newSecret();
	const shareKey = sealed.publicKey(shareSecret), ephemeral = sealed.publicKey(ephemeralSecret);
	const c = { genesis: random(32), batchRoot: random(32), custodian: 1 + i % 31, epoch: 1 + i * 77777 };
	const z = sealed.agree(ephemeralSecret, shareKey);
	const key = sealed.aesKey(z, sealed.sharedInfo(c, ephemeral));
	const digest = random(32), secret = random(32), leaf = i * 1000003;

	writeVector(dir, 'sealed-share-v1', `sealed_${i}`, [['expect', 'ok'],
		['comment', 'made by the second implementation'], ['ephemeral', ephemeral], ['z', z],
		['genesis', c.genesis], ['batch_root', c.batchRoot], ['custodian', one(c.custodian)],
		['epoch', u32(c.epoch)], ['leaf', u32(leaf)], ['descriptor_digest', digest],
		['share', secret], ['sealed', sealed.seal(key, leaf, digest, secret)]]);
}

const point = () => share.writePoint(share.label(random(40)));

// Artifacts of any shape; the first commitment is that of the secret.
function artifact(k, n, parts) {
	return { genesis: random(32), id: random(16), policy: random(32), class: `class-${n}`, sealedAt: 1795341600n,
		timeLock: BigInt(n % 2) * 1795345200n, record: random(32), coefficients: Array.from({ length: k }, scalar),
		shares: n, parts: parts.map(([name, length, segmentLog2]) => ({ name, length, segmentLog2 })) };
}

function makeSealing(dir) {
	for (const n of [1, 255, 65535, 65536, 65537, 131072, 131073, 200000])
		segment.make(dir, `bytes_${n}`, point(), n);
	const shapes = [
		[2, 2, [['a', 1, 16]]],
		[3, 5, [['image', 65536, 16], ['prompt', 65537, 16]]],
		[8, 31, [['image', 7 * 65536, 17], ['rng', 131072, 17]]],
		[31, 31, Array.from({ length: 16 }, (_, i) => [`part-${String.fromCharCode(97 + i)}`, i + 1, 30])],
		[3, 5, [['latent', 6 * 65536 + 1, 18]]],
	];
	shapes.forEach(([k, n, parts], i) => envelope.make(dir, `shape_${i}`, artifact(k, n, parts)));
	const some = (count) => Array.from({ length: count }, () => descriptor.writeDescriptor({
		...artifact(2, 3, []), commits: [share.label(random(8)), share.label(random(8))],
		parts: [{ name: 'a', length: 1, segmentLog2: 16, root: random(32) }] }));
	for (const count of [1, 2, 7, 33])
		batch.make(dir, `of_${count}`, some(count));
	const message = share.label(random(40));
	answers.make(dir, random(32), [1, 2, 3].map(point),
		[1, 2, 3].map(() => share.contribute(4, scalar(), message, scalar())));
}

function makeNames(dir) {
	const a = artifact(5, 7, []), id = (n) => new Uint8Array(16).fill(n);
	const parts = ['0', 'a.b-c_d', 'z'.repeat(32)].map((name, i) =>
		({ name, length: 2 ** (i * 20), segmentLog2: 16 + i, root: random(32) }));
	descriptor.make(dir, { ...a, commits: a.coefficients.map(() => share.label(random(9))), parts });
	descriptor.makeScope(dir, [{ id: id(0), parts: [{ name: '0', first: 2 ** 32 - 2, last: 2 ** 32 - 1 }] },
		{ id: id(255), parts: parts.map((p, i) => ({ name: p.name, first: i, last: 2 * i })) }]);
}

const dir = process.argv[2];
for (const [k, n] of [[2, 2], [3, 5], [5, 7], [2, 31], [8, 31]])
	makeShares(dir, k, n);
for (let i = 0; i < 40; i++)
	makeSealed(dir, i);
log.make((spec, name, lines) => writeVector(dir, spec, name, lines));
accusation.make((spec, name, lines) => writeVector(dir, spec, name, lines), random);
makeSealing(dir);
makeNames(dir);
statement.make(dir, random);
charter.make(dir);
container.make(dir, random);
