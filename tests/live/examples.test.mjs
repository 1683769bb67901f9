// The programs of contrib/examples/native, as a person would run them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Program, build, tempDir, top, useDaemon } from './lib.mjs';

const native = path.join(top, 'contrib/examples/native');

describe('native examples', () => {
  const h = useDaemon();

  /** What a program and nws(1) on the same channel say to each other. */
  async function converse(program) {
    // Without -q it says when it sees the program.
    const nws = h.d.nws(['talk']);
    await nws.err.next('nws to see the program');
    program.write('from the example: é\n');
    await nws.out.until((l) => l.endsWith('> from the example: é'), 'nws');
    nws.write('from nws\n');
    await program.out.until((l) => l.endsWith('> from nws'),
      `the example: ${program.stderr}`);
    await nws.stop();
    program.child.stdin.end();
    assert.deepEqual(await program.exited, { code: 0, signal: null },
      program.stderr);
  }

  /** Until a program of ours is a member, and nothing that is said is lost. */
  const joined = async (program) => {
    const nws = h.d.nws(['-j', '-N', 'talk']);
    await nws.out.until((l) => l.includes('"connect"'),
      `a member: ${program.stderr}`);
    await nws.stop();
  };

  test('Python, without any package', async () => {
    const program = new Program('python3', [path.join(native, 'chat.py'),
      'talk'], { env: { ...process.env, NWS_PORT: h.d.port } });
    await joined(program);
    await converse(program);
  });

  test('Python: of the objects that pages send, texts are shown',
    async () => {
      const program = new Program('python3', [path.join(native, 'chat.py'),
        'talk'], { env: { ...process.env, NWS_PORT: h.d.port } });
      const nws = h.d.nws(['-j', 'talk']);
      await nws.out.until((l) => l.includes('"connect"'),
        `the example: ${program.stderr}`);
      for (const data of [{ name: 'Ada' }, { text: 'psst' }, 'done'])
        nws.write(`${JSON.stringify(data)}\n`);
      const said = [];
      await program.out.until((l) => said.push(l) && l.endsWith('done'),
        'the last line');
      assert.deepEqual(said.map((l) => l.replace(/^<\d+> /, '')),
        ['psst', 'done']);
      await nws.stop();
      program.child.stdin.end();
      await program.exited;
    });

  test('Python: long lines, and nobody there', async () => {
    const env = { ...process.env, NWS_PORT: h.d.port };
    const nws = h.d.nws(['-q', 'talk']);
    const program = new Program('python3', [path.join(native, 'chat.py'),
      'talk'], { env });
    await joined(program);
    for (const length of [100, 125, 126, 70000]) {
      program.write(`${'x'.repeat(length)}\n`);
      await nws.out.until((l) => l.endsWith(`> ${'x'.repeat(length)}`), 'nws');
    }
    nws.write(`${'y'.repeat(70000)}\n`);
    await program.out.until((l) => l.endsWith(`> ${'y'.repeat(70000)}`),
      'the example');
    await nws.stop();
    program.child.stdin.end();
    await program.exited;
    const alone = new Program('python3', [path.join(native, 'chat.py')],
      { env: { ...env, NWS_PORT: '1' } });
    assert.equal((await alone.exited).code, 1);
    assert.match(alone.stderr, /^no connection to nwsd at localhost:1: /);
  });

  /** The program for Node, connected. */
  async function nodeChat() {
    // What `npm install` makes of the two packages.
    const dir = tempDir();
    fs.mkdirSync(path.join(dir, 'node_modules'));
    fs.symlinkSync(path.join(top, 'tests/node_modules/ws'),
      path.join(dir, 'node_modules/ws'));
    fs.symlinkSync(path.join(top, 'frontend/www'),
      path.join(dir, 'node_modules/nwsd'));
    fs.copyFileSync(path.join(native, 'chat.mjs'), path.join(dir, 'chat.mjs'));
    const program = new Program(process.execPath,
      [path.join(dir, 'chat.mjs'), 'talk'], { env: { ...process.env,
        NWS_SERVER: `http://localhost:${h.d.port}` } });
    await program.err.until((l) => l.startsWith('connected as'), 'Node');
    return program;
  }

  test('Node, with the library', async () => {
    await converse(await nodeChat());
  });

  test('what others send does nothing to a terminal', async () => {
    for (const start of [nodeChat, async () => new Program('python3',
      [path.join(native, 'chat.py'), 'talk'],
      { env: { ...process.env, NWS_PORT: h.d.port } })]) {
      const program = await start();
      const nws = h.d.nws(['-j', 'talk']);
      const { target } = JSON.parse(await nws.out.until((l) =>
        l.includes('"connect"'), `the example: ${program.stderr}`));
      const evil = '\x1b]0;x\x07\x9bm', none = { toString: 1 };
      const to = h.d.nws(['-j', '-t', target, 'talk']);
      for (const data of [{ name: none }, { text: none }, { text: evil },
        { name: evil }, evil])
        to.write(`${JSON.stringify(data)}\n`);
      await program.out.until((l) => l.endsWith('\ufffd]0;x\ufffd\ufffdm'),
        `the text: ${program.stderr}`);
      nws.write(`${JSON.stringify(evil)}\n"done"\n`);
      const said = [];
      await program.out.until((l) => said.push(l) && l.endsWith('done'),
        `the last line: ${program.stderr}`);
      assert.doesNotMatch(said.join(''), /\p{Cc}/u);
      await Promise.all([to.stop(), nws.stop()]);
      program.child.stdin.end();
      assert.equal((await program.exited).code, 0, program.stderr);
    }
  });

  test('the shell: a number, and another one', async () => {
    const nws = h.d.nws(['-q', 'load']);
    const program = new Program('sh', [path.join(native, 'load.sh')], {
      detached: true, env: { ...process.env,
        PATH: `${build}:${process.env.PATH}`,
        NWS_OPTIONS: `-H localhost:${h.d.port}` } });
    try {
      for (let i = 0; i < 2; i++)
        await nws.out.until((l) => /> \d+\.\d+$/.test(l),
          `the load: ${program.stderr}`);
    } finally {
      process.kill(-program.child.pid);
    }
    await program.exited;
    await nws.stop();
  });
});
