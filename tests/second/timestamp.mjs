// anchor-v1 section 4 and package-v1: RFC 3161 tokens, X.509 chains and revocation lists, with node's crypto.
import crypto from 'node:crypto';
import { Refused, equal, hex, need } from './bytes.mjs';
import { GENERAL, INT, SEQ, SET, UTC, algorithmOf, bits, der, inside, isOid, octets, oidOf, oids, readDer, timeOf } from './der.mjs';

const HASHES = { [oids.sha256]: 'sha256', [oids.sha384]: 'sha384', [oids.sha512]: 'sha512' };
// What signs: the hash, or that the digest algorithm beside it says which.
const SIGNATURES = {
	'1.2.840.113549.1.1.1': 'beside', '1.2.840.113549.1.1.11': 'sha256', '1.2.840.113549.1.1.12': 'sha384',
	'1.2.840.113549.1.1.13': 'sha512', '1.2.840.10045.4.3.2': 'sha256', '1.2.840.10045.4.3.3': 'sha384',
	'1.2.840.10045.4.3.4': 'sha512', '1.3.101.112': null,
};
const MILD = [0, 3, 4, 5];	// reasons of a revocation that spoils nothing signed before: unspecified, affiliationChanged ...

export const sha256 = (b) => new Uint8Array(crypto.createHash('sha256').update(b).digest());

// ---- certificates ------------------------------------------------------------------------

export function readCertificate(raw) {
	const [tbs] = inside(readDer(raw), SEQ, 3, 3), all = [...inside(tbs, SEQ, 6)];
	if (all[0].tag === 0xa0)
		all.shift();
	const [serial, , issuer, validity, subject, spki, ...rest] = all;
	const list = rest.find((n) => n.tag === 0xa3), extensions = new Map();
	for (const e of list === undefined ? [] : inside(inside(list, 0xa3, 1, 1)[0], SEQ)) {
		const members = inside(e, SEQ, 2, 3);
		extensions.set(oidOf(members[0]), { critical: members.length === 3 && members[1].content[0] === 0xff,
			value: octets(members.at(-1)) });
	}
	const [from, to] = inside(validity, SEQ, 2, 2).map(timeOf);
	let x;
	try {
		x = new crypto.X509Certificate(raw);
	} catch {
		need(false, 'format', 'not a certificate');
	}
	return { raw, x, serial, issuer, subject, spki, from, to, extensions, algorithm: algorithmOf(inside(readDer(raw), SEQ)[1]) };
}

function publicKey(c) {
	try {
		return crypto.createPublicKey({ key: Buffer.from(c.spki.raw), format: 'der', type: 'spki' });
	} catch {
		throw new Refused('verify', 'a certificate with no key that can be read');
	}
}

function verifies(algorithm, beside, message, key, signature) {
	need(Object.hasOwn(SIGNATURES, algorithm), 'verify', `signature algorithm ${algorithm}`);
	const hash = SIGNATURES[algorithm] === 'beside' ? beside : SIGNATURES[algorithm];
	try {
		return crypto.verify(hash, message, key, signature);
	} catch {
		return false;
	}
}

function strong(c) {
	const key = publicKey(c);
	need(key.asymmetricKeyType !== 'rsa' || key.asymmetricKeyDetails.modulusLength >= 2048, 'verify', 'an RSA key too short');
}

// Is `c` signed by `issuer`?
function issuedBy(c, issuer) {
	const [tbs, , signature] = inside(readDer(c.raw), SEQ, 3, 3);
	return equal(c.issuer.raw, issuer.subject.raw) && (issuer.x.ca || issuer.extensions.size === 0) &&
		Object.hasOwn(SIGNATURES, c.algorithm) && verifies(c.algorithm, null, tbs.raw, publicKey(issuer), bits(signature));
}

