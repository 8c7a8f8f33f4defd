// A verifier of evidence packages, written from docs/spec alone (package-v1 section 7): another pair of eyes for ours.
// usage: verify-package.mjs FILE [--charter FILE] [--root CERTIFICATE]... [--at SECONDS]
// Prints a line for each claim, then the verdict. Exit: 0 valid, 1 invalid, 2 consistent with itself. Reads the whole file
// into memory, and knows no zip64. The claim custody stays unknown at best: it does not make its documents again.
import crypto from 'node:crypto';
import fs from 'node:fs';
import { Reader, ascii, equal, hex, join, need } from './bytes.mjs';
import { Replay, readCharter } from './apply.mjs';
import { checkCms } from './cms.mjs';
import { checkCustody } from './custody.mjs';
import { readDescriptor, readScope, scopeSegments } from './descriptor.mjs';
import { keyText, leafHash, openNote, readEntry, readProof, root, verifyInclusion } from './log.mjs';
import { checkSignature } from './cades.mjs';
import { readZip } from './package.mjs';
import * as segment from './segment.mjs';
import { readEnvelope, readStatement } from './statement.mjs';
import { allSigned, checkExact, readCertificate, readSigned, sha256, verifyToken } from './timestamp.mjs';

const SKEW = 300;
const pad = (n, width) => String(n).padStart(width, '0');
const number = (name) => BigInt(/([0-9]+)\.[a-z0-9-]+$/.exec(name)[1]);
const latin1 = (b) => Buffer.from(b).toString('latin1');
const pem = (b) => Buffer.from(b).toString('base64');

// A claim that cannot be judged, without fault of the package; or whose fault another claim says.
class Unknown extends Error {}

// ---- the names, in their order (package-v1 sections 3 to 6) ----------------------------------

class Names {
	constructor(files) {
		this.files = files;
		this.names = [...files.keys()];
		this.at = 0;
	}

	is(pattern) {
		const name = this.names[this.at];
		return name !== undefined && (typeof pattern === 'string' ? name === pattern : pattern.test(name));
	}

	take(pattern) {
		need(this.is(pattern), 'format', `${this.names[this.at] ?? 'the end'} where ${pattern} is due`);
		return this.names[this.at++];
	}

	maybe(pattern) {
		return this.is(pattern) ? this.take(pattern) : undefined;
	}

	run(pattern) {
		const found = [];
		while (this.is(pattern))
			found.push(this.take(pattern));
		return found;
	}

	// What fits, in ascending order.
	all(pattern, min, max) {
		const found = this.run(pattern);
		need(found.length >= min && found.length <= max, 'format', `${found.length} files of ${pattern}`);
		need(found.every((n, i) => i === 0 || found[i - 1] < n), 'format', `${pattern} not in ascending order`);
		return found;
	}
}

// Charters: NN from 02 on without a gap.
function counted(names, first) {
	names.forEach((n, i) => need(number(n) === BigInt(first + i), 'format', `${n} does not follow`));
	return names;
}

function takeAnchor(n, folder) {
	const a = { index: BigInt(folder.slice(-12)), note: n.take(`${folder}/checkpoint`), token: n.take(`${folder}/token.tst`) };
	const any = (what, suffix) => counted(n.all(new RegExp(`^${folder}/${what}-[1-9]\\.${suffix}$`), 0, 8), 1);
	a.certificates = any('certificate', 'cer');
	a.lists = any('crl', 'crl');
	a.proofs = n.all(new RegExp(`^${folder}/[0-9]{12}\\.tlog-proof$`), 1, 4096);
	const sized = (name, max) => need(n.files.get(name).length >= 1 && n.files.get(name).length <= max, 'format', `size of ${name}`);
	sized(a.token, 65536);
	a.certificates.forEach((name) => sized(name, 8192));
	a.lists.forEach((name) => sized(name, 262144));
	return a;
}

function readPlace(b) {
	const r = new Reader(b), at = { batch: r.u64(), leaf: r.u32() }, n = r.u8();
	need(n <= 64, 'format', 'length of a path');
	at.path = r.list(n, () => r.take(32));
	r.done();
	return at;
}

