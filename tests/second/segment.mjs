// segment-v1, written from docs/spec/segment-v1.md.
import crypto from 'node:crypto';
import { sha256 } from '@noble/hashes/sha2';
import { ascii, equal, join, need, same, u64, writeVector } from './bytes.mjs';
import { leafHash } from './log.mjs';

export const CHUNK = 65536, TAG = 16;

// Section 2. part: length, segmentLog2.
export const segmentBytes = (part) => 2 ** part.segmentLog2;
export const segments = (part) => Math.ceil(part.length / segmentBytes(part));
export const segmentLength = (part, i) => Math.min(segmentBytes(part), part.length - i * segmentBytes(part));
export const chunks = (length) => Math.ceil(length / CHUNK);
export const sealedBytes = (length) => 32 + length + TAG * chunks(length);
export const firstLeaf = (part, i) => i * segmentBytes(part) / CHUNK;
export const segmentOffset = (part, i) => i * sealedBytes(segmentBytes(part));
export const partBytes = (part) => segmentOffset(part, segments(part) - 1) +
	sealedBytes(segmentLength(part, segments(part) - 1));

// Section 3.
export function derive(point) {
	const hkdf = (info) => new Uint8Array(crypto.hkdfSync('sha256', point, ascii('quorate/segment/v1'), ascii(info), 32));
	return { key: hkdf('key'), commitment: hkdf('commitment') };
}

// Section 4.
const nonce = (chunk, last) => join(new Uint8Array(3), u64(chunk), [last ? 1 : 0]);

function sealChunk(key, chunk, last, plain) {
	const c = crypto.createCipheriv('aes-256-gcm', key, nonce(chunk, last));
	return join(c.update(plain), c.final(), c.getAuthTag());
}

export function openChunk(key, chunk, last, sealed) {
	const d = crypto.createDecipheriv('aes-256-gcm', key, nonce(chunk, last), { authTagLength: TAG });
	d.setAuthTag(sealed.subarray(-TAG));
	const out = d.update(sealed.subarray(0, -TAG));
	try {
		return join(out, d.final());
	} catch {
		need(false, 'verify', 'tag');
	}
}

export function sealSegment(point, plain) {
	const { key, commitment } = derive(point);
	const n = chunks(plain.length);
	return join(commitment, ...Array.from({ length: n }, (_, i) =>
		sealChunk(key, i, i === n - 1, plain.subarray(i * CHUNK, (i + 1) * CHUNK))));
}

// Section 5: the bytes of each leaf of a segment.
export function leafData(sealed, length) {
	const end = (i) => Math.min(32 + (i + 1) * (CHUNK + TAG), sealed.length);
	return Array.from({ length: chunks(length) }, (_, i) => sealed.subarray(i === 0 ? 0 : end(i - 1), end(i)));
}

// Section 6, step 3: leaf 0 must be proven before.
export function keyOf(point, firstLeafData) {
	const { key, commitment } = derive(point);
	need(equal(commitment, firstLeafData.subarray(0, 32)), 'verify', 'committed to another key');
	return key;
}

// Section 6, given hashes that are proven.
export function openSegment(point, length, hashes, sealed) {
	need(sealed.length === sealedBytes(length), 'format', 'length of a segment');
	const leaves = leafData(sealed, length);
	const check = (i) => need(equal(leafHash(leaves[i]), hashes[i]), 'verify', `leaf ${i}`);
	check(0);
	const key = keyOf(point, leaves[0]);
	return join(...leaves.map((leaf, i) => {
		check(i);
		return openChunk(key, i, i === leaves.length - 1, i === 0 ? leaf.subarray(32) : leaf);
	}));
}

// ---- vectors ---------------------------------------------------------------------

export const plaintext = (n) => Uint8Array.from({ length: n }, (_, i) => i * 7 + Math.floor(i / 256));

export function run(v) {
	const point = v.bytes('point'), length = v.number('length');
	if (v.expect === 'ok') {
		const sealed = sealSegment(point, plaintext(length));
		same(derive(point).commitment, v.bytes('commitment'), 'commitment');
		if (v.has('segment_sha256'))
			same(sha256(sealed), v.bytes('segment_sha256'), 'segment');
		else
			same(sealed, v.bytes('segment'), 'segment');
	}
	if (!v.has('segment'))
		return;
	const sealed = v.bytes('segment');
	need(sealed.length === sealedBytes(length), 'format', 'length of a segment');
	same(openSegment(point, length, leafData(sealed, length).map(leafHash), sealed), plaintext(length), 'plaintext');
}

export function make(dir, name, point, length) {
	const sealed = sealSegment(point, plaintext(length));
	writeVector(dir, 'segment-v1', name, [['expect', 'ok'], ['comment', 'made by the second implementation'],
		['point', point], ['length', u64(length)], ['commitment', derive(point).commitment],
		length < 4096 ? ['segment', sealed] : ['segment_sha256', sha256(sealed)]]);
}
