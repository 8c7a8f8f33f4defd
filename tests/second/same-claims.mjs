// Do both verifiers say the same of each claim of each package, and is the verdict the one wanted?
// usage: same-claims.mjs QUORATE CHARTER SECONDS VERDICT PACKAGE...
// The other does not make the custody documents again, and says so. CHARTER: the genesis that is trusted, or -. SECONDS: the verifiers' clock, or `now`. Prints, for each package, the claims that hold.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { verifyPackage } from './verify-package.mjs';

const [quorate, charter, seconds, want, ...packages] = process.argv.slice(2);
const trust = { roots: [], now: seconds === 'now' ? Math.floor(Date.now() / 1000) : Number(seconds),
	charter: charter === '-' ? undefined : fs.readFileSync(charter) };
const options = [...charter === '-' ? [] : ['--charter', charter],
	...seconds === 'now' ? [] : ['--at', new Date(trust.now * 1000).toISOString().replace('.000', '')]];
const { QUORATE_CHARTER: _, ...env } = process.env;
let bad = 0;

function compare(file) {
	const theirs = verifyPackage(new Uint8Array(fs.readFileSync(file)), trust);
	const { stdout, status } = spawnSync(quorate, ['verify', file, '--json', ...options], { env, timeout: 60000 }), ours = JSON.parse(stdout);
	const other = ours.claims.map((c, i) => [c, theirs.claims[i]]).filter(([a, b]) => a.name !== b?.name || (a.verdict !== b.verdict && !(a.name === 'custody' && b.verdict === 'unknown')))
		.map(([a, b]) => `${a.name}: ${a.verdict}, and ${b?.verdict} (${a.words}; ${b?.words})`);
	if (ours.claims.length !== theirs.claims.length || ours.verdict !== theirs.verdict || ours.verdict !== want)
		other.push(`${ours.verdict}, and ${theirs.verdict}, not ${want}`);
	if (status !== { valid: 0, invalid: 1, consistent: 2 }[want])
		other.push(`exit ${status}`);
	other.forEach((words) => console.log(`${file}: ${words}`));
	bad += other.length;
	console.log(`${path.basename(file)}: ${ours.claims.filter((c) => c.verdict === 'yes').map((c) => c.name).join(' ')}`);
}

packages.forEach(compare);
process.exitCode = bad === 0 && packages.length > 0 ? 0 : 1;
