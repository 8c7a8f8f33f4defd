// statement-v1, written from docs/spec/statement-v1.md: DSSE envelopes, in-toto statements, keys.
import { ed25519 } from '@noble/curves/ed25519';
import { p256 } from '@noble/curves/nist';
import { sha256 } from '@noble/hashes/sha2';
import { ascii, hex, join, need, same, writeVector } from './bytes.mjs';
import * as json from './json.mjs';
import { checkPoint } from './sealed.mjs';

const BYTES_MAX = 65527, CERT_MAX = 8192, INT64 = 2n ** 63n - 1n;
const INTOTO = 'application/vnd.in-toto+json', LAYOUT = 'https://in-toto.io/Statement/v1';
const PREFIX = 'https://quorate.example/';
const digest = json.hexOf(32), custodian = json.uint(1, 31);

// ---- section 2: keys ---------------------------------------------------------------

const ALGORITHMS = { ed25519: [1, 32], p256: [2, 65] };

export function readKey(text) {
	const [name, value] = text.split(/:(.*)/s);
	need(Object.hasOwn(ALGORITHMS, name) && value !== undefined, 'format', 'algorithm of a key');
	const [type, n] = ALGORITHMS[name], bytes = json.base64(value);
	need(bytes.length === n, 'format', 'length of a key');
	if (name === 'p256') {
		checkPoint(bytes);
	} else {
		let point;
		try {
			point = ed25519.Point.fromHex(bytes);
		} catch {
			need(false, 'format', 'not a point');
		}
		need(!point.isSmallOrder() && point.isTorsionFree(), 'format', 'not of the prime order');
	}
	return { name, bytes, id: sha256(join([type], bytes)) };
}

function verified(key, sig, message) {
	try {
		return key.name === 'ed25519' ? ed25519.verify(sig, message, key.bytes, { zip215: false })
			: p256.verify(sig, sha256(message), key.bytes, { lowS: false, prehash: false });
	} catch {
		return false;
	}
}

// secret: of the key's algorithm.
export const keyOf = (name, secret) => readKey(`${name}:${Buffer.from(name === 'p256'
	? p256.getPublicKey(secret, false) : ed25519.getPublicKey(secret)).toString('base64')}`);
export const keyText = (key) => `${key.name}:${Buffer.from(key.bytes).toString('base64')}`;

function signature(key, secret, message) {
	return key.name === 'ed25519' ? ed25519.sign(message, secret)
		: p256.sign(sha256(message), secret, { prehash: false }).toCompactRawBytes();
}

// ---- section 3: envelopes ------------------------------------------------------------

export const pae = (payload) => join(ascii(`DSSEv1 ${INTOTO.length} ${INTOTO} ${payload.length} `), payload);
export const statementId = (payload) => sha256(pae(payload));

const envelope = json.object({
	payload: json.base64Of(1, BYTES_MAX),
	payloadType: json.word(INTOTO),
	signatures: json.list(1, 64, json.object({
		keyid: json.optional(json.text(0, 128)),
		sig: json.base64Of(64, 64),
	})),
});

export function readEnvelope(bytes) {
	const e = envelope(json.readJson(bytes, BYTES_MAX));
	return { ...e, id: statementId(e.payload) };
}

export const signedBy = (e, key) => e.signatures.some((s) => verified(key, s.sig, pae(e.payload)));

// signers: [key, secret] pairs.
export function writeEnvelope(payload, signers) {
	const b64 = (b) => Buffer.from(b).toString('base64');
	return ascii(JSON.stringify({ payload: b64(payload), payloadType: INTOTO,
		signatures: signers.map(([key, secret]) => ({ keyid: hex(key.id), sig: b64(signature(key, secret, pae(payload))) })) }));
}

// ---- section 4: statements -------------------------------------------------------------

const common = {
	signer: digest, nonce: json.hexOf(16), issued: json.time, expires: json.time,
	seen: json.object({ size: json.uint(0, INT64), root: digest }),
};

