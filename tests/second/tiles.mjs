// A log as C2SP tlog-tiles, followed from nothing by code that shares none with ours: node's
// crypto and this file. It reads the checkpoint, checks it by a tlog-policy, reads every entry
// and every tile, and works the root out.
//
// usage: node tiles.mjs DIR|URL POLICY [--save DIR]	exit 0: all of it holds; 1: says what does not
import { createHash, createPublicKey, verify } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

const [from, policyFile, flag, saveTo] = process.argv.slice(2);
const WIDTH = 256;
const sha256 = (...parts) => parts.reduce((h, p) => h.update(p), createHash('sha256')).digest();
const leafHash = (data) => sha256(Buffer.of(0), data);
const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

function fail(what) {
	console.error(`tiles.mjs: ${what}`);
	process.exit(1);
}
const need = (good, what) => good || fail(what);

// --- where it comes from --------------------------------------------------------------

async function get(name) {
	if (!/^https?:/.test(from))
		return readFile(`${from}/${name}`).catch(() => null);
	const answer = await fetch(`${from}/${name}`, { redirect: 'error' }).catch((e) => fail(`${name}: ${e.message}`));
	if (answer.status === 404)
		return null;
	need(answer.status === 200, `${name}: status ${answer.status}`);
	const type = answer.headers.get('content-type');
	need(type.startsWith(name === 'checkpoint' ? 'text/plain' : 'application/octet-stream'), `${name}: it is ${type}`);
	return Buffer.from(await answer.arrayBuffer());
}

async function save(name, bytes) {
	if (flag !== '--save')
		return;
	await mkdir(dirname(`${saveTo}/${name}`), { recursive: true });
	await writeFile(`${saveTo}/${name}`, bytes);
}

// --- the policy ------------------------------------------------------------------------

function readKey(text) {
	const [name, id, ...rest] = text.split('+');
	const raw = Buffer.from(rest.join('+'), 'base64');
	need(raw.length === 33, `key of ${name}: not Ed25519`);
	need(sha256(`${name}\n`, raw).subarray(0, 4).toString('hex') === id, `key of ${name}: its id`);
	const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw.subarray(1)]);
	return { name, type: raw[0], id, key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) };
}

function readPolicy(text) {
	const policy = { logs: [], witnesses: [], met: new Map([['none', () => true]]), quorum: null };
	for (const line of text.split('\n')) {
		const [word, ...args] = line.trim().split(/[ \t]+/);
		if (word === '' || word.startsWith('#'))
			continue;
		if (word === 'log') {
			policy.logs.push(readKey(args[0]));
		} else if (word === 'witness') {
			const key = readKey(args[1]);
			policy.witnesses.push(key);
			policy.met.set(args[0], (by) => by.has(key));
		} else if (word === 'group') {
			const [name, how, ...members] = args;
			const k = how === 'any' ? 1 : how === 'all' ? members.length : Number(how);
			const each = members.map((m) => policy.met.get(m));
			policy.met.set(name, (by) => each.filter((met) => met(by)).length >= k);
		} else {
			need(word === 'quorum', `policy: ${word}`);
			policy.quorum = policy.met.get(args[0]);
		}
	}
	need(policy.quorum, 'policy: no quorum');
	return policy;
}

// --- the checkpoint ----------------------------------------------------------------------

function openCheckpoint(bytes, policy) {
	const note = bytes.toString('utf8');
	need(Buffer.from(note).equals(bytes), 'checkpoint: not UTF-8');
	const at = note.lastIndexOf('\n\n');
	need(at > 0 && note.endsWith('\n'), 'checkpoint: no note');
	const text = note.slice(0, at + 1);
	const [origin, size, root, end] = text.split('\n');
	need(end === '' && /^(0|[1-9][0-9]*)$/.test(size), 'checkpoint: its text');
	const by = new Map();
	for (const line of note.slice(at + 2, -1).split('\n')) {
		const [dash, name, b64] = line.split(' ');
		need(dash === '\u2014', 'checkpoint: a line without its dash');
		const raw = Buffer.from(b64, 'base64');
		const key = [...policy.logs, ...policy.witnesses].find((k) =>
			k.name === name && k.id === raw.subarray(0, 4).toString('hex'));
		if (key === undefined)
			continue;
		const time = key.type === 4 ? raw.readBigUInt64BE(4) : 0n;
		const message = key.type === 4 ? `cosignature/v1\ntime ${time}\n${text}` : text;
		need(verify(null, Buffer.from(message), key.key, raw.subarray(-64)), `checkpoint: the signature of ${name}`);
		need(!by.has(key), `checkpoint: ${name} signed twice`);
		by.set(key, time);
	}
	need(policy.logs.some((l) => l.name === origin && by.has(l)), 'checkpoint: not signed by the log');
	need(policy.quorum(by), 'checkpoint: no quorum of witnesses');
	return { origin, size: Number(size), root: Buffer.from(root, 'base64'), by };
}

