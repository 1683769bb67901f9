"""Medians, tables and goals from the results file of compare.py."""
import json
import os
import re
import statistics
import textwrap

import records
from scenarios import SCENARIOS, WINDOW, kind_of, needs_link
from servers import RIVALS, ROOT, SERVERS, ours_in

README = ROOT + '/README.md'
MARKS = '<!-- benchmarks: begin -->', '<!-- benchmarks: end -->'


def cpu_us(r):
    """CPU microseconds for each delivery, softirqs left to ksoftirqd too."""
    cpu = r['cpu']
    return (cpu['server']['s'] + cpu['ksoftirqd']['s']) / max(
        r['deliveries'], 1) * 1e6


def per_connection(key):
    def get(r):
        return (r['memory_after'][key] -
                r['memory_before'][key]) / r['conns'] * 1024
    return get


# name: (how to get it from one result, form, what it is)
METRICS = {
    'cpu': (cpu_us, '%.2f', 'server CPU, us for each delivery'),
    'rate': (lambda r: r['deliveries_per_s'] / 1e3, '%.0f',
             'thousand deliveries/s'),
    'p50': (lambda r: r['lat_us']['p50'], '%.0f', 'latency p50, us'),
    'p99': (lambda r: r['lat_us']['p99'], '%.0f', 'latency p99, us'),
    'p999': (lambda r: r['lat_us']['p999'], '%.0f', 'latency p99.9, us'),
    'trips': (lambda r: r['roundtrips_per_s'], '%.0f', 'round trips/s'),
    'pss': (per_connection('Pss'), '%.0f',
            'user memory for each idle member, bytes'),
    'dirty': (per_connection('Private_Dirty'), '%.0f',
              'the same, private and dirty only'),
    'kernel': (lambda r: r['kernel_kib'] / r['conns'] * 1024, '%.0f',
               'kernel memory for each connection, both ends, bytes'),
    'base': (lambda r: r['memory_before']['Pss'] / 1024, '%.1f',
             'user memory before any connection, MiB'),
    'connects': (lambda r: r['setup_per_s'], '%.0f', 'connections/s'),
    'connect_cpu': (lambda r: r['cpu']['server']['setup_s'] / r['conns'] * 1e6,
                    '%.1f', 'server CPU, us for each connection'),
}
OF_KIND = {
    'fan': ['cpu', 'rate'], 'burst': ['cpu', 'rate'], 'many': ['cpu', 'rate'],
    'one': ['cpu', 'rate'], 'rate': ['p50', 'p99', 'p999', 'cpu'],
    'pingpong': ['cpu', 'trips', 'p50', 'p99'],
    'link': ['rate', 'cpu', 'p50', 'p99'],
    'linkone': ['p50', 'p99', 'cpu'],
    'idle': ['pss', 'dirty', 'kernel', 'base', 'connects', 'connect_cpu'],
}
HIGHER_IS_BETTER = ('rate', 'trips', 'connects')

# What each scenario is held against: (scenarios, metric, most times the best
# rival, limit, most times that).  None: no bound.
GOALS = [
    (r'fan-1000?-(32|1024)', 'cpu', 0.5, 'limit-batch', 1.5),
    (r'fan-\d+-16384', 'cpu', None, 'limit-batch', 1.5),
    (r'one-\d+-\d+', 'cpu', 1.0, 'limit-each', 1.2),
    (r'pingpong-1000', 'cpu', 1.0, None, None),
    (r'link-\d+-16384', 'rate', 1.0, None, None),
    (r'link-\d+-16384', 'cpu', 1.0, None, None),
    (r'pingpong-1000', 'trips', 1.0, None, None),
    (r'rate-\d+-\d+', 'p50', 1.0, None, None),
    (r'rate-\d+-\d+', 'p99', 1.0, None, None),
]
PSS_GOAL = 1024

LITTLE = 0.05           # CPUs; some ticks of the clock that it is counted by

# The short table: scenario, metric, what a reader calls it.
SHORT = [
    ('fan-100-32', 'cpu', '100 members, 32 B, 32 in flight: CPU us for each '
     'delivery'),
    ('fan-1000-32', 'cpu', '1,000 members, 32 B, 32 in flight'),
    ('fan-1000-1024', 'cpu', '1,000 members, 1 KiB, 32 in flight'),
    ('fan-1000-16384', 'cpu', '1,000 members, 16 KiB, 8 in flight'),
    ('fan-5000-32', 'cpu', '5,000 members, 32 B, 16 in flight'),
    ('one-100-32', 'cpu', '100 members, 32 B, one at a time'),
    ('one-1000-32', 'cpu', '1,000 members, 32 B, one at a time'),
    ('pingpong-1', 'p50', 'one pair in ping-pong: round trip p50, us'),
    ('pingpong-1000', 'cpu', '1,000 pairs in ping-pong: CPU us each way'),
    ('rate-100-1024', 'p50', 'latency at 50,000 deliveries/s, 100 members, '
     '1 KiB: p50, us'),
    ('rate-100-1024', 'p99', 'the same: p99, us'),
    ('link-1-16384', 'cpu', 'two nodes, 16 KiB, 8 in flight: CPU us of both '
     'for each delivery'),
    ('link-10-16384', 'cpu', 'the same to 10 members'),
    ('link-1-16384', 'p50', 'the same to 1: latency p50, us'),
    ('linkone-1-32', 'p50', 'two nodes, 32 B, one at a time: latency p50, '
     'us'),
    ('idle-10000', 'pss', '10,000 idle members: bytes of user memory each'),
    ('idle-10000', 'connect_cpu', 'connecting: CPU us each'),
]


