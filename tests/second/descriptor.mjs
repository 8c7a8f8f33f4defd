// descriptor-v1 and scope-v1, written from docs/spec.
import { TIME_MAX, Reader, ident, join, need, same, sameList, u16, u32, u64, vec8, writeVector } from './bytes.mjs';
import { checkNumbers, readCommits, writePoint } from './share.mjs';

export const DESCRIPTOR_MAX = 2600;
const PARTS_MAX = 16, ARTIFACTS_MAX = 1024, SEGMENTS_MAX = 8192, SCOPE_MAX = 1 << 20;
const LENGTH_MAX = 1n << 44n;

function ascending(list, compare, what) {
	for (let i = 1; i < list.length; i++)
		need(compare(list[i - 1], list[i]) < 0, 'format', `${what} not in ascending order`);
}

const byBytes = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));

function readPart(r) {
	const p = { name: r.ident(), length: r.u64(), segmentLog2: r.u8(), root: r.take(32) };
	need(p.length >= 1n && p.length <= LENGTH_MAX, 'format', 'length of a part');
	need(p.segmentLog2 >= 16 && p.segmentLog2 <= 30, 'format', 'segment size');
	p.length = Number(p.length);
	return p;
}

// descriptor-v1 section 2.
export function readDescriptor(b) {
	const r = new Reader(b);
	need(r.u8() === 1, 'format', 'version');
	const d = { id: r.take(16), policy: r.take(32), class: r.ident(), sealedAt: r.u64(), timeLock: r.u64(),
		shares: r.u8() };
	const k = r.u8();
	checkNumbers(k, d.shares);
	d.commits = readCommits(k, r.list(k, () => r.take(32)));
	d.record = r.take(32);
	const n = r.u8();
	need(n >= 1 && n <= PARTS_MAX, 'format', 'number of parts');
	d.parts = r.list(n, () => readPart(r));
	r.done();
	need(d.sealedAt <= TIME_MAX && d.timeLock <= TIME_MAX, 'format', 'a time after year 9999');
	ascending(d.parts.map((p) => p.name), byBytes, 'parts');
	return d;
}

export function writeDescriptor(d) {
	return join([1], d.id, d.policy, vec8(Buffer.from(d.class)), u64(d.sealedAt), u64(d.timeLock),
		[d.shares, d.commits.length], ...d.commits.map(writePoint), d.record, [d.parts.length],
		...d.parts.map((p) => join(vec8(Buffer.from(p.name)), u64(p.length), [p.segmentLog2], p.root)));
}

// descriptor-v1 section 4: what a segment's label is made from.
export const labelMessage = (genesis, id, part, segment) =>
	join(genesis, id, vec8(Buffer.from(ident(part))), u32(segment));

// scope-v1 section 2.
export function readScope(b) {
	need(b.length <= SCOPE_MAX, 'limit', 'scope too long');
	const r = new Reader(b);
	need(r.u8() === 1, 'format', 'version');
	const n = r.u16();
	need(n >= 1 && n <= ARTIFACTS_MAX, 'format', 'number of artifacts');
	const scope = r.list(n, () => {
		const id = r.take(16), parts = r.u8();
		need(parts >= 1 && parts <= PARTS_MAX, 'format', 'number of parts');
		return { id, parts: r.list(parts, () => ({ name: r.ident(), first: r.u32(), last: r.u32() })) };
	});
	r.done();
	ascending(scope.map((a) => a.id), byBytes, 'artifacts');
	scope.forEach((a) => ascending(a.parts.map((p) => p.name), byBytes, 'parts'));
	const ranges = scope.flatMap((a) => a.parts);
	need(ranges.every((p) => p.first <= p.last), 'format', 'a range that ends before it begins');
	need(ranges.reduce((sum, p) => sum + p.last - p.first + 1, 0) <= SEGMENTS_MAX, 'limit', 'too many segments');
	return scope;
}

export function writeScope(scope) {
	return join([1], u16(scope.length), ...scope.map((a) => join(a.id, [a.parts.length],
		...a.parts.map((p) => join(vec8(Buffer.from(p.name)), u32(p.first), u32(p.last))))));
}

// scope-v1 section 3: every segment, in scope order.
export const scopeSegments = (scope) => scope.flatMap((a) => a.parts.flatMap((p) =>
	Array.from({ length: p.last - p.first + 1 }, (_, i) => ({ id: a.id, part: p.name, segment: p.first + i }))));

// ---- vectors ---------------------------------------------------------------------

export function runDescriptor(v) {
	const raw = v.bytes('descriptor'), d = readDescriptor(raw);
	same(writeDescriptor(d), raw, 'written again');
	for (const key of ['id', 'policy', 'record'])
		same(d[key], v.bytes(key), key);
	same(d.class, v.text('class'), 'class');
	same(u64(d.sealedAt), v.bytes('sealed_at'), 'sealed_at');
	same(u64(d.timeLock), v.bytes('time_lock'), 'time_lock');
	same(d.shares, v.number('shares'), 'shares');
	sameList(d.commits.map(writePoint), v.all('commitment'), 'commitment');
	sameList(d.parts.map((p) => p.name), v.texts('name'), 'name');
	sameList(d.parts.map((p) => u64(p.length)), v.all('length'), 'length');
	sameList(d.parts.map((p) => p.segmentLog2), v.all('segment_log2').map((b) => b[0]), 'segment_log2');
	sameList(d.parts.map((p) => p.root), v.all('root'), 'root');
	same(labelMessage(v.bytes('genesis'), d.id, d.parts[0].name, v.number('segment')), v.bytes('label_message'),
		'label_message');
}

export function runScope(v) {
	const raw = v.bytes('scope'), scope = readScope(raw), all = scopeSegments(scope);
	same(writeScope(scope), raw, 'written again');
	same(all.length, v.number('segments'), 'segments');
	if (v.has('segment'))
		sameList(all.map((s) => join(s.id, vec8(Buffer.from(s.part)), u32(s.segment))), v.all('segment'), 'segment');
}

export function make(dir, d) {
	const raw = writeDescriptor(d), genesis = d.genesis, segment = 77;
	writeVector(dir, 'descriptor-v1', 'names', [['expect', 'ok'], ['comment', 'made by the second implementation'],
		['descriptor', raw], ['id', d.id], ['policy', d.policy], ['class', d.class], ['sealed_at', u64(d.sealedAt)],
		['time_lock', u64(d.timeLock)], ['shares', [d.shares]], ...d.commits.map((c) => ['commitment', writePoint(c)]),
		['record', d.record], ...d.parts.flatMap((p) => [['name', p.name], ['length', u64(p.length)],
			['segment_log2', [p.segmentLog2]], ['root', p.root]]), ['genesis', genesis], ['segment', u32(segment)],
		['label_message', labelMessage(genesis, d.id, d.parts[0].name, segment)]]);
}

export function makeScope(dir, scope) {
	const all = scopeSegments(scope);
	writeVector(dir, 'scope-v1', 'ranges', [['expect', 'ok'], ['comment', 'made by the second implementation'],
		['scope', writeScope(scope)], ['segments', u64(all.length)],
		...all.map((s) => ['segment', join(s.id, vec8(Buffer.from(s.part)), u32(s.segment))])]);
}
