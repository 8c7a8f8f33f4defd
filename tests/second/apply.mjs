// apply-v1, for who has some of a log's entries (a case), written from docs/spec/apply-v1.md, charter-v1.md and case-v1.md.
// Not judged: `checked` and `garbage` (no order hangs on them), the rules inside a later charter that q custodians took.
import crypto from 'node:crypto';
import { equal, hex, need } from './bytes.mjs';
import { policyDigest } from './charter.mjs';
import { readDescriptor, readScope, scopeSegments } from './descriptor.mjs';
import * as json from './json.mjs';
import { openNote, readEntry } from './log.mjs';
import { readEnvelope, readKey, readStatement, signedBy } from './statement.mjs';
import { sha256 } from './timestamp.mjs';

const SKEW = 300, DAY = 86400, CENTURY = 3155760000, U32 = 2 ** 32 - 1;
const { list, name, object, optional, uint } = json;

// ---- charter-v1 ----------------------------------------------------------------------------

const text = (v) => {
	need(!/[\u0000-\u001f\u007f-\u009f]/u.test(json.text(1, 128)(v)), 'format', 'control character');
	return v;
};
const key = (v) => readKey(json.text(1, 256)(v));
const ed25519 = (v) => {
	need(key(v).name === 'ed25519', 'format', 'not Ed25519');
	return key(v);
};
const certificate = json.base64Of(1, 4096), seconds = (min) => uint(min, CENTURY), url = json.text(9, 256);

const policy = object({
	id: name, approvals: list(1, 8, object({ role: name, count: uint(1, 31) })), people: uint(1, 31),
	requester_organisation_may_approve: json.flag, attachments: list(0, 4, name), parts: list(0, 16, name), veto: list(0, 8, name),
	request_seconds: seconds(1), time_lock_seconds: seconds(0), objection_seconds: seconds(0), artifacts_per_day: uint(0, U32),
	release_to: json.word('coordinator', 'recipient'),
});

const document = object({
	charter: uint(1, 1), rules: uint(1, 1), amends: optional(json.hexOf(32)), name: text, origin: json.text(1, 127),
	single_operator: optional(json.flag),
	threshold: object({ n: uint(2, 31), k: uint(2, 31), f: uint(0, 31), q: uint(1, 31), h: uint(1, 31) }),
	coordinator: object({ organisation: text, address: text, tls_certificate: certificate, package_certificate: certificate, log_key: ed25519 }),
	custodians: list(2, 31, object({ index: uint(1, 31), name: text, organisation: text, address: text, tls_certificate: certificate,
		signing_key: ed25519, signing_key_home: json.word('token', 'sealed'), extractable: optional(json.flag),
		share_keys: list(1, 16, object({ epoch: uint(1, 16), key })) })),
	people: list(1, 256, object({ id: name, name: text, organisation: text, roles: list(0, 8, name), keys: list(1, 8, key) })),
	sealers: list(1, 64, object({ id: name, organisation: text, key: ed25519, artifacts_per_day: uint(0, U32) })),
	policies: list(1, 64, policy), classes: list(1, 32, object({ id: name, retain_days: uint(1, U32) })),
	hosts: list(0, 64, object({ name: text, tls_certificate: certificate })),
	tsas: list(0, 8, object({ id: name, url, certificates: list(1, 4, certificate), crls: list(0, 4, url) })),
	anchor: optional(object({ entries: uint(0, U32), seconds: seconds(0) })),
	amend: object({ people: list(1, 32, name), need: uint(1, 32), veto: list(0, 32, name), delay_seconds: optional(seconds(1)) }),
	receipt_seconds: seconds(1), order_seconds: seconds(1),
});

export function readCharter(bytes) {
	const raw = json.readJson(bytes, 262144), c = document(raw), { n, k, f, q, h } = c.threshold;
	need(k <= n && f < k && f <= n - q && q >= k && 2 * q > n + f && q + k > n + f && q <= h && h <= n, 'format', 'numbers');
	need(c.custodians.length === n && c.custodians.every((u, i) => u.index === i + 1), 'format', 'custodians');
	need((c.tsas.length > 0) === (c.anchor !== undefined), 'format', 'anchors');
	c.policies.forEach((p, i) => {
		p.digest = hex(policyDigest(raw.get('policies')[i]));
	});
	const logKey = { name: c.origin, type: 1, key: c.coordinator.log_key.bytes };
	const witnesses = c.custodians.map((u) => ({ name: `${c.origin}/custodian-${u.index}`, type: 4, key: u.signing_key.bytes }));
	return { ...c, raw, digest: sha256(bytes), logKey, witnesses };
}

