#!/usr/bin/env python3
"""nwsd in steady fan-out (1 publisher, 100 members), looked at closely.

  steady.py syscalls    strace(1): fails when a process asks for memory, or
                        writes to one descriptor twice in one turn
  steady.py perf        perf(1): which functions take the CPU time

A turn is what a process does between two returns of epoll_wait(2).
"""
import argparse
import collections
import json
import re
import subprocess
import sys
import time

from servers import CLIENT_CPU, OURS_ALONE, SERVERS, WORK, Server

MEMORY = {'brk', 'mmap', 'mremap'}
WRITES = {'write', 'writev', 'pwritev', 'pwritev2', 'send', 'sendto',
          'sendmsg', 'sendmmsg', 'sendfile', 'splice'}
WAITS = {'epoll_wait', 'epoll_pwait', 'epoll_pwait2'}
PROCESSES = ('frontend', 'router')
LINE = re.compile(r'(\d+) +(\d+\.\d+) (?:<\.\.\. )?(\w+)(.*)')


def drive(server, opts):
    """Runs wsload to its end and returns what it measured."""
    cmd = ['taskset', '-c', CLIENT_CPU, WORK + '/bin/wsload',
           '--port', str(server.port), '--proto', server.spec['proto'],
           '--subs', str(opts.subs), '--size', str(opts.size),
           '--window', str(opts.window), '--warmup', str(opts.warmup),
           '--duration', str(opts.duration)]
    out = subprocess.run(cmd, capture_output=True, text=True, timeout=300)
    if not out.stdout:
        raise SystemExit('wsload: ' + out.stderr.strip())
    result = json.loads(out.stdout)
    if not result['ok']:
        raise SystemExit('%s: messages were lost or damaged' % server.name)
    return result


class Trace:
    """System calls of one process while wsload measured."""

    def __init__(self):
        self.calls = collections.Counter()
        self.turns = self.most = 0
        self.written = collections.Counter()    # by descriptor, this turn
        self.heap_end = 0

    def heap(self, rest):
        """Keeps the end of the heap; whether brk(2) moved it back."""
        wanted = int(re.match(r'\((?:0x)?(\w+)', rest).group(1).replace(
            'NULL', '0'), 16)
        shrunk = 0 < wanted < self.heap_end
        self.heap_end = wanted or self.heap_end
        return shrunk

    def add(self, name, rest, resumed, measured):
        if name == 'brk' and not resumed and self.heap(rest):
            name = 'brk (back)'
        if not measured:
            return
        if not resumed:
            self.calls[name] += 1
        if name in WAITS and (resumed or 'unfinished' not in rest):
            self.turns += 1
            self.written.clear()
        elif name in WRITES and not resumed:
            fd = rest.lstrip('(').split(',')[0]
            self.written[fd] += 1
            self.most = max(self.most, self.written[fd])

    def problems(self, process):
        asked = {n: c for n, c in self.calls.items() if n in MEMORY}
        if asked:
            yield '%s asked for memory: %s' % (process, asked)
        if self.most > 1:
            yield '%s wrote %d times to one descriptor in one turn' % (
                process, self.most)
        # The router may have leased the channel and have nothing to do.
        if self.turns < 10 and process == 'frontend':
            yield '%s made only %d turns' % (process, self.turns)


def read_trace(path, begin, end):
    """{process name: Trace} of the lines between two Unix times."""
    names, out = {}, {}
    with open(path, errors='replace') as f:
        for line in f:
            match = LINE.match(line)
            if match is None:
                continue
            pid, when, name, rest = match.groups()
            if name.startswith('execve'):
                what = re.search(r'"-F", "(\w+)"', rest)
                if what is not None:
                    names[pid] = what.group(1)
            elif pid in names:
                trace = out.setdefault(names[pid], Trace())
                trace.add(name, rest, ' resumed>' in rest,
                          begin <= float(when) < end)
    return out


def syscalls(name, opts):
    path = '%s/run/%s.strace' % (WORK, name)
    server = Server(name, ['strace', '-D', '-f', '-qq', '-ttt', '-o', path])
    try:
        result = drive(server, opts)
    finally:
        server.stop()
    traces = read_trace(path, result['from'], result['to'])
    print('\n%s, %d B, %d in flight: %d messages, %d deliveries' % (
        name, opts.size, opts.window, result['deliveries'] // opts.subs,
        result['deliveries']))
    bad = []
    for process in PROCESSES:
        trace = traces.get(process, Trace())
        print('%-9s %d turns; most writes to one descriptor in a turn: %d' % (
            process, trace.turns, trace.most))
        for call, count in trace.calls.most_common():
            print('    %9d  %-14s %.4f for each delivery' % (
                count, call, count / max(result['deliveries'], 1)))
        bad += trace.problems(process)
    for text in bad:
        print('FAIL ' + text)
    return not bad


def title(pid):
    with open('/proc/%d/cmdline' % pid, 'rb') as f:
        return ' '.join(f.read().replace(b'\0', b' ').decode().split())


def perf(name, opts):
    """Samples the whole run, and reports of it what wsload measured."""
    data = '%s/run/%s.perf' % (WORK, name)
    server = Server(name)
    titles = {str(pid): title(pid) for pid in server.pids}
    try:
        record = subprocess.Popen(
            ['perf', 'record', '-q', '-e', 'cpu-clock', '-F', '2000',
             '-k', 'CLOCK_MONOTONIC', '-o', data,
             '-p', ','.join(map(str, server.pids))])
        offset = time.time() - time.monotonic()
        result = drive(server, opts)
        record.terminate()
        record.wait()
    finally:
        server.stop()
    print('\n%s, %d members, %d B, %d in flight: %.0f deliveries/s' % (
        name, opts.subs, opts.size, opts.window, result['deliveries_per_s']))
    for pid, text in titles.items():
        print('%9s  %s' % (pid, text))
    for sort in ('pid,dso', 'dso,symbol'):
        out = subprocess.run(
            ['perf', 'report', '-i', data, '--stdio', '--percent-limit', '1',
             '--sort', sort, '--time', '%.6f,%.6f' % (
                 result['from'] - offset, result['to'] - offset)],
            capture_output=True, text=True)
        print('\n'.join(line.rstrip() for line in out.stdout.splitlines()
                        if line.strip() and not line.startswith('#')))
        print()
    return True


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument('action', choices=['syscalls', 'perf'])
    p.add_argument('--servers', default=','.join(OURS_ALONE))
    p.add_argument('--subs', type=int, default=100)
    p.add_argument('--size', type=int, default=32)
    p.add_argument('--window', type=int, default=32)
    p.add_argument('--warmup', type=float, default=1)
    p.add_argument('--duration', type=float, default=2)
    opts = p.parse_args()
    look = {'syscalls': syscalls, 'perf': perf}[opts.action]
    names = [n for n in SERVERS if n in opts.servers.split(',')]
    good = [look(name, opts) for name in names]
    return 0 if all(good) else 1


if __name__ == '__main__':
    sys.exit(main())
