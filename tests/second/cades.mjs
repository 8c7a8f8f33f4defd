// package-v1 section 6: the package's signature, made again and compared; what was added to it is handed out.
import crypto from 'node:crypto';
import { equal, hex, need } from './bytes.mjs';
import { INT, OCTETS, SEQ, SET, der, inside, isOid, oid, oids, readDer, setOf, writeTime } from './der.mjs';
import { readCertificate, readSigned, sha256 } from './timestamp.mjs';

const algorithm = (id) => der(SEQ, oid(id));
const attribute = (id, value) => der(SEQ, oid(id), der(SET, value));

// The token in the unsigned attributes, or undefined.
function tokenOf(unsigned) {
	if (unsigned === undefined)
		return undefined;
	const [a] = inside(unsigned, 0xa1, 1, 1), [type, values] = inside(a, SEQ, 2, 2);
	need(isOid(type, oids.timeStampToken), 'format', 'another unsigned attribute');
	return inside(values, SET, 1, 1)[0].raw;
}

// Is `raw` a signature over `content` at this time by the key of this certificate? Gives { token, certificates, lists, signature }.
export function checkSignature(raw, certificate, content, time) {
	const c = readCertificate(certificate), is = readSigned(raw), token = tokenOf(is.signer.unsigned);
	need(is.certificates.length > 0 && is.certificates.filter((x) => equal(x, certificate)).length === 1, 'format', 'not the charter\'s certificate');
	need(token !== undefined || (is.certificates.length === 1 && is.lists.length === 0), 'format', 'lists without a time-stamp');
	const signed = [
		attribute(oids.contentType, oid(oids.data)), attribute(oids.signingTime, writeTime(time)),
		attribute(oids.messageDigest, der(OCTETS, sha256(content))),
		attribute(oids.signingCertificateV2, der(SEQ, der(SEQ, der(SEQ, der(OCTETS, sha256(certificate)),
			der(SEQ, der(SEQ, der(0xa4, c.issuer.raw)), c.serial.raw))))),
	];
	const info = der(SEQ, der(INT, [1]), der(SEQ, c.issuer.raw, c.serial.raw), algorithm(oids.sha256), setOf(0xa0, signed),
		algorithm(oids.ecdsaSha256), der(OCTETS, is.signer.signature), ...token === undefined ? [] : [der(0xa1, attribute(oids.timeStampToken, token))]);
	const again = der(SEQ, oid(oids.signedData), der(0xa0, der(SEQ, der(INT, [1]), der(SET, algorithm(oids.sha256)), der(SEQ, oid(oids.data)),
		setOf(0xa0, is.certificates), ...is.lists.length === 0 ? [] : [setOf(0xa1, is.lists)], der(SET, info))));
	need(equal(again, raw), 'format', 'not the one form of this signature');
	need(new Set([...is.certificates, ...is.lists].map(hex)).size === is.certificates.length + is.lists.length, 'format', 'a certificate or list twice');
	const [r, s] = inside(readDer(is.signer.signature), SEQ, 2, 2);
	need(r.tag === INT && s.tag === INT, 'format', 'an ECDSA signature');
	need(crypto.verify('sha256', setOf(SET, signed), c.x.publicKey, is.signer.signature), 'verify', 'the signature fails');
	return { token, certificates: is.certificates.filter((x) => !equal(x, certificate)), lists: is.lists, signature: is.signer.signature };
}
