// batch-v1, written from docs/spec/batch-v1.md.
import { sha256 } from '@noble/hashes/sha2';
import { Reader, equal, hex, join, need, same, sameList, u64, vec16, writeVector } from './bytes.mjs';
import { hasPolicy } from './charter.mjs';
import { DESCRIPTOR_MAX, readDescriptor } from './descriptor.mjs';
import { leafHash, pathTo, root, verifyInclusion } from './log.mjs';
import * as sealed from './sealed.mjs';
import { writeScalar } from './share.mjs';

const COUNT_MAX = 1024, VECTOR_MAX = 524288;

// Section 2.
export function readVector(b, count) {
	need(count >= 1 && count <= COUNT_MAX, 'format', 'count');
	need(b.length <= VECTOR_MAX, 'limit', 'vector too long');
	const r = new Reader(b);
	const all = r.list(count, () => {
		const n = r.u16();
		need(n >= 1 && n <= DESCRIPTOR_MAX, 'format', 'length of a descriptor');
		return r.take(n);
	});
	r.done();
	return all;
}

export const writeVectorOf = (descriptors) => join(...descriptors.map(vec16));
export const batchRoot = (descriptors) => root(descriptors.map(leafHash));

// Section 3. items: { descriptor, shares (scalars, of custodian 1 first) }. Gives the members of the
// statement, the vector and the share vectors.
export function sealBatch(items, charter) {
	const descriptors = items.map((i) => i.descriptor), top = batchRoot(descriptors);
	const vectors = [], custodians = charter.shareKeys.map((keys, at) => {
		const c = { genesis: charter.digest, batchRoot: top, custodian: at + 1, epoch: keys.length };
		const secret = sealed.newSecret(), encapsulation = sealed.publicKey(secret);
		const key = sealed.aesKey(sealed.agree(secret, keys.at(-1)), sealed.sharedInfo(c, encapsulation));
		vectors.push(join(...items.map((item, leaf) =>
			sealed.seal(key, leaf, sha256(item.descriptor), writeScalar(item.shares[at])))));
		return { index: c.custodian, epoch: c.epoch, encapsulation, shares: sha256(vectors[at]) };
	});
	const vector = writeVectorOf(descriptors);
	return { vector, vectors, subject: top,
		members: { count: items.length, descriptors: sha256(vector), custodians } };
}

// Section 4. s: a batch statement whose signature was verified. Gives the descriptors' bytes.
export function checkBatch(s, charter, vector) {
	need(s.custodians.length === charter.n, 'format', 'not the custodians of the charter');
	s.custodians.forEach((c, i) => {
		need(c.index === i + 1 && c.epoch <= charter.shareKeys[i].length, 'format', 'custodian or epoch');
		sealed.checkPoint(c.encapsulation);
	});
	need(vector.length <= VECTOR_MAX, 'limit', 'vector too long');
	need(equal(sha256(vector), s.descriptors), 'verify', 'another vector');
	const all = readVector(vector, s.count);
	need(equal(batchRoot(all), s.subject), 'verify', 'another root');
	const ids = new Set(all.map((raw) => {
		const d = readDescriptor(raw);
		need(d.shares === charter.n && d.commits.length === charter.k && hasPolicy(charter, d.policy) &&
			charter.classes.includes(d.class), 'format', 'not as the charter has it');
		return hex(d.id);
	}));
	need(ids.size === all.length, 'format', 'an id twice');
	return all;
}

// A custodian's own share of one leaf, from its share vector and its share key.
export function openShare(s, charter, at, leaf, descriptor, shares, secret) {
	const u = s.custodians[at];
	need(shares.length === 48 * s.count, 'format', 'length of a share vector');
	need(equal(sha256(shares), u.shares), 'verify', 'another share vector');
	const c = { genesis: charter.digest, batchRoot: s.subject, custodian: u.index, epoch: u.epoch };
	const key = sealed.aesKey(sealed.agree(secret, u.encapsulation), sealed.sharedInfo(c, u.encapsulation));
	return sealed.open(key, leaf, sha256(descriptor), shares.slice(48 * leaf, 48 * leaf + 48));
}

// ---- vectors ---------------------------------------------------------------------

export function run(v) {
	const vector = v.bytes('vector'), count = v.number('count');
	const all = readVector(vector, count), leaves = all.map(leafHash), top = root(leaves);
	same(top, v.bytes('root'), 'root');
	same(sha256(vector), v.bytes('descriptors'), 'descriptors');
	if (v.has('descriptor'))
		sameList(all, v.all('descriptor'), 'descriptor');
	same(writeVectorOf(all), vector, 'written again');
	v.all('path').forEach((joined, i) => {
		const path = pathTo(leaves, i);
		same(join(...path), joined, `path ${i}`);
		verifyInclusion(leaves[i], BigInt(i), BigInt(count), path, top);
	});
	same(v.all('path').length, count, 'number of paths');
}

export function make(dir, name, descriptors) {
	const leaves = descriptors.map(leafHash), vector = writeVectorOf(descriptors);
	writeVector(dir, 'batch-v1', name, [['expect', 'ok'], ['comment', 'made by the second implementation'],
		['count', u64(descriptors.length)], ['vector', vector], ['root', root(leaves)], ['descriptors', sha256(vector)],
		...leaves.map((_, i) => ['path', join(...pathTo(leaves, i))])]);
}
