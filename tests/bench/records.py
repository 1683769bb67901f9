"""What the records of links cost, beside the cipher alone.

records.c sends through one connection of crypto/conn.h, in memory, and tells
the CPU time of each end; `openssl speed' measures the same cipher in the same
minute.  Numbers are CPU seconds for each GiB.
"""
import json
import os
import statistics
import subprocess
import time

from servers import HERE, ROOT, SERVER_CPU, WORK

KINDS = 'tls', 'noise'
SIDES = {'send': ([], 'sending'), 'receive': (['-decrypt'], 'receiving')}
LIBS = ['-lssl', '-lcrypto', '-lsodium', '-lbsd']
# The daemon's objects; $NWSD_A measures those of another build.
ARCHIVE = os.environ.get('NWSD_A', ROOT + '/build/nwsd.a')
BINARY = WORK + '/bin/records'
PIECE = 16384       # bytes of a write, and of what openssl speed encrypts
MIB = 2048
SECONDS = 1         # of openssl speed, each

GOAL = 1.5          # most times the cipher alone


def build(cflags, up_to_date):
    if 'NWSD_A' not in os.environ:
        subprocess.check_call(['make', '-C', ROOT, '--no-print-directory',
                               'build/nwsd.a'], stdout=subprocess.DEVNULL)
    source = HERE + '/records.c'
    if not up_to_date(BINARY, [source, ARCHIVE]):
        subprocess.check_call(
            [os.environ.get('CC', 'cc')] + cflags +
            ['-I' + ROOT, '-o', BINARY, source, ARCHIVE] + LIBS)


def pinned(*cmd):
    return subprocess.run(('taskset', '-c', SERVER_CPU) + cmd, check=True,
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


def cipher_alone(cipher, options):
    """CPU seconds for each GiB, by openssl speed."""
    out = pinned('openssl', 'speed', '-mr', '-aead', *options, '-seconds',
                 str(SECONDS), '-bytes', str(PIECE), '-evp', cipher)
    last = [line for line in out.splitlines() if line.startswith('+F:')][-1]
    return 2**30 / float(last.split(':')[-1])


def measure(kind):
    ours = json.loads(pinned(BINARY, kind, str(MIB)))
    alone = {side: cipher_alone(ours['cipher'], options)
             for side, (options, _) in SIDES.items()}
    return {'records': kind, 'cipher': ours['cipher'], 'alone': alone,
            'ours': {side: ours[side] for side in SIDES},
            'when': time.strftime('%H:%M:%S')}


def run(path, rounds, wait):
    """Appends the results to a file; they take turns, for several rounds."""
    with open(path, 'a') as out:
        for _ in range(rounds):
            for kind in KINDS:
                wait()
                result = measure(kind)
                out.write(json.dumps(result) + '\n')
                out.flush()
                print('records %-5s %-17s' % (kind, result['cipher']),
                      *('%s %.3f (%.3f)' % (side, result['ours'][side],
                                            result['alone'][side])
                        for side in SIDES), flush=True)
    return 0


def medians(results):
    """Rows (kind, cipher, side, ours, alone), of what is there."""
    out = []
    for kind in KINDS:
        mine = [r for r in results if r['records'] == kind]
        for side in SIDES if mine else ():
            out.append((kind, mine[0]['cipher'], side) + tuple(
                statistics.median(r[of][side] for r in mine)
                for of in ('ours', 'alone')))
    return out


def table(results):
    if not results:
        return
    print('\n**records: CPU seconds for each GiB of one side of a link, %d '
          'KiB writes, beside its cipher alone (openssl speed)**\n' %
          (PIECE // 1024))
    print('| | cipher | records | cipher alone | ratio |')
    print('|---|---|---:|---:|---:|')
    for kind, cipher, side, ours, alone in medians(results):
        print('| %s, %s | %s | %.3f | %.3f | %.2f |' % (
            kind, SIDES[side][1], cipher, ours, alone, ours / alone))


def check(results):
    """Lines of text and whether the goal is reached."""
    good = True
    for kind, cipher, side, ours, alone in medians(results):
        fine = ours <= GOAL * alone
        good = good and fine
        print('%-4s %-15s %-12s %-7s %8.3f, %s alone %.3f: %.2f times, at '
              'most %.2f' % ('ok' if fine else 'FAIL', 'records-' + kind,
                             'conn', side, ours, cipher, alone, ours / alone,
                             GOAL))
    return good


def as_json(results):
    out = {}
    for kind, cipher, side, ours, alone in medians(results):
        out.setdefault(kind, {'cipher': cipher})[side] = {
            'cpu_s': ours, 'alone_cpu_s': alone}
    return out
