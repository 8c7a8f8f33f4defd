// custody-v1: what both documents say of each act, by the replay of the entries. They are not made again, byte for byte.
import crypto from 'node:crypto';
import { hex, need, unhex } from './bytes.mjs';
import { sha256 } from './timestamp.mjs';

const URLS = unhex('6ba7b8119dad11d180b400c04fd430c8');

// RFC 4122, version 5, in the name space of URLs.
export function uuid(name) {
	const b = crypto.createHash('sha1').update(URLS).update(name).digest().subarray(0, 16);
	b[6] = (b[6] & 0x0f) | 0x50;
	b[8] = (b[8] & 0x3f) | 0x80;
	return hex(b).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const NAMES = { charter: 'charter signed', batch: 'sealed', request: 'requested', withdrawal: 'withdrawn', revocation: 'key revoked', order: 'ordered',
	receipt: 'contributed', anchor: 'time-stamped', amendment: 'amendment proposed', succession: 'coordinator succeeded', consent: 'amendment consented',
	checked: 'shares checked', garbage: 'share found wrong', acknowledgement: 'acknowledged' };

function nameOf(v, amendments) {
	const plain = v.type === 'decision' ? { approve: 'approved', deny: 'denied' }[v.s.decision] : NAMES[v.type];
	return ['decision', 'withdrawal'].includes(v.type) && amendments.has(hex(v.s.subject)) ? `amendment ${plain}` : plain;
}

const parsed = (b) => {
	try {
		return JSON.parse(Buffer.from(b).toString('utf8'));
	} catch {
		need(false, 'format', 'a custody document is no JSON');
	}
};

// acts: verdicts of apply, each with the bytes of its entry. About: the prefix of identifiers, GENESIS/ORDER.
export function checkCustody({ jsonld, prov, acts, amendments, about, origin }) {
	const nodes = parsed(jsonld)?.['@graph'], entities = parsed(prov)?.entity ?? {};
	need(Array.isArray(nodes), 'format', 'custody.jsonld has no graph');
	const graph = new Map(nodes.map((n) => [n?.['@id'], n])), actions = nodes.filter((n) => n?.['@type'] === 'case-investigation:InvestigativeAction');
	const kb = (thing) => `kb:${uuid(`https://quorate.example/custody/v1/${about}/${thing}`)}`;
	const at = (t) => new Date(t * 1000).toISOString().replace('.000', '');

	need(Object.keys(entities).filter((e) => e.startsWith('q:entry-')).length === acts.length, 'verify', 'custody-prov.json has other acts');
	need(actions.filter((n) => n['uco-core:name'] !== 'released').length === acts.length, 'verify', 'custody.jsonld has other acts');
	for (const v of acts) {
		const name = nameOf(v, amendments), e = entities[`q:entry-${v.index}`], action = graph.get(kb(`action/${v.index}`));
		need(e !== undefined && e['prov:label'] === name && e['q:sha256'] === hex(sha256(v.leaf)) && e['q:statement'] === v.id &&
			e['q:log'] === origin && e['q:index']?.$ === String(v.index), 'verify', `custody-prov.json says something else of entry ${v.index}`);
		need(action !== undefined && action['uco-core:name'] === name && action['uco-action:startTime']?.['@value'] === at(v.time), 'verify',
			`custody.jsonld says something else of entry ${v.index}`);
	}
}
