// sealed-share-v1, written from docs/spec/sealed-share-v1.md.
import crypto from 'node:crypto';
import { p256 } from '@noble/curves/nist';
import { sha256 } from '@noble/hashes/sha2';
import { ascii, equal, join, need, u32 } from './bytes.mjs';

// Section 2.
export function checkPoint(b) {
	need(b.length === 65 && b[0] === 4, 'format', 'not uncompressed');
	try {
		p256.Point.fromHex(b).assertValidity();
	} catch {
		need(false, 'format', 'not on the curve');
	}
}

export const publicKey = (secret) => p256.getPublicKey(secret, false);
export const newSecret = () => p256.utils.randomPrivateKey();

// Section 3. c: genesis, batchRoot, custodian, epoch.
export function sharedInfo(c, ephemeral) {
	need(c.custodian >= 1 && c.custodian <= 31 && c.epoch >= 1, 'format', 'custodian or epoch');
	checkPoint(ephemeral);
	return join(ascii('quorate/sealed-share/v1\0'), c.genesis, c.batchRoot,
		new Uint8Array([c.custodian]), u32(c.epoch), ephemeral);
}

// Section 4. Either side's secret with the other's point.
export function agree(secret, point) {
	checkPoint(point);
	return p256.getSharedSecret(secret, point, false).slice(1, 33);
}

export const aesKey = (z, info) => sha256(join(z, u32(1), info));

// Section 5.
export const gcmNonce = (leaf) => join(new Uint8Array(8), u32(leaf));

export function seal(key, leaf, digest, share) {
	const c = crypto.createCipheriv('aes-256-gcm', key, gcmNonce(leaf));
	c.setAAD(digest);
	return join(c.update(share), c.final(), c.getAuthTag());
}

// Section 6.
export function open(key, leaf, digest, sealed) {
	need(sealed.length === 48, 'format', 'sealed share');
	const d = crypto.createDecipheriv('aes-256-gcm', key, gcmNonce(leaf), { authTagLength: 16 });
	d.setAAD(digest);
	d.setAuthTag(sealed.slice(32));
	const out = d.update(sealed.slice(0, 32));
	try {
		return join(out, d.final());
	} catch {
		need(false, 'verify', 'tag');
	}
}

export function run(v) {
	const c = { genesis: v.bytes('genesis'), batchRoot: v.bytes('batch_root'),
		custodian: v.byte('custodian'), epoch: v.number('epoch') };
	const same = (key, b) => {
		if (v.has(key) && !equal(v.bytes(key), b))
			throw new Error(`${key} differs`);
	};
	const ephemeral = v.bytes('ephemeral');
	const info = sharedInfo(c, ephemeral);
	const key = aesKey(v.bytes('z'), info);
	const share = open(key, v.number('leaf'), v.bytes('descriptor_digest'), v.bytes('sealed'));
	same('share_key', publicKey(v.bytes('share_secret')));
	same('z', agree(v.bytes('share_secret'), ephemeral));
	same('ephemeral', publicKey(v.bytes('ephemeral_secret')));
	same('z', agree(v.bytes('ephemeral_secret'), v.bytes('share_key')));
	same('shared_info', info);
	same('aes_key', key);
	same('gcm_nonce', gcmNonce(v.number('leaf')));
	same('share', share);
	same('sealed', seal(key, v.number('leaf'), v.bytes('descriptor_digest'), share));
}
