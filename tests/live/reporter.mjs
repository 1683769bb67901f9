// A short report for node:test: one line for each file, and every failure whole.
import path from 'node:path';

export default async function* report(source) {
  const files = new Map();
  for await (const { type, data } of source) {
    if (type === 'test:diagnostic'
      && !/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(
        data.message))
      yield `    ${data.message}\n`;
    if (type !== 'test:pass' && type !== 'test:fail')
      continue;
    const file = path.basename(data.file ?? '?');
    const f = files.get(file) ?? { passed: 0, failed: 0 };
    files.set(file, f);
    const failure = data.details?.error?.failureType;
    if (data.details?.type === 'suite' && failure !== 'hookFailed')
      continue;
    if (failure === 'cancelledByParent') {
      f.failed++;
      continue;
    }
    if (type === 'test:pass') {
      f.passed++;
      if (data.skip !== undefined)
        yield `SKIPPED: ${file}: ${data.name}: ${data.skip}\n`;
      continue;
    }
    f.failed++;
    const e = data.details.error;
    const cause = e?.cause ?? e;
    yield `FAILED: ${file}: ${data.name}\n    ${String(cause?.stack ?? cause)
      .split('\n').slice(0, 40).join('\n    ')}\n`;
  }
  for (const [file, f] of files)
    yield `${file}: ${f.passed} passed, ${f.failed} failed\n`;
}