// For each artifact of the scope its descriptor, and of what is in the scope leaves and segments, of the sizes that follow.
function takeArtifacts(n, x, scope) {
	const due = (name, size) => {
		if (!n.is(name) || (size !== undefined && n.files.get(name).length !== size))
			throw Object.assign(new Unknown(`${name} is due, and ${n.names[n.at] ?? 'the end'} is there`), { claim: 'scope' });
		return n.take(name);
	};
	x.scope = scope;
	x.sealed = scope.map((a) => {
		const folder = `data/artifacts/${hex(a.id)}`, bytes = n.files.get(due(`${folder}/descriptor`)), d = readDescriptor(bytes);
		const at = { bytes, d, ...readPlace(n.files.get(due(`${folder}/descriptor.path`))) };
		for (const p of a.parts) {
			const part = d.parts.find((y) => y.name === p.name), size = part && ((i) => segment.sealedBytes(segment.segmentLength(part, i)));
			due(`${folder}/parts/${p.name}/leaves`, part === undefined || p.last >= segment.segments(part) ? -1 : 32 * segment.chunks(part.length));
			for (let i = p.first; i <= p.last; i++)
				due(`${folder}/parts/${p.name}/${pad(i, 8)}.seg`, size(i));
		}
		return at;
	});
}

function takeNames(files) {
	const n = new Names(files), x = {};
	n.take('mimetype');
	n.take('data/charter.json');
	x.later = counted(n.all(/^data\/charter-[0-9]{2}\.json$/, 0, 64), 2);
	n.take('data/scope');
	n.take('data/recipient.cer');
	x.keys = n.maybe('data/keys.p7m');
	x.messages = n.all(/^data\/contributions\/[0-9]{2}\.p7m$/, x.keys ? 0 : 1, x.keys ? 0 : 31);
	x.entries = n.all(/^data\/entries\/[0-9]{12}\.leaf$/, 1, 4096);
	need(!n.is(/^data\/entries\//), 'format', 'no name of an entry');
	x.texts = n.all(/^data\/erasable\/[0-9a-f]{64}$/, 0, 64);
	takeArtifacts(n, x, readScope(files.get('data/scope')));
	x.anchors = [];
	for (let m; (m = /^(data\/anchors\/[0-9]{12})\/checkpoint$/.exec(n.names[n.at])) !== null;)
		x.anchors.push(takeAnchor(n, m[1]));
	need(x.anchors.every((a, i) => i === 0 || x.anchors[i - 1].index < a.index), 'format', 'anchors not in ascending order');
	for (const name of ['data/custody.jsonld', 'data/custody-prov.json', 'data/summary.html', 'bagit.txt', 'bag-info.txt',
		'manifest-sha256.txt', 'checkpoint', 'witnesses.tlog-policy'])
		n.take(name);
	x.proofs = n.all(/^proofs\/[0-9]{12}\.tlog-proof$/, 2, 4097);
	for (const name of ['release.leaf', 'README.txt', 'tagmanifest-sha256.txt', 'META-INF/ASiCManifest001.xml', 'META-INF/signature001.p7s'])
		n.take(name);
	x.archives = [];
	while (n.at < n.names.length) {
		const nnn = pad(x.archives.length + 1, 3);
		need(x.archives.length < 99, 'format', 'too many archive time-stamps');
		x.archives.push({ manifest: n.take(`META-INF/ASiCArchiveManifest${nnn}.xml`), token: n.take(`META-INF/timestamp${nnn}.tst`) });
	}
	return x;
}

// ---- what follows from other bytes (sections 4 and 5) -----------------------------------------

const MIMETYPE = 'application/vnd.etsi.asic-e+zip';
const README = '1cbdb3956599823315e23fc23e2547610c7c36aa20691e3ef65ecfc78e3a3bbe';
const MEDIA = { txt: 'text/plain', 'tlog-proof': 'text/plain', 'tlog-policy': 'text/plain', json: 'application/json', jsonld: 'application/ld+json',
	html: 'text/html', p7m: 'application/pkcs7-mime', p7s: 'application/pkcs7-signature', cer: 'application/pkix-cert', crl: 'application/pkix-crl',
	tst: 'application/vnd.etsi.timestamp-token', xml: 'application/xml' };

const mediaOf = (name) => name.split('/').at(-1) === 'checkpoint' ? 'text/plain'
	: MEDIA[/\.([a-z0-9-]+)$/.exec(name)?.[1]] ?? 'application/octet-stream';
const bagLine = ([name, b]) => `${hex(sha256(b))}  ${name}\n`;

export function asicManifest(files, reference, type, root) {
	const objects = files.map(([name, b]) => ` <asic:DataObjectReference URI="${name}" MimeType="${mediaOf(name)}"${
		name === root ? ' Rootfile="true"' : ''}>
  <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>
  <ds:DigestValue>${pem(sha256(b))}</ds:DigestValue>
 </asic:DataObjectReference>
`);
	return `<?xml version="1.0" encoding="UTF-8"?>
<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
 <asic:SigReference URI="${reference}" MimeType="${type}"/>
${objects.join('')}</asic:ASiCManifest>
`;
}

// The archive manifest before this one, if there is one, is the root.
export const archiveManifest = (covered, token) => asicManifest(covered, token, MEDIA.tst,
	covered.map(([n]) => n).findLast((n) => /^META-INF\/ASiCArchiveManifest/.test(n)));

// log-v1 section 8.
function tlogPolicy(c) {
	const names = c.witnesses.map((w) => w.name);
	return [`log ${keyText(c.logKey)}`, ...c.witnesses.map((w) => `witness ${w.name} ${keyText(w)}`),
		`group quorum ${c.threshold.q} ${names.join(' ')}`, 'quorum quorum', ''].join('\n');
}

// ---- the claims (section 7) -------------------------------------------------------------------

class Package {
	constructor(bytes, trust) {
		this.trust = trust;
		this.bytes = bytes;
		this.claims = new Map();
	}

	get(name) {
		return this.files.get(name);
	}

	text(name) {
		return latin1(this.get(name));
	}

	// Each claim after those that it builds on.
	judge(name, needs, step) {
		if (this.claims.get(name)?.verdict === 'no')
			return;
		const yes = (n) => this.claims.get(n).verdict === 'yes' || (n === 'charter' && this.claims.get(n).parsed);
		const c = { verdict: 'unknown', words: 'what it builds on does not hold' };
		this.claims.set(name, c);
		if (!needs.every(yes))
			return;
		try {
			c.words = step.call(this) ?? '';
			c.verdict = 'yes';
		} catch (e) {
			if (!(e instanceof Unknown) && e.why === undefined)
				throw e;
			c.words = e.message;
			c.verdict = e instanceof Unknown ? 'unknown' : 'no';
			if (e.claim !== undefined)
				this.claims.set(e.claim, { verdict: 'no', words: e.message });
		}
	}

	container() {
		const all = readZip(this.bytes);
		this.files = new Map(all.map((f) => [f.name, f.content]));
		const x = this.names = takeNames(this.files);
		need(this.text('mimetype') === MIMETYPE, 'format', 'mimetype');
		need(this.text('bagit.txt') === 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n', 'format', 'bagit.txt');
		need(hex(sha256(this.get('README.txt'))) === README, 'format', 'README.txt');
		this.entries = x.entries.map((n) => ({ index: number(n), leaf: this.get(n) }));
		need(this.entries[0].index === 0n, 'format', 'entry 0 is missing');
		need(x.proofs.length === x.entries.length + 1, 'format', 'a proof for each entry and the release');
		this.proofs = x.proofs.map((n) => this.#proof(n, this.get('checkpoint')));
		need(this.entries.every((e, i) => e.index === this.proofs[i].index), 'format', 'proofs and entries');
		this.release = { index: this.proofs.at(-1).index, leaf: this.get('release.leaf') };
		for (const a of x.anchors)
			a.proofs = a.proofs.map((name) => this.#proof(name, this.get(a.note)));
		return `${all.length} files`;
	}

	// A proof file that has the very note, and no extra; its name says its index.
	#proof(name, note) {
		const p = readProof(this.get(name));
		need(number(name) === p.index && equal(p.note, note) && latin1(this.get(name)).startsWith('c2sp.org/tlog-proof@v1\nindex '), 'format', name);
		return p;
	}

	charter() {
		this.documents = ['data/charter.json', ...this.names.later].map((n) => this.get(n));
		const charters = this.documents.map(readCharter);
		need(charters.every((c, i) => i === 0 || (c.amends !== undefined && equal(c.amends, charters[i - 1].digest))), 'format',
			'a charter does not follow the one before it');
		[this.genesis] = charters;
		this.last = charters.at(-1);
		this.claims.get('charter').parsed = true;
		if (this.trust.charter === undefined)
			throw new Unknown(`no charter was given to trust; this one is ${hex(this.genesis.digest)}`);
		need(equal(sha256(this.trust.charter), this.genesis.digest), 'verify', 'not the trusted genesis');
	}

	// The last entry, as far as the rest builds on it.
	parsed() {
		const e = readEntry(this.release.leaf);
		this.released = Number(e.time);
		this.statement = readStatement(readEnvelope(e.dsse));
		need(this.statement.type === 'release', 'format', 'release.leaf is no release');
	}

	manifests() {
		const all = [...this.files], payload = all.filter(([n]) => n.startsWith('data/'));
		const tags = all.filter(([n]) => !/^(data|META-INF)\//.test(n) && n !== 'mimetype' && n !== 'tagmanifest-sha256.txt');
		need(this.text('manifest-sha256.txt') === payload.map(bagLine).join(''), 'verify', 'manifest-sha256.txt');
		need(this.text('tagmanifest-sha256.txt') === tags.map(bagLine).join(''), 'verify', 'tagmanifest-sha256.txt');
		const oxum = `${payload.reduce((n, [, b]) => n + b.length, 0)}.${payload.length}`;
		need(Buffer.from(this.get('bag-info.txt')).toString('utf8') === [`Source-Organization: ${this.last.coordinator.organisation}`,
			'External-Description: Quorate evidence package v1', `External-Identifier: ${hex(this.statement.subject)}`,
			`Bagging-Date: ${new Date(this.released * 1000).toISOString().slice(0, 10)}`, `Payload-Oxum: ${oxum}`, ''].join('\n'),
		'verify', 'bag-info.txt');
	}

	signature() {
		const signed = [...this.files].filter(([n]) => n !== 'mimetype' && !n.startsWith('META-INF/'));
		const manifest = this.get('META-INF/ASiCManifest001.xml'), certificate = this.last.coordinator.package_certificate;
		need(latin1(manifest) === asicManifest(signed, 'META-INF/signature001.p7s', 'application/pkcs7-signature', 'data/summary.html'),
			'verify', 'the ASiC manifest');
		this.added = checkSignature(this.get('META-INF/signature001.p7s'), certificate, manifest, this.released);
		need(this.added.certificates.length <= 8 && this.added.lists.length <= 8, 'limit', 'what was added to the signature');
		this.#stamps(certificate);
		const { from, to } = readCertificate(certificate), seen = this.stamps.filter((t) => t.good).map((t) => t.time);
		need(from - SKEW <= this.released && this.released <= to && Math.min(this.trust.now, ...seen) <= to, 'verify',
			'the certificate was not valid when it signed, or ran out before anybody stamped the signature');
	}

	// What the token of the signature and those of the archives are worth: { good, time, until } or { why, words }.
	#stamps(certificate) {
		const all = [...this.files].filter(([n]) => n !== 'mimetype'), roots = this.#roots();
		const worth = (raw, hash, more) => {
			try {
				const t = verifyToken(raw, hash, roots, { certificates: [], lists: more?.lists ?? [] });
				checkExact(raw, roots);
				allSigned(more?.certificates ?? [], more?.lists ?? [], roots, [certificate, ...readSigned(raw).certificates]);
				need(t.time <= this.trust.now + SKEW, 'verify', 'a time-stamp from the future');
				return { ...t, good: true };
			} catch (e) {
				if (e.why === undefined)
					throw e;
				return { good: false, why: e.why, words: e.message };
			}
		};
		this.own = this.added.token === undefined ? undefined : worth(this.added.token, sha256(this.added.signature), this.added);
		if (this.own?.good && this.own.time < this.released - SKEW)
			this.own = { good: false, why: 'verify', words: 'the signature is older than the release' };
		this.archived = this.names.archives.map(({ manifest, token }) => {
			const covered = all.slice(0, all.findIndex(([n]) => n === manifest));
			return this.text(manifest) === archiveManifest(covered, token) ? worth(this.get(token), sha256(this.get(manifest)))
				: { good: false, why: 'verify', words: manifest };
		});
		this.stamps = [this.own, ...this.archived].filter((t) => t !== undefined);
	}

	// Where a token's chain may end: at the charter's TSAs, and at what the verifier adds.
	#roots() {
		return [...this.last.tsas.flatMap((t) => t.certificates), ...this.trust.roots].map(readCertificate);
	}

	checkpoint() {
		const c = openNote(this.get('checkpoint'), this.last.logKey, this.genesis.witnesses);
		const newest = Math.max(...[...this.entries, this.release].map((e) => {
			try {
				return Number(readEntry(e.leaf).time);
			} catch {
				return 0;
			}
		}));
		const times = new Map(Buffer.from(this.get('checkpoint')).toString('utf8').split('\n\n').at(-1).split('\n').map((l) => l.split(' '))
			.filter((l) => l.length === 3).map(([, name, sig]) => [name, Number(Buffer.from(sig, 'base64').readBigUInt64BE(4))]));
		const good = this.genesis.witnesses.filter((w) => c.by.has(w) && times.get(w.name) >= newest);
		need(good.length >= this.genesis.threshold.q, 'quorum', `${good.length} cosignatures from after the entries`);
		this.head = c;
		return `size ${c.size}, ${good.length} cosignatures`;
	}

	inclusion() {
		[...this.entries, this.release].forEach((e, i) => verifyInclusion(leafHash(e.leaf), e.index, this.head.size, this.proofs[i].path, this.head.root));
		need(this.entries.at(-1).index < this.release.index, 'format', 'the release is not the last entry');
	}

	// case-v1 section 3, steps 4 to 7: the descriptors under their batches, the replay, the question about the order.
	descriptors() {
		this.scope = this.names.scope;
		this.sealed = this.names.sealed;
		for (const [i, at] of this.sealed.entries()) {
			const entry = this.entries.find((e) => e.index === at.batch);
			need(entry !== undefined, 'missing', `batch entry ${at.batch} is missing`);
			const s = readStatement(readEnvelope(readEntry(entry.leaf).dsse));
			need(s.type === 'batch', 'format', `entry ${at.batch} is no batch`);
			verifyInclusion(leafHash(at.bytes), BigInt(at.leaf), BigInt(s.count), at.path, s.subject);
			need(equal(at.d.id, this.scope[i].id), 'format', 'the descriptor of another artifact');
		}
	}

	order() {
		const id = hex(this.statement.subject);
		this.replay = new Replay({ charters: this.documents, scope: this.get('data/scope'), descriptors: this.sealed, archives: this.#archives() });
		this.verdicts = [];
		let asked = false;
		for (const e of [...this.entries, this.release]) {
			const v = this.replay.apply(e.index, e.leaf);
			this.verdicts.push(v);
			const n = this.replay.charters.length;
			need(n <= this.documents.length && equal(this.replay.charter.digest, sha256(this.documents[n - 1])), 'format', 'another charter came in force');
			if (v.type === 'order' && v.id === id && !asked) {
				need(v.effective, 'denied', `the order is void: ${v.why}`);
				this.replay.mayContribute(id);
				asked = true;
			}
		}
		need(asked, 'missing', 'the order is not there');
		need(this.replay.charters.length === this.documents.length, 'format', 'the last charter did not come in force');
		this.o = this.replay.orders.get(id);
		need(this.o.index < this.head.size, 'verify', 'the order is not under the checkpoint');
		need(this.o.request.scope.length === this.scope.length && this.sealed.every((a) =>
			this.replay.sealed.get(hex(a.d.id))?.batch === a.batch), 'format', 'an artifact was sealed elsewhere');
		this.#answers(id);
		return `approved by ${this.replay.approvals(this.o.request).map(([id]) => id).join(', ')}`;
	}

	// anchor-v1 section 2: the blob of an anchor, made again.
	#archives() {
		const vec32 = (b) => join(Uint8Array.of(b.length >>> 24, b.length >>> 16, b.length >>> 8, b.length), b);
		this.archives = this.names.anchors.map((a) => {
			const list = (names) => join([names.length], ...names.map((n) => vec32(this.get(n))));
			return { ...a, blob: join(ascii('quorate anchor 1\n'), vec32(this.get(a.note)), vec32(this.get(a.token)), list(a.certificates), list(a.lists)) };
		});
		return new Map(this.archives.map((a) => [hex(sha256(a.blob)), this.get(a.note)]));
	}

	// Who carried the order out, by their receipts.
	#answers(id) {
		const segments = scopeSegments(this.scope).length;
		this.answered = [...this.replay.receipts].filter(([at, v]) => at.startsWith(id) && v.s.count === segments).map(([, v]) => v.s);
	}

	receipts() {
		need(this.answered.length >= this.genesis.threshold.k, 'quorum', `${this.answered.length} receipts`);
		return `custodians ${this.answered.map((s) => s.custodian).join(', ')}`;
	}

	releaseNames() {
		const v = this.verdicts.at(-1);
		need(v.type === 'release' && v.effective, 'denied', `the release is void: ${v.why}`);
		need(equal(v.s.contents, sha256(this.get('manifest-sha256.txt'))), 'verify', 'the release names another payload');
		need(v.dated <= this.trust.now + SKEW, 'verify', 'the release is from the future');
	}

	ciphertext() {
		for (const [i, a] of this.scope.entries())
			for (const p of a.parts) {
				const part = this.sealed[i].d.parts.find((x) => x.name === p.name), folder = `data/artifacts/${hex(a.id)}/parts/${p.name}`;
				const leaves = this.get(`${folder}/leaves`);
				const hashes = Array.from({ length: leaves.length / 32 }, (_, j) => leaves.subarray(32 * j, 32 * j + 32));
				need(equal(root(hashes), part.root), 'verify', 'the leaves are not the descriptor\'s');
				for (let n = p.first; n <= p.last; n++)
					this.#segment(this.get(`${folder}/${pad(n, 8)}.seg`), part, n, hashes);
			}
	}

	#segment(sealed, part, n, hashes) {
		const length = segment.segmentLength(part, n), from = segment.firstLeaf(part, n);
		segment.leafData(sealed, length).forEach((data, j) => need(equal(leafHash(data), hashes[from + j]), 'verify', `chunk ${j} of segment ${n}`));
	}

	// That the files are those of the scope, the container showed.
	orderedScope() {
		need(equal(this.o.s.scope, sha256(this.get('data/scope'))), 'verify', 'not the order\'s scope');
	}

	recipient() {
		const certificate = this.get('data/recipient.cer'), { asked, s } = this.o.request, { k } = this.genesis.threshold;
		need(equal(certificate, s.recipient), 'verify', 'not the certificate of the request');
		need((asked.release_to === 'coordinator') === (this.names.keys !== undefined), 'verify', 'not as the policy releases');
		if (this.names.keys !== undefined) {
			checkCms(this.get('data/keys.p7m'), certificate);
			return;
		}
		need(this.names.messages.length >= k, 'quorum', `${this.names.messages.length} messages`);
		for (const name of this.names.messages) {
			const receipt = this.answered.find((r) => r.custodian === Number(number(name)));
			need(receipt !== undefined && equal(receipt.message, sha256(this.get(name))), 'verify', `${name} is not what its receipt names`);
			checkCms(this.get(name), certificate);
		}
	}

	texts() {
		const named = this.verdicts.filter((v) => v.effective).flatMap(({ s }) => [s.reason, ...(s.attachments ?? []).map((a) => a.digest)])
			.filter((d) => d !== undefined).map(hex);
		for (const name of this.names.texts) {
			const digest = name.slice(-64), b = this.get(name);
			need(b.length >= 32 && hex(sha256(b)) === digest, 'verify', `${name} has another digest`);
			need(named.includes(digest), 'verify', `no statement names ${name}`);
		}
	}

	// The policy of witnesses is made again; the documents are held to what they say of each act, and summary.html to nothing.
	custody() {
		need(Buffer.from(this.get('witnesses.tlog-policy')).toString('utf8') === tlogPolicy(this.last), 'verify', 'witnesses.tlog-policy');
		checkCustody({ jsonld: this.get('data/custody.jsonld'), prov: this.get('data/custody-prov.json'), origin: this.last.origin,
			acts: this.entries.map((e, i) => ({ ...this.verdicts[i], leaf: e.leaf })).filter((v) => v.effective),
			amendments: this.replay.amendments, about: `${hex(this.genesis.digest)}/${hex(this.statement.subject)}` });
		throw new Unknown('the custody documents say the same of each act; they were not made again');
	}

	timestamp() {
		const t = this.own;
		if (t === undefined || (t.why === 'stranger' && this.last.tsas.length === 0))
			throw new Unknown(t === undefined ? 'nobody stamped the signature' : t.words);
		need(t.good, t.why, t.words);
		need(t.until >= this.trust.now || this.archived.some((a) => a.good && a.time <= t.until), 'verify', 'its certificates have run out');
		return new Date(t.time * 1000).toISOString();
	}

	sealedBefore() {
		const dated = new Set(), pairs = new Set();
		for (const a of this.archives)
			for (const { batch, fits } of this.#anchor(a)) {
				const pair = `${a.tsa} ${batch}`;
				need(!pairs.has(pair), 'format', `a second anchor by ${a.tsa} for batch ${batch}`);
				pairs.add(pair);
				if (fits)
					dated.add(batch);
			}
		if (this.sealed.some((x) => !dated.has(x.batch)))
			throw new Unknown('not every batch is dated by an anchor');
	}

	// Gives the batches that it is for, and whether its time fits what the log says of each.
	#anchor(a) {
		const v = this.verdicts.find((x) => x.index === a.index), note = this.get(a.note);
		need(v?.type === 'anchor' && v.effective && equal(v.s.archive, sha256(a.blob)), 'verify', `entry ${a.index} is no anchor of these`);
		const then = this.replay.charters.find((x) => equal(x.digest, v.s.charter)), head = openNote(note, then.logKey, then.witnesses);
		a.tsa = v.s.tsa;
		const roots = [then, this.last].flatMap((c) => c.tsas.filter((t) => t.id === a.tsa)).flatMap((t) => t.certificates);
		const t = verifyToken(this.get(a.token), sha256(note), [...roots, ...this.trust.roots].map(readCertificate),
			{ certificates: a.certificates.map((n) => this.get(n)), lists: a.lists.map((n) => this.get(n)) }, true);
		need(t.time <= this.trust.now + SKEW, 'verify', 'an anchor from the future');
		return a.proofs.map((p) => {
			const e = this.entries.find((x) => x.index === p.index);
			need(e !== undefined && this.sealed.some((x) => x.batch === p.index), 'format', `entry ${p.index} is no batch in scope`);
			verifyInclusion(leafHash(e.leaf), p.index, head.size, p.path, head.root);
			const logged = (i) => Number(readEntry(this.entries.find((x) => x.index === i).leaf).time);
			return { batch: p.index, fits: t.time >= logged(p.index) - SKEW && t.time <= logged(a.index) + SKEW };
		});
	}

	archive() {
		let before = this.own?.good ? this.own : undefined;
		if (this.archived.length === 0)
			throw new Unknown('no archive time-stamp is there');
		for (const t of this.archived) {
			need(t.good || t.why === 'stranger', t.why, t.words);
			if (!t.good)
				continue;
			need(before === undefined || (t.time >= before.time && t.time <= before.until), 'verify', 'a time-stamp older than the one before it, or too late for it');
			before = t;
		}
		const stranger = this.archived.find((t) => !t.good);
		if (stranger !== undefined)
			throw new Unknown(stranger.words);
		return `${this.archived.length}`;
	}

	run() {
		const read = ['container', 'charter', 'parsed'], all = [...read, 'order'];
		this.judge('container', [], this.container);
		this.judge('charter', ['container'], this.charter);
		this.judge('parsed', ['container', 'charter'], this.parsed);
		if (this.claims.get('parsed').verdict === 'no')
			this.claims.set('release', this.claims.get('parsed'));
		this.judge('manifests', read, this.manifests);
		this.judge('signature', read, this.signature);
		this.judge('checkpoint', read, this.checkpoint);
		this.judge('entries', ['checkpoint'], this.inclusion);
		this.judge('descriptors', ['entries'], this.descriptors);
		this.judge('order', ['descriptors'], this.order);
		this.judge('receipts', all, this.receipts);
		this.judge('release', all, this.releaseNames);
		this.judge('ciphertext', all, this.ciphertext);
		this.judge('scope', all, this.orderedScope);
		this.judge('recipient', all, this.recipient);
		this.judge('texts', all, this.texts);
		this.judge('custody', all, this.custody);
		this.judge('sealed', all, this.sealedBefore);
		this.judge('timestamp', [...all, 'signature'], this.timestamp);
		this.judge('archive', [...all, 'signature'], this.archive);
		this.claims.set('keys', { verdict: 'unknown', words: 'nothing was opened' });
		const optional = ['custody', 'timestamp', 'sealed', 'archive', 'keys'];
		const open = ORDER.map((n) => [n, this.claims.get(n)]).filter(([n, c]) => c.verdict !== 'yes' && !(c.verdict === 'unknown' && optional.includes(n))).map(([n]) => n);
		return open.length === 0 ? 'valid' : open.length === 1 && this.claims.get('charter').verdict === 'unknown' ? 'consistent' : 'invalid';
	}
}

const ORDER = ['container', 'manifests', 'charter', 'signature', 'checkpoint', 'entries', 'order', 'receipts', 'release', 'descriptors', 'ciphertext',
	'scope', 'recipient', 'texts', 'custody', 'timestamp', 'sealed', 'archive', 'keys'];

// trust: { charter (bytes, or undefined), roots (DER), now }. Gives { verdict, claims }.
export function verifyPackage(bytes, trust) {
	const p = new Package(bytes, trust), verdict = p.run();
	return { verdict, claims: ORDER.map((name) => ({ name, ...p.claims.get(name) })) };
}

// ---- the command ------------------------------------------------------------------------------

function readTrust(args) {
	const trust = { charter: undefined, roots: [], now: Math.floor(Date.now() / 1000) };
	for (let i = 0; i < args.length; i += 2) {
		if (args[i] === '--charter')
			trust.charter = fs.readFileSync(args[i + 1]);
		else if (args[i] === '--root')
			trust.roots.push(new crypto.X509Certificate(fs.readFileSync(args[i + 1])).raw);
		else if (args[i] === '--at')
			trust.now = Number(args[i + 1]);
		else
			throw new Error(`${args[i]}: unknown`);
	}
	return trust;
}

if (process.argv[1] !== undefined && import.meta.url.endsWith('/verify-package.mjs') && process.argv[1].endsWith('verify-package.mjs')) {
	const { verdict, claims } = verifyPackage(new Uint8Array(fs.readFileSync(process.argv[2])), readTrust(process.argv.slice(3)));
	for (const c of claims)
		console.log(`${c.verdict.padEnd(8)}${c.name.padEnd(12)} ${c.words}`);
	console.log(verdict);
	process.exitCode = { valid: 0, invalid: 1, consistent: 2 }[verdict];
}
