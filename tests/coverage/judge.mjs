// Judges what gcovr counted: the lines of each folder against the floor, and each line that no test
// ran against the reasons for which one may not be (tests/coverage/README.md).
// usage: judge.mjs REPORT REASONS FLOOR WHAT FOLDER...
import { readFileSync, writeFileSync } from 'node:fs';

const [report, reasonsFile, floorText, what, ...folders] = process.argv.slice(2);
const floor = Number(floorText);
const { files } = JSON.parse(readFileSync(`${report}/lines.json`, 'utf8'));

// ---- by folder and file

const share = (covered, lines) => (lines === 0 ? 100 : (100 * covered) / lines);
const row = (name, covered, lines) =>
	`${name.padEnd(36)} ${String(covered).padStart(6)} of ${String(lines).padStart(6)}  ${share(covered, lines).toFixed(1).padStart(5)} %`;
const missed = [];
const counts = files.map(({ file, lines }) => {
	const counted = lines.filter((l) => !l['gcovr/noncode']);
	const source = readFileSync(file, 'utf8').split('\n');
	for (const l of counted.filter((l) => l.count === 0))
		missed.push({ file, number: l.line_number, text: source[l.line_number - 1].trim(),
			around: source.slice(l.line_number - 2, l.line_number + 1).join(' ') });
	return { file, folder: file.split('/')[0], covered: counted.filter((l) => l.count > 0).length, lines: counted.length };
});
let failed = 0;
const sum = (list, key) => list.reduce((n, f) => n + f[key], 0);
for (const folder of folders) {
	const of = counts.filter((f) => f.folder === folder);
	console.log(row(folder, sum(of, 'covered'), sum(of, 'lines')));
	if (of.length === 0 || share(sum(of, 'covered'), sum(of, 'lines')) < floor) {
		console.log(`FAIL ${folder}: below ${floor} % of its lines`);
		failed++;
	}
}
console.log(row('all', sum(counts, 'covered'), sum(counts, 'lines')));
for (const f of counts.filter((f) => share(f.covered, f.lines) < floor))
	console.log(`  ${row(f.file, f.covered, f.lines)}`);

// ---- what was not run, and why it may not be

// Kinds that a line shows by itself; the rest is listed by its words, with the reason; * ends what begins so.
const kinds = [
	['no memory left, in libcrypto or in locked memory', (m) => /RC_NOMEM|no_memory\(|no memory|out_of_memory/.test(m.around)],
	['what only a mistake of our own reaches (RC_BUG, RC_USAGE)', (m) => /RC_BUG|RC_USAGE/.test(m.around)],
	['more than a limit (RC_LIMIT)', (m) => /RC_LIMIT/.test(m.around)],
	['a state record that is not ours (rec_malformed)', (m) => /rec_malformed/.test(m.text)],
];
const reasons = [];
let why = null;
for (const line of readFileSync(reasonsFile, 'utf8').split('\n')) {
	if (line.startsWith('# ')) why = line.slice(2);
	else if (line.trim() !== '') reasons.push({ line: line.trim(), why, used: false });
}
const tally = new Map();
const add = (why) => tally.set(why, (tally.get(why) ?? 0) + 1);
const open = [];
for (const m of missed) {
	const words = `${m.file}: ${m.text}`;
	const listed = reasons.find((r) => (r.line.endsWith('*') ? words.startsWith(r.line.slice(0, -1)) : words === r.line));
	const kind = kinds.find(([, is]) => is(m));
	if (listed) listed.used = true;
	if (listed || kind) add(listed ? listed.why : kind[0]);
	else open.push(m);
}
writeFileSync(`${report}/missed`, missed.map((m) => `${m.file}:${m.number}: ${m.text}\n`).join(''));
console.log(`${missed.length} lines were not run (${report}/missed):`);
for (const [w, n] of tally) console.log(`${String(n).padStart(5)}  ${w}`);
if (open.length) console.log(`${String(open.length).padStart(5)}  for no reason that is listed:`);
for (const m of open) console.log(`       ${m.file}:${m.number}: ${m.text}`);
// Other tests may run what those of a folder do not: only then is a reason no longer one.
if (what === 'core')
	for (const r of reasons.filter((r) => !r.used)) console.log(`       ${r.line}: was run, or is gone`);
console.log(`${folders.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
