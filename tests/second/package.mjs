// package-v1 section 2: the container, written from docs/spec/package-v1.md. Not its zip64: no vector is that large.
import { ascii, join, need, same, writeVector } from './bytes.mjs';

const ENTRIES_MAX = 32768;

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
	for (let k = 0; k < 8; k++)
		n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
	return n;
});
const crc32 = (b) => (b.reduce((c, x) => CRC[(c ^ x) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;

const le = (n, ...values) => join(...values.map((v) => Uint8Array.from({ length: n }, (_, i) => Math.floor(v / 2 ** (8 * i)) % 256)));
const le16 = (...values) => le(2, ...values);
const le32 = (...values) => le(4, ...values);

// files: { name, content } in order.
export function writeZip(files) {
	const locals = [], records = [];
	let at = 0;
	for (const { name, content } of files) {
		const both = join(le16(20, 0, 0, 0, 0x0021), le32(crc32(content), content.length, content.length),
			le16(name.length, 0));
		locals.push(join([0x50, 0x4b, 3, 4], both, ascii(name), content));
		records.push(join([0x50, 0x4b, 1, 2], le16(0x032d), both, le16(0, 0, 0), le32(0x81a40000, at), ascii(name)));
		at += locals.at(-1).length;
	}
	const directory = join(...records);
	return join(...locals, directory, [0x50, 0x4b, 5, 6], le16(0, 0, files.length, files.length),
		le32(directory.length, at), le16(0));
}

function checkNames(names) {
	need(names.length >= 1 && names.length <= ENTRIES_MAX, 'limit', 'number of files');
	for (const n of names) {
		need(n.length <= 200 && /^[A-Za-z0-9._/-]+$/.test(n), 'format', 'characters of a name');
		need(n.split('/').every((step) => !['', '.', '..'].includes(step)), 'format', 'steps of a name');
	}
	const folded = names.map((n) => n.toLowerCase()), all = new Set(folded);
	need(all.size === names.length, 'format', 'a name twice');
	const folders = folded.flatMap((n) => n.split('/').slice(0, -1).map((_, i, steps) => steps.slice(0, i + 1).join('/')));
	need(folders.every((f) => !all.has(f)), 'format', 'a file and a folder');
}

// Takes from the bytes what it takes to make them again, and compares.
export function readZip(b) {
	const buf = Buffer.from(b), files = [];
	need(b.length >= 22, 'format', 'no end');
	const count = buf.readUInt16LE(b.length - 12);
	for (let at = 0, i = 0; i < count; i++) {
		need(at + 30 <= b.length, 'format', 'no local header');
		const size = buf.readUInt32LE(at + 18), name = buf.readUInt16LE(at + 26);
		need(at + 30 + name + size <= b.length, 'format', 'ends early');
		files.push({ name: buf.toString('latin1', at + 30, at + 30 + name),
			content: b.subarray(at + 30 + name, at + 30 + name + size) });
		at += 30 + name + size;
	}
	checkNames(files.map((f) => f.name));
	need(Buffer.compare(writeZip(files), b) === 0, 'format', 'not the one form of these files');
	return files;
}

export function run(v) {
	same(writeZip(readZip(v.bytes('zip'))), v.bytes('zip'), 'written again');
}

export function make(dir, random) {
	const files = ['mimetype', 'data/a-b_c.D', 'data/1/2/3', 'data/12', `z/${'y'.repeat(198)}`]
		.map((name, i) => ({ name, content: random(i * i * 37) }));
	writeVector(dir, 'package-v1', 'files', [['expect', 'ok'], ['comment', 'made by the second implementation'],
		['zip', writeZip(files)]]);
	writeVector(dir, 'package-v1', 'none', [['expect', 'limit'], ['comment', 'no file at all'], ['zip', writeZip([])]]);
}
