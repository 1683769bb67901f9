#!/usr/bin/env python3
"""Compare nwsd with other WebSocket message buses.

Every measurement starts a fresh server on one CPU and wsload on another, runs
one scenario, and appends one line of JSON to the results file.  Servers take
turns (A B C A B C ...) for several rounds; the report shows medians.

  compare.py build                     compile wsload, records and limit,
                                       install ws
  compare.py run  [-s SERVERS] [-c SCENARIOS] [-r ROUNDS] [-o FILE]
  compare.py records [-r ROUNDS] [-o FILE]
                                       what the encryption of links costs
  compare.py report [-o FILE] [--readme] [--json FILE]
  compare.py check [-o FILE]           compare with the goals of the project
  compare.py list

SERVERS and SCENARIOS are comma separated shell patterns, or "quick".
$BENCH_DIR is the folder for all that is made (build/bench), $NWSD the nwsd to
measure (build/nwsd).
"""
import argparse
import fnmatch
import glob
import json
import os
import platform
import subprocess
import sys
import time

import records
import report
from scenarios import QUICK, SCENARIOS, kind_of, needs_link
from servers import (CLIENT_CPU, HERE, ROOT, SERVERS, WORK, Server, memory,
                     missing, suits, version)

CFLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-march=native', '-Wall',
          '-Wextra', '-Wshadow', '-Wstrict-prototypes',
          '-Wmissing-prototypes', '-Wpointer-arith', '-Wformat=2', '-Wvla',
          '-Werror']


def selected(names, patterns):
    return [n for n in names
            if any(fnmatch.fnmatch(n, p) for p in patterns.split(','))]


def up_to_date(target, sources):
    return os.path.exists(target) and all(
        os.path.getmtime(s) <= os.path.getmtime(target) for s in sources)


def build(_):
    os.makedirs(WORK + '/bin', exist_ok=True)
    for name, pattern in (('wsload', '/wsload/*.[ch]'),
                          ('limit', '/peers/limit.c')):
        target = WORK + '/bin/' + name
        sources = sorted(glob.glob(HERE + pattern))
        if not up_to_date(target, sources):
            subprocess.check_call(
                [os.environ.get('CC', 'cc')] + CFLAGS + ['-o', target] +
                [s for s in sources if s.endswith('.c')])
    records.build(CFLAGS, up_to_date)
    subprocess.check_call([HERE + '/peers/build.sh', WORK])
    return 0


# ----------------------------------------------------------- measurement

def kernel_memory():
    """KiB of kernel memory that sockets may be using (slab, socket pages)."""
    with open('/proc/meminfo') as f:
        info = {k: int(v.split()[0])
                for k, v in (line.split(':') for line in f)}
    with open('/proc/net/sockstat') as f:
        pages = [line.split()[-1] for line in f if line.startswith('TCP')]
    return info['Slab'] + 4 * int(pages[0])


def kernel_threads(prefix):
    out = []
    for p in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/comm' % p) as f:
                if f.read().startswith(prefix):
                    out.append(p)
        except OSError:
            pass
    return out


def cpu_idle(interval):
    """Share of the machine's CPU time that was idle during an interval."""
    def sample():
        with open('/proc/stat') as f:
            v = [int(x) for x in f.readline().split()[1:9]]
        return sum(v), v[3] + v[4]
    t0, i0 = sample()
    time.sleep(interval)
    t1, i1 = sample()
    return (i1 - i0) / max(t1 - t0, 1)


def wait_quiet(limit):
    end = time.time() + limit
    while time.time() < end and cpu_idle(0.3) < 0.9:
        pass


