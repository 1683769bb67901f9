// What frontend and router ask of the kernel in steady fan-out: no memory, and
// at most one write to each member and turn.  Seen by strace.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { inCI } from './lib.mjs';

const strace = spawnSync('strace', ['-V']).status === 0;

test('one write for each member and turn, no allocation', {
  skip: !strace && !inCI ? 'no strace' : false,
}, () => {
  const script = new URL('../bench/syscalls.sh', import.meta.url).pathname;
  const r = spawnSync(script, [], { encoding: 'utf8', timeout: 300000 });
  assert.equal(r.status, 0, r.stdout + r.stderr);
  assert.match(r.stdout, /most writes to one descriptor in a turn: 1\b/);
});