// From `c` on, as far as it goes, each valid at the time: to one of the roots, or it is a stranger's.
function chain(c, others, roots, at) {
	const path = [c], trusted = (p) => roots.some((r) => equal(r.raw, p.raw));
	while (!trusted(path.at(-1)) && path.length <= 8) {
		const next = [...roots, ...others].find((o) => !path.some((p) => equal(p.raw, o.raw)) && issuedBy(path.at(-1), o));
		if (next === undefined)
			break;
		path.push(next);
	}
	for (const p of path) {
		strong(p);
		need(p.from <= at && at <= p.to, 'verify', 'a certificate that was not valid then');
	}
	return { issuer: path[1] ?? c, path, stranger: !trusted(path.at(-1)) };
}

// ---- revocation lists --------------------------------------------------------------------

function readList(raw) {
	const [tbs, algorithm, signature] = inside(readDer(raw), SEQ, 3, 3), all = [...inside(tbs, SEQ, 3)];
	if (all[0].tag === INT)
		all.shift();
	const [, issuer, , ...rest] = all;
	const isTime = (n) => n !== undefined && (n.tag === UTC || n.tag === GENERAL);
	const next = isTime(rest[0]) ? timeOf(rest.shift()) : null;
	const revoked = rest[0]?.tag === SEQ ? inside(rest[0], SEQ).map((r) => {
		const [serial, date, more] = inside(r, SEQ, 2, 3);
		const reason = (more === undefined ? [] : inside(more, SEQ)).map((e) => inside(e, SEQ, 2, 3))
			.find((e) => isOid(e[0], oids.reasonCode));
		return { serial, date: timeOf(date), reason: reason === undefined ? null : readDer(octets(reason.at(-1))).content[0] };
	}) : [];
	return { tbs, issuer, next, revoked, algorithm: algorithmOf(algorithm), signature: bits(signature) };
}

// anchor-v1 section 4 step 6, for a certificate and its issuer. asked: there must be a list that holds then.
function checkLists(lists, c, issuer, at, asked) {
	const ours = lists.map(readList).filter((l) => equal(l.issuer.raw, c.issuer.raw) && verifies(l.algorithm, null, l.tbs.raw, publicKey(issuer), l.signature));
	const held = ours.filter((l) => l.next === null || l.next >= at);
	need(!asked || held.length > 0, 'verify', 'no revocation list of the issuer that holds then');
	for (const { revoked } of asked ? held : ours)
		for (const r of revoked)
			need(!equal(r.serial.raw, c.serial.raw) || (r.date > at && MILD.includes(r.reason)), 'verify', 'revoked');
}

// ---- tokens ------------------------------------------------------------------------------

// SignedData with one signer: { content, type, certificates, lists, signer }.
export function readSigned(raw) {
	const [type, wrapped] = inside(readDer(raw), SEQ, 2, 2);
	need(isOid(type, oids.signedData), 'format', 'not SignedData');
	const all = inside(inside(wrapped, 0xa0, 1, 1)[0], SEQ, 4, 6), [, , encap] = all;
	const contents = inside(encap, SEQ, 1, 2), signers = inside(all.at(-1), SET);
	need(signers.length === 1, 'verify', 'not one signer');
	const [version, sid, digest, ...rest] = inside(signers[0], SEQ, 5, 7);
	const attributes = rest[0].tag === 0xa0 ? rest.shift() : undefined;
	const [algorithm, signature, unsigned] = rest;
	return { type: oidOf(contents[0]), content: contents[1] && octets(inside(contents[1], 0xa0, 1, 1)[0]),
		certificates: (all.find((n) => n.tag === 0xa0)?.all ?? []).map((n) => n.raw),
		lists: (all.find((n) => n.tag === 0xa1)?.all ?? []).map((n) => n.raw),
		signer: { version, sid, digest: algorithmOf(digest), attributes, algorithm: algorithmOf(algorithm),
			signature: octets(signature), unsigned } };
}

