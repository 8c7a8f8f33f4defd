// case-v1 section 2: the encoding of a case, written from docs/spec/case-v1.md.
import { Reader, ascii, join, need, same, u16, u32, u64 } from './bytes.mjs';

const MAGIC = ascii('quorate/case/v1\n');
const BYTES_MAX = 67108864;

function bounded(n, max, what) {
	need(n >= 1 && n <= max, 'format', what);
	return n;
}

function ascending(list, what) {
	for (let i = 1; i < list.length; i++)
		need(Buffer.compare(list[i - 1], list[i]) < 0, 'format', `${what} not in ascending order`);
}

function readPath(r) {
	const n = r.u8();
	need(n <= 64, 'format', 'length of a path');
	return r.list(n, () => r.take(32));
}

export function readCase(b) {
	need(b.length <= BYTES_MAX, 'limit', 'too long');
	const r = new Reader(b), sized = (max) => r.take(bounded(r.u32(), max, 'length'));
	need(Buffer.compare(r.take(16), MAGIC) === 0, 'format', 'magic');
	const c = { charter: sized(262144) };
	c.later = r.list(bounded(r.u8() + 1, 65, 'number of charters') - 1, () => sized(262144));
	const length = r.u32();
	need(length <= 1048576, 'format', 'length of the scope');
	c.scope = r.take(length);
	c.note = sized(32768);
	c.entries = r.list(bounded(r.u32(), 4096, 'number of entries'), () =>
		({ index: r.u64(), leaf: r.take(bounded(r.u16(), 65535, 'length of an entry')), path: readPath(r) }));
	const artifacts = r.u32();
	need(artifacts <= 1024 && (artifacts === 0) === (length === 0), 'format', 'number of artifacts');
	c.artifacts = r.list(artifacts, () =>
		({ id: r.take(16), batch: r.u64(), number: r.u32(), path: readPath(r),
			descriptor: r.take(bounded(r.u16(), 2600, 'length of a descriptor')) }));
	r.done();
	ascending(c.entries.map((e) => u64(e.index)), 'entries');
	ascending(c.artifacts.map((a) => a.id), 'artifacts');
	return c;
}

export function writeCase(c) {
	const sized = (x) => join(u32(x.length), x), path = (p) => join([p.length], ...p);
	return join(MAGIC, sized(c.charter), [c.later.length], ...c.later.map(sized), sized(c.scope), sized(c.note),
		u32(c.entries.length), ...c.entries.map((e) => join(u64(e.index), u16(e.leaf.length), e.leaf, path(e.path))),
		u32(c.artifacts.length), ...c.artifacts.map((a) => join(a.id, u64(a.batch), u32(a.number), path(a.path),
			u16(a.descriptor.length), a.descriptor)));
}

export function run(v) {
	same(writeCase(readCase(v.bytes('case'))), v.bytes('case'), 'written again');
}