// --- tiles ---------------------------------------------------------------------------------

function tileName(row, index, width) {
	const groups = [String(index % 1000).padStart(3, '0')];
	for (let n = Math.floor(index / 1000); n > 0; n = Math.floor(n / 1000))
		groups.unshift(`x${String(n % 1000).padStart(3, '0')}`);
	return `tile/${row}/${groups.join('/')}${width < WIDTH ? `.p/${width}` : ''}`;
}

// The bytes under that name; of a full tile those of a partial one are the start.
async function tile(row, index, width) {
	const name = tileName(row, index, width);
	const bytes = await get(name) ?? (width < WIDTH ? await get(tileName(row, index, WIDTH)) : null);
	need(bytes !== null, `${name}: not there`);
	await save(name, bytes);
	return bytes;
}

function readBundle(name, bytes, width, partial) {
	const entries = [];
	let at = 0;
	while (entries.length < width) {
		need(at + 2 <= bytes.length && at + 2 + bytes.readUInt16BE(at) <= bytes.length, `${name}: cut short`);
		entries.push(bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at)));
		at += 2 + bytes.readUInt16BE(at);
	}
	need(partial || at === bytes.length, `${name}: longer than its entries`);
	return entries;
}

async function readEntries(size) {
	const leaves = [];
	let newest = 0n;
	for (let i = 0; i * WIDTH < size; i++) {
		const width = Math.min(WIDTH, size - i * WIDTH);
		const name = tileName('entries', i, width);
		for (const e of readBundle(name, await tile('entries', i, width), width, width < WIDTH)) {
			leaves.push(leafHash(e));
			newest = e.length > 8 ? e.readBigUInt64BE(0) : 0n;
		}
	}
	return { leaves, newest };
}

function root(hashes) {
	if (hashes.length === 0)
		return sha256();
	if (hashes.length === 1)
		return hashes[0];
	let k = 1;
	while (2 * k < hashes.length)
		k *= 2;
	return nodeHash(root(hashes.slice(0, k)), root(hashes.slice(k)));
}

// Each tile of each level has to be what the level below makes, up to one that is never full.
async function checkTiles(leaves) {
	let row = leaves, files = 0;
	for (let level = 0; row.length > 0; level++) {
		const above = [];
		for (let i = 0; i * WIDTH < row.length; i++) {
			const part = row.slice(i * WIDTH, (i + 1) * WIDTH);
			const bytes = await tile(level, i, part.length);
			const want = Buffer.concat(part);
			need(bytes.subarray(0, want.length).equals(want), `${tileName(level, i, part.length)}: not the hashes of its entries`);
			files++;
			if (part.length === WIDTH)
				above.push(root(part));
		}
		row = above;
	}
	return files;
}

const policy = readPolicy(await readFile(policyFile, 'utf8'));
const note = await get('checkpoint');
need(note !== null, 'checkpoint: not there');
const checkpoint = openCheckpoint(note, policy);
const { leaves, newest } = await readEntries(checkpoint.size);
const files = await checkTiles(leaves);
need(root(leaves).equals(checkpoint.root), 'the entries do not make the root of the checkpoint');
// A witness cannot have signed before the last entry was there; other logs' entries have no time.
const late = new Map([...checkpoint.by].filter(([k, t]) => k.type !== 4 || newest > 253402300799n || t >= newest));
need(policy.quorum(late), 'no quorum: cosignatures from before the last entry');
await save('checkpoint', note);
const cosigned = [...late.keys()].filter((k) => k.type === 4).length;
console.log(`${checkpoint.origin}: size ${checkpoint.size} cosigned ${cosigned}; ${files} tiles, and all of it holds`);
