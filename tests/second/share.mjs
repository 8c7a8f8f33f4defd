// share-v1, written from docs/spec/share-v1.md.
import { RistrettoPoint } from '@noble/curves/ed25519';
import { sha512 } from '@noble/hashes/sha2';
import { ascii, equal, join, need, u16, vec16 } from './bytes.mjs';

export const L = 2n ** 252n + 27742317777372353535851937790883648493n;
export const G = RistrettoPoint.BASE;
const mod = (a) => ((a % L) + L) % L;

function littleEndian(b) {
	return b.reduceRight((n, x) => (n << 8n) | BigInt(x), 0n);
}

function inverse(a) {
	let r = 1n, base = mod(a);
	for (let e = L - 2n; e > 0n; e >>= 1n) {
		if (e & 1n)
			r = r * base % L;
		base = base * base % L;
	}
	return r;
}

// Section 2.
export function readScalar(b) {
	const n = littleEndian(b);
	need(b.length === 32 && n > 0n && n < L, 'format', 'no scalar');
	return n;
}

export function writeScalar(n) {
	return Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));
}

export function readPoint(b) {
	let p;
	need(b.length === 32, 'format', 'no point');
	try {
		p = RistrettoPoint.fromHex(b);
	} catch {
		need(false, 'format', 'no encoding of an element');
	}
	need(!p.equals(RistrettoPoint.ZERO), 'format', 'the identity');
	return p;
}

export const writePoint = (p) => p.toRawBytes();
// Not in constant time: these are tests.
export const times = (n, p) => p.multiplyUnsafe(mod(n));

export function checkIndex(i) {
	need(i >= 1 && i <= 31, 'format', 'index');
}

export function checkNumbers(k, n) {
	need(k >= 2 && k <= n && n <= 31, 'format', 'threshold');
}

// Section 3: coefficients are bigints.
export function split(coefficients, n) {
	checkNumbers(coefficients.length, n);
	const shares = [];
	for (let i = 1n; i <= BigInt(n); i++)
		shares.push(coefficients.reduceRight((sum, a) => mod(sum * i + a), 0n));
	return { shares, commits: coefficients.map((a) => times(a, G)) };
}

// Section 4.
export function readCommits(k, list) {
	checkNumbers(k, 31);
	need(list.length === k, 'format', 'commitments');
	return list.map(readPoint);
}

export function shareCommit(commits, index) {
	return commits.slice(0, -1).reduceRight((sum, c) => {
		const next = times(BigInt(index), sum).add(c);
		need(!next.equals(RistrettoPoint.ZERO), 'format', 'share commitment');
		return next;
	}, commits[commits.length - 1]);
}

// RFC 9380 section 5.3.1, to 64 bytes.
function expand(msg, dst) {
	const dstPrime = join(dst, new Uint8Array([dst.length]));
	const b0 = sha512(join(new Uint8Array(128), msg, u16(64), new Uint8Array([0]), dstPrime));
	return sha512(join(b0, new Uint8Array([1]), dstPrime));
}

// Section 5.
export function label(message) {
	need(message.length <= 65535, 'format', 'label');
	return RistrettoPoint.hashToCurve(expand(message, ascii('quorate/label/v1')));
}

// Section 6.
const CONTEXT = 'quorate/contribution/v1';
const hashToScalar = (b) => mod(littleEndian(expand(b, ascii(`HashToScalar-${CONTEXT}`))));
const vecPoint = (p) => vec16(writePoint(p));

function weight(S, H, D) {
	const seed = sha512(join(vecPoint(S), vec16(ascii(`Seed-${CONTEXT}`))));
	return hashToScalar(join(vec16(seed), u16(0), vecPoint(H), vecPoint(D), ascii('Composite')));
}

function challenge(S, M, Z, t2, t3) {
	return hashToScalar(join(...[S, M, Z, t2, t3].map(vecPoint), ascii('Challenge')));
}