def wsload(server, scenario, opts):
    """Starts the load generator; it reports when it has measured."""
    spec, kind = server.spec, kind_of(scenario)
    paths = spec.get('paths', {})
    softirqs = kernel_threads('ksoftirqd')
    cmd = server.prefix + [
        'taskset', '-c', CLIENT_CPU, WORK + '/bin/wsload',
        '--port', str(server.port), '--pub-port', str(server.pub_port),
        '--proto', spec['proto'],
        '--label', server.name, '--warmup', str(opts.warmup),
        '--duration', str(opts.duration), '--drain', '8', '--hold', '10',
        '--watch', 'server=' + ','.join(map(str, server.pids)),
        '--watch', 'ksoftirqd=' + ','.join(softirqs or ['0'])]
    cmd += paths.get(kind) or paths.get('fanout') or []
    return subprocess.Popen(cmd + SCENARIOS[scenario], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def measure_once(name, scenario, opts):
    server = Server(name)
    try:
        before, kernel = memory(server.pids), kernel_memory()
        client = wsload(server, scenario, opts)
        line = client.stdout.readline()
        if line:
            result = json.loads(line)
            result['memory_before'] = before
            result['memory_after'] = memory(server.pids)
            result['kernel_kib'] = kernel_memory() - kernel
        try:
            _, errors = client.communicate('\n', timeout=20)
        except subprocess.TimeoutExpired:
            client.kill()
            _, errors = client.communicate()
        if not line:
            raise RuntimeError(errors.strip())
    finally:
        server.stop()
    cpu = result['cpu']
    result['others'] = max(0, result['machine_busy'] - result['client_busy']
                           - cpu['server']['busy'] - cpu['ksoftirqd']['busy'])
    return dict(result, server=name, name=scenario,
                when=time.strftime('%H:%M:%S'))


def measure(name, scenario, opts):
    """The least disturbed of a few attempts."""
    best = None
    for _ in range(opts.attempts):
        wait_quiet(opts.quiet)
        try:
            result = measure_once(name, scenario, opts)
        except (RuntimeError, OSError, ValueError) as e:
            return {'server': name, 'name': scenario, 'error': str(e)}
        if best is None or report.disturbed(result) < report.disturbed(best):
            best = result
        if (report.disturbed(best) < opts.disturbed or
                kind_of(scenario) == 'idle'):
            break
    return best


def machine(servers):
    """What must be known to judge the numbers later."""
    with open('/proc/cpuinfo') as f:
        model = [line.split(':')[1].strip() for line in f
                 if line.startswith('model name')]
    commit = subprocess.run(['git', '-C', ROOT, 'rev-parse', '--short',
                             'HEAD'], capture_output=True, text=True)
    return {'machine': {
        'cpu': model[0] if model else platform.machine(),
        'cpus': os.cpu_count(), 'kernel': platform.release(),
        'commit': commit.stdout.strip() or None,
        'date': time.strftime('%Y-%m-%d'),
        'versions': {s: v for s in servers if (v := version(s))}}}


def one_line(r):
    if 'error' in r:
        return '%-13s %-14s FAILED %s' % (r['server'], r['name'], r['error'])
    cpu = r['cpu']['server']
    return ('%-13s %-14s %s %9.0f/s %7.3f cpu-us  p50 %8.0f p99 %8.0f us  '
            'busy %.2f/%.2f others %.2f steal %.2f  setup %6.0f/s  pss %d' % (
                r['server'], r['name'], 'ok ' if r['ok'] else 'BAD',
                r['deliveries_per_s'], report.cpu_us(r),
                r['lat_us']['p50'], r['lat_us']['p99'], cpu['busy'],
                r['client_busy'], r['others'], r['steal'], r['setup_per_s'],
                r['memory_after']['Pss']))


def run(opts):
    if os.cpu_count() < 2:
        print('needs two CPUs: one for the server, one for the load')
        return 1
    servers = []
    for name in selected(SERVERS, opts.servers):
        lacks = missing(name)
        if lacks is None:
            servers.append(name)
        else:
            print('%s left out: it needs %s' % (name, lacks))
    scenarios = selected(SCENARIOS, opts.scenarios)
    failed = 0
    with open(opts.output, 'a') as out:
        out.write(json.dumps(machine(servers)) + '\n')
        for _ in range(opts.rounds):
            for scenario in scenarios:
                for name in servers:
                    if not suits(name, needs_link(scenario)):
                        continue
                    result = measure(name, scenario, opts)
                    failed += 'error' in result
                    out.write(json.dumps(result) + '\n')
                    out.flush()
                    print(one_line(result), flush=True)
    return 1 if failed else 0


def run_records(opts):
    return records.run(opts.output, opts.rounds,
                       lambda: wait_quiet(opts.quiet))


def show_list(_):
    for name in SERVERS:
        lacks = missing(name)
        print('%-13s %s' % (name, lacks and 'needs ' + lacks or
                            version(name) or ''))
    print('scenarios:', *SCENARIOS)
    return 0


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('action', choices=['build', 'run', 'records', 'report',
                                      'check', 'list'])
    p.add_argument('-s', '--servers', default='*')
    p.add_argument('-c', '--scenarios', default='*')
    p.add_argument('-r', '--rounds', type=int, default=3)
    p.add_argument('-o', '--output', default=WORK + '/results.jsonl')
    p.add_argument('--duration', type=float, default=2)
    p.add_argument('--warmup', type=float, default=0.4)
    p.add_argument('--quiet', type=float, default=8,
                   help='seconds to wait for an idle machine')
    p.add_argument('--attempts', type=int, default=3)
    p.add_argument('--disturbed', type=float, default=0.1,
                   help='CPUs that others may use, or the host of a virtual '
                        'machine keep, before a run is repeated')
    p.add_argument('--readme', action='store_true',
                   help='put the short table into README.md')
    p.add_argument('--json', metavar='FILE',
                   help='write the medians there as JSON')
    opts = p.parse_args()
    if opts.scenarios == 'quick':
        opts.scenarios = QUICK
    return {'build': build, 'run': run, 'records': run_records,
            'report': report.report, 'check': report.check,
            'list': show_list}[opts.action](opts)


if __name__ == '__main__':
    sys.exit(main())
