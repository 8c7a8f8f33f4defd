// Breaks a good package in every way that a forger without keys has, and asks both verifiers: each must call each invalid.
// usage: mutate-package.mjs QUORATE FOLDER CHARTER SECONDS EACH PACKAGE [OTHER]
// EACH: 1 for all mutants, n for each n-th.
// OTHER: a package of the same network, whose members are put in the place of those of the same name. SECONDS: the verifiers' clock, or `now`.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ascii, hex } from './bytes.mjs';
import { readZip, writeZip } from './package.mjs';
import { sha256 } from './timestamp.mjs';
import { archiveManifest, asicManifest, verifyPackage } from './verify-package.mjs';

const [quorate, folder, charter, seconds, each, file, other] = process.argv.slice(2);
const good = new Uint8Array(fs.readFileSync(file)), files = readZip(good);
const trust = { charter: fs.readFileSync(charter), roots: [], now: seconds === 'now' ? Math.floor(Date.now() / 1000) : Number(seconds) };
const at = seconds === 'now' ? [] : ['--at', new Date(trust.now * 1000).toISOString().replace('.000', '')];
const SIGNATURE = 'application/pkcs7-signature';

// ---- the manifests of whatever files there are, as anybody can make them ------------------------

function remade(all) {
	const out = all.map((f) => ({ ...f })), line = (f) => `${hex(sha256(f.content))}  ${f.name}\n`;
	const put = (name, text) => out.filter((f) => f.name === name).forEach((f) => {
		f.content = ascii(text);
	});
	const data = (f) => f.name.startsWith('data/'), meta = (f) => f.name.startsWith('META-INF/') || f.name === 'mimetype';
	const bag = out.find((f) => f.name === 'bag-info.txt');
	if (bag !== undefined)
		bag.content = ascii(Buffer.from(bag.content).toString('latin1').replace(/Oxum: .*/,
			`Oxum: ${out.filter(data).reduce((n, f) => n + f.content.length, 0)}.${out.filter(data).length}`));
	put('manifest-sha256.txt', out.filter(data).map(line).join(''));
	put('tagmanifest-sha256.txt', out.filter((f) => !data(f) && !meta(f) && f.name !== 'tagmanifest-sha256.txt').map(line).join(''));
	const objects = (list) => list.map((f) => [f.name, f.content]);
	put('META-INF/ASiCManifest001.xml', asicManifest(objects(out.filter((f) => !meta(f))), 'META-INF/signature001.p7s', SIGNATURE,
		'data/summary.html'));
	out.forEach((f, i) => {
		const nnn = /^META-INF\/ASiCArchiveManifest([0-9]{3})\.xml$/.exec(f.name)?.[1];
		if (nnn !== undefined)
			f.content = ascii(archiveManifest(objects(out.slice(0, i).filter((x) => x.name !== 'mimetype')), `META-INF/timestamp${nnn}.tst`));
	});
	return out;
}

// ---- the mutants: [what, bytes] ------------------------------------------------------------------

const flipped = (b, at) => {
	const c = Uint8Array.from(b);
	c[at] ^= 1 << (at % 8);
	return c;
};
const instead = (i, ...put) => [...files.slice(0, i), ...put, ...files.slice(i + 1)];
const SIGNED = /\.(p7s|tst|tlog-proof|leaf)$|checkpoint$/;

function* flips(f, i) {
	const n = f.content.length, step = SIGNED.test(f.name) ? Math.ceil(n / 9) : Math.ceil(n / 2);
	for (const at of new Set([...Array.from({ length: Math.ceil(n / step) }, (_, k) => k * step), n - 1])) {
		const changed = instead(i, { ...f, content: flipped(f.content, at) });
		yield [`${f.name}: byte ${at} flipped`, writeZip(changed)];
		if (at === 0 || at === n - 1)
			yield [`${f.name}: byte ${at} flipped, manifests made again`, writeZip(remade(changed))];
	}
}

