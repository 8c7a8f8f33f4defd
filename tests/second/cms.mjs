// cms-profile-v1: to whom a message is addressed, and that it has the one form. Nothing is opened here.
import { equal, need } from './bytes.mjs';
import { INT, OCTETS, SEQ, SET, algorithmOf, bits, inside, isOid, octets, oidOf, oids, readDer } from './der.mjs';
import { readCertificate } from './timestamp.mjs';

const OAEP = '1.2.840.113549.1.1.7', MGF1 = '1.2.840.113549.1.1.8', WRAP = '2.16.840.1.101.3.4.1.45';
const KDF = ['1.3.132.1.11.1', '1.3.132.1.11.2'];		// sha256, sha384

const is = (node, n) => need(node?.tag === INT && equal(node.content, [n]), 'format', `not the integer ${n}`);

// By issuer and serial number, or by the key identifier (`tag` says how it stands).
function named(node, c) {
	if (node.tag === SEQ)
		return equal(node.content, Buffer.concat([c.issuer.raw, c.serial.raw]));
	const id = c.extensions.get(oids.keyIdentifier)?.value.subarray(2), have = node.tag === 0x80 ? node.content : octets(inside(node, 0xa0, 1)[0]);
	return id !== undefined && equal(have, id);
}

function agree(info, c) {
	const all = inside(info, 0xa1, 4, 5), keys = inside(all.at(-1), SEQ, 1, 1);
	is(all[0], 3);
	const [origin] = inside(inside(all[1], 0xa0, 1, 1)[0], 0xa1, 2, 2).slice(1);
	need(bits(origin)[0] === 4, 'format', 'the originator\'s point');
	const [kdf, wrap] = inside(all.at(-2), SEQ, 2, 2);
	need(KDF.includes(oidOf(kdf)) && algorithmOf(wrap) === WRAP, 'format', 'key agreement');
	const [who, key] = inside(keys[0], SEQ, 2, 2);
	need(octets(key).length === 40, 'format', 'a wrapped key');
	return named(who, c);
}

function transport(info, c) {
	const [version, who, algorithm, key] = inside(info, SEQ, 4, 4);
	is(version, who.tag === SEQ ? 0 : 2);
	const [oaep, parameters] = inside(algorithm, SEQ, 2, 2), all = inside(parameters, SEQ, 2, 2);
	need(isOid(oaep, OAEP) && all[0].tag === 0xa0 && all[1].tag === 0xa1, 'format', 'not OAEP');
	const [mgf, hash] = inside(inside(all[1], 0xa1, 1, 1)[0], SEQ, 2, 2);
	need(algorithmOf(inside(all[0], 0xa0, 1, 1)[0]) === oids.sha256 && isOid(mgf, MGF1) && algorithmOf(hash) === oids.sha256, 'format',
		'OAEP without SHA-256');
	need(octets(key).length * 8 === c.x.publicKey.asymmetricKeyDetails.modulusLength, 'format', 'a key of another length');
	return named(who, c);
}

export function checkCms(raw, certificate) {
	need(raw.length <= 1064960, 'format', 'a message too long');
	const [type, wrapped] = inside(readDer(raw), SEQ, 2, 2), c = readCertificate(certificate);
	need(isOid(type, oids.authEnveloped), 'format', 'not AuthEnvelopedData');
	const [version, recipients, content, tag] = inside(inside(wrapped, 0xa0, 1, 1)[0], SEQ, 4, 4);
	is(version, 0);
	const [kind, cipher, sealed] = inside(content, SEQ, 3, 3), [gcm, parameters] = inside(cipher, SEQ, 2, 2);
	const [nonce, length] = inside(parameters, SEQ, 2, 2);
	is(length, 16);
	need(isOid(kind, oids.data) && isOid(gcm, oids.gcm) && octets(nonce).length === 12 && sealed.tag === 0x80 && octets(tag).length === 16,
		'format', 'not the frame of the profile');
	const [info] = inside(recipients, SET, 1, 1), rsa = c.x.publicKey.asymmetricKeyType === 'rsa';
	need(info.tag === (rsa ? SEQ : 0xa1), 'format', 'the kind of the recipient\'s key');
	need((rsa ? transport : agree)(info, c), 'verify', 'addressed to another certificate');
}
