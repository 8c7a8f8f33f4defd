// Fresh, random vectors for the first implementation to read: make.mjs DIRECTORY.
import crypto from 'node:crypto';
import * as share from './share.mjs';
import * as sealed from './sealed.mjs';
import * as log from './log.mjs';
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

const dir = process.argv[2];
for (const [k, n] of [[2, 2], [3, 5], [5, 7], [2, 31], [8, 31]])
	makeShares(dir, k, n);
for (let i = 0; i < 40; i++)
	makeSealed(dir, i);
log.make((spec, name, lines) => writeVector(dir, spec, name, lines));