function* member(f, i) {
	yield* flips(f, i);
	yield [`${f.name}: removed`, writeZip(instead(i))];
	yield [`${f.name}: removed, manifests made again`, writeZip(remade(instead(i)))];
	yield [`${f.name}: twice`, writeZip(remade(instead(i, f, f)))];
	yield [`${f.name}: empty`, writeZip(remade(instead(i, { ...f, content: new Uint8Array(0) })))];
	yield [`${f.name}: a byte more`, writeZip(remade(instead(i, { ...f, content: Buffer.concat([f.content, Buffer.from('\n')]) })))];
	for (const name of [`../${f.name}`, `/${f.name}`, `${f.name}/`, f.name.replace(/[a-z](?=[^a-z]*$)/, (c) => c.toUpperCase())])
		yield [`${f.name}: called ${name}`, writeZip(remade(instead(i, { ...f, name })))];
	if (i + 1 < files.length)
		yield [`${f.name}: after its neighbour`, writeZip(remade([...files.slice(0, i), files[i + 1], f, ...files.slice(i + 2)]))];
	yield [`${f.name}: something before it`, writeZip(remade(instead(i, { name: 'data/more', content: ascii('more') }, f)))];
}

function* grafts() {
	const theirs = readZip(new Uint8Array(fs.readFileSync(other)));
	for (const [i, f] of files.entries()) {
		const g = theirs.find((x) => x.name === f.name && hex(x.content) !== hex(f.content));
		if (g === undefined)
			continue;
		yield [`${f.name}: another package's`, writeZip(instead(i, g))];
		yield [`${f.name}: another package's, manifests made again`, writeZip(remade(instead(i, g)))];
	}
	const of = (pattern) => (list) => list.filter((f) => pattern.test(f.name));
	for (const pattern of [/^data\/entries\//, /^data\/artifacts\//, /^data\/anchors\//, /^data\/(keys|contributions)/, /^META-INF\//, /^proofs\/|^checkpoint$/]) {
		const mine = of(pattern)(files), at = files.indexOf(mine[0]);
		if (mine.length > 0 && of(pattern)(theirs).length > 0)
			yield [`${pattern}: another package's`, writeZip(remade([...files.slice(0, at), ...of(pattern)(theirs), ...files.slice(at + mine.length)]))];
	}
}

function* container() {
	const end = good.length - 22, directory = Buffer.from(good).readUInt32LE(end + 16);
	for (let at = directory; at < directory + 60; at++)
		yield [`directory, byte ${at}`, flipped(good, at)];
	for (let at = end; at < good.length; at++)
		yield [`end, byte ${at}`, flipped(good, at)];
	for (let at = 0; at < 40; at++)
		yield [`first local header, byte ${at}`, flipped(good, at)];
	yield ['a byte after it', Buffer.concat([good, Buffer.from([0])])];
	for (const n of [0, 1, 21, 22, directory, end, good.length - 1])
		yield [`its first ${n} bytes`, good.slice(0, n)];
}

function* all() {
	yield* container();
	for (const [i, f] of files.entries())
		yield* member(f, i);
	if (other !== undefined)
		yield* grafts();
}

// Not those that are the package again: a broken manifest that was made again is whole.
function* mutants() {
	let n = 0;
	for (const [what, bytes] of all())
		if (n++ % Number(each) === 0 && Buffer.compare(bytes, good) !== 0)
			yield [what, bytes];
}

// ---- both verifiers ------------------------------------------------------------------------------

const ours = (name) => new Promise((resolve) => {
	execFile(quorate, ['verify', name, '--charter', charter, ...at], { timeout: 120000 }, (e) => resolve(e === null ? 0 : e.code ?? `killed by ${e.signal}`));
});

const counts = { passed: 0, failed: 0 };
function check(ok, words) {
	counts[ok ? 'passed' : 'failed']++;
	if (!ok)
		console.log(`FAIL ${words}`);
}

function second(bytes) {
	try {
		return verifyPackage(bytes, trust).verdict;
	} catch (e) {
		return `died: ${e.stack}`;
	}
}

async function worker(list, n) {
	const name = path.join(folder, `mutant-${n}.asice`);
	for (const [what, bytes] of list) {
		fs.writeFileSync(name, bytes);
		const code = ours(name), verdict = second(bytes);
		check(verdict === 'invalid', `the second verifier says ${verdict}: ${what}`);
		check(await code === 1, `quorate verify exits ${await code}: ${what}`);
	}
	fs.rmSync(name, { force: true });
}

check(second(good) === 'valid', `the second verifier does not take ${file}`);
check(await ours(file) === 0, `quorate verify does not take ${file}`);
const list = mutants();
await Promise.all([0, 1, 2].map((n) => worker(list, n)));
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 20 ? 0 : 1;
