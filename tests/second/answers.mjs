// keys-v1 and contributions-v1, written from docs/spec.
import { Reader, equal, join, need, same, u32, u64, writeVector } from './bytes.mjs';
import { leafHash, root } from './log.mjs';
import { checkIndex, readPoint } from './share.mjs';

const COUNT_MAX = 8192, RECORD = 97;

function body(r, size) {
	const order = r.take(32), count = r.u32();
	need(count >= 1 && count <= COUNT_MAX, 'format', 'count');
	const records = r.list(count, () => r.take(size));
	r.done();
	return { order, records };
}

function ofOrder({ order, records }, want, count) {
	need(equal(order, want), 'verify', 'of another order');
	need(records.length === count, 'verify', 'not as many as the scope has');
	return records;
}

// keys-v1 section 2: the points, in scope order.
export function readKeys(b, order, count) {
	const r = new Reader(b);
	need(r.u8() === 1, 'format', 'version');
	const points = ofOrder(body(r, 32), order, count);
	points.forEach(readPoint);
	return points;
}

export const writeKeys = (order, points) => join([1], order, u32(points.length), ...points);

// contributions-v1 section 2, steps 1 and 2.
export function readContributions(b, custodian, order, count) {
	const r = new Reader(b);
	need(r.u8() === 1, 'format', 'version');
	const who = r.u8();
	checkIndex(who);
	const all = body(r, RECORD);
	need(all.records.every((c) => c[0] === who), 'format', 'a record of another custodian');
	need(who === custodian, 'verify', 'of another custodian');
	return ofOrder(all, order, count);
}

export const writeContributions = (custodian, order, records) =>
	join([1, custodian], order, u32(records.length), ...records);

export const contributionsRoot = (records) => root(records.map(leafHash));

// ---- vectors ---------------------------------------------------------------------

export function runKeys(v) {
	const order = v.bytes('order');
	same(writeKeys(order, readKeys(v.bytes('plaintext'), order, v.number('count'))), v.bytes('plaintext'), 'keys');
}

export function runContributions(v) {
	const order = v.bytes('order');
	const records = readContributions(v.bytes('plaintext'), 4, order, v.number('count'));
	same(contributionsRoot(records), v.bytes('root'), 'root');
	same(writeContributions(4, order, records), v.bytes('plaintext'), 'contributions');
}

export function make(dir, order, points, records) {
	const head = [['expect', 'ok'], ['comment', 'made by the second implementation'], ['order', order]];
	writeVector(dir, 'keys-v1', 'keys', [...head, ['count', u64(points.length)],
		['plaintext', writeKeys(order, points)]]);
	writeVector(dir, 'contributions-v1', 'contributions', [...head, ['count', u64(records.length)],
		['plaintext', writeContributions(4, order, records)], ['root', contributionsRoot(records)]]);
}