const person = (c, id) => c.people.find((p) => p.id === id);
const holder = (c, keyId) => c.people.find((p) => p.keys.some((k) => equal(k.id, keyId)));
const policyOf = (c, id) => c.policies.find((p) => p.id === id);
const amendNeed = (c) => Math.max(c.amend.need, ...c.policies.map((p) => p.people));

// Section 6: may `next` take the place of `c`, by an amendment or a succession?
export function mayFollow(c, next, by) {
	const custodian = ['address', 'tls_certificate'];
	const amended = ['rules', 'name', 'people', 'sealers', 'policies', 'classes', 'hosts', 'tsas', 'anchor', 'amend', 'receipt_seconds',
		'order_seconds'];
	const kept = (o, change) => json.canonical(new Map([...o].filter(([n]) => !change.includes(n))));
	const changes = ['amends', 'custodians', ...(by === 'amendment' ? amended : ['coordinator'])];
	const same = (a, b) => by === 'amendment' ? kept(a, custodian) === kept(b, custodian) : kept(a, []) === kept(b, []);
	return next.amends !== undefined && equal(next.amends, c.digest) && kept(c.raw, changes) === kept(next.raw, changes) &&
		c.raw.get('custodians').every((u, i) => same(u, next.raw.get('custodians')[i])) &&
		c.classes.every((k) => next.classes.some((m) => m.id === k.id));
}

// ---- who fills the places of a policy: each human at most one ---------------------------------

// people: [{ roles: Set }].
export function fills(rule, people) {
	const places = rule.approvals.flatMap((a) => Array(a.count).fill(a.role)), taken = new Map();
	const place = (i, seen) => people.some((p) => {
		if (!p.roles.has(places[i]) || seen.has(p))
			return false;
		seen.add(p);
		if (taken.has(p) && !place(taken.get(p), seen))
			return false;
		taken.set(p, i);
		return true;
	});
	return places.length > 0 && people.length >= rule.people && places.every((_, i) => place(i, new Set()));
}

// ---- the replay ----------------------------------------------------------------------------------

class Void extends Error {}
const rule = (ok, why) => {
	if (!ok)
		throw new Void(why);
};

// By whom a type is signed; the rest has rules of its own.
const LATE = new Set(['decision', 'withdrawal', 'revocation', 'receipt', 'release', 'checked', 'garbage', 'acknowledgement']);
const PEOPLE = new Set(['request', 'decision', 'withdrawal', 'revocation', 'amendment', 'acknowledgement']);
const LOG = new Set(['order', 'release', 'anchor']);

export class Replay {
	// charters: their bytes, the genesis first. descriptors: { batch, bytes }. archives: of anchors, hex of the SHA-256 to the note.
	constructor({ charters, scope, descriptors, archives }) {
		this.documents = new Map(charters.map((b) => [hex(sha256(b)), b]));
		this.genesis = sha256(charters[0]);
		this.scopes = new Map([[hex(sha256(scope)), scope]]);
		this.descriptors = descriptors;
		this.archives = archives;
		this.charter = null;
		this.charters = [];			// that are or were in force
		this.last = 0;
		for (const m of ['ids', 'revoked', 'batches', 'sealed', 'requests', 'orders', 'receipts', 'amendments', 'used', 'anchors'])
			this[m] = new Map();
	}

	// Gives { effective, why, type, id, s, time }; time is the effective one. Throws only where a replica stops.
	apply(index, leaf) {
		const v = { index, effective: false, why: 'malformed', type: 'malformed', time: this.last };
		try {
			this.#apply(v, index, leaf);
			v.effective = true;
			v.why = '';
		} catch (e) {
			if (!(e instanceof Void))
				throw e;
			v.why = e.message;
		}
		return v;
	}