export function contribute(index, share, H, nonce) {
	const S = times(share, G), D = times(share, H);
	const d = weight(S, H, D), M = times(d, H), Z = times(d, D);
	const c = challenge(S, M, Z, times(nonce, G), times(nonce, M));
	return join(new Uint8Array([index]), writePoint(D), writeScalar(c), writeScalar(mod(nonce - c * share)));
}

export function verifyContribution(raw, commits, H) {
	need(raw.length === 97, 'format', 'contribution');
	const index = raw[0];
	checkIndex(index);
	const S = shareCommit(commits, index);
	const D = readPoint(raw.slice(1, 33));
	const c = readScalar(raw.slice(33, 65)), s = readScalar(raw.slice(65));
	const d = weight(S, H, D), M = times(d, H), Z = times(d, D);
	const t2 = times(s, G).add(times(c, S)), t3 = times(s, M).add(times(c, Z));
	need(challenge(S, M, Z, t2, t3) === c, 'verify', 'proof');
	return { index, D };
}

// Section 7: { point } or { quorum: true }, and in both the indexes that are bad.
export function combine(raws, commits, H) {
	const seen = new Set(), good = [], bad = [];
	for (const raw of raws) {
		need(raw.length === 97, 'format', 'contribution');
		checkIndex(raw[0]);
		need(!seen.has(raw[0]), 'format', 'an index twice');
		seen.add(raw[0]);
	}
	for (const raw of raws) {
		try {
			good.push(verifyContribution(raw, commits, H));
		} catch (e) {
			if (e.why === undefined)
				throw e;
			bad.push(raw[0]);
		}
	}
	bad.sort((a, b) => a - b);
	if (good.length < commits.length)
		return { quorum: true, bad };
	const chosen = good.slice(-commits.length);		// any k will do
	const point = chosen.reduce((sum, { index, D }) => {
		const i = BigInt(index);
		const l = chosen.map((o) => BigInt(o.index)).filter((j) => j !== i)
			.reduce((p, j) => mod(p * j * inverse(j - i)), 1n);
		return sum.add(times(l, D));
	}, RistrettoPoint.ZERO);
	return { point, bad };
}

// Runs one file of tests/vectors/share-v1; throws Refused, or Error when a value differs.
export function run(v) {
	const same = (a, b, what) => {
		if (!equal(a, b))
			throw new Error(`${what} differs`);
	};
	const test = v.text('test');
	if (test === 'split') {
		const { shares, commits } = split(v.all('coefficient').map(readScalar), v.byte('shares'));
		v.all('share').forEach((b, i) => same(b, writeScalar(shares[i]), 'share'));
		v.all('commitment').forEach((b, i) => same(b, writePoint(commits[i]), 'commitment'));
		v.all('share_commitment').forEach((b, i) => {
			same(b, writePoint(shareCommit(commits, i + 1)), 'share commitment');
			same(b, writePoint(times(shares[i], G)), 'share commitment');
		});
		if (shares.length !== v.all('share').length || commits.length !== v.byte('threshold'))
			throw new Error('counts differ');
	} else if (test === 'label') {
		same(v.bytes('label'), writePoint(label(v.bytes('message'))), 'label');
	} else if (test === 'contribution') {
		const raw = v.bytes('contribution');
		need(raw.length === 97, 'format', 'contribution');
		const commits = readCommits(v.byte('threshold'), v.all('commitment'));
		const H = readPoint(v.bytes('label'));
		verifyContribution(raw, commits, H);
		if (v.has('nonce'))
			same(raw, contribute(raw[0], readScalar(v.bytes('share')), H, readScalar(v.bytes('nonce'))),
				'contribution');
	} else if (test === 'combine') {
		const commits = readCommits(v.byte('threshold'), v.all('commitment'));
		const r = combine(v.all('contribution'), commits, readPoint(v.bytes('label')));
		same(r.bad, v.all('bad').map((b) => b[0]), 'list of the bad');
		need(!r.quorum, 'quorum', 'too few');
		same(v.bytes('point'), writePoint(r.point), 'point');
	} else {
		throw new Error(`unknown test ${test}`);
	}
}