// Those that many sign have no signer, nonce or times; the charter has not seen a log either.
const commonOf = (type) => type === 'charter' ? {} : type === 'succession' ? { seen: common.seen } : common;

// Section 5: subject and members of each type.
const types = {
	charter: ['charter', {}],
	batch: ['batch', { count: json.uint(1, 1024), descriptors: digest,
		custodians: json.list(1, 31, json.object({ index: custodian, epoch: json.uint(1, 2 ** 32 - 1),
			encapsulation: json.base64Of(65, 65), shares: digest })) }],
	request: ['scope', { policy: json.name, reason: digest,
		attachments: json.list(0, 4, json.object({ kind: json.name, digest, size: json.uint(0, INT64) })),
		recipient: json.base64Of(1, CERT_MAX) }],
	decision: ['request', { decision: json.word('approve', 'deny'), reason: json.optional(digest) }],
	withdrawal: ['request', {}],
	revocation: ['key', { reason: json.optional(digest) }],
	order: ['request', { scope: digest, addressee: json.base64Of(1, CERT_MAX) }],
	receipt: ['order', { custodian, message: digest, count: json.uint(0, 2 ** 32 - 1), contributions: digest }],
	release: ['order', { contents: digest,
		custodians: json.list(1, 31, json.object({ index: custodian, receipt: digest, good: json.flag })) }],
	held: ['batch', { custodian, shares: digest }],
	checked: ['batch', { custodian, first: json.uint(0, INT64) }],
	garbage: ['batch', { custodian, leaf: json.uint(0, 1023), proof: json.base64Of(49, 81) }],
	amendment: ['charter', { reason: json.optional(digest) }],
	consent: ['amendment', { custodian }],
	succession: ['charter', {}],
	anchor: ['checkpoint', { tsa: json.name, size: json.uint(1, INT64), archive: digest }],
	acknowledgement: ['order', { opening: digest, bad: json.list(0, 31, custodian) }],
};

// What a table of members cannot say.
const rules = {
	batch: (p) => need(p.custodians.every((c, i) => c.index === i + 1), 'format', 'custodians are not 1 .. n'),
	release: (p) => need(p.custodians.every((c, i, all) => i === 0 || all[i - 1].index < c.index), 'format',
		'custodians are not in ascending order'),
	garbage: ({ proof }) => need((proof[0] === 1 && proof.length === 49) || (proof[0] === 2 && proof.length === 81),
		'format', 'a proof of no kind that there is'),
	acknowledgement: ({ bad }) => need(bad.every((n, i) => i === 0 || bad[i - 1] < n), 'format', 'custodians are not in ascending order'),
	decision: (p) => need(p.decision === 'deny' || p.reason === undefined, 'format', 'an approval with a reason'),
};

const layout = json.object({
	_type: json.word(LAYOUT), subject: json.list(1, 64, json.anything),
	predicateType: json.text(1, 256),
	predicate: (v) => {
		need(v instanceof Map, 'format', 'not an object');
		return v;
	},
});

// e: from readEnvelope. The signatures are not looked at.
export function readStatement(e) {
	const s = layout(json.readJson(e.payload, BYTES_MAX));
	const m = /^https:\/\/quorate\.example\/([a-z]+)\/v1$/.exec(s.predicateType);
	const type = m !== null && Object.hasOwn(types, m[1]) ? m[1] : 'unknown';
	if (type === 'unknown')
		return { type, id: e.id };
	const [kind, members] = types[type];
	const [subject] = json.list(1, 1, json.object({ name: json.word(kind), digest: json.object({ sha256: digest }) }))(s.subject);
	const p = json.object({ genesis: digest, charter: digest, ...commonOf(type), ...members })(s.predicate);
	rules[type]?.(p);
	return { type, id: e.id, subject: subject.digest.sha256, ...p };
}