// The one value of a signed attribute.
function attribute(signer, oid) {
	const found = inside(signer.attributes, 0xa0).map((a) => inside(a, SEQ, 2, 2)).filter(([t]) => isOid(t, oid));
	need(found.length <= 1, 'verify', 'an attribute twice');
	return found.length === 0 ? undefined : inside(found[0][1], SET, 1, 1)[0];
}

function bindsCertificate(signer, c) {
	const v2 = attribute(signer, oids.signingCertificateV2), v1 = attribute(signer, oids.signingCertificate);
	need(v1 !== undefined || v2 !== undefined, 'verify', 'the signer\'s certificate is not bound');
	const [id] = inside(inside(inside(v2 ?? v1, SEQ, 1)[0], SEQ, 1)[0], SEQ, 1);
	const named = v2 !== undefined && id.tag === SEQ ? algorithmOf(id) : v2 === undefined ? oids.sha1 : oids.sha256;
	const hash = { ...HASHES, [oids.sha1]: 'sha1' }[named];
	const value = octets(v2 !== undefined && id.tag === SEQ ? inside(inside(inside(v2, SEQ)[0], SEQ)[0], SEQ)[1] : id);
	need(hash !== undefined && equal(crypto.createHash(hash).update(c.raw).digest(), value), 'verify', 'another certificate is bound');
}

function readInfo(content) {
	const [version, , imprint, , time] = inside(readDer(content), SEQ, 5);
	need(version.tag === INT && equal(version.content, [1]), 'format', 'version of a TSTInfo');
	const [algorithm, hashed] = inside(imprint, SEQ, 2, 2);
	need(time.tag === GENERAL, 'format', 'genTime');
	return { algorithm: algorithmOf(algorithm), hashed: octets(hashed), time: timeOf(time) };
}

const ASCENDING = (list) => list.every((b, i) => i === 0 || Buffer.compare(list[i - 1], b) < 0);
const NAMED = { '1.2.840.113549.1.1.1': 'rsa', '1.2.840.113549.1.1.11': 'rsa', '1.2.840.113549.1.1.12': 'rsa', '1.2.840.113549.1.1.13': 'rsa',
	'1.2.840.10045.4.3.2': 'ec', '1.2.840.10045.4.3.3': 'ec', '1.2.840.10045.4.3.4': 'ec', '1.3.101.112': 'ed25519' };
const bare = (node) => {
	const [, parameters] = inside(node, SEQ, 1, 2);
	need(parameters === undefined || equal(parameters.raw, [5, 0]), 'verify', 'parameters of an algorithm');
	return algorithmOf(node);
};

// Each certificate is trusted, one of `also`, issued below one of these, or the self-signed end of the chain of one; each list is by one.
export function allSigned(certificates, lists, roots, also) {
	const known = [...also.map(readCertificate), ...roots];
	let rest = certificates.map(readCertificate).filter((c) => !known.some((k) => equal(k.raw, c.raw)));
	for (let found; rest.length > 0; rest = rest.filter((c) => !found.includes(c))) {
		found = rest.filter((c) => known.some((k) => issuedBy(c, k) || (issuedBy(c, c) && issuedBy(k, c))));
		need(found.length > 0, 'verify', 'a certificate that nobody here issued');
		known.push(...found);
	}
	for (const l of lists.map(readList))
		need(known.some((i) => equal(i.subject.raw, l.issuer.raw) && verifies(l.algorithm, null, l.tbs.raw, publicKey(i), l.signature)), 'verify',
			'a revocation list that nobody here signed');
}