def disturbed(result):
    """CPUs that others used or, of a virtual machine, that its host kept."""
    return result['others'] + result['steal']


def load(paths):
    """(cells, machine, sealed): cells[scenario][server] is a list of results,
    failures left out, and of each list what was disturbed little or no more
    than the least disturbed half, but no fewer than three; sealed are the
    results of records."""
    cells, machine, sealed = {}, {}, []
    for path in paths.split(','):
        with open(path) as f:
            for line in f:
                r = json.loads(line)
                if 'machine' in r:
                    versions = {**machine.get('versions', {}),
                                **r['machine'].pop('versions')}
                    machine = dict(r['machine'], versions=versions)
                elif 'records' in r:
                    sealed.append(r)
                elif 'error' not in r:
                    cells.setdefault(r['name'], {}).setdefault(
                        r['server'], []).append(r)
    for servers in cells.values():
        for name, results in servers.items():
            results.sort(key=disturbed)
            half = results[:max(3, (len(results) + 1) // 2)]
            servers[name] = [r for r in results
                             if disturbed(r) <= max(LITTLE,
                                                    disturbed(half[-1]))]
    return cells, machine, sealed


def median(cells, scenario, server, metric):
    results = cells.get(scenario, {}).get(server)
    if not results:
        return None
    return statistics.median(METRICS[metric][0](r) for r in results)


def best_rival(cells, scenario, metric):
    """(name, value) of the best of the rivals, or None."""
    values = [(s, median(cells, scenario, s, metric)) for s in RIVALS]
    values = [v for v in values if v[1] is not None]
    if not values:
        return None
    pick = max if metric in HIGHER_IS_BETTER else min
    return pick(values, key=lambda v: v[1])


def mark(cells, scenario, server):
    """Notes beside a number: lost messages, a load generator at its end."""
    out = ''
    results = cells[scenario][server]
    if kind_of(scenario) != 'idle' and not all(r['ok'] for r in results):
        out += ' !'
    if kind_of(scenario) != 'rate' and all(
            r['client_busy'] > 0.95 and r['cpu']['server']['busy'] < 0.95
            for r in results):
        out += ' ~'
    return out


def long_table(cells, kind, size, metric):
    columns = [s for s in SCENARIOS if s in cells and kind_of(s) == kind and
               (size is None or s.endswith('-%d' % size))]
    servers = [s for s in SERVERS if any(s in cells[c] for c in columns)]
    if not columns:
        return
    _, form, title = METRICS[metric]
    if kind == 'fan':
        title += ', %d B, %d in flight' % (size, WINDOW[size])
    print('\n**%s: %s**\n' % (kind, title))
    print('| | ' + ' | '.join(columns) + ' |')
    print('|---|' + '---:|' * len(columns))
    for s in servers:
        row = [s]
        for c in columns:
            value = median(cells, c, s, metric)
            row.append('' if value is None else
                       form % value + mark(cells, c, s))
        print('| %s |' % ' | '.join(row))


def ratio(ours, theirs):
    return '%.2f' % (ours / theirs) if theirs else ''


def limit_of(scenario):
    return 'limit-each' if kind_of(scenario) in (
        'one', 'pingpong') else 'limit-batch'


def short_table(cells, machine):
    """Lines of Markdown: nwsd beside the best rival and the limit."""
    out = ['| | JSON | binary | best rival | ratio | limit | ratio |',
           '|---|---:|---:|---:|---:|---:|---:|']
    for scenario, metric, title in SHORT:
        ours = [median(cells, scenario, s, metric)
                for s in ours_in(needs_link(scenario))]
        rival = best_rival(cells, scenario, metric)
        limit = median(cells, scenario, limit_of(scenario), metric)
        if ours[0] is None or rival is None:
            continue
        form = METRICS[metric][1]
        ours = [v for v in ours if v is not None]
        row = [title, form % ours[0], form % ours[1] if ours[1:] else '',
               '%s (%s)' % (form % rival[1], rival[0]),
               ' / '.join(ratio(v, rival[1]) for v in ours),
               '' if limit is None else form % limit,
               '' if limit is None else
               ' / '.join(ratio(v, limit) for v in ours)]
        out.append('| %s |' % ' | '.join(row))
    notes = ('Server CPU is the sum of all processes. Medians of interleaved '
             'rounds; smaller is better everywhere; ratios are of nwsd, JSON '
             '/ binary, to the best rival and to the limit, a server without '
             'a protocol. ')
    if machine:
        versions = {v for s, v in machine['versions'].items() if s in RIVALS}
        notes += 'Measured %s on %s CPUs (%s), Linux %s, with %s.' % (
            machine['date'], machine['cpus'], machine['cpu'],
            machine['kernel'], '; '.join(sorted(versions)))
    return out + [''] + textwrap.wrap(notes, 80, break_on_hyphens=False)


def write_readme(lines):
    with open(README) as f:
        text = f.read()
    begin, end = MARKS
    if begin not in text or end not in text:
        raise SystemExit('%s: no line "%s"' % (README, begin))
    head, rest = text.split(begin, 1)
    tail = rest.split(end, 1)[1]
    with open(README + '.new', 'w') as f:
        f.write(head + begin + '\n' + '\n'.join(lines) + '\n' + end + tail)
    os.rename(README + '.new', README)


def write_json(path, cells, machine, sealed):
    out = {}
    for scenario, servers in cells.items():
        for server, results in servers.items():
            cell = {m: median(cells, scenario, server, m)
                    for m in OF_KIND[kind_of(scenario)]}
            cell.update(runs=len(results), ok=all(r['ok'] for r in results))
            out.setdefault(scenario, {})[server] = cell
    with open(path, 'w') as f:
        json.dump({'machine': machine, 'medians': out,
                   'records': records.as_json(sealed)}, f, indent=1)
        f.write('\n')


def disturbance(cells):
    runs = [r for c in cells.values() for s in c.values() for r in s]
    others = sorted(map(disturbed, runs))
    print('\n%d runs; CPUs used by others, and kept by the host of a virtual '
          'machine,\nduring a run: median %.2f, worst %.2f' % (
              len(runs), statistics.median(others), others[-1]))
    spreads = sorted(
        max(map(cpu_us, s)) / max(min(map(cpu_us, s)), 1e-9) - 1
        for n, c in cells.items() for s in c.values()
        if len(s) > 1 and kind_of(n) != 'idle')
    if spreads:
        print('spread of CPU for each delivery between rounds: median '
              '%.0f%%, worst %.0f%%' % (100 * statistics.median(spreads),
                                        100 * spreads[-1]))


def report(opts):
    cells, machine, sealed = load(opts.output)
    if not cells and not sealed:
        raise SystemExit('%s: no results' % opts.output)
    if opts.json:
        write_json(opts.json, cells, machine, sealed)
    short = short_table(cells, machine)
    if opts.readme:
        write_readme(short)
        return 0
    print('\n'.join(short))
    print('\nAll cells.  `!`: messages were lost or damaged.  `~`: wsload was '
          'the bottleneck, the\nserver could do more.')
    for kind, metrics in OF_KIND.items():
        sizes = WINDOW if kind == 'fan' else (None,)
        for size in sizes:
            for metric in metrics:
                long_table(cells, kind, size, metric)
    records.table(sealed)
    if cells:
        disturbance(cells)
    return 0


def verdict(ours, other, most, metric):
    """(times, fulfilled); of rates, times is inverted: smaller is better."""
    times = other / ours if metric in HIGHER_IS_BETTER else ours / other
    return times, times <= most


def check_one(cells, scenario, goal, server):
    """Lines of text and whether all bounds hold."""
    _, metric, most_rival, limit, most_limit = goal
    ours = median(cells, scenario, server, metric)
    against = []
    rival = best_rival(cells, scenario, metric)
    if most_rival is not None and rival is not None:
        against.append((rival[0], rival[1], most_rival))
    if limit is not None:
        value = median(cells, scenario, limit, metric)
        if value is not None:
            against.append((limit, value, most_limit))
    good = True
    for name, value, most in against:
        if ours is None or not value:
            continue
        times, fine = verdict(ours, value, most, metric)
        good = good and fine
        print('%-4s %-15s %-12s %-6s %9.3f, %s %9.3f: %.2f times, at most '
              '%.2f' % ('ok' if fine else 'FAIL', scenario, server, metric,
                        ours, name, value, times, most))
    return good


def check(opts):
    """Holds the results against the goals; 0 when all are reached."""
    cells, _, sealed = load(opts.output)
    good = records.check(sealed)
    for scenario in (s for s in SCENARIOS if s in cells):
        for goal in GOALS:
            if re.fullmatch(goal[0], scenario):
                for server in ours_in(needs_link(scenario)):
                    good = check_one(cells, scenario, goal, server) and good
        for server in ours_in(needs_link(scenario)):
            bad = [r for r in cells[scenario].get(server, ())
                   if not r['ok'] and kind_of(scenario) != 'idle']
            if bad:
                good = False
                print('FAIL %-15s %-12s messages lost or damaged' % (
                    scenario, server))
    for server in ours_in(False):
        pss = median(cells, 'idle-10000', server, 'pss')
        if pss is not None:
            good = good and pss <= PSS_GOAL
            print('%-4s %-15s %-12s %.0f bytes for each idle member, at most '
                  '%d' % ('ok' if pss <= PSS_GOAL else 'FAIL', 'idle-10000',
                          server, pss, PSS_GOAL))
    return 0 if good else 1
