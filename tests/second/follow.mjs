// Follows a log as a stranger does: follow.mjs URL. Every entry hashes into its tile, every
// tile into the one above, all of them to the root of the checkpoint. Written from C2SP
// tlog-tiles alone; needs node and nothing else. Prints the size and the cosigners' count.
import { createHash } from 'node:crypto';

const base = process.argv[2];
const sha = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();
const nodeHash = (l, r) => sha(Buffer.of(1), l, r);

async function get(path, type) {
	const r = await fetch(`${base}/${path}`);
	if (r.status !== 200 || r.headers.get('content-type') !== type)
		throw new Error(`${path}: ${r.status} ${r.headers.get('content-type')}`);
	return Buffer.from(await r.arrayBuffer());
}

function need(ok, what) {
	if (!ok)
		throw new Error(what);
}

const part = (n) => {
	const groups = String(n).padStart(Math.ceil(String(n).length / 3) * 3, '0').match(/.../g);
	return groups.map((g, i) => (i < groups.length - 1 ? `x${g}` : g)).join('/');
};
const name = (level, n, width) => `tile/${level}/${part(n)}${width < 256 ? `.p/${width}` : ''}`;

// The tree over hashes of one level, RFC 6962 section 2.1.
function root(h) {
	if (h.length === 1)
		return h[0];
	let k = 1;
	while (k * 2 < h.length)
		k *= 2;
	return nodeHash(root(h.slice(0, k)), root(h.slice(k)));
}

function leaves(bundle, width) {
	const out = [];
	let at = 0;
	while (at < bundle.length) {
		const n = bundle.readUInt16BE(at);
		need(at + 2 + n <= bundle.length, 'an entry that is cut short');
		out.push(sha(Buffer.of(0), bundle.subarray(at + 2, at + 2 + n)));
		at += 2 + n;
	}
	need(out.length === width, `a bundle of ${out.length} entries, not ${width}`);
	return out;
}

const note = (await get('checkpoint', 'text/plain; charset=utf-8')).toString('utf8');
const [text, signatures] = note.split('\n\n');
const [origin, size, want] = text.split('\n');
let hashes = [];
for (let n = 0; n * 256 < size; n++) {
	const width = Math.min(256, size - n * 256);
	hashes.push(...leaves(await get(name('entries', n, width), 'application/octet-stream'), width));
}
for (let level = 0; hashes.length > 0; level++) {
	const above = [];
	for (let n = 0; n * 256 < hashes.length; n++) {
		const here = hashes.slice(n * 256, n * 256 + 256);
		const tile = await get(name(level, n, here.length), 'application/octet-stream');
		need(tile.equals(Buffer.concat(here)), `${name(level, n, here.length)} is another than what is below it`);
		if (here.length === 256)
			above.push(root(here));
	}
	if (level === 0)
		need(root(hashes).toString('base64') === want, 'the entries are not those of the checkpoint');
	hashes = above;
}
console.log(`size ${size} cosigned ${signatures.split('\n').filter((l) => l.startsWith(`\u2014 ${origin}/custodian-`)).length}`);