	#apply(v, index, leaf) {
		let e, s;
		try {
			e = readEntry(leaf);
			v.dated = Number(e.time);
			this.last = v.time = Math.max(this.last, v.dated);
			v.early = Math.min(v.dated, v.time);
			v.envelope = readEnvelope(e.dsse);
			s = v.s = readStatement(v.envelope);
		} catch (x) {
			need(index > 0n, 'verify', 'entry 0 is no charter statement');
			throw x.why === undefined ? x : new Void('malformed');
		}
		v.type = s.type;
		v.id = hex(s.id);
		if (index === 0n) {
			this.#first(v, s);
			return;
		}
		this.#every(v, s, index);
		this.ids.set(v.id, index);
		v.author = PEOPLE.has(s.type) ? holder(this.charter, s.signer) : undefined;
		this[s.type]?.(v, s);
	}

	// Section 3, entry 0.
	#first(v, s) {
		need(s.type === 'charter' && [s.genesis, s.charter, s.subject].every((d) => equal(d, this.genesis)), 'verify', 'not this genesis');
		const c = readCharter(this.documents.get(hex(this.genesis)));
		need(c.amends === undefined, 'verify', 'the first charter follows none');
		const signed = (k) => signedBy(v.envelope, k);
		need(c.custodians.every((u) => signed(u.signing_key)), 'verify', 'a custodian did not sign the charter');
		need(c.amend.people.every((id) => person(c, id)?.keys.some(signed)), 'verify', 'an amender did not sign the charter');
		this.ids.set(v.id, 0n);
		this.charter = c;
		this.charters.push(c);
	}

	#every(v, s, index) {
		rule(s.type !== 'charter', 'duplicate');
		rule(s.type !== 'unknown' && s.type !== 'held', 'unknown-type');
		rule(equal(s.genesis, this.genesis), 'other-genesis');
		const named = LATE.has(s.type) ? this.charters : [this.charter];
		v.named = named.find((c) => equal(c.digest, s.charter));
		rule(v.named !== undefined, 'other-charter');
		rule(!this.ids.has(v.id), 'replayed');
		if (s.type !== 'succession')
			rule(s.issued <= s.expires && v.time <= s.expires && s.issued <= v.early + SKEW, 'expired');
		rule(BigInt(s.seen.size) <= index, 'other-log');
		if (s.type === 'succession') {
			this.#succeeds(v.envelope);
			return;
		}
		const k = this.#signer(s);
		rule(k !== undefined && v.envelope.signatures.length === 1 && signedBy(v.envelope, k), 'bad-signature');
		rule(!PEOPLE.has(s.type) || !this.revoked.has(hex(s.signer)), 'revoked-key');
	}

	#signer(s) {
		const c = this.charter;
		const keys = PEOPLE.has(s.type) ? c.people.flatMap((p) => p.keys)
			: LOG.has(s.type) ? [c.coordinator.log_key]
				: s.type === 'batch' ? c.sealers.map((x) => x.key)
					: c.custodians.filter((u) => u.index === s.custodian).map((u) => u.signing_key);
		return keys.find((k) => equal(k.id, s.signer));
	}

	// A succession: each signature under the one key that its keyid names.
	#succeeds({ payload, signatures }) {
		const c = this.charter, good = (k) => signatures.some((x) => x.keyid === hex(k.id) && signedBy({ payload, signatures: [x] }, k));
		const amenders = c.amend.people.filter((id) => person(c, id).keys.some((k) => !this.revoked.has(hex(k.id)) && good(k)));
		const custodians = c.custodians.filter((u) => good(u.signing_key));
		rule(amenders.length >= amendNeed(c) && custodians.length >= c.threshold.q, 'bad-signature');
	}

	// ---- section 5 ----

	batch(v, s) {
		const c = this.charter, sealer = c.sealers.find((x) => equal(x.key.id, s.signer)), day = Math.floor(v.time / DAY);
		rule(s.custodians.length === c.threshold.n && s.custodians.every((u, i) =>
			u.epoch === c.custodians[i].share_keys.length && u.encapsulation[0] === 4), 'batch-does-not-fit');
		const used = `sealer ${sealer.id} ${day}`, sum = (this.used.get(used) ?? 0) + s.count;
		rule(sealer.artifacts_per_day === 0 || sum <= sealer.artifacts_per_day, 'batch-does-not-fit');
		const mine = this.descriptors.filter((d) => BigInt(d.batch) === v.index).map((d) => readDescriptor(d.bytes));
		for (const d of mine) {
			rule(d.shares === c.threshold.n && d.commits.length === c.threshold.k && c.policies.some((p) => p.digest === hex(d.policy)) &&
				c.classes.some((k) => k.id === d.class) && Number(d.sealedAt) + DAY >= v.time && Number(d.sealedAt) <= v.early + SKEW,
			'batch-does-not-fit');
			rule(!this.sealed.has(hex(d.id)), 'duplicate');
		}
		this.used.set(used, sum);
		this.batches.set(v.id, v);
		mine.forEach((d) => this.sealed.set(hex(d.id), { d, batch: v.index, time: v.time }));
	}

	// ---- section 6 ----

	request(v, s) {
		const c = this.charter, asked = policyOf(c, s.policy);
		rule(asked !== undefined, 'wrong-policy');
		const lives = (p) => rule(s.expires - v.early <= p.request_seconds, 'lives-too-long');
		const attached = (p) => rule(p.attachments.every((k) => s.attachments.some((a) => a.kind === k)), 'attachment-missing');
		lives(asked);
		rule(recipientKey(s.recipient), 'bad-recipient');
		attached(asked);
		const scope = this.#scope(s.subject), floors = new Map();
		let lock = 0;
		for (const a of scope) {
			const at = this.sealed.get(hex(a.id));
			rule(at !== undefined, 'out-of-scope');
			const digest = hex(at.d.policy);
			const floor = this.charters.flatMap((x) => x.policies).find((p) => p.digest === digest);
			rule(floor !== undefined && (digest === asked.digest || (floor.id === asked.id && floor.release_to === asked.release_to)),
				'wrong-policy');
			floors.set(digest, floor);
			rule(floors.size <= 16, 'wrong-policy');
			lives(floor);
			attached(floor);
			for (const p of a.parts) {
				const part = at.d.parts.find((x) => x.name === p.name);
				rule(part !== undefined && p.last < Math.floor((part.length - 1) / 2 ** part.segmentLog2) + 1, 'out-of-scope');
				rule([asked, floor].every((x) => x.parts.length === 0 || x.parts.includes(p.name)), 'out-of-scope');
			}
			lock = Math.max(lock, Number(at.d.timeLock), ...[asked, floor].filter((x) => x.time_lock_seconds > 0)
				.map((x) => at.time + x.time_lock_seconds));
		}
		this.requests.set(v.id, { ...v, kind: 'request', by: v.author.id, made: c, asked, floors: [...floors.values()], scope, lock,
			said: new Map(), back: new Map(), charged: new Set() });
	}

	#scope(digest) {
		const bytes = this.scopes.get(hex(digest));
		need(bytes !== undefined, 'format', 'the scope of a request is missing');
		try {
			return readScope(bytes);
		} catch (e) {
			throw e.why === undefined ? e : new Void('out-of-scope');
		}
	}

	// Every rule binds: C first. undefined: there are none.
	rules(r) {
		const now = policyOf(this.charter, r.asked.id);
		const all = [now, r.asked, ...r.floors];
		if (now === undefined || all.some((p) => p.release_to !== now.release_to))
			return undefined;
		return [...new Map(all.map((p) => [p.digest, p])).values()];
	}

	// Why it has ended, or ''. lasting: not for a reason that a later charter may take away.
	ended(r, now, lasting = false) {
		if (r.withdrawn || r.vetoed || r.released || r.inForce || now > r.s.expires)
			return 'request-ended';
		if (r.kind === 'amendment' && !equal(r.made.digest, this.charter.digest))
			return 'request-ended';
		const theirs = r.kind === 'amendment' || lasting || person(this.charter, r.by)?.keys.some((k) => equal(k.id, r.s.signer));
		return this.revoked.has(hex(r.s.signer)) || !theirs ? 'revoked-key' : '';
	}

	#target(s) {
		const r = this.requests.get(hex(s.subject)) ?? this.amendments.get(hex(s.subject));
		rule(r !== undefined, 'unknown-subject');
		return r;
	}

	#open(r, v, no) {
		const why = this.ended(r, v.time, no);
		rule(why === '', why);
		rule(no || r.kind === 'amendment' || this.rules(r) !== undefined, 'wrong-policy');
	}

	decision(v, s) {
		const r = this.#target(s), no = s.decision === 'deny', author = v.author.id;
		this.#open(r, v, no);
		rule(author !== r.by, 'own-request');
		rule(r.said.get(author)?.s.decision !== 'deny', 'denied-before');
		if (!no) {
			rule(this.#mayApprove(r, author, s.signer), this.whyNot);
			rule(!r.said.has(author) || !this.#stands(r, author, r.said.get(author)), 'decided');
			rule(!r.back.has(author) || BigInt(s.seen.size) > r.back.get(author), 'taken-back');
		}
		r.said.set(author, v);
		if (no && this.#vetoes(r, author))
			r.vetoed = true;
	}

	#mayApprove(r, author) {
		this.whyNot = 'no-role';
		if (r.kind === 'amendment')
			return this.charter.amend.people.includes(author);
		const rules = this.rules(r);
		if (rules.some((p) => this.#counted(r, p, author) !== undefined))
			return true;
		if (rules.every((p) => !p.requester_organisation_may_approve) && this.#ofRequester(r, author))
			this.whyNot = 'requesters-organisation';
		return false;
	}

	#vetoes(r, author) {
		if (r.kind === 'amendment')
			return this.charter.amend.veto.includes(author);
		const roles = [this.charter, r.made].flatMap((c) => person(c, author)?.roles ?? []);
		return (this.rules(r) ?? [r.asked, ...r.floors]).some((p) => p.veto.some((x) => roles.includes(x)));
	}

	withdrawal(v, s) {
		const r = this.#target(s), author = v.author.id, said = r.said.get(author);
		this.#open(r, v, true);
		if (author === r.by) {
			r.withdrawn = true;
			return;
		}
		rule(said?.s.decision !== 'deny', 'denied-before');
		const asked = r.kind === 'amendment' ? this.charter.amend.people.includes(author)
			: (this.rules(r) ?? []).flatMap((p) => p.approvals).some((a) => person(this.charter, author).roles.includes(a.role));
		rule(said !== undefined || asked || (r.kind === 'request' && this.rules(r) === undefined), 'no-role');
		r.said.delete(author);
		r.back.set(author, v.index);
	}

	revocation(v, s) {
		const owner = holder(this.charter, s.subject) ?? holder(v.named, s.subject);
		rule(owner !== undefined, 'unknown-subject');
		rule(owner.id === v.author.id || this.charter.amend.people.includes(v.author.id), 'no-role');
		rule(!this.revoked.has(hex(s.subject)), 'duplicate');
		this.revoked.set(hex(s.subject), v.index);
	}

	// ---- section 7 ----

	#ofRequester(r, author) {
		const organisations = (id) => [r.made, this.charter].map((c) => person(c, id)?.organisation).filter((o) => o !== undefined);
		return organisations(author).some((o) => organisations(r.by).includes(o));
	}

	// An approval that counts: the key is not revoked, its author is in both charters, the key theirs by the later.
	#stands(r, author, said) {
		if (said.s.decision !== 'approve' || this.revoked.has(hex(said.s.signer)))
			return false;
		if (r.kind === 'amendment')
			return author !== r.by && this.charter.amend.people.includes(author);
		return person(r.made, author) !== undefined && (person(this.charter, author)?.keys.some((k) => equal(k.id, said.s.signer)) ?? false);
	}

	// With which roles somebody counts under one rule; undefined: with none.
	#counted(r, p, author) {
		const was = person(r.made, author), is = person(this.charter, author);
		const roles = new Set(is?.roles.filter((x) => was?.roles.includes(x) && p.approvals.some((a) => a.role === x)));
		const barred = !p.requester_organisation_may_approve && this.#ofRequester(r, author);
		return roles.size > 0 && !barred ? { id: author, roles } : undefined;
	}

	// The approvals that count, in log order.
	approvals(r) {
		return [...r.said].filter(([author, said]) => this.#stands(r, author, said)).sort(([, a], [, b]) => (a.index < b.index ? -1 : 1));
	}

	// The effective time of the approval with which it is met, or undefined.
	metAt(r) {
		const standing = this.approvals(r);
		const met = (n) => {
			const who = standing.slice(0, n).map(([author]) => author);
			return r.kind === 'amendment' ? n >= amendNeed(this.charter)
				: this.rules(r).every((p) => fills(p, who.map((a) => this.#counted(r, p, a)).filter((x) => x !== undefined)));
		};
		for (let n = 1; n <= standing.length; n++)
			if (met(n))
				return standing[n - 1][1].time;
		return undefined;
	}

	// order, 3: with `now` the effective time and `early` the one that the entry bears.
	#permits(r, now, early) {
		const rules = this.rules(r), [c] = rules, since = (t) => now >= t && early >= t;
		rule(![...r.said].some(([author, said]) => said.s.decision === 'deny' && this.#vetoes(r, author)), 'request-ended');
		if (c.digest !== r.asked.digest) {
			rule(c.attachments.every((k) => r.s.attachments.some((a) => a.kind === k)), 'attachment-missing');
			rule(c.parts.length === 0 || r.scope.every((a) => a.parts.every((p) => c.parts.includes(p.name))), 'out-of-scope');
		}
		rule(now <= r.dated + c.request_seconds, 'lives-too-long');
		const met = this.metAt(r);
		rule(met !== undefined, 'too-few-approvals');
		const sealed = Math.max(...r.scope.map((a) => this.sealed.get(hex(a.id)).time));
		rule(since(r.lock) && (c.time_lock_seconds === 0 || since(sealed + c.time_lock_seconds)), 'time-locked');
		rule(since(met + Math.max(...rules.map((p) => p.objection_seconds))), 'objection-window');
	}

	order(v, s) {
		const r = this.requests.get(hex(s.subject));
		rule(r !== undefined, 'unknown-subject');
		rule(!r.released, 'order-does-not-fit');
		this.#open(r, v, false);
		const rules = this.rules(r);
		rule(equal(s.scope, r.s.subject) && s.expires <= v.early + this.charter.order_seconds, 'order-does-not-fit');
		rule(rules[0].release_to === 'recipient' ? equal(s.addressee, r.s.recipient) : keyKind(s.addressee) === 'prime256v1', 'order-does-not-fit');
		this.#permits(r, v.time, v.early);
		const day = Math.floor(v.time / DAY);
		if (!r.charged.has(day))
			for (const p of rules) {
				const used = `policy ${p.digest} ${day}`, sum = (this.used.get(used) ?? 0) + r.scope.length;
				rule(p.artifacts_per_day === 0 || sum <= p.artifacts_per_day, 'day-limit');
				this.used.set(used, sum);
			}
		r.charged.add(day);
		this.orders.set(v.id, { ...v, request: r, segments: scopeSegments(r.scope).length });
	}

	receipt(v, s) {
		const o = this.orders.get(hex(s.subject)), at = `${hex(s.subject)} ${s.custodian}`;
		rule(o !== undefined, 'unknown-subject');
		rule(s.count <= o.segments, 'out-of-scope');
		rule(!this.receipts.has(at), 'duplicate');
		this.receipts.set(at, v);
	}

	release(v, s) {
		const o = this.orders.get(hex(s.subject));
		rule(o !== undefined, 'unknown-subject');
		rule(!o.released && !o.request.released, 'duplicate');
		const why = this.ended(o.request, o.time);
		rule(why === '', why);
		rule(this.rules(o.request) !== undefined, 'wrong-policy');
		this.#permits(o.request, o.time, o.early);
		const good = s.custodians.filter((c) => c.good && this.receipts.get(`${o.id} ${c.index}`)?.id === hex(c.receipt));
		rule(good.length >= this.charter.threshold.k, 'too-few-approvals');
		o.released = o.request.released = true;
	}

	// Section 8, for a verifier: at the order's own time.
	mayContribute(id) {
		const o = this.orders.get(id);
		need(o !== undefined, 'denied', 'the order is void, or not there');
		try {
			rule(!o.released && !o.request.released && o.time <= o.s.expires, 'order-does-not-fit');
			this.#open(o.request, o, false);
			this.#permits(o.request, o.time, o.early);
		} catch (e) {
			need(!(e instanceof Void), 'denied', e.message);
			throw e;
		}
	}

	// ---- section 9 ----

	amendment(v, s) {
		const bytes = this.documents.get(hex(s.subject));
		need(bytes !== undefined, 'format', 'the document of an amendment is missing');
		this.amendments.set(v.id, { ...v, kind: 'amendment', by: v.author.id, made: this.charter, next: this.#next(bytes, 'amendment'),
			said: new Map(), back: new Map(), consents: new Map() });
	}

	#next(bytes, by) {
		let next;
		try {
			next = readCharter(bytes);
		} catch (e) {
			throw e.why === undefined ? e : new Void('amendment-does-not-fit');
		}
		rule(mayFollow(this.charter, next, by), 'amendment-does-not-fit');
		return next;
	}

	consent(v, s) {
		const a = this.amendments.get(hex(s.subject));
		rule(a !== undefined, 'unknown-subject');
		this.#open(a, v, false);
		const met = this.metAt(a), from = (met ?? 0) + (this.charter.amend.delay_seconds ?? 604800);
		rule(met !== undefined, 'too-few-approvals');
		rule(v.time >= from && v.early >= from, 'objection-window');
		rule(!(a.consents.get(s.custodian) >= from), 'duplicate');
		a.consents.set(s.custodian, v.time);
		if ([...a.consents.values()].filter((t) => t >= from).length < this.charter.threshold.q)
			return;
		a.inForce = true;
		this.#follow(a.next);
	}

	succession(v, s) {
		rule(BigInt(s.seen.size) === v.index, 'other-log');
		const bytes = this.documents.get(hex(s.subject));
		need(bytes !== undefined, 'format', 'the document of a succession is missing');
		const next = this.#next(bytes, 'succession');
		rule(this.charters.slice(0, -1).every((c) => !equal(c.logKey.key, next.logKey.key)), 'amendment-does-not-fit');
		this.#follow(next);
	}

	#follow(next) {
		this.charter = next;
		this.charters.push(next);
	}

	// ---- section 10 ----

	anchor(v, s) {
		const c = this.charter, note = this.archives.get(hex(s.archive));
		rule(c.tsas.some((t) => t.id === s.tsa) && BigInt(s.size) <= v.index, 'anchor-does-not-fit');
		rule(BigInt(s.size) > (this.anchors.get(s.tsa) ?? 0n), 'duplicate');
		need(note !== undefined, 'format', 'the archive of an anchor is missing');
		rule(equal(sha256(note), s.subject), 'anchor-does-not-fit');
		try {
			const p = openNote(note, c.logKey, c.witnesses);
			rule(p.size === BigInt(s.size) && p.by.size - 1 >= c.threshold.q, 'anchor-does-not-fit');
		} catch (e) {
			throw e.why === undefined ? e : new Void('anchor-does-not-fit');
		}
		this.anchors.set(s.tsa, BigInt(s.size));
	}
}

// The curve of a certificate's key, or 'rsa'; undefined where it is no certificate to its last byte.
function keyKind(raw) {
	try {
		const x = new crypto.X509Certificate(raw), k = x.publicKey;
		if (!equal(x.raw, raw))
			return undefined;
		return k.asymmetricKeyType === 'ec' ? k.asymmetricKeyDetails.namedCurve
			: k.asymmetricKeyType === 'rsa' ? `rsa${k.asymmetricKeyDetails.modulusLength}` : undefined;
	} catch {
		return undefined;
	}
}

function recipientKey(raw) {
	const kind = keyKind(raw) ?? '', bits = /^rsa([0-9]+)$/.exec(kind)?.[1];
	return kind === 'prime256v1' || kind === 'secp384r1' || (bits >= 2048 && bits <= 8192);
}
