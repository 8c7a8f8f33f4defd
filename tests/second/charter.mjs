// charter-v1, as far as sealing needs it: the digests, and who has which keys.
import { sha256 } from '@noble/hashes/sha2';
import { hex, need, same, writeVector } from './bytes.mjs';
import { canonical, readJson } from './json.mjs';
import { readKey } from './statement.mjs';

const BYTES_MAX = 262144;

// The digest of a policy: over its RFC 8785 form.
export const policyDigest = (policy) => sha256(Buffer.from(canonical(policy)));

// Not all rules of charter-v1: whoever reads this trusts the genesis digest.
export function readCharter(bytes) {
	const c = readJson(bytes, BYTES_MAX), threshold = c.get('threshold');
	return {
		digest: sha256(bytes),
		n: Number(threshold.get('n')),
		k: Number(threshold.get('k')),
		// shareKeys[i - 1][e - 1]: custodian i, epoch e
		shareKeys: c.get('custodians').map((u) => u.get('share_keys').map((s) => readKey(s.get('key')).bytes)),
		sealers: c.get('sealers').map((s) => readKey(s.get('key'))),
		policies: c.get('policies').map(policyDigest),
		classes: c.get('classes').map((k) => k.get('id')),
	};
}

export const hasPolicy = (c, digest) => c.policies.some((p) => hex(p) === hex(digest));

// ---- vectors ---------------------------------------------------------------------

export function run(v) {
	need(v.text('test') === 'policy', 'format', 'unknown test');
	const text = canonical(readJson(v.bytes('json'), BYTES_MAX));
	same(text, Buffer.from(v.bytes('canonical')).toString(), 'canonical');
	same(sha256(Buffer.from(text)), v.bytes('digest'), 'digest');
}

export function make(dir) {
	const text = '{"b":[1,-0,{"y":"\\u00e9\\u20ac\\ud83d\\ude00\\u0007\\/","x":null}],"a":true,"":false,"A":9007199254740991}';
	const json = Buffer.from(text), form = Buffer.from(canonical(readJson(json, BYTES_MAX)));
	writeVector(dir, 'charter-v1', 'policy', [['expect', 'ok'], ['comment', 'made by the second implementation'],
		['test', 'policy'], ['json', json], ['canonical', form], ['digest', sha256(form)]]);
}
