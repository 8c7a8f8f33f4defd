// Do two verifiers say the same of each claim? usage: same-claims.mjs OURS THEIRS
// OURS: what `quorate verify --json` prints; THEIRS: what verify-package.mjs prints.
import fs from 'node:fs';

const [ours, theirs] = process.argv.slice(2).map((f) => fs.readFileSync(f, 'utf8'));
const report = JSON.parse(ours), lines = theirs.trimEnd().split('\n'), verdict = lines.pop();
const said = new Map(lines.map((l) => l.split(/ +/)).map(([v, name]) => [name, v]));
const bad = verdict === report.verdict ? [] : [`${report.verdict} and ${verdict}`];

if (report.claims.map((c) => c.name).join() !== [...said.keys()].join())
	bad.push('other claims, or in another order');
bad.push(...report.claims.filter((c) => said.get(c.name) !== c.verdict && c.name !== 'custody').map((c) => `${c.name}: ${c.verdict} and ${said.get(c.name)}`));
bad.forEach((b) => console.log(b));
process.exitCode = bad.length === 0 ? 0 : 1;