// A statement's payload: bytes are written as its type says, hex or base64.
const BASE64 = new Set(['encapsulation', 'recipient', 'addressee', 'proof']);
export function writeStatement({ type, subject, ...predicate }) {
	const plain = (v, name) => {
		if (v instanceof Uint8Array)
			return BASE64.has(name) ? Buffer.from(v).toString('base64') : hex(v);
		if (name === 'issued' || name === 'expires')
			return json.writeTime(v);
		if (Array.isArray(v))
			return v.map((x) => plain(x));
		return v !== null && typeof v === 'object'
			? Object.fromEntries(Object.entries(v).map(([n, x]) => [n, plain(x, n)])) : v;
	};
	return ascii(JSON.stringify({ _type: LAYOUT, subject: [{ name: types[type][0], digest: { sha256: hex(subject) } }],
		predicateType: `${PREFIX}${type}/v1`, predicate: plain(predicate) }));
}

// ---- vectors ---------------------------------------------------------------------

const tests = {
	statement(v) {
		const e = readEnvelope(v.bytes('envelope'));
		const s = readStatement(e);
		need(signedBy(e, readKey(v.text('key'))), 'verify', 'signature');
		same(s.type, v.text('type'), 'type');
		same(e.id, v.bytes('id'), 'id');
		if (v.has('payload'))
			same(e.payload, v.bytes('payload'), 'payload');
		if (s.type !== 'unknown')
			same(s.subject, v.bytes('subject'), 'subject');
	},
	key(v) {
		same(readKey(v.text('key')).id, v.bytes('id'), 'id');
	},
};

export function run(v) {
	tests[v.text('test')](v);
}

// One of each type, for the first implementation to read.
export function make(dir, random) {
	const now = 1795341600, more = {
		charter: {}, withdrawal: {}, checked: { custodian: 31, first: 12345 },
		batch: { count: 1, descriptors: random(32),
			custodians: [1, 2].map((index) => ({ index, epoch: 2 ** 32 - 1, encapsulation: random(65), shares: random(32) })) },
		request: { policy: 'standard', reason: random(32), recipient: random(700),
			attachments: [{ kind: 'court-order', digest: random(32), size: 12345 }] },
		decision: { decision: 'deny', reason: random(32) },
		revocation: {},
		order: { scope: random(32), addressee: random(701) },
		receipt: { custodian: 7, message: random(32), count: 8192, contributions: random(32) },
		release: { contents: random(32), custodians: [{ index: 2, receipt: random(32), good: false }] },
		held: { custodian: 1, shares: random(32) },
		garbage: { custodian: 1, leaf: 1023, proof: join([2], random(80)) },
		amendment: { reason: random(32) }, consent: { custodian: 31 }, succession: {},
		anchor: { tsa: 'first', size: 1, archive: random(32) }, acknowledgement: { opening: random(32), bad: [1, 31] },
	};
	for (const [type, members] of Object.entries(more)) {
		for (const name of ['ed25519', 'p256']) {
			const secret = name === 'p256' ? p256.utils.randomPrivateKey() : random(32), key = keyOf(name, secret);
			const s = { type, subject: random(32), genesis: random(32), charter: random(32),
				...(Object.hasOwn(commonOf(type), 'signer')
					? { signer: key.id, nonce: random(16), issued: now, expires: now + 600 } : {}),
				...(type === 'charter' ? {} : { seen: { size: 7, root: random(32) } }), ...members };
			const payload = writeStatement(s);
			writeVector(dir, 'statement-v1', `${type}_${name}`, [['expect', 'ok'],
				['comment', 'made by the second implementation'], ['test', 'statement'],
				['envelope', writeEnvelope(payload, [[key, secret]])], ['key', keyText(key)], ['type', type],
				['id', statementId(payload)], ['payload', payload], ['subject', s.subject]]);
		}
	}
}