// package-v1 section 6: no byte of it is free for what its signature does not cover.
export function checkExact(raw, roots) {
	const signed = inside(inside(inside(readDer(raw), SEQ, 2, 2)[1], 0xa0, 1, 1)[0], SEQ, 4, 6), [version, digests] = signed;
	const t = readSigned(raw), { signer } = t, info = inside(inside(signed.at(-1), SET, 1, 1)[0], SEQ, 6, 6);
	need(equal(version.raw, [INT, 1, 3]) && equal(signer.version.raw, [INT, 1, 1]), 'verify', 'its versions');
	need(signer.unsigned === undefined && info[3].tag === 0xa0, 'verify', 'unsigned attributes');
	const [digest] = inside(digests, SET, 1, 1), mine = t.certificates.map(readCertificate).find((c) =>
		equal(signer.sid.raw, der(SEQ, c.issuer.raw, c.serial.raw)));
	need(bare(digest) === signer.digest && bare(info[2]) === signer.digest, 'verify', 'its digest algorithms');
	need(mine !== undefined, 'verify', 'the signer\'s certificate is not in it');
	const algorithm = bare(info[4]), named = SIGNATURES[algorithm];
	need(NAMED[algorithm] === publicKey(mine).asymmetricKeyType && (!named || named === 'beside' || named === HASHES[signer.digest]), 'verify',
		'its signature algorithm');
	need(t.certificates.length <= 8 && t.lists.length <= 8 && ASCENDING(t.certificates) && ASCENDING(t.lists), 'verify', 'the order of what it carries');
	allSigned(t.certificates, t.lists, roots, []);
}

// Is this token a good one over this hash, by a TSA whose chain ends in one of the roots (certificates of
// readCertificate)? `extra` came with it; `asked`: one of its lists must be by the signer's issuer. Gives { time, until }: until when its certificates are valid. Throws a Refused; its
// `why` is `stranger` where all holds but that no root is in the chain.
export function verifyToken(raw, hash, roots, extra = { certificates: [], lists: [] }, asked = false) {
	const t = readSigned(raw);
	need(t.type === oids.tstInfo && t.content !== undefined, 'format', 'not a time-stamp token');
	const info = readInfo(t.content), { signer } = t;
	need(info.algorithm === oids.sha256 && equal(info.hashed, hash), 'verify', 'the imprint of something else');
	need(Object.hasOwn(HASHES, signer.digest) && signer.attributes !== undefined, 'verify', 'its digest, or no attributes');
	const digest = attribute(signer, oids.messageDigest), type = attribute(signer, oids.contentType);
	need(type !== undefined && isOid(type, oids.tstInfo), 'verify', 'content type');
	need(digest !== undefined && equal(octets(digest), crypto.createHash(HASHES[signer.digest]).update(t.content).digest()),
		'verify', 'the digest of something else');
	const certificates = [...t.certificates, ...extra.certificates].map(readCertificate);
	const mine = certificates.find((c) => (signer.sid.tag === SEQ
		? equal(signer.sid.content, Buffer.concat([c.issuer.raw, c.serial.raw]))
		: equal(signer.sid.content, c.extensions.get(oids.keyIdentifier)?.value.subarray(2) ?? [])));
	need(mine !== undefined, 'verify', 'the signer\'s certificate is not there');
	bindsCertificate(signer, mine);
	need(verifies(signer.algorithm, HASHES[signer.digest], der(SET, signer.attributes.content), publicKey(mine), signer.signature),
		'verify', 'signature of the token');
	const usage = mine.extensions.get(oids.extKeyUsage);
	need(usage !== undefined && usage.critical && hex(usage.value) === '300a06082b06010505070308', 'verify', 'not a TSA\'s certificate');
	const { issuer, path, stranger } = chain(mine, certificates, roots, info.time), lists = [...t.lists, ...extra.lists];
	if (stranger)
		throw new Refused('stranger', 'no certificate of its chain is trusted');
	checkLists(lists, mine, issuer, info.time, (asked && extra.lists.length > 0) || lists.some((l) => equal(readList(l).issuer.raw, mine.issuer.raw)));
	for (let i = 1; i + 1 < path.length; i++)
		checkLists(lists, path[i], path[i + 1], info.time, false);
	return { time: info.time, until: Math.min(...path.map((p) => p.to)) };
}
